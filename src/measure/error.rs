//! Why a run could not go on at all.

use std::path::PathBuf;

use super::journal::JournalError;
use super::ledger::LedgerError;
use super::way::NotInPlace;
use crate::context::ContextError;
use crate::engine::EngineError;
use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::FileError;
use crate::record::RecordError;

/// Why a run could not go on at all.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The ledger.
    #[error(transparent)]
    Ledger(LedgerError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The record.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A build context.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// An archive could not be made.
    #[error("failed to pack a build context")]
    Tar(#[source] std::io::Error),
    /// A file to edit is not in the context.
    #[error("variant `{variant}`: `{path}` is not in the build context")]
    NotInContext {
        /// Which variant.
        variant: String,
        /// Which file.
        path: String,
    },
    /// Images are to be weighed in place, and cannot be.
    #[error(transparent)]
    NotInPlace(#[from] NotInPlace),
    /// A name given with `--only` is no variant.
    #[error("the suite has no variant `{0}`")]
    NoSuchVariant(String),
    /// The suite has no such set of bases.
    #[error("the suite has no set of bases `{0}`")]
    NoSuchBases(String),
    /// The run to resume measured something else.
    #[error("the run in `{}` cannot be resumed: {reason}", dir.display())]
    CannotResume {
        /// Which folder.
        dir: PathBuf,
        /// What differs.
        reason: String,
    },
}

impl Diagnose for MeasureError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Journal(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
            Self::File(error) => error.hint(),
            Self::Record(error) => error.hint(),
            Self::Context(error) => error.hint(),
            Self::NotInPlace(error) => error.hint(),
            Self::Tar(_) => None,
            Self::NotInContext { .. } => {
                Some("`src` and `deps` are paths from the context's folder, not excluded by .dockerignore".into())
            }
            Self::NoSuchVariant(_) => Some("the names are those in tonnage.toml".into()),
            Self::NoSuchBases(_) => Some("sets of bases are the `[bases.NAME]` tables of tonnage.toml".into()),
            Self::CannotResume { .. } => Some("start a new run in another folder".into()),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit(),
            Self::Journal(error) => error.exit(),
            Self::Ledger(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Record(error) => error.exit(),
            Self::Context(error) => error.exit(),
            Self::NotInPlace(error) => error.exit(),
            Self::Tar(_) => Exit::Bug,
            Self::NoSuchVariant(_) | Self::NoSuchBases(_) => Exit::Usage,
            Self::NotInContext { .. } | Self::CannotResume { .. } => Exit::Unreadable,
        }
    }
}
