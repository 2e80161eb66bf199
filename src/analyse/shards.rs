//! The shards of a merged record: classes of equal machines, how far machines are apart, and the A/A check of each.
//!
//! Times of different machines are not compared: ratios are made of pairs within one machine, which may be pooled since
//! the signed-rank test and its interval only need pairs that are independent and symmetric about zero. A median over
//! machines of several classes would be one of the mixture, so medians are those of one class.

use std::collections::{BTreeMap, BTreeSet};

use super::paired::noise_of;
use super::timing::{ScenarioTiming, count, grouped, in_statistics, rounds, timings_of};
use super::{NoiseVerdict, statistics};
use crate::record::{Noise, Record, Sample, Scenario, Shard};

/// Shards of equal machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MachineClass<'r> {
    /// Their fingerprint.
    pub host: &'r str,
    /// Their numbers.
    pub shards: BTreeSet<u32>,
}

impl MachineClass<'_> {
    fn holds(&self, sample: &Sample) -> bool {
        sample.shard.is_some_and(|shard| self.shards.contains(&shard))
    }
}

/// The classes of machines that a record was measured on, in the order of their first shards; none of a run that was not
/// split.
fn machine_classes(record: &Record) -> Vec<MachineClass<'_>> {
    let mut classes: Vec<MachineClass<'_>> = Vec::new();
    for Shard { part, host, .. } in &record.shards {
        match classes.iter_mut().find(|class| class.host == host) {
            Some(class) => _ = class.shards.insert(part.index),
            None => classes.push(MachineClass { host, shards: BTreeSet::from([part.index]) }),
        }
    }
    classes
}

/// Which samples medians are made of: of each variant those of the class of machines that measured most of it.
pub(super) struct ShownClass<'r>(BTreeMap<&'r str, MachineClass<'r>>);

impl<'r> ShownClass<'r> {
    pub(super) fn of(record: &'r Record) -> Self {
        let classes = machine_classes(record);
        if classes.len() < 2 {
            return Self(BTreeMap::new());
        }
        let mut counts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for sample in record.samples.iter().filter(|sample| in_statistics(sample)) {
            let counts = counts.entry(&sample.variant).or_insert_with(|| vec![0; classes.len()]);
            if let Some(class) = classes.iter().position(|class| class.holds(sample)) {
                counts[class] += 1;
            }
        }
        let most = |counts: Vec<usize>| (0..counts.len()).rev().max_by_key(|&class| counts[class]);
        let chosen = counts.into_iter().filter_map(|(variant, counts)| Some((variant, classes[most(counts)?].clone())));
        Self(chosen.collect())
    }

    pub(super) fn holds(&self, sample: &Sample) -> bool {
        self.0.get(sample.variant.as_str()).is_none_or(|class| class.holds(sample))
    }
}

/// Build times by class of machines, where there are several.
pub(crate) fn class_timings(record: &Record) -> Vec<(MachineClass<'_>, Vec<ScenarioTiming>)> {
    let classes = machine_classes(record);
    let several = classes.len() > 1;
    let timed = classes.into_iter().filter(|_| several).map(|class| {
        let timings = timings_of(record, |sample| class.holds(sample));
        (class, timings)
    });
    timed.collect()
}

/// How far the machines are apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MachineSpread {
    /// Machines that were compared.
    pub machines: u32,
    /// Standard deviation of the logarithms of their speeds: 0.12 is 12 %.
    pub deviation: f64,
    /// How many times as long as the fastest the slowest takes.
    pub slowest: f64,
}

/// How far the machines of the shards that count are apart, by what all of them built: a machine's speed is its median
/// deviation from the mean of all, over the logarithms of its median times. `None` where there is one machine, or
/// nothing that all built.
pub(crate) fn machine_spread(record: &Record) -> Option<MachineSpread> {
    let mut walls: BTreeMap<(&str, Scenario), BTreeMap<u32, Vec<&Sample>>> = BTreeMap::new();
    for sample in record.samples.iter().filter(|sample| in_statistics(sample)) {
        let shard = sample.shard?;
        walls.entry((&sample.variant, sample.scenario)).or_default().entry(shard).or_default().push(sample);
    }
    let shards: BTreeSet<u32> = walls.values().flat_map(BTreeMap::keys).copied().collect();
    let mut deviations: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for by_shard in walls.into_values().filter(|by_shard| by_shard.len() == shards.len()) {
        let log = |samples: Vec<&Sample>| {
            let rounds: Vec<f64> = rounds(samples).into_values().map(|time| time.0 as f64).collect();
            statistics::median(&rounds).filter(|median| *median > 0.0).map(f64::ln)
        };
        let logs: Option<Vec<(u32, f64)>> =
            by_shard.into_iter().map(|(shard, samples)| Some((shard, log(samples)?))).collect();
        let Some(logs) = logs else { continue };
        let mean = logs.iter().map(|(_, log)| log).sum::<f64>() / logs.len() as f64;
        for (shard, log) in logs {
            deviations.entry(shard).or_default().push(log - mean);
        }
    }
    let speeds: Vec<f64> = deviations.values().filter_map(|values| statistics::median(values)).collect();
    if speeds.len() < 2 {
        return None;
    }
    let mean = speeds.iter().sum::<f64>() / speeds.len() as f64;
    let square: f64 = speeds.iter().map(|speed| (speed - mean).powi(2)).sum();
    let (fastest, slowest) = speeds.iter().fold((f64::MAX, f64::MIN), |(low, high), s| (low.min(*s), high.max(*s)));
    Some(MachineSpread {
        machines: count(speeds.len()),
        deviation: (square / (speeds.len() - 1) as f64).sqrt(),
        slowest: (slowest - fastest).exp(),
    })
}

/// The A/A check of each shard: that for which it was dropped, or that of its samples.
pub(crate) fn shard_noise(record: &Record) -> Vec<(&Shard, Option<Noise>)> {
    let own = grouped(record.samples.iter().filter_map(|sample| Some((sample.shard?, sample))));
    let of_samples = own.into_iter().map(|(shard, own)| (shard, noise_of(|| own.iter().copied())));
    let of_samples: BTreeMap<u32, Option<Noise>> = of_samples.collect();
    let check = |shard: &Shard| shard.dropped.clone().or_else(|| of_samples.get(&shard.part.index)?.clone());
    record.shards.iter().map(|shard| (shard, check(shard))).collect()
}

/// Leaves the samples of a record's noisy shards out of the statistics, and says of each shard why.
pub(crate) fn drop_noisy(record: &mut Record) {
    let is_noisy = |noise: &Noise| noise.verdict() == NoiseVerdict::Noisy;
    let noisy: Vec<_> = shard_noise(record).into_iter().map(|(_, noise)| noise.filter(is_noisy)).collect();
    let mut left_out = BTreeSet::new();
    for (shard, noise) in record.shards.iter_mut().zip(noisy) {
        left_out.extend(noise.as_ref().map(|_| shard.part.index));
        shard.dropped = noise.or(shard.dropped.take());
    }
    let is_left_out = |sample: &&mut Sample| sample.shard.is_some_and(|shard| left_out.contains(&shard));
    record.samples.iter_mut().filter(is_left_out).for_each(|sample| sample.discarded = true);
}

#[cfg(test)]
mod tests {
    use super::super::statistics::Interval;
    use super::super::{paired_ratio, unpaired_ratio};
    use super::*;
    use crate::random::SplitMix64;
    use crate::testing::fixture;
    use crate::units::Nanos;

    /// How far machines are apart, how far rounds of a machine are, and what one variant takes of another's time.
    const MACHINES: f64 = 0.12;
    const ROUNDS: f64 = 0.03;
    const RATIO: f64 = 1.05;

    /// The builds of one variant on some machines, in so many rounds on each; each machine with its own speed.
    fn builds(speeds: &[(u32, f64)], rounds: u32, factor: f64, random: &mut SplitMix64) -> Vec<Sample> {
        let like = &fixture::samples(1)[0];
        let mut found = Vec::new();
        for &(shard, speed) in speeds {
            for round in 0..rounds {
                let seconds = 10.0 * factor * (speed + ROUNDS * random.bell()).exp();
                let round = shard * rounds + round;
                let wall_ns = Nanos::from_seconds(seconds);
                found.push(Sample { shard: Some(shard), round, discarded: false, wall_ns, ..like.clone() });
            }
        }
        found
    }

    fn machines(numbers: std::ops::Range<u32>, random: &mut SplitMix64) -> Vec<(u32, f64)> {
        numbers.map(|shard| (shard, MACHINES * random.bell())).collect()
    }

    /// How a way to compare two variants does over many simulated runs.
    #[derive(Debug, Default)]
    struct Tally {
        runs: u32,
        covered: u32,
        /// Sum of the widths of the intervals, as logarithms.
        widths: f64,
    }

    impl Tally {
        fn add(&mut self, interval: Interval) {
            self.runs += 1;
            self.covered += u32::from(interval.contains(RATIO));
            self.widths += (interval.high / interval.low).ln();
        }

        fn coverage(&self) -> f64 {
            f64::from(self.covered) / f64::from(self.runs)
        }

        /// Whether 95 % of the intervals hold the ratio, as far as so many runs can say: at 5 % they do not contradict it.
        fn covers(&self) -> bool {
            self.coverage() >= 0.95 - 1.645 * (0.95 * 0.05 / f64::from(self.runs)).sqrt()
        }

        fn width(&self) -> f64 {
            self.widths / f64::from(self.runs)
        }
    }

    /// Both variants on every machine, compared by pairs within one.
    fn pairs(machine_count: u32, rounds: u32, runs: u32) -> Tally {
        let mut random = SplitMix64(u64::from(machine_count));
        let mut tally = Tally::default();
        for _ in 0..runs {
            let speeds = machines(0..machine_count, &mut random);
            let first = builds(&speeds, rounds, 1.0, &mut random);
            let second = builds(&speeds, rounds, RATIO, &mut random);
            tally.add(paired_ratio(&first, &second).unwrap().interval.unwrap());
        }
        tally
    }

    #[test]
    fn pairs_of_16_machines_that_are_12_percent_apart_cover_the_ratio_and_are_as_narrow_as_their_number_says() {
        let sixteen = pairs(16, 7, 200);
        assert!(sixteen.covers(), "{sixteen:?}");
        let (one, four) = (pairs(1, 7, 400), pairs(4, 7, 400));
        assert!(one.covers() && four.covers(), "{one:?} {four:?}");
        // 1/√k as wide; seven pairs are few, and their interval is a little wider than the many's share of it.
        for (narrow, machines) in [(&four, 4.0_f64), (&sixteen, 16.0)] {
            let expected = one.width() / machines.sqrt();
            assert!((0.75..1.1).contains(&(narrow.width() / expected)), "{} for {expected}", narrow.width());
        }
        assert!((0.9..1.1).contains(&(sixteen.width() * 2.0 / four.width())));
    }

    #[test]
    fn without_pairs_the_same_builds_do_not_cover_the_ratio_or_say_next_to_nothing() {
        let mut random = SplitMix64(16);
        let (mut apart, mut mixed) = (Tally::default(), Tally::default());
        for _ in 0..60 {
            // Each variant on half of the machines, as where a matrix has one job per variant.
            let (some, others) = (machines(0..8, &mut random), machines(8..16, &mut random));
            let first = builds(&some, 14, 1.0, &mut random);
            let second = builds(&others, 14, RATIO, &mut random);
            assert!(paired_ratio(&first, &second).is_none(), "nothing was measured side by side");
            apart.add(unpaired_ratio(&first, &second).unwrap().interval.unwrap());
            // Both on all machines, and not paired.
            let all = machines(0..16, &mut random);
            let first = builds(&all, 7, 1.0, &mut random);
            let second = builds(&all, 7, RATIO, &mut random);
            mixed.add(unpaired_ratio(&first, &second).unwrap().interval.unwrap());
        }
        assert!(!apart.covers() && apart.coverage() < 0.75, "machines are taken for a difference: {apart:?}");
        assert!(mixed.width() > 3.0 * pairs(16, 7, 20).width(), "machines are taken for noise: {mixed:?}");
    }

    #[test]
    fn the_spread_of_machines_is_that_of_what_all_of_them_built() {
        assert_eq!(machine_spread(&fixture::record()), None, "a run that was not split");
        let mut record = fixture::shard(1, 3, 100);
        for (index, percent) in [(2, 110), (3, 121)] {
            let mut other = fixture::shard(index, 3, percent);
            record.samples.append(&mut other.samples);
            record.shards.append(&mut other.shards);
        }
        // What one machine alone has says nothing.
        record.samples.retain(|sample| sample.scenario != Scenario::Deps || sample.shard == Some(1));
        let spread = machine_spread(&record).unwrap();
        assert_eq!(spread.machines, 3);
        assert!((spread.slowest - 1.21).abs() < 0.02, "{spread:?}");
        assert!((spread.deviation - 1.1_f64.ln()).abs() < 0.01, "{spread:?}");
    }
}
