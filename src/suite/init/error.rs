//! Why there is no suite.

use std::path::PathBuf;

use super::places::{MAX_DEPTH, NAMES, SKIPPED};
use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::FileError;
use crate::suite::SuiteError;

/// Why there is no suite.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    /// The folder cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is nothing to build.
    #[error("there is no Dockerfile in `{}`", root.display())]
    Nothing {
        /// Where it was looked for.
        root: PathBuf,
        /// What was found but cannot be used.
        warnings: Vec<String>,
    },
    /// There is a manifest already.
    #[error("`{}` is there already", path.display())]
    Exists {
        /// The manifest.
        path: PathBuf,
    },
    /// What was written cannot be read: a bug.
    #[error("the suite that was made up cannot be read")]
    Unreadable(#[source] Box<SuiteError>),
}

impl Diagnose for InitError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File(error) => return error.hint(),
            Self::Nothing { warnings, .. } => {
                let mut hint = format!(
                    "searched {} directories deep for `Dockerfile`, `Containerfile`, `Dockerfile.*`, `*.Dockerfile`, \
                     `Dockerfile-*` and for `build` in {}, `compose.*.yaml` and kin; hidden folders and {} are left out",
                    MAX_DEPTH,
                    NAMES.join(", "),
                    SKIPPED.join(", "),
                );
                for warning in warnings {
                    hint.push_str("; ");
                    hint.push_str(warning);
                }
                hint
            }
            Self::Exists { .. } => "edit it, see another with `--print`, or overwrite it with `--force`".into(),
            Self::Unreadable(_) => "report it with the Dockerfiles, and write the suite by hand".into(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable(_) => Exit::Bug,
            _ => Exit::Unreadable,
        }
    }
}
