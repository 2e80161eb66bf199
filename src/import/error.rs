//! Why a file of builds could not be read.

use std::path::{Path, PathBuf};

use crate::engine::StatusError;
use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::FileError;
use crate::text::for_people;

/// Most builds of all files: they are compared with each other.
pub(super) const MOST_BUILDS: usize = 10_000;

/// Why a file of builds could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// It could not be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is something else.
    #[error("`{}` is not a build record: {what}", path.display())]
    Other {
        /// Which file.
        path: PathBuf,
        /// What it is, or what is not in it.
        what: String,
    },
    /// It is not whole.
    #[error("failed to read the build record `{}`: {reason}", path.display())]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// What was said of its builds cannot be read.
    #[error("failed to read the build record `{}`", path.display())]
    Status {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: StatusError,
    },
    /// It is unreasonably large.
    #[error("the build record `{}` has more than {most} {what}", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// What there is too much of.
        what: &'static str,
        /// How much is read.
        most: u64,
    },
    /// It is not known which variant of the suite it is a build of.
    #[error("cannot tell which variant of the suite `{}` is a build of: {why}", path.display())]
    NoVariant {
        /// Which file.
        path: PathBuf,
        /// Why not.
        why: String,
        /// Those that there are.
        variants: Vec<String>,
    },
}

impl ImportError {
    pub(super) fn many_builds(path: &Path) -> Self {
        Self::TooLarge { path: path.to_path_buf(), what: "builds", most: MOST_BUILDS as u64 }
    }
}

impl Diagnose for ImportError {
    fn hint(&self) -> Option<String> {
        const EXPORT: &str = "`docker buildx history export -o FILE`, or the output of `--progress=rawjson`";
        Some(match self {
            Self::File(error) => return error.hint(),
            Self::Other { .. } => format!("give a file of {EXPORT}"),
            Self::Corrupt { .. } | Self::Status { .. } => format!("write it again: {EXPORT}"),
            Self::TooLarge { .. } => "export fewer builds into one file".to_owned(),
            Self::NoVariant { variants, .. } => {
                let names: Vec<String> = variants.iter().map(|name| format!("`{}`", for_people(name))).collect();
                format!(
                    "say it with `--variant NAME` (one of {}), or import without a suite: `--no-suite`",
                    names.join(", ")
                )
            }
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::NoVariant { .. } => Exit::Usage,
            _ => Exit::Unreadable,
        }
    }
}
