//! Build times by variant and scenario: an estimate with its interval, and the proof beside it.

use std::collections::{BTreeMap, BTreeSet};

use super::LEVEL;
use super::shards::ShownClass;
use super::statistics::{self, Drift};
use crate::record::{Parts, Record, Sample, Scenario, Serve, ServeState};
use crate::units::{Bytes, Nanos};

/// A time with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    /// Median over rounds.
    pub median: Nanos,
    /// Lower end of the interval; `None` with too few rounds for one.
    pub low: Option<Nanos>,
    /// Upper end of the interval; `None` with too few rounds for one.
    pub high: Option<Nanos>,
    /// Rounds behind it.
    pub n: u32,
    /// Confidence of the interval that was reached; zero where there is none.
    pub level: f64,
}

impl Estimate {
    /// The estimate of one value a round; `None` where there is none.
    pub(crate) fn of(rounds: &[Nanos]) -> Option<Self> {
        let values: Vec<f64> = rounds.iter().map(|time| time.0 as f64).collect();
        let median = statistics::median(&values)?;
        let interval = statistics::median_interval(&values, LEVEL);
        Some(Self {
            median: nearest(median),
            low: interval.map(|interval| nearest(interval.low)),
            high: interval.map(|interval| nearest(interval.high)),
            n: count(rounds.len()),
            level: interval.map_or(0.0, |interval| interval.level),
        })
    }
}

/// Time to the first expected answer over the starts of an image; `None` where it does not start.
pub(crate) fn ready(serve: &Serve) -> Option<Estimate> {
    let starts: Vec<Nanos> = serve.starts.iter().map(|start| start.ready_ns).collect();
    Estimate::of(&starts).filter(|_| serve.state == ServeState::Answered)
}

/// CPU time until then over the starts that know it; `None` where none does, or the image does not start.
pub(crate) fn cpu_until_ready(serve: &Serve) -> Option<Estimate> {
    let starts: Vec<Nanos> = serve.starts.iter().filter_map(|start| start.cpu_ns).collect();
    Estimate::of(&starts).filter(|_| serve.state == ServeState::Answered)
}

/// What came over the network during a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Network {
    /// Median over the valid samples that know it.
    pub median: Bytes,
    /// Rounds with a sample whose downloads differ from the median by more than segments sent again may be, three
    /// robust standard deviations and what a few packets of a resolver's talk may be.
    pub differing: Vec<u32>,
}

/// Difference of downloads that means nothing: names looked up.
const TALK: u64 = 16_000;
/// Likewise, as a part of the median, 1 ÷ 20: on a busy machine TCP sends segments again, which are received and
/// counted again (seen: up to some percent, with `RetransSegs` of /proc/net/snmp growing meanwhile).
const SENT_AGAIN: u64 = 20;

/// The build time of one variant in one scenario.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScenarioTiming {
    /// The variant.
    pub variant: String,
    /// The scenario.
    pub scenario: Scenario,
    /// Median and interval; `None` where no sample is valid.
    pub estimate: Option<Estimate>,
    /// One value a round, in the order of rounds: the median of its valid repeats.
    pub rounds: Vec<Nanos>,
    /// Cached instructions of the worst valid sample: the one with most misses.
    pub cached: u32,
    /// Cacheable instructions of that sample.
    pub cacheable: u32,
    /// Samples that count.
    pub valid: u32,
    /// Samples that do not, since their proof failed.
    pub invalid: u32,
    /// Why the proofs that failed did so, sorted, each once.
    pub reasons: Vec<String>,
    /// What was tolerated in the samples that count, sorted, each once.
    pub tolerated: Vec<String>,
    /// First instruction that was not cached in the worst valid sample.
    pub first_miss: Option<String>,
    /// Numbers of the rounds that are flagged as outliers; they count all the same.
    pub outliers: Vec<u32>,
    /// Change per round and whether it is a trend; `None` with fewer than 4 rounds, and where they are of several machines.
    pub drift: Option<Drift>,
    /// Lag-1 autocorrelation of the rounds; `None` with fewer than 4 rounds.
    pub autocorrelation: Option<f64>,
    /// Downloads, where the engine can attribute them.
    pub network: Option<Network>,
}

impl ScenarioTiming {
    /// Whether the rounds go up or down beyond chance (5 %).
    pub(crate) fn drifts(&self) -> bool {
        self.drift.is_some_and(|drift| drift.p <= 0.05)
    }

    /// The slope of the rounds as a share of the median per round; zero where there is none.
    pub(crate) fn drift_per_round(&self) -> f64 {
        match (self.drift, self.estimate) {
            (Some(drift), Some(estimate)) if estimate.median.0 > 0 => drift.slope / estimate.median.0 as f64,
            _ => 0.0,
        }
    }

    /// Whether neighbouring rounds depend on each other: |r₁| beyond 2/√n, so that the interval is too narrow.
    pub(crate) fn neighbours_depend(&self) -> bool {
        let bound = 2.0 / (self.rounds.len().max(1) as f64).sqrt();
        self.autocorrelation.is_some_and(|r| r.abs() > bound)
    }
}

/// Whether a sample takes part in the statistics: valid, not of the discarded round, not the A/A twin.
pub(crate) fn in_statistics(sample: &Sample) -> bool {
    sample.valid && !sample.discarded && !sample.twin
}

/// Build times of every variant and scenario that has a sample outside the discarded round, in the order of the
/// variants and of [`Scenario::ALL`]. Twins are left out. Of a variant that several classes of machines measured they are
/// those of the class that measured most of it.
pub(crate) fn timings(record: &Record) -> Vec<ScenarioTiming> {
    let shown = ShownClass::of(record);
    timings_of(record, |sample| shown.holds(sample))
}

/// The same of some samples.
pub(super) fn timings_of(record: &Record, is_shown: impl Fn(&Sample) -> bool) -> Vec<ScenarioTiming> {
    let counts = |sample: &&Sample| !sample.discarded && !sample.twin && sample.is_finished() && is_shown(sample);
    let counted = record.samples.iter().filter(counts);
    let groups = grouped(counted.map(|sample| ((sample.variant.as_str(), sample.scenario), sample)));
    let mut found = Vec::new();
    for variant in &record.variants {
        for scenario in Scenario::ALL {
            if let Some(samples) = groups.get(&(variant.name.as_str(), scenario)) {
                found.push(timing(&variant.name, scenario, samples));
            }
        }
    }
    found
}

fn timing(variant: &str, scenario: Scenario, samples: &[&Sample]) -> ScenarioTiming {
    let valid: Vec<&Sample> = samples.iter().copied().filter(|sample| sample.valid).collect();
    let by_round = rounds(valid.iter().copied());
    let round_numbers: Vec<u32> = by_round.keys().map(|(_, round)| *round).collect();
    let machines: BTreeSet<Option<u32>> = by_round.keys().map(|(shard, _)| *shard).collect();
    let rounds: Vec<Nanos> = by_round.into_values().collect();
    let values: Vec<f64> = rounds.iter().map(|time| time.0 as f64).collect();
    let worst = valid.iter().max_by_key(|sample| (sample.cacheable.saturating_sub(sample.cached), sample.cacheable));
    let reasons = |valid: bool| -> Vec<String> {
        let said = samples.iter().filter(|sample| sample.valid == valid && !sample.reason.is_empty());
        said.map(|sample| sample.reason.clone()).collect::<BTreeSet<_>>().into_iter().collect()
    };
    ScenarioTiming {
        variant: variant.to_owned(),
        scenario,
        estimate: Estimate::of(&rounds),
        cached: worst.map_or(0, |sample| sample.cached),
        cacheable: worst.map_or(0, |sample| sample.cacheable),
        valid: count(valid.len()),
        invalid: count(samples.len() - valid.len()),
        reasons: reasons(false),
        tolerated: reasons(true),
        first_miss: worst.and_then(|sample| sample.first_miss.clone()),
        outliers: statistics::outliers(&values).into_iter().map(|index| round_numbers[index]).collect(),
        drift: statistics::drift(&values).filter(|_| machines.len() == 1),
        autocorrelation: statistics::autocorrelation(&values),
        network: network(&valid),
        rounds,
    }
}

/// One value a round of a machine: the median wall time of its samples.
pub(super) fn rounds<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> BTreeMap<(Option<u32>, u32), Nanos> {
    let walls = samples.into_iter().map(|sample| ((sample.shard, sample.round), sample.wall_ns.0 as f64));
    let median = |(round, walls): (_, Vec<f64>)| Some((round, nearest(statistics::median(&walls)?)));
    grouped(walls).into_iter().filter_map(median).collect()
}

/// The median of times; zero of none.
pub(super) fn median_time(times: impl IntoIterator<Item = Nanos>) -> Nanos {
    let values: Vec<f64> = times.into_iter().map(|time| time.0 as f64).collect();
    statistics::median(&values).map_or(Nanos::ZERO, nearest)
}

/// What is left of a sample's wall time beside its parts.
pub(super) fn outside_parts(sample: &Sample) -> Nanos {
    let Parts { upload_ns, resolve_ns, steps_ns, export_ns, .. } = sample.parts;
    sample.wall_ns.saturating_sub(upload_ns + resolve_ns + steps_ns + export_ns)
}

fn network(valid: &[&Sample]) -> Option<Network> {
    let known: Vec<(u32, Bytes)> =
        valid.iter().filter_map(|sample| Some((sample.round, sample.network_bytes?))).collect();
    let values: Vec<f64> = known.iter().map(|(_, bytes)| bytes.0 as f64).collect();
    let median = Bytes(statistics::median(&values)?.round() as u64);
    let spread = statistics::spread(&values).map_or(0, |spread| (3.0 * spread).round() as u64);
    let tolerance = (median.0 / SENT_AGAIN).max(spread).max(TALK);
    let mut differing: Vec<u32> =
        known.iter().filter(|(_, bytes)| bytes.0.abs_diff(median.0) > tolerance).map(|(round, _)| *round).collect();
    differing.dedup();
    Some(Network { median, differing })
}

fn nearest(value: f64) -> Nanos {
    Nanos(value.round() as u64)
}

/// Values by their keys, those of one key in the order given.
pub(crate) fn grouped<K: Ord, V>(rows: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, Vec<V>> {
    let mut groups: BTreeMap<K, Vec<V>> = BTreeMap::new();
    for (key, value) in rows {
        groups.entry(key).or_default().push(value);
    }
    groups
}

pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::{self, NAMES};

    fn find(record: &Record, variant: &str, scenario: Scenario) -> ScenarioTiming {
        timings(record).into_iter().find(|timing| timing.variant == variant && timing.scenario == scenario).unwrap()
    }

    #[test]
    fn every_variant_and_scenario_is_there_in_order_with_one_value_a_round() {
        let found = timings(&fixture::record());
        let keys: Vec<_> = found.iter().map(|timing| (timing.variant.as_str(), timing.scenario)).collect();
        let expected: Vec<_> =
            NAMES.iter().flat_map(|name| Scenario::USUAL.map(|scenario| (*name, scenario))).collect();
        assert_eq!(keys, expected);
        for timing in &found {
            assert_eq!(timing.rounds.len(), 7);
            let estimate = timing.estimate.unwrap();
            assert_eq!(estimate.n, 7);
            assert_eq!(estimate.low, timing.rounds.iter().min().copied(), "7 rounds: the whole range is the interval");
            assert_eq!(estimate.high, timing.rounds.iter().max().copied());
            assert!((estimate.level - 0.984_375).abs() < 1e-12);
        }
    }

    #[test]
    fn hits_stand_beside_times_and_an_invalid_sample_leaves_the_statistics() {
        let warm = find(&fixture::record(), NAMES[1], Scenario::Warm);
        assert_eq!((warm.cached, warm.cacheable, warm.valid, warm.invalid), (4, 4, 20, 1));
        assert_eq!(warm.reasons, ["`COPY src /app` was not cached, though nothing changed"]);
        let src = find(&fixture::record(), NAMES[0], Scenario::Src);
        assert_eq!((src.cached, src.cacheable, src.first_miss.as_deref()), (3, 4, Some("COPY src /app")));
    }

    #[test]
    fn the_worst_valid_sample_tells_the_hits() {
        let mut record = fixture::record();
        let sample = record
            .samples
            .iter_mut()
            .find(|sample| sample.variant == NAMES[2] && sample.scenario == Scenario::Deps && !sample.discarded)
            .unwrap();
        sample.cached = 0;
        assert_eq!(find(&record, NAMES[2], Scenario::Deps).cached, 0);
    }

    #[test]
    fn a_slow_round_is_flagged_and_still_counts() {
        let cold = find(&fixture::record(), NAMES[0], Scenario::Cold);
        assert_eq!(cold.outliers, [5]);
        assert_eq!(cold.rounds.len(), 7);
        assert!(find(&fixture::record(), NAMES[1], Scenario::Cold).outliers.is_empty());
    }

    #[test]
    fn repeats_of_a_round_count_once() {
        let mut record = fixture::record();
        record.samples.retain(|sample| sample.variant == NAMES[3] && sample.scenario == Scenario::Warm);
        for sample in &mut record.samples {
            sample.wall_ns = Nanos(u64::from(sample.round) * 100 + u64::from(sample.repeat * sample.repeat));
        }
        // Repeats 0, 1, 2 add 0, 1, 4: the median adds 1.
        let rounds: Vec<u64> = find(&record, NAMES[3], Scenario::Warm).rounds.iter().map(|time| time.0).collect();
        assert_eq!(rounds, [101, 201, 301, 401, 501, 601, 701]);
    }

    #[test]
    fn rising_rounds_are_a_drift() {
        let mut record = fixture::record();
        for sample in &mut record.samples {
            sample.wall_ns = Nanos(1_000_000 + 10_000 * u64::from(sample.round));
        }
        let cold = find(&record, NAMES[0], Scenario::Cold);
        assert!(cold.drifts() && (cold.drift_per_round() - 10_000.0 / 1_040_000.0).abs() < 1e-9);
        assert!(!find(&fixture::record(), NAMES[2], Scenario::Cold).drifts());
    }

    #[test]
    fn a_scenario_without_a_valid_sample_has_no_time() {
        let mut record = fixture::record();
        for sample in &mut record.samples {
            sample.valid = false;
        }
        let cold = find(&record, NAMES[0], Scenario::Cold);
        assert_eq!((cold.estimate, cold.valid, cold.invalid), (None, 0, 7));
    }

    #[test]
    fn downloads_that_differ_are_flagged_by_round() {
        let mut record = fixture::record();
        assert_eq!(find(&record, NAMES[0], Scenario::Cold).network.unwrap().differing, Vec::<u32>::new());
        for (bytes, differing) in
            [(9_000_000, vec![6]), (1_034_118 * 106 / 100, vec![6]), (1_034_118 * 104 / 100, vec![])]
        {
            for sample in record.samples.iter_mut().filter(|sample| sample.round == 6) {
                sample.network_bytes = Some(Bytes(bytes));
            }
            let network = find(&record, NAMES[0], Scenario::Cold).network.unwrap();
            assert_eq!((network.median, network.differing), (Bytes(1_034_118), differing), "{bytes}");
        }
    }

    #[test]
    fn few_rounds_give_a_median_without_interval() {
        let estimate = Estimate::of(&[Nanos(3), Nanos(1), Nanos(2)]).unwrap();
        assert_eq!((estimate.median, estimate.low, estimate.high, estimate.n), (Nanos(2), None, None, 3));
        assert_eq!(Estimate::of(&[]), None);
    }
}
