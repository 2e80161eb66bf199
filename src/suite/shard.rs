//! The shards of a plan: several machines plan the same run, and each takes its part.
//!
//! A part is a block of neighbouring rounds, which keeps pairs of rounds that go there and back together, or of
//! neighbouring variants. The round that does not count is of every shard, and so is the first variant where times are
//! measured: ratios are pairs within one machine, and the first variant is what the others are compared with.

use sha2::{Digest as _, Sha256};

use super::SuiteError;
use super::model::SuiteVariant;
use super::plan::{PlanOptions, PlannedBuild};
use crate::record::{Scenario, ShardBy, ShardPart};
use crate::units::count;

impl PlanOptions {
    /// Whether build times are measured, or each variant is only built once.
    fn is_timed(&self) -> bool {
        self.discard_first || self.scenarios != [Scenario::Cold]
    }

    /// How many variants every shard measures, where variants are split.
    fn anchors(&self) -> usize {
        usize::from(self.is_timed())
    }
}

/// Which of so many variants a plan builds, in order: all of them unless it is a shard of some.
pub(crate) fn variants(count: usize, options: &PlanOptions) -> Vec<usize> {
    let all = 0..count;
    let Some(part) = options.shard.filter(|part| part.by == ShardBy::Variants) else { return all.collect() };
    let anchors = options.anchors().min(count);
    let own = share(count - anchors, part);
    all.filter(|&variant| variant < anchors || own.contains(&(variant - anchors))).collect()
}

/// Takes out of the steps of a whole plan those that are of other shards.
pub(super) fn keep(steps: &mut Vec<PlannedBuild>, count: usize, options: &PlanOptions) {
    let Some(part) = options.shard else { return };
    match part.by {
        ShardBy::Rounds => {
            let own = share(options.rounds as usize, part);
            let counted = |round: u32| (round - u32::from(options.discard_first)) as usize;
            steps.retain(|step| step.discarded || own.contains(&counted(step.round)));
        }
        ShardBy::Variants => {
            let own = variants(count, options);
            steps.retain_mut(|step| {
                let place = own.iter().position(|variant| *variant == step.variant);
                step.variant = place.unwrap_or(step.variant);
                place.is_some()
            });
        }
    }
}

/// That every shard of a plan for so many variants has something to measure.
pub(crate) fn check_shards(variants: usize, options: &PlanOptions) -> Result<(), SuiteError> {
    let Some(part) = options.shard else { return Ok(()) };
    let anchors = options.anchors();
    let (number, there) = match part.by {
        ShardBy::Rounds => (options.rounds as usize, count(options.rounds, "round")),
        ShardBy::Variants if anchors == 0 => (variants, count(variants, "variant")),
        ShardBy::Variants => {
            let others = variants.saturating_sub(anchors);
            (others, format!("{} besides the first, which every shard measures,", count(others, "variant")))
        }
    };
    if (part.of as usize) <= number { Ok(()) } else { Err(SuiteError::TooManyShards { part, there }) }
}

/// `sha256:` over what decides about the plan of a whole run, which is the same for all of its shards.
pub(crate) fn plan_digest<'v>(variants: impl IntoIterator<Item = &'v SuiteVariant>, options: &PlanOptions) -> String {
    let names: Vec<&str> = variants.into_iter().map(|variant| variant.name.as_str()).collect();
    let whole = PlanOptions { shard: options.shard.map(|part| ShardPart { index: 0, ..part }), ..options.clone() };
    // Neither names nor numbers can fail to be written.
    let text = serde_json::to_vec(&(names, whole)).unwrap_or_default();
    format!("sha256:{}", hex::encode(Sha256::digest(&text)))
}

/// The places of a part among so many things.
fn share(things: usize, part: ShardPart) -> std::ops::Range<usize> {
    let (index, of) = (part.index as usize, (part.of as usize).max(1));
    index.saturating_sub(1) * things / of..index * things / of
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::plan::plan;
    use super::*;

    fn options(by: ShardBy, index: u32, of: u32) -> PlanOptions {
        PlanOptions {
            rounds: 7,
            discard_first: true,
            scenarios: vec![Scenario::Cold, Scenario::Warm, Scenario::Src],
            brief: Vec::new(),
            warm_repeats: 3,
            seed: 7,
            twin: Some(0),
            shard: Some(ShardPart { index, of, by }),
        }
    }

    fn whole(options: &PlanOptions) -> PlanOptions {
        PlanOptions { shard: None, ..options.clone() }
    }

    #[test]
    fn rounds_are_split_and_each_shard_warms_up_and_has_a_twin() {
        let all = plan(4, &whole(&options(ShardBy::Rounds, 1, 3)));
        let mut counted = Vec::new();
        for index in 1..=3 {
            let own = plan(4, &options(ShardBy::Rounds, index, 3));
            let of_whole = |step: &&PlannedBuild| PlannedBuild { shard: None, ..**step } == all[step.index as usize];
            assert!(own.iter().all(|step| of_whole(&step) && step.shard == Some(index)));
            let discarded = own.iter().filter(|step| step.discarded).count();
            assert_eq!(discarded, all.iter().filter(|step| step.discarded).count(), "its own warm-up");
            let rounds: BTreeSet<u32> = own.iter().filter(|step| !step.discarded).map(|step| step.round).collect();
            for round in &rounds {
                let of_round = own.iter().filter(|step| step.round == *round);
                assert_eq!(of_round.clone().filter(|step| step.twin).count(), 5, "its own twin");
                assert_eq!(of_round.map(|step| step.variant).collect::<BTreeSet<_>>(), (0..4).collect());
            }
            counted.extend(rounds);
        }
        assert_eq!(counted, (1..=7).collect::<Vec<_>>(), "each round once");
    }

    #[test]
    fn variants_are_split_and_the_first_is_of_every_shard_where_times_are_measured() {
        let of = |index| variants(6, &options(ShardBy::Variants, index, 2));
        assert_eq!((of(1), of(2)), (vec![0, 1, 2], vec![0, 3, 4, 5]));
        let sizes = |index| {
            let once = PlanOptions {
                discard_first: false,
                rounds: 1,
                scenarios: vec![Scenario::Cold],
                twin: None,
                ..options(ShardBy::Variants, index, 2)
            };
            (variants(6, &once), plan(6, &once))
        };
        assert_eq!((sizes(1).0, sizes(2).0), (vec![0, 1, 2], vec![3, 4, 5]));
        let mut built = sizes(2).1.iter().map(|step| step.variant).collect::<Vec<_>>();
        built.sort_unstable();
        assert_eq!(built, [0, 1, 2], "counted within the shard");

        let own = plan(6, &options(ShardBy::Variants, 2, 2));
        let all = plan(6, &whole(&options(ShardBy::Variants, 2, 2)));
        assert!(own.iter().all(|step| all[step.index as usize].variant == of(2)[step.variant]));
        assert!(own.iter().any(|step| step.twin) && own.iter().map(|step| step.round).max() == Some(7));
    }

    #[test]
    fn more_shards_than_there_is_to_measure_are_refused() {
        assert!(check_shards(4, &options(ShardBy::Rounds, 1, 7)).is_ok());
        let refused = |by, of| check_shards(4, &options(by, 1, of)).unwrap_err().to_string();
        assert_eq!(refused(ShardBy::Rounds, 8), "7 rounds cannot be split into 8 shards");
        assert!(check_shards(4, &options(ShardBy::Variants, 1, 3)).is_ok());
        assert_eq!(
            refused(ShardBy::Variants, 4),
            "3 variants besides the first, which every shard measures, cannot be split into 4 shards"
        );
    }

    #[test]
    fn shards_of_one_run_have_one_digest_and_others_another() {
        let of = |options: &PlanOptions| plan_digest([], options);
        let first = options(ShardBy::Rounds, 1, 3);
        assert_eq!(of(&first), of(&options(ShardBy::Rounds, 3, 3)));
        for other in [
            options(ShardBy::Rounds, 1, 4),
            options(ShardBy::Variants, 1, 3),
            PlanOptions { seed: 8, ..first.clone() },
            PlanOptions { twin: None, ..first.clone() },
        ] {
            assert_ne!(of(&first), of(&other));
        }
    }
}
