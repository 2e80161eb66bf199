//! Why a context could not be packed.

use std::path::PathBuf;

use dockerignore::{PatternError, Reason};

use crate::error::Diagnose;
use crate::fsx::FileError;
use crate::units::Bytes;

/// Why a context could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The ignore file cannot be understood.
    #[error("failed to read `{}`", path.display())]
    Ignore {
        /// The ignore file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: PatternError,
    },
    /// The files are too many bytes.
    #[error("the context `{}` is larger than {}", root.display(), Bytes(*limit))]
    TooLarge {
        /// The context.
        root: PathBuf,
        /// The limit in bytes.
        limit: u64,
        /// The largest entry directly below the root, for the hint.
        largest: String,
    },
    /// There are too many files.
    #[error("the context `{}` has more than {limit} files and directories", root.display())]
    TooMany {
        /// The context.
        root: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// A name is not UTF-8.
    #[error("the name `{}` is not UTF-8", crate::text::for_people(path))]
    Name {
        /// The path, bytes that are not UTF-8 as `\xNN`.
        path: String,
    },
    /// An edit names a file that is not in the context.
    #[error("`{path}` is not a file in the context `{}`", root.display())]
    NoSuchFile {
        /// The file.
        path: String,
        /// The context.
        root: PathBuf,
    },
    /// An entry does not fit a tar.
    #[error("failed to pack `{path}`")]
    Pack {
        /// The entry.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Diagnose for ContextError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File(error) => return error.hint(),
            Self::Ignore { source, .. } => match source.reason {
                Reason::TooComplex | Reason::TooLong | Reason::TooMuchText | Reason::TooManyPatterns => {
                    "name whole directories instead of single files".into()
                }
                _ => "the engine refuses it too; close `[`, and write `\\\\` for a backslash".into(),
            },
            Self::TooLarge { largest, .. } => {
                format!("name what the build does not need in `.dockerignore`; most of it is in `{largest}`")
            }
            Self::TooMany { .. } => "name what the build does not need in `.dockerignore`, such as `.git`".into(),
            Self::Name { .. } => "rename the file, or add its directory to `.dockerignore`".into(),
            Self::NoSuchFile { .. } => {
                "check `src` and `deps` in the suite, and that `.dockerignore` does not exclude the file".into()
            }
            Self::Pack { .. } => "rename the file, or name it in `.dockerignore`".into(),
        })
    }
}
