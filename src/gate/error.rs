//! What can keep the gate from judging.

use std::path::PathBuf;

use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::FileError;
use crate::record::RecordError;

/// Why nothing could be judged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GateError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The record could not be read.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A baseline or a weighing is not JSON of that kind.
    #[error("failed to read `{}`: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A baseline or a weighing was written by a newer tonnage.
    #[error("`{}` has format {found}, newer than this tonnage reads ({known})", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The version known here.
        known: &'static str,
    },
    /// A baseline was edited by hand, merged or cut off.
    #[error("baseline `{}` was modified after it was written: {problem}", path.display())]
    Altered {
        /// Which file.
        path: PathBuf,
        /// What does not agree.
        problem: String,
    },
    /// Two things that must not be compared.
    #[error("{old} and {new} are not comparable: {reason}")]
    Unlike {
        /// What was given first.
        old: String,
        /// What was given second.
        new: String,
        /// In what they differ.
        reason: String,
    },
    /// There is no record to judge.
    #[error("there is no record below `{}`", path.display())]
    NoRecord {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A variant was named that is not there.
    #[error("{subject} has no variant `{name}`")]
    NoVariant {
        /// Record, baseline or manifest.
        subject: String,
        /// The name.
        name: String,
        /// The names that are there.
        known: Vec<String>,
    },
}

impl Diagnose for GateError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Record(error) => error.hint(),
            Self::Malformed { .. } => {
                Some("give a `run.json`, the output of `tonnage weigh --format json`, or a baseline".into())
            }
            Self::Newer { .. } => Some("update tonnage, or write the file again with this version".into()),
            Self::Altered { .. } => Some("write it again with `tonnage baseline accept RECORD`".into()),
            Self::Unlike { .. } => Some("measure both with the same tonnage, platform and bases".into()),
            Self::NoRecord { .. } => Some("run `tonnage run` first, or name a record".into()),
            Self::NoVariant { known, .. } => Some(format!("there are: {}", known.join(", "))),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Unlike { .. } => Exit::NotComparable,
            Self::NoVariant { .. } => Exit::Usage,
            _ => Exit::Unreadable,
        }
    }
}
