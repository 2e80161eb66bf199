//! Parts of a run that several machines share.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Noise;

/// What is split among the shards of a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString, strum::VariantNames,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ShardBy {
    /// Each shard measures every variant in rounds of its own.
    Rounds,
    /// Each shard measures variants of its own, and where times are measured the first one too.
    Variants,
}

/// One part of a run: `2/4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ShardPart {
    /// Its number, counted from 1.
    pub index: u32,
    /// How many there are.
    pub of: u32,
    /// What is split.
    pub by: ShardBy,
}

/// The parts of a run that are not among these.
pub(crate) fn absent_parts(there: &[ShardPart]) -> Vec<ShardPart> {
    let known: BTreeSet<u32> = there.iter().map(|part| part.index).collect();
    let all = there.first().into_iter().flat_map(|one| (1..=one.of).map(|index| ShardPart { index, ..*one }));
    all.filter(|part| !known.contains(&part.index)).collect()
}

impl fmt::Display for ShardPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

/// A part of a run that one machine measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Shard {
    /// Which part.
    #[serde(flatten)]
    pub part: ShardPart,
    /// `sha256:` over the plan of the whole run: the same for all of its shards.
    pub plan: String,
    /// Fingerprint of the machine ([`Environment::fingerprint`](super::Environment::fingerprint)): shards of equal
    /// machines have the same.
    pub host: String,
    /// The A/A check for which its samples were left out of the statistics; absent where they count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Noise>,
}
