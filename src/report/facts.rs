//! Everything that a report says of one record, computed once by `analyse` and read by every table and chart.

use crate::analyse::{
    self, Decomposition, Overhead, RatioEstimate, Reproduction, ScenarioRatio, ScenarioTiming, Sharing, VariantSummary,
    decomposition, detectable, overhead, ratios_to_first, reproduction, sharing, summary, timings,
};
use crate::record::{Finding, Noise, Record, Scenario};

/// A record and what follows from it.
pub struct Facts<'a> {
    /// The record.
    pub record: &'a Record,
    /// The headline figures, one entry a variant.
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
    /// Layers that variants share.
    pub sharing: Sharing,
    /// What tonnage itself cost.
    pub overhead: Option<Overhead>,
    /// The A/A check, computed again.
    pub noise: Option<Noise>,
    /// Findings with the variant they are about; empty for the run as a whole.
    pub findings: Vec<(String, Finding)>,
}

impl<'a> Facts<'a> {
    /// Computes all of it.
    pub fn of(record: &'a Record) -> Self {
        let decompositions = Scenario::ALL.into_iter().flat_map(|scenario| decomposition(record, scenario)).collect();
        Self {
            record,
            summary: summary(record),
            timings: timings(record),
            ratios: ratios_to_first(record),
            detectable: detectable(record),
            decompositions,
            reproduction: reproduction(record),
            sharing: sharing(record),
            overhead: overhead(record),
            noise: analyse::noise(record).or_else(|| record.environment.noise.clone()),
            findings: findings(record),
        }
    }

    /// A build time against that of the first variant.
    pub fn ratio_of(&self, variant: &str, scenario: Scenario) -> Option<&RatioEstimate> {
        let of = |ratio: &&ScenarioRatio| ratio.variant == variant && ratio.scenario == scenario;
        self.ratios.iter().find(of).map(|ratio| &ratio.estimate)
    }

    /// The build times of one variant.
    pub fn timings_of<'f>(&'f self, variant: &'f str) -> impl Iterator<Item = &'f ScenarioTiming> {
        self.timings.iter().filter(move |timing| timing.variant == variant)
    }
}

/// Findings of the variants in the order of the suite, those that cost most first, then those of the run.
fn findings(record: &Record) -> Vec<(String, Finding)> {
    let caching = analyse::caching_findings(record);
    let mut all: Vec<(String, Finding)> = Vec::new();
    for variant in &record.variants {
        let of_caching = caching.iter().filter(|(name, _)| *name == variant.name).map(|(_, finding)| finding);
        let mut of_variant: Vec<&Finding> = Vec::new();
        for finding in variant.findings.iter().chain(of_caching) {
            if !of_variant.contains(&finding) {
                of_variant.push(finding);
            }
        }
        of_variant.sort_by_key(|finding| std::cmp::Reverse(finding.size_bytes));
        all.extend(of_variant.into_iter().map(|finding| (variant.name.clone(), finding.clone())));
    }
    all.extend(record.findings.iter().map(|finding| (String::new(), finding.clone())));
    all
}
