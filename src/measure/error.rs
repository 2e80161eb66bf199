//! Why a run could not go on at all.

use std::path::PathBuf;

use super::journal::{JournalError, Mark};
use super::ledger::LedgerError;
use crate::context::ContextError;
use crate::engine::EngineError;
use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::FileError;
use crate::image::NotInPlace;
use crate::record::RecordError;
use crate::suite::SuiteError;

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
    Ledger(#[from] LedgerError),
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
    /// A file of CA certificates is something else.
    #[error("`{}` is not a file of PEM certificates: {problem}", path.display())]
    NoCertificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, without its text.
        problem: &'static str,
    },
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
    /// Something needs images by name, which a builder alone does not keep.
    #[error("{0} need images by name, which only an engine keeps")]
    NeedsEngine(&'static str),
    /// A name given with `--only` does not name a variant.
    #[error("the suite has no variant `{0}`")]
    NoSuchVariant(String),
    /// The suite.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// The run to resume measured something else.
    #[error("the run in `{}` cannot be resumed: {reason}", dir.display())]
    CannotResume {
        /// Which folder.
        dir: PathBuf,
        /// What differs.
        reason: String,
    },
    /// The run to resume is measured against another state, or against none.
    #[error("the run in `{}` is measured against {}, not {}", dir.display(), named(earlier.as_deref()), named(now.as_deref()))]
    AgainstOther {
        /// Which folder.
        dir: PathBuf,
        /// The state of the run.
        earlier: Option<Box<Mark>>,
        /// The state asked for now.
        now: Option<Box<Mark>>,
    },
    /// The other state of the suite has no such set of bases.
    #[error("the suite at `{reference}` has no set of bases `{name}`")]
    NoSuchBasesThere {
        /// The other state, as it was asked for.
        reference: String,
        /// The set.
        name: String,
    },
}

/// A state as a message names it.
fn named(mark: Option<&Mark>) -> String {
    match mark {
        None => "nothing".to_owned(),
        Some(mark) if mark.commit.is_empty() => format!("`{}`", mark.reference),
        Some(mark) => format!("`{}` ({})", mark.reference, mark.commit.get(..10).unwrap_or(&mark.commit)),
    }
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
            Self::NoCertificates { .. } => {
                Some("give CA certificates in PEM; `openssl x509 -inform der -in FILE` converts one from DER".into())
            }
            Self::NotInContext { .. } => {
                Some("`src` and `deps` must be paths in the context that .dockerignore does not exclude".into())
            }
            Self::NeedsEngine(_) => {
                Some("leave them out, or use a builder of the engine's: `--builder buildkit`".into())
            }
            Self::NoSuchVariant(_) => Some("the names are those in tonnage.toml".into()),
            Self::Suite(error) => error.hint(),
            Self::CannotResume { .. } => Some("start a new run in another directory".into()),
            Self::AgainstOther { earlier: None, .. } => Some("resume it without `--against`".into()),
            Self::AgainstOther { earlier: Some(mark), now, .. } => {
                let state = if mark.commit.is_empty() { &mark.reference } else { &mark.commit };
                let same = now.as_ref().is_some_and(|now| now.commit == mark.commit && now.reference == mark.reference);
                Some(if same {
                    format!("`{state}` has changed since: start a new run in another directory")
                } else {
                    format!("resume with `--against {state}`, or start a new run in another directory")
                })
            }
            Self::NoSuchBasesThere { .. } => {
                Some("choose a set that both states have, or measure without `--against` this once".into())
            }
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
            Self::Suite(error) => error.exit(),
            Self::NoSuchVariant(_) | Self::NeedsEngine(_) => Exit::Usage,
            Self::NoSuchBasesThere { .. } => Exit::NotComparable,
            Self::NotInContext { .. }
            | Self::NoCertificates { .. }
            | Self::CannotResume { .. }
            | Self::AgainstOther { .. } => Exit::Unreadable,
        }
    }
}
