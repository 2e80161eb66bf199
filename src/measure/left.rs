//! About how long the builds that are left take, from those that were made.

use std::collections::BTreeMap;

use crate::record::{Sample, Scenario, Side};
use crate::units::Nanos;

/// A build that is to be made: its variant, its side, and its scenario.
pub(super) type Ahead<'a> = (&'a str, Side, Scenario);

/// About how long the builds take: as those of the same variant and scenario did, else as those of the same scenario.
/// `None` where a scenario was not built yet.
pub(super) fn left<'a>(ahead: impl Iterator<Item = Ahead<'a>>, samples: &[Sample]) -> Option<Nanos> {
    let mut own: BTreeMap<Ahead<'_>, (Nanos, u64)> = BTreeMap::new();
    let mut all: BTreeMap<Scenario, (Nanos, u64)> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.is_finished()) {
        let own = own.entry((&sample.variant, sample.side, sample.scenario)).or_default();
        let all = all.entry(sample.scenario).or_default();
        for (sum, count) in [own, all] {
            *sum += sample.wall_ns;
            *count += 1;
        }
    }
    ahead
        .map(|build| {
            let (sum, count) = own.get(&build).or_else(|| all.get(&build.2))?;
            Some(Nanos(sum.0 / count))
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::{self, NAMES};

    #[test]
    fn what_is_left_takes_as_long_as_what_was_built() {
        let mut samples = fixture::record().samples;
        samples.truncate(0);
        let built = |variant: &str, scenario, seconds| Sample {
            variant: variant.to_owned(),
            scenario,
            wall_ns: Nanos::from_seconds(seconds),
            ..fixture::record().samples.swap_remove(0)
        };
        let ahead = |builds: &[(usize, Scenario)], samples: &[Sample]| {
            left(builds.iter().map(|(variant, scenario)| (NAMES[*variant], Side::Head, *scenario)), samples)
        };
        samples.push(built(NAMES[0], Scenario::Cold, 10.0));
        samples.push(built(NAMES[0], Scenario::Cold, 20.0));
        samples.push(built(NAMES[1], Scenario::Cold, 3.0));
        let cold = |variant| (variant, Scenario::Cold);
        assert_eq!(ahead(&[cold(0), cold(0), cold(1)], &samples), Some(Nanos::from_seconds(33.0)));
        assert_eq!(ahead(&[cold(2)], &samples), Some(Nanos::from_seconds(11.0)), "as the others on average");
        assert_eq!(ahead(&[cold(0), (0, Scenario::Warm)], &samples), None);
        assert_eq!(ahead(&[], &samples), Some(Nanos::ZERO));
    }
}
