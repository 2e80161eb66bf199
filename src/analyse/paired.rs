//! Two series of builds against each other: the ratio of their times, and the A/A check.

use std::collections::BTreeMap;

use serde::Serialize;

use super::statistics::{self, Alternative, Interval, PointEstimate};
use super::timing::count;
use super::{ENOUGH_ROUNDS, LEVEL};
use crate::record::{Noise, Record, Sample, Scenario};
use crate::units::Nanos;

/// Verdict of the A/A check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum NoiseVerdict {
    /// The interval contains 1.
    Quiet,
    /// It does not.
    Noisy,
    /// There are too few pairs for an interval.
    Unknown,
}

impl Noise {
    /// Whether timings of the run can be trusted.
    pub(crate) fn verdict(&self) -> NoiseVerdict {
        if self.pairs < ENOUGH_ROUNDS {
            NoiseVerdict::Unknown
        } else if self.low <= 1.0 && 1.0 <= self.high {
            NoiseVerdict::Quiet
        } else {
            NoiseVerdict::Noisy
        }
    }
}

/// Level of the A/A interval at 5 pairs, where 95 % cannot be reached: the whole range of five has 93.75 %.
const LEVEL_OF_FIVE: f64 = 0.9375;

/// Chance of a false alarm and power that [`RatioEstimate::minimum_detectable`] is stated for.
const ALPHA: f64 = 0.05;
const POWER: f64 = 0.8;

/// How much longer the second of two series of builds takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RatioEstimate {
    /// Hodges–Lehmann estimate of second ÷ first.
    pub ratio: f64,
    /// Interval of the ratio; `None` with too few pairs for 95 %.
    pub interval: Option<Interval>,
    /// Pairs of rounds; for unpaired series the rounds of the shorter one.
    pub pairs: u32,
    /// Median of the first series.
    pub first: Nanos,
    /// Median of the second series.
    pub second: Nanos,
    /// One-sided p-value against "not slower": small where the second takes longer.
    pub p_slower: f64,
    /// One-sided p-value against "not faster": small where the second takes less.
    pub p_faster: f64,
    /// The smallest ratio that this comparison finds with 80 % power at 5 %; `None` with too few pairs.
    pub minimum_detectable: Option<f64>,
    /// Whether any of the builds made a layer: not all that can come from cache did.
    pub made_layers: bool,
}

impl RatioEstimate {
    /// Whether the interval leaves 1 out; `false` where there is no interval, and where builds that made layers are
    /// less apart than the engine's step ([`record::EngineFacts::layer_step_ns`](crate::record::EngineFacts::layer_step_ns)).
    pub(crate) fn differs(&self, layer_step: Nanos) -> bool {
        self.interval.is_some_and(|interval| !interval.contains(1.0))
            && self.first.0.abs_diff(self.second.0) >= self.step(layer_step).0
    }

    /// The difference below which nothing can be told: the engine's step where layers were made, else zero.
    pub(crate) fn step(&self, layer_step: Nanos) -> Nanos {
        if self.made_layers { layer_step } else { Nanos::ZERO }
    }
}

/// The ratio of two series whose rounds were measured side by side (interleaved in one run, or base and head in one
/// job): round by round and scenario by scenario, each the median of its valid repeats. Pairs are made within one machine;
/// those of several are pooled, whatever the machines' speeds. Samples that are invalid or
/// of the discarded round are left out; the caller chooses variant, scenario and twin. `None` without a pair.
pub(crate) fn paired_ratio<'a>(
    first: impl IntoIterator<Item = &'a Sample>,
    second: impl IntoIterator<Item = &'a Sample>,
) -> Option<RatioEstimate> {
    paired_at(first, second, LEVEL)
}

fn paired_at<'a>(
    first: impl IntoIterator<Item = &'a Sample>,
    second: impl IntoIterator<Item = &'a Sample>,
    level: f64,
) -> Option<RatioEstimate> {
    let ((first, first_made), (second, second_made)) = (rounds(first), rounds(second));
    let pairs: Vec<(f64, f64)> = first.iter().filter_map(|(key, a)| Some((*a, *second.get(key)?))).collect();
    let logs: Vec<f64> = pairs.iter().map(|(a, b)| (b / a).ln()).collect();
    let estimate = statistics::hodges_lehmann(&logs, level)?;
    let spread = statistics::spread(&logs)?;
    let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    build(
        &a,
        &b,
        estimate,
        logs.len(),
        (
            statistics::signed_rank_p(&logs, Alternative::Greater)?,
            statistics::signed_rank_p(&logs, Alternative::Less)?,
            statistics::minimum_detectable_effect(spread, logs.len(), ALPHA, POWER),
        ),
        first_made || second_made,
    )
}

/// The ratio of two series that share no rounds, such as two runs on one quiet machine: Hodges–Lehmann shift of the
/// logarithms and the Mann–Whitney test. It cannot tell a change of the machine from a change of the image.
pub(crate) fn unpaired_ratio<'a>(
    first: impl IntoIterator<Item = &'a Sample>,
    second: impl IntoIterator<Item = &'a Sample>,
) -> Option<RatioEstimate> {
    let ((first, first_made), (second, second_made)) = (rounds(first), rounds(second));
    let a: Vec<f64> = first.into_values().collect();
    let b: Vec<f64> = second.into_values().collect();
    let logs = |values: &[f64]| values.iter().map(|value| value.ln()).collect::<Vec<f64>>();
    let (log_a, log_b) = (logs(&a), logs(&b));
    let estimate = statistics::hodges_lehmann_shift(&log_a, &log_b, LEVEL)?;
    let spread = statistics::spread(&log_a)?.hypot(statistics::spread(&log_b)?);
    let n = a.len().min(b.len());
    build(
        &a,
        &b,
        estimate,
        n,
        (
            statistics::rank_sum_p(&log_a, &log_b, Alternative::Greater)?,
            statistics::rank_sum_p(&log_a, &log_b, Alternative::Less)?,
            statistics::minimum_detectable_effect(spread, n, ALPHA, POWER),
        ),
        first_made || second_made,
    )
}

fn build(
    first: &[f64],
    second: &[f64],
    estimate: PointEstimate,
    pairs: usize,
    (p_slower, p_faster, minimum_detectable): (f64, f64, Option<f64>),
    made_layers: bool,
) -> Option<RatioEstimate> {
    let time = |values: &[f64]| statistics::median(values).map(|median| Nanos(median.round() as u64));
    Some(RatioEstimate {
        ratio: estimate.value.exp(),
        interval: estimate.interval.map(|at| Interval { low: at.low.exp(), high: at.high.exp(), level: at.level }),
        pairs: count(pairs),
        first: time(first)?,
        second: time(second)?,
        p_slower,
        p_faster,
        minimum_detectable,
        made_layers,
    })
}

/// Scenario, shard, and round: builds of which these are the same were measured side by side.
type Occasion = (Scenario, Option<u32>, u32);

/// One value a place: the median of the valid repeats. A wall time of zero has no logarithm and is left
/// out. With it, whether any of the builds made a layer.
fn rounds<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> (BTreeMap<Occasion, f64>, bool) {
    let mut groups: BTreeMap<Occasion, Vec<f64>> = BTreeMap::new();
    let mut made_layers = false;
    for sample in samples.into_iter().filter(|sample| sample.valid && !sample.discarded && sample.wall_ns.0 > 0) {
        groups.entry((sample.scenario, sample.shard, sample.round)).or_default().push(sample.wall_ns.0 as f64);
        made_layers |= sample.cached < sample.cacheable;
    }
    (groups.into_iter().filter_map(|(key, walls)| Some((key, statistics::median(&walls)?))).collect(), made_layers)
}

/// The A/A check: one variant measured twice in each round must come out alike, so the interval of the ratio of the
/// second measurement to the first must contain 1. `None` where the run measured nothing twice.
///
/// With exactly 5 pairs the interval is their whole range, at 93.75 %; with fewer the verdict is [`NoiseVerdict::Unknown`] and the
/// interval that range all the same.
pub(crate) fn noise(record: &Record) -> Option<Noise> {
    noise_of(|| record.samples.iter())
}

/// The same of some samples.
pub(super) fn noise_of<'a, S: Iterator<Item = &'a Sample>>(samples: impl Fn() -> S) -> Option<Noise> {
    let variant = &samples().find(|sample| sample.twin)?.variant;
    let of = |twin: bool| samples().filter(move |sample| sample.variant == *variant && sample.twin == twin);
    // Only what was measured twice is compared: `paired_at` drops rounds and scenarios without a twin.
    let estimate = paired_at(of(false), of(true), LEVEL)?;
    let estimate = if estimate.interval.is_none() && estimate.pairs == ENOUGH_ROUNDS {
        paired_at(of(false), of(true), LEVEL_OF_FIVE)?
    } else {
        estimate
    };
    Some(Noise {
        variant: variant.clone(),
        ratio: estimate.ratio,
        low: estimate.interval.map_or(estimate.ratio, |interval| interval.low),
        high: estimate.interval.map_or(estimate.ratio, |interval| interval.high),
        pairs: estimate.pairs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::{self, NAMES};
    use crate::units::Nanos;

    fn of(record: &Record, variant: &str, scenario: Scenario) -> Vec<Sample> {
        let own = |sample: &&Sample| sample.variant == variant && sample.scenario == scenario && !sample.twin;
        record.samples.iter().filter(own).cloned().collect()
    }

    #[test]
    fn a_series_against_itself_times_a_factor_has_that_ratio() {
        let first = of(&fixture::record(), NAMES[2], Scenario::Cold);
        let second: Vec<Sample> = first
            .iter()
            .map(|sample| Sample { wall_ns: Nanos(sample.wall_ns.0 * 13 / 10), ..sample.clone() })
            .collect();
        let found = paired_ratio(&first, &second).unwrap();
        assert!((found.ratio - 1.3).abs() < 1e-6, "{found:?}");
        assert_eq!(found.pairs, 7);
        assert!(found.differs(Nanos::ZERO));
        assert!((found.p_slower - 1.0 / 128.0).abs() < 1e-12 && found.p_faster > 0.99);
        let back = paired_ratio(&second, &first).unwrap();
        assert!((back.ratio * found.ratio - 1.0).abs() < 1e-9 && back.p_faster < 0.01);
        let unpaired = unpaired_ratio(&first, &second).unwrap();
        assert!((unpaired.ratio - 1.3).abs() < 0.02 && unpaired.p_slower < 0.001, "{unpaired:?}");
    }

    #[test]
    fn variants_of_one_run_are_compared_round_by_round() {
        let record = fixture::record();
        let found =
            paired_ratio(&of(&record, NAMES[1], Scenario::Cold), &of(&record, NAMES[3], Scenario::Cold)).unwrap();
        // 7.32 s of pip and less against 5.48 s of pip and less, within 2 % of noise each.
        assert!(found.ratio > 1.25 && found.ratio < 1.42 && found.differs(Nanos::ZERO), "{found:?}");
        assert!(found.minimum_detectable.is_some_and(|ratio| ratio > 1.0 && ratio < 1.1));
    }

    #[test]
    fn less_than_the_engines_step_is_no_difference_where_layers_were_made() {
        let first = of(&fixture::record(), NAMES[2], Scenario::Cold);
        let later = |by: u64, cached: bool| -> Vec<Sample> {
            let longer = first.iter().map(|sample| Sample { wall_ns: Nanos(sample.wall_ns.0 + by), ..sample.clone() });
            longer.map(|sample| if cached { all_cached(&sample) } else { sample }).collect()
        };
        let step = Nanos(1_000_000_000);
        let estimate = |by| paired_ratio(&first, &later(by, false)).unwrap();
        assert!(estimate(900_000_000).differs(Nanos::ZERO) && !estimate(900_000_000).differs(step));
        assert!(estimate(1_000_000_000).differs(step));
        let cached: Vec<Sample> = first.iter().map(all_cached).collect();
        let estimate = paired_ratio(&cached, &later(900_000_000, true)).unwrap();
        assert!(estimate.differs(step), "without layers the step is none: {estimate:?}");
        assert!(paired_ratio(&cached, &later(900_000_000, false)).unwrap().made_layers, "one side is enough");
    }

    fn all_cached(sample: &Sample) -> Sample {
        Sample { cached: sample.cacheable, ..sample.clone() }
    }

    #[test]
    fn nothing_is_inferred_from_few_pairs() {
        let record = fixture::record();
        let few: Vec<Sample> =
            of(&record, NAMES[0], Scenario::Cold).into_iter().filter(|sample| sample.round <= 3).collect();
        let found = paired_ratio(&few, &few).unwrap();
        assert_eq!((found.pairs, found.interval, found.minimum_detectable), (3, None, None));
        assert!(!found.differs(Nanos::ZERO));
        assert_eq!(paired_ratio(&[], &few), None);
    }

    #[test]
    fn the_same_variant_twice_is_quiet_and_a_slower_twin_is_noisy() {
        let mut record = fixture::record();
        let quiet = noise(&record).unwrap();
        assert_eq!((quiet.variant.as_str(), quiet.pairs, quiet.verdict()), (NAMES[1], 35, NoiseVerdict::Quiet));
        assert!(quiet.low <= 1.0 && quiet.high >= 1.0 && (quiet.ratio - 1.0).abs() < 0.02, "{quiet:?}");
        for sample in record.samples.iter_mut().filter(|sample| sample.twin) {
            sample.wall_ns = Nanos(sample.wall_ns.0 * 11 / 10);
        }
        let noisy = noise(&record).unwrap();
        assert_eq!(noisy.verdict(), NoiseVerdict::Noisy);
        assert!(noisy.low > 1.05, "{noisy:?}");
    }

    #[test]
    fn an_a_a_check_needs_five_pairs() {
        let mut record = fixture::record();
        record.samples.retain(|sample| sample.scenario == Scenario::Cold && sample.round <= 5);
        assert_eq!(
            noise(&record).map(|noise| (noise.pairs, noise.verdict() != NoiseVerdict::Unknown)),
            Some((5, true))
        );
        record.samples.retain(|sample| sample.round <= 4);
        assert_eq!(
            noise(&record).map(|noise| (noise.pairs, noise.verdict() == NoiseVerdict::Unknown)),
            Some((4, true))
        );
        record.samples.retain(|sample| !sample.twin);
        assert_eq!(noise(&record), None);
    }
}
