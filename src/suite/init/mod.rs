//! A first suite for a repository: which Dockerfiles there are, how they are built, and the manifest that says so.
//!
//! In: a folder. Out: a [`Survey`] of what was found and guessed, and from it the text of a `tonnage.toml` that
//! [`Suite::load_allowing`](super::Suite::load_allowing) accepts. Nothing is written here.

mod compose;
mod guess;
mod ignore;
mod interpolate;
mod survey;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::FileError;

use super::SuiteError;

/// What a repository holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Variants, sorted by name.
    pub variants: Vec<Found>,
    /// What was found but cannot be used, one line each.
    pub warnings: Vec<String>,
}

/// A variant as it was found and guessed. Paths are relative to the folder that was surveyed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Its name, fit for a manifest.
    pub name: String,
    /// What tells it from another of its name: the folder of the compose file that names it; else empty.
    pub place: String,
    /// The services that a compose file builds in this way.
    pub services: Vec<String>,
    /// Its Dockerfile.
    pub dockerfile: PathBuf,
    /// Its build context; `.` for the folder itself.
    pub context: PathBuf,
    /// Stage to stop at.
    pub target: Option<String>,
    /// Platform.
    pub platform: Option<String>,
    /// Network of its build.
    pub network: Option<String>,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// A file of the application, from the context's root.
    pub src: Option<PathBuf>,
    /// The file that lists what the application depends on, from the context's root.
    pub deps: Option<PathBuf>,
    /// Ports that it listens on: of its HEALTHCHECK, its EXPOSE, and its service in a compose file.
    pub ports: Vec<u16>,
    /// The path that its HEALTHCHECK asks for.
    pub health: Option<String>,
    /// The command of the service's own health check, which counts instead of the Dockerfile's; empty where the
    /// service has it off.
    pub check: Option<String>,
    /// The environment of the service, as far as the compose file says it.
    pub environment: BTreeMap<String, String>,
    /// Names of the image that compose makes of it.
    pub images: Vec<String>,
}

/// Why there is no suite.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
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
                    "looked {} folders deep for `Dockerfile`, `Containerfile`, `Dockerfile.*`, `*.Dockerfile`, \
                     `Dockerfile-*` and for `build` in {}, `compose.*.yaml` and kin; hidden folders and {} are left out",
                    survey::MAX_DEPTH,
                    compose::NAMES.join(", "),
                    survey::SKIPPED.join(", "),
                );
                for warning in warnings {
                    hint.push_str("; ");
                    hint.push_str(warning);
                }
                hint
            }
            Self::Exists { .. } => "edit it, see another with `--print`, or overwrite it with `--force`".into(),
            Self::Unreadable(_) => "report it with the folder's Dockerfiles; write the suite by hand meanwhile".into(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable(_) => Exit::Bug,
            _ => Exit::Unreadable,
        }
    }
}

#[cfg(feature = "testing")]
pub(crate) use compose::survey_of as read_compose;
pub use ignore::to_ignore;
pub use survey::survey;
pub use write::manifest;

#[cfg(test)]
mod tests;
