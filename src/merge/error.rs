//! Why shards do not make a run.

use crate::error::Diagnose;
use crate::exit::Exit;
use crate::record::{RecordError, ShardPart};
use crate::text::for_people;

/// Why shards do not make a run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    /// The record of a shard cannot be read.
    #[error("cannot read the shard in `{}`", for_people(name))]
    Unreadable {
        /// Its directory.
        name: String,
        /// Why.
        #[source]
        source: RecordError,
    },
    /// It can be read, and contradicts itself.
    #[error("the shard in `{}` is corrupt: {reason}", for_people(name))]
    Corrupt {
        /// Its directory.
        name: String,
        /// In what.
        reason: String,
    },
    /// A record of a run that was not split.
    #[error("`{}` holds a whole run, not a shard of one", for_people(name))]
    Whole {
        /// Its directory.
        name: String,
    },
    /// A record that was merged before.
    #[error("`{}` holds a merged run, not a shard of one", for_people(name))]
    MergedBefore {
        /// Its directory.
        name: String,
    },
    /// Shards of two suites.
    #[error(
        "`{}` is a shard of the suite `{}`, and `{}` of the suite `{}`",
        for_people(name),
        for_people(suite),
        for_people(first),
        for_people(expected)
    )]
    Foreign {
        /// The directory of the one.
        name: String,
        /// Its suite.
        suite: String,
        /// The directory of the first shard.
        first: String,
        /// Its suite.
        expected: String,
    },
    /// Shards of two runs.
    #[error("`{}` and `{}` are not shards of one run: {difference}", for_people(first), for_people(name))]
    OtherRun {
        /// The directory of the first shard.
        first: String,
        /// The directory of the one.
        name: String,
        /// In what they differ.
        difference: String,
        /// What to do.
        hint: &'static str,
    },
    /// The same shard twice.
    #[error("shard {part} is there twice: in `{}` and in `{}`", for_people(first), for_people(second))]
    Duplicate {
        /// Which shard.
        part: ShardPart,
        /// Its directory.
        first: String,
        /// Its other directory.
        second: String,
    },
    /// A shard that did not come to its end.
    #[error("shard {part} in `{}` is not complete: {why}", for_people(name))]
    Unfinished {
        /// Which shard.
        part: ShardPart,
        /// Its directory.
        name: String,
        /// What ended it.
        why: &'static str,
    },
    /// Shards that nobody gave.
    #[error("{} missing", missing(parts))]
    Missing {
        /// Which ones; at least one.
        parts: Vec<ShardPart>,
    },
    /// With all noisy shards left out there is none.
    #[error("all shards are noisy: with `--drop-noisy` no time is left")]
    AllNoisy,
}

/// How many missing shards are listed.
const LISTED: usize = 8;

/// `shard 3/4 is`, `shards 1/4 and 3/4 are`.
fn missing(parts: &[ShardPart]) -> String {
    let more = parts.len().saturating_sub(LISTED);
    let listed: Vec<String> = parts.iter().take(LISTED).map(ToString::to_string).collect();
    match listed.as_slice() {
        [] => "all shards are".to_owned(),
        [one] if more == 0 => format!("shard {one} is"),
        [before @ .., last] if more == 0 => format!("shards {} and {last} are", before.join(", ")),
        all => format!("shards {} and {} are", all.join(", "), crate::units::count(more, "other")),
    }
}

impl Diagnose for MergeError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { source: error @ RecordError::Newer { .. }, .. } => return error.hint(),
            Self::Unreadable { .. } | Self::Corrupt { .. } => {
                "copy its results again, or measure the shard again with `tonnage run --shard I/N`".into()
            }
            Self::Whole { .. } => "measure the parts with `tonnage run --shard I/N`".into(),
            Self::MergedBefore { .. } => "give the shards that it was made of".into(),
            Self::Foreign { .. } => "give only shards of one suite".into(),
            Self::OtherRun { hint, .. } => (*hint).into(),
            Self::Duplicate { .. } => "give each shard once".into(),
            Self::Unfinished { name, .. } => {
                format!("continue it with `tonnage run --resume {}`, or pass `--allow-missing`", for_people(name))
            }
            Self::Missing { parts } => {
                let part = parts.first().map(ToString::to_string).unwrap_or_default();
                format!("measure with `tonnage run --shard {part}`, or pass `--allow-missing`")
            }
            Self::AllNoisy => "leave `--drop-noisy` out, or measure on machines with nothing else to do".into(),
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { .. } | Self::Corrupt { .. } => Exit::Unreadable,
            Self::Whole { .. } | Self::MergedBefore { .. } | Self::Duplicate { .. } => Exit::Usage,
            Self::Foreign { .. } | Self::OtherRun { .. } | Self::Unfinished { .. } | Self::Missing { .. } => {
                Exit::NotComparable
            }
            Self::AllNoisy => Exit::Inconclusive,
        }
    }
}
