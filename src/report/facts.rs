//! Everything that a report says of one record, computed once by `analyse` and read by every table and chart.

use std::collections::HashMap;

use super::caching::caching_findings;
use super::startup::startup_finding;
use crate::analyse::{
    self, Decomposition, MachineClass, MachineSpread, Overhead, PublishedFigure, RatioEstimate, Reproduction,
    ScenarioRatio, ScenarioTiming, Sharing, VariantSummary, class_timings, decomposition, detectable, figures,
    machine_spread, overhead, ratios_to_first, reproduction, sharing, summary, timings,
};
use crate::record::{Finding, Noise, Record, Scenario, Shard};
use crate::units::{Nanos, Ratio};

/// A finding, and what it costs.
#[derive(Debug, Clone)]
pub(super) struct CostedFinding {
    /// The variant that it is about; empty for the run as a whole.
    pub variant: String,
    pub finding: Finding,
    /// Build time that it costs with each change of the source.
    pub time: Nanos,
    /// What makes bytes and time comparable: its bytes ÷ the size of the variant, or its time ÷ that of a cold build.
    pub share: f64,
}

/// A record and what follows from it.
pub(super) struct RunFacts<'a> {
    /// The record.
    pub record: &'a Record,
    /// The headline figures, one entry per variant.
    pub summary: Vec<VariantSummary>,
    /// Build times by variant and scenario.
    pub timings: Vec<ScenarioTiming>,
    /// Build times of each variant against the first one's.
    pub ratios: Vec<ScenarioRatio>,
    /// The smallest ratio that the rounds show, by scenario.
    pub detectable: Vec<(Scenario, f64)>,
    /// Where the time of a build goes, by scenario.
    pub decompositions: Vec<Decomposition>,
    /// What became of each claim.
    pub reproduction: Vec<Reproduction>,
    /// What became of published figures that are not sizes of images.
    pub figures: Vec<PublishedFigure>,
    /// Layers that variants share.
    pub sharing: Sharing,
    /// What tonnage itself cost.
    pub overhead: Option<Overhead>,
    /// The A/A check, computed again.
    pub noise: Option<Noise>,
    /// The parts that machines measured, and the A/A check of each.
    pub shards: Vec<(&'a Shard, Option<Noise>)>,
    /// How far the machines are apart.
    pub spread: Option<MachineSpread>,
    /// Build times by class of machines, where there are several.
    pub classes: Vec<(MachineClass<'a>, Vec<ScenarioTiming>)>,
    /// Findings in the order of the suite; those of a variant with the largest share first.
    pub findings: Vec<CostedFinding>,
    /// Where in the suite a variant stands.
    places: HashMap<&'a str, usize>,
    /// Where in `ratios` a variant and scenario stand.
    ratio_places: HashMap<(String, Scenario), usize>,
}

impl<'a> RunFacts<'a> {
    /// Computes all of it.
    pub(super) fn of(record: &'a Record) -> Self {
        let decompositions = Scenario::ALL.into_iter().flat_map(|scenario| decomposition(record, scenario)).collect();
        let ratios = ratios_to_first(record);
        let ratio_places = ratios.iter().enumerate();
        let timings = timings(record);
        Self {
            record,
            places: record.variants.iter().enumerate().map(|(place, variant)| (variant.name.as_str(), place)).collect(),
            ratio_places: ratio_places.map(|(at, ratio)| ((ratio.variant.clone(), ratio.scenario), at)).collect(),
            summary: summary(record),
            findings: findings(record, &timings),
            figures: figures(record, &timings),
            timings,
            ratios,
            detectable: detectable(record),
            decompositions,
            reproduction: reproduction(record),
            sharing: sharing(record),
            overhead: overhead(record),
            shards: analyse::shard_noise(record),
            spread: machine_spread(record),
            classes: class_timings(record),
            noise: analyse::noise(record).or_else(|| record.environment.noise.clone()),
        }
    }

    /// A build time against that of the first variant.
    pub(super) fn ratio_of(&self, variant: &str, scenario: Scenario) -> Option<&RatioEstimate> {
        let at = self.ratio_places.get(&(variant.to_owned(), scenario))?;
        self.ratios.get(*at).map(|ratio| &ratio.estimate)
    }

    /// The position of a variant in the suite, counted from 0.
    pub(super) fn place_of(&self, variant: &str) -> Option<usize> {
        self.places.get(variant).copied()
    }

    /// Equal findings once, with the variants they are about (empty for the run as a whole): those with the largest share
    /// first, then in the order of the suite.
    pub(super) fn merged_findings(&self) -> Vec<(Vec<&str>, &CostedFinding)> {
        let mut merged: Vec<(Vec<&str>, &CostedFinding)> = Vec::new();
        let mut seen: HashMap<_, usize> = HashMap::new();
        for found in &self.findings {
            let Finding { code, message, instruction, remedy, size_bytes } = &found.finding;
            let key = (code, message, instruction, remedy, size_bytes, found.variant.is_empty());
            let at = *seen.entry(key).or_insert(merged.len());
            if at == merged.len() {
                merged.push((Vec::new(), found));
            }
            if found.share > merged[at].1.share {
                merged[at].1 = found;
            }
            if !found.variant.is_empty() {
                merged[at].0.push(&found.variant);
            }
        }
        merged.sort_by(|(_, a), (_, b)| {
            b.share.total_cmp(&a.share).then(b.finding.size_bytes.cmp(&a.finding.size_bytes))
        });
        merged
    }

    /// Head of a column that compares with the first variant.
    pub(super) fn against_first(&self) -> String {
        let first = self.summary.first().map_or("the first", |line| line.name.as_str());
        format!("vs {}", crate::text::shorten(first, 28))
    }

    /// The build times of one variant.
    pub(super) fn timings_of<'f>(&'f self, variant: &'f str) -> impl Iterator<Item = &'f ScenarioTiming> {
        self.timings.iter().filter(move |timing| timing.variant == variant)
    }
}

/// Findings of the variants in the order of the suite, those with the largest share first, then those of the run.
fn findings(record: &Record, timings: &[ScenarioTiming]) -> Vec<CostedFinding> {
    let caching = caching_findings(record);
    let mut all: Vec<CostedFinding> = Vec::new();
    for variant in &record.variants {
        let size = variant.size().unwrap_or_default();
        let is_cold = |timing: &&ScenarioTiming| timing.variant == variant.name && timing.scenario == Scenario::Cold;
        let cold = timings.iter().find(is_cold).and_then(|timing| timing.estimate).map(|estimate| estimate.median);
        let share = |part: u64, whole: u64| Ratio::of(part, whole).map_or(0.0, |share| share.0);
        let of_startup = startup_finding(variant);
        let of_bytes = variant.findings.iter().chain(&of_startup).map(|finding| (finding, Nanos::ZERO));
        let of_caching = caching.iter().filter(|(name, ..)| *name == variant.name);
        let mut own: Vec<CostedFinding> = Vec::new();
        for (finding, time) in of_bytes.chain(of_caching.map(|(_, finding, time)| (finding, *time))) {
            if !own.iter().any(|known| known.finding == *finding) {
                own.push(CostedFinding {
                    variant: variant.name.clone(),
                    finding: finding.clone(),
                    time,
                    share: share(finding.size_bytes.0, size.0).max(share(time.0, cold.unwrap_or_default().0)),
                });
            }
        }
        own.sort_by(|a, b| b.share.total_cmp(&a.share).then(b.finding.size_bytes.cmp(&a.finding.size_bytes)));
        all.extend(own);
    }
    let of_run = |finding: &Finding| CostedFinding {
        variant: String::new(),
        finding: finding.clone(),
        time: Nanos::ZERO,
        share: 0.0,
    };
    all.extend(record.findings.iter().map(of_run));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;
    use crate::units::Bytes;

    #[test]
    fn a_rebuild_of_nearly_everything_outranks_a_megabyte() {
        let mut record = fixture::with_early_copy();
        record.variants[0].findings[0].size_bytes = Bytes(1_000_000);
        let facts = RunFacts::of(&record);
        let merged = facts.merged_findings();
        let (variants, first) = &merged[0];
        assert_eq!((variants.as_slice(), first.finding.code.as_str()), (&[fixture::NAMES[0]][..], "edit-reinstalls"));
        assert!(first.share > 0.5 && first.time > Nanos::ZERO, "{first:?}");
        assert!(merged.windows(2).all(|pair| pair[0].1.share >= pair[1].1.share));
    }
}
