//! The plan: which build comes when.
//!
//! In: the number of variants, and what to do with each. Out: the steps in order. A machine drifts while it
//! measures (heat, page cache, neighbours), so the rounds interleave the variants, and the order within a round is
//! chosen so that over time each variant stands at each place equally often, forwards and backwards.

use serde::{Deserialize, Serialize};

use super::shard;
use crate::random::SplitMix64;
use crate::record::{Scenario, ShardPart};

/// What to plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanOptions {
    /// Rounds that count.
    pub rounds: u32,
    /// Whether one more round comes first that does not count.
    pub discard_first: bool,
    /// Scenarios to measure, in any order.
    pub scenarios: Vec<Scenario>,
    /// Those of them that are built in the first two rounds that count, and never by the twin: what an edit reruns and
    /// changes is the same in every round, and two show it.
    #[serde(default)]
    pub brief: Vec<Scenario>,
    /// How often `warm` is built in each turn (at least once).
    pub warm_repeats: u32,
    /// Seed of the order.
    pub seed: u64,
    /// Variant that is measured twice each round, for the A/A check.
    pub twin: Option<usize>,
    /// The part of the plan that is done, where several machines share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardPart>,
}

/// Rounds of a brief scenario.
const BRIEF_ROUNDS: u32 = 2;

impl PlanOptions {
    /// The scenarios of a turn, in their order.
    fn turn(&self, round: u32, twin: bool) -> impl Iterator<Item = Scenario> {
        let counted = round.checked_sub(u32::from(self.discard_first));
        let brief = !twin && counted.is_some_and(|counted| counted < BRIEF_ROUNDS);
        Scenario::ALL
            .into_iter()
            .filter(move |scenario| self.scenarios.contains(scenario) && (brief || !self.brief.contains(scenario)))
    }
}

/// One build of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlannedBuild {
    /// Position in the plan, counted from 0.
    pub index: u32,
    /// Round, counted from 0; round 0 is the discarded one where there is one.
    pub round: u32,
    /// Whether it belongs to the round that does not count.
    pub discarded: bool,
    /// Index of the variant.
    pub variant: usize,
    /// What changes before the build.
    pub scenario: Scenario,
    /// Number of the build within its round, variant and scenario, counted from 0.
    pub repeat: u32,
    /// Whether this is the second measurement of the A/A variant.
    pub twin: bool,
    /// Number of the shard that it is of, where the plan is shared.
    pub shard: Option<u32>,
}

/// The steps in order: one seed, one order. Of a shard only its own, in the same order and with their places in the whole
/// plan; its variants are counted as [`shard::variants`] lists them.
///
/// The variants, and the twin as one more of them, are shuffled once by the seed. Rounds come in pairs: the first
/// goes through them forwards, the second backwards, and each pair starts one place later than the pair before.
/// Within a variant's turn the scenarios stand in the order of [`Scenario::ALL`].
pub(crate) fn plan(variants: usize, options: &PlanOptions) -> Vec<PlannedBuild> {
    plan_beside(&vec![None; variants], options)
}

/// As [`plan`], for variants of which some have a counterpart in another state of the suite: `counterparts` holds its
/// index, which is that of no variant.
///
/// A variant and its counterpart are built next to each other, so that whatever the machine does it does to both.
/// Which of the two goes first alternates from round to round, and within a round from variant to variant.
pub(crate) fn plan_beside(counterparts: &[Option<usize>], options: &PlanOptions) -> Vec<PlannedBuild> {
    let variants = counterparts.len();
    let mut turns: Vec<(usize, bool)> = (0..variants).map(|variant| (variant, false)).collect();
    turns.extend(options.twin.filter(|&twin| twin < variants).map(|twin| (twin, true)));
    shuffle(&mut turns, options.seed);
    let number = options.shard.map(|part| part.index);
    let mut steps = Vec::new();
    for round in 0..options.rounds.saturating_add(u32::from(options.discard_first)) {
        let discarded = options.discard_first && round == 0;
        let mut order = turns.clone();
        if !order.is_empty() {
            let first = (round / 2) as usize % order.len();
            order.rotate_left(first);
        }
        if round % 2 == 1 {
            order.reverse();
        }
        let both = order.into_iter().flat_map(|(variant, twin)| {
            let other = counterparts[variant].filter(|_| !twin);
            let (first, second) = match other {
                Some(other) if (round as usize + variant).is_multiple_of(2) => ((other, false), Some((variant, false))),
                Some(other) => ((variant, false), Some((other, false))),
                None => ((variant, twin), None),
            };
            std::iter::once(first).chain(second)
        });
        for (variant, twin) in both {
            for scenario in options.turn(round, twin) {
                let repeats = if scenario == Scenario::Warm { options.warm_repeats.max(1) } else { 1 };
                for repeat in 0..repeats {
                    let index = u32::try_from(steps.len()).unwrap_or(u32::MAX);
                    steps.push(PlannedBuild {
                        index,
                        round,
                        discarded,
                        variant,
                        scenario,
                        repeat,
                        twin,
                        shard: number,
                    });
                }
            }
        }
    }
    shard::keep(&mut steps, variants, options);
    steps
}

/// The steps of each round.
pub(crate) fn rounds(steps: &[PlannedBuild]) -> impl Iterator<Item = &[PlannedBuild]> {
    steps.chunk_by(|a, b| a.round == b.round)
}

/// The steps of each turn of a round: those of one variant, one after the other.
pub(crate) fn turns(round: &[PlannedBuild]) -> impl Iterator<Item = &[PlannedBuild]> {
    round.chunk_by(|a, b| (a.variant, a.twin) == (b.variant, b.twin))
}

/// Fisher–Yates (Durstenfeld, CACM algorithm 235).
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut generator = SplitMix64(seed);
    for last in (1..items.len()).rev() {
        // The modulo's bias is below 2^-60 for the few variants of a suite.
        let other = (generator.draw() % (last as u64 + 1)) as usize;
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(seed: u64) -> PlanOptions {
        PlanOptions {
            rounds: 7,
            discard_first: true,
            scenarios: vec![Scenario::Deps, Scenario::Cold, Scenario::Warm, Scenario::Src],
            brief: Vec::new(),
            warm_repeats: 3,
            seed,
            twin: Some(1),
            shard: None,
        }
    }

    /// The turns of one round: variant and twin, in order.
    fn turns(steps: &[PlannedBuild], round: u32) -> Vec<(usize, bool)> {
        let mut turns: Vec<_> =
            steps.iter().filter(|step| step.round == round).map(|step| (step.variant, step.twin)).collect();
        turns.dedup();
        turns
    }

    #[test]
    fn one_seed_gives_one_order_and_another_seed_another() {
        assert_eq!(plan(4, &options(7)), plan(4, &options(7)));
        assert!((0..20).any(|seed| plan(4, &options(seed)) != plan(4, &options(7))));
    }

    #[test]
    fn every_round_holds_every_variant_once_and_the_twin_once_more() {
        let steps = plan(4, &options(3));
        assert_eq!(steps.len(), 8 * 5 * 6);
        for round in 0..8 {
            let mut turns = turns(&steps, round);
            turns.sort_unstable();
            assert_eq!(turns, [(0, false), (1, false), (1, true), (2, false), (3, false)]);
        }
        assert!(steps.iter().all(|step| step.discarded == (step.round == 0)));
        assert!(steps.iter().enumerate().all(|(index, step)| step.index as usize == index));
    }

    #[test]
    fn a_turn_takes_the_scenarios_in_their_order_and_repeats_warm() {
        let steps = plan(1, &PlanOptions { twin: None, rounds: 1, discard_first: false, ..options(0) });
        let turn: Vec<_> = steps.iter().map(|step| (step.scenario, step.repeat)).collect();
        assert_eq!(
            turn,
            [
                (Scenario::Cold, 0),
                (Scenario::Warm, 0),
                (Scenario::Warm, 1),
                (Scenario::Warm, 2),
                (Scenario::Src, 0),
                (Scenario::Deps, 0)
            ]
        );
    }

    #[test]
    fn a_brief_scenario_is_built_in_the_first_two_rounds_that_count_and_not_by_the_twin() {
        let steps = plan(3, &PlanOptions { brief: vec![Scenario::Deps], ..options(4) });
        let deps: Vec<_> = steps.iter().filter(|step| step.scenario == Scenario::Deps).collect();
        assert_eq!(deps.len(), 3 * 2);
        assert!(deps.iter().all(|step| [1, 2].contains(&step.round) && !step.twin));
        let others = |steps: &[PlannedBuild]| steps.iter().filter(|step| step.scenario != Scenario::Deps).count();
        assert_eq!(others(&steps), others(&plan(3, &options(4))));
    }

    #[test]
    fn over_a_full_cycle_each_variant_stands_at_each_place_equally_often() {
        let options = PlanOptions { rounds: 8, discard_first: false, twin: None, ..options(11) };
        let steps = plan(4, &options);
        for variant in 0..4 {
            let mut places = [0; 4];
            for round in 0..8 {
                let place = turns(&steps, round).iter().position(|turn| turn.0 == variant).unwrap();
                places[place] += 1;
            }
            assert_eq!(places, [2; 4]);
        }
        // Each pair of rounds is the same order there and back.
        for round in (0..8).step_by(2) {
            let mut back = turns(&steps, round + 1);
            back.reverse();
            assert_eq!(turns(&steps, round), back);
        }
    }

    #[test]
    fn a_variant_and_its_counterpart_are_neighbours_and_take_turns_to_be_first() {
        let counterparts = [Some(4), None, Some(5), Some(6)];
        let steps = plan_beside(&counterparts, &options(5));
        assert_eq!(steps.len(), 8 * (4 + 3 + 1) * 6);
        assert!(steps.iter().enumerate().all(|(index, step)| step.index as usize == index));
        let mut first = [[0; 2]; 4];
        for round in 0..8 {
            let turns = turns(&steps, round);
            let place = |wanted: (usize, bool)| turns.iter().position(|turn| *turn == wanted).unwrap();
            for (variant, other) in counterparts.iter().enumerate() {
                let Some(other) = *other else { continue };
                let (mine, its) = (place((variant, false)), place((other, false)));
                assert_eq!(mine.abs_diff(its), 1, "round {round}: {turns:?}");
                first[variant][usize::from(its < mine)] += 1;
            }
            assert_eq!(turns.iter().filter(|turn| turn.1).count(), 1, "the twin has no counterpart");
        }
        assert_eq!(first, [[4, 4], [0, 0], [4, 4], [4, 4]]);
        assert_eq!(plan_beside(&[None; 4], &options(5)), plan(4, &options(5)));
    }

    #[test]
    fn nothing_to_measure_is_an_empty_plan() {
        assert!(plan(0, &options(1)).is_empty());
        assert!(plan(3, &PlanOptions { scenarios: vec![], ..options(1) }).is_empty());
        assert_eq!(plan(2, &PlanOptions { twin: Some(9), ..options(1) }).len(), 8 * 2 * 6);
    }
}
