//! Parts of a run that several machines share.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Noise;

/// Most shards of one run.
pub(crate) const MOST_SHARDS: u32 = 1000;

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

impl ShardPart {
    /// Whether there can be such a part.
    pub(crate) fn is_one(self) -> bool {
        self.of <= MOST_SHARDS && (1..=self.of).contains(&self.index)
    }

    /// The parts that are missing beside these of one run. A record may claim any number of parts; no more than a run can
    /// have are listed.
    pub(crate) fn absent(there: &[Self]) -> Vec<Self> {
        let indexes: BTreeSet<u32> = there.iter().map(|part| part.index).collect();
        let all = there.first().into_iter().flat_map(|part| {
            let (of, by) = (part.of, part.by);
            (1..=of.min(MOST_SHARDS)).map(move |index| Self { index, of, by })
        });
        all.filter(|part| !indexes.contains(&part.index)).collect()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: u32, of: u32) -> ShardPart {
        ShardPart { index, of, by: ShardBy::Rounds }
    }

    #[test]
    fn the_parts_that_are_missing_are_named_and_no_more_than_a_run_can_have() {
        assert_eq!(ShardPart::absent(&[part(3, 4), part(1, 4)]), [part(2, 4), part(4, 4)]);
        assert_eq!(ShardPart::absent(&[part(1, 1)]), []);
        assert_eq!(ShardPart::absent(&[]), []);
        assert_eq!(ShardPart::absent(&[part(1, u32::MAX)]).len(), MOST_SHARDS as usize - 1);
    }

    #[test]
    fn a_part_has_a_number_among_those_of_its_run() {
        assert!(part(1, 1).is_one() && part(1000, MOST_SHARDS).is_one());
        for none in [part(0, 1), part(2, 1), part(0, 0), part(1, MOST_SHARDS + 1)] {
            assert!(!none.is_one(), "{none}");
        }
    }
}
