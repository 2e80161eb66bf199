//! Variants of one run against each other, and how small a difference the run can show.

use super::paired::{RatioEstimate, paired_ratio};
use super::timing::grouped;
use crate::record::{Record, Sample, Scenario};
use crate::units::Ratio;

/// The builds of one variant and scenario against those of the first variant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScenarioRatio {
    /// The variant.
    pub variant: String,
    /// The scenario.
    pub scenario: Scenario,
    /// Its time ÷ that of the first variant, round by round.
    pub estimate: RatioEstimate,
}

/// Every variant but the first against the first, in the order of the variants and of [`Scenario::ALL`]. The rounds
/// are paired: they were measured side by side.
pub(crate) fn ratios_to_first(record: &Record) -> Vec<ScenarioRatio> {
    let counted = record.samples.iter().filter(|sample| !sample.twin);
    let groups = grouped(counted.map(|sample| ((sample.variant.as_str(), sample.scenario), sample)));
    let Some((first, others)) = record.variants.split_first() else { return Vec::new() };
    let mut found = Vec::new();
    for variant in others {
        for scenario in Scenario::ALL {
            let of = |name: &str| groups.get(&(name, scenario)).into_iter().flatten().copied().collect::<Vec<_>>();
            if let Some(estimate) = paired_ratio(of(&first.name), of(&variant.name)) {
                found.push(ScenarioRatio { variant: variant.name.clone(), scenario, estimate });
            }
        }
    }
    found
}

/// The smallest ratio of two series of this run that its rounds show with 80 % power at 5 %, by scenario, judged by the
/// variant that was measured twice; where layers were made never less than what the engine's step is of its median, since
/// builds that are closer cannot be distinguished. Empty where none was, or with too few rounds.
pub(crate) fn detectable(record: &Record) -> Vec<(Scenario, f64)> {
    let Some(twin) = record.samples.iter().find(|sample| sample.twin) else { return Vec::new() };
    let of = |scenario: Scenario, second: bool| {
        let own = move |sample: &&Sample| {
            sample.variant == twin.variant && sample.scenario == scenario && sample.twin == second
        };
        record.samples.iter().filter(own)
    };
    let found = |scenario| {
        let estimate = paired_ratio(of(scenario, false), of(scenario, true))?;
        let step = estimate.step(record.environment.engine.layer_step_ns);
        Some(estimate.minimum_detectable?.max(1.0 + Ratio::of(step.0, estimate.first.0)?.0))
    };
    Scenario::ALL.into_iter().filter_map(|scenario| Some((scenario, found(scenario)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::{self, NAMES};
    use crate::units::Nanos;

    #[test]
    fn each_variant_stands_against_the_first_scenario_by_scenario() {
        let found = ratios_to_first(&fixture::record());
        let keys: Vec<_> = found.iter().map(|ratio| (ratio.variant.as_str(), ratio.scenario)).collect();
        let expected: Vec<_> =
            NAMES[1..].iter().flat_map(|name| Scenario::USUAL.map(|scenario| (*name, scenario))).collect();
        assert_eq!(keys, expected);
        assert!(found.iter().all(|ratio| ratio.estimate.pairs >= 6), "{found:?}");
        let mut record = fixture::record();
        record.variants.clear();
        assert_eq!(ratios_to_first(&record), []);
    }

    #[test]
    fn the_twin_says_how_small_a_difference_can_be_shown() {
        let mut record = fixture::record();
        let found = detectable(&record);
        assert_eq!(found.iter().map(|(scenario, _)| *scenario).collect::<Vec<_>>(), Scenario::USUAL);
        assert!(found.iter().all(|(_, ratio)| *ratio > 1.0 && *ratio < 1.3), "{found:?}");
        record.environment.engine.layer_step_ns = Nanos(1_000_000_000);
        for ((scenario, quick), (_, stepped)) in found.iter().zip(detectable(&record)) {
            match scenario {
                Scenario::Warm | Scenario::Touch => assert!(stepped <= *quick, "nothing is made: {stepped}"),
                _ => assert!(stepped > *quick && stepped > 1.05, "{scenario}: {stepped}"),
            }
        }
        record.samples.retain(|sample| sample.round <= 4);
        assert_eq!(detectable(&record), [], "too few rounds");
        record.samples.retain(|sample| !sample.twin);
        assert_eq!(detectable(&record), []);
    }
}
