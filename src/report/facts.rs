//! Everything that a report says of one record, computed once by `analyse` and read by every table and chart.

use std::collections::HashMap;

use super::caching::caching_findings;
use crate::analyse::{
    self, Decomposition, Overhead, RatioEstimate, Reproduction, ScenarioRatio, ScenarioTiming, Sharing, VariantSummary,
    decomposition, detectable, overhead, ratios_to_first, reproduction, sharing, summary, timings,
};
use crate::record::{Finding, Noise, Record, Scenario};

/// A record and what follows from it.
pub(super) struct Facts<'a> {
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
    /// Where in the suite a variant stands.
    places: HashMap<&'a str, usize>,
    /// Where in `ratios` a variant and scenario stand.
    ratio_places: HashMap<(String, Scenario), usize>,
}

impl<'a> Facts<'a> {
    /// Computes all of it.
    pub(super) fn of(record: &'a Record) -> Self {
        let decompositions = Scenario::ALL.into_iter().flat_map(|scenario| decomposition(record, scenario)).collect();
        let ratios = ratios_to_first(record);
        let ratio_places = ratios.iter().enumerate();
        Self {
            record,
            places: record.variants.iter().enumerate().map(|(place, variant)| (variant.name.as_str(), place)).collect(),
            ratio_places: ratio_places.map(|(at, ratio)| ((ratio.variant.clone(), ratio.scenario), at)).collect(),
            summary: summary(record),
            timings: timings(record),
            ratios,
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
    pub(super) fn ratio_of(&self, variant: &str, scenario: Scenario) -> Option<&RatioEstimate> {
        let at = self.ratio_places.get(&(variant.to_owned(), scenario))?;
        self.ratios.get(*at).map(|ratio| &ratio.estimate)
    }

    /// The position of a variant in the suite, counted from 0.
    pub(super) fn place_of(&self, variant: &str) -> Option<usize> {
        self.places.get(variant).copied()
    }

    /// Equal findings once, with the variants they are about (empty for the run as a whole): those that cost most
    /// first, then in the order of the suite.
    pub(super) fn merged_findings(&self) -> Vec<(Vec<&str>, &Finding)> {
        let mut merged: Vec<(Vec<&str>, &Finding)> = Vec::new();
        let mut seen: HashMap<(&str, &str, &str, &str, u64, bool), usize> = HashMap::new();
        for (variant, finding) in &self.findings {
            let Finding { code, message, instruction, remedy, size_bytes, .. } = finding;
            let key = (
                code.as_str(),
                message.as_str(),
                instruction.as_str(),
                remedy.as_str(),
                size_bytes.0,
                variant.is_empty(),
            );
            let at = *seen.entry(key).or_insert(merged.len());
            if at == merged.len() {
                merged.push((Vec::new(), finding));
            }
            if !variant.is_empty() {
                merged[at].0.push(variant);
            }
        }
        merged.sort_by_key(|(_, finding)| std::cmp::Reverse(finding.size_bytes));
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

/// Findings of the variants in the order of the suite, those that cost most first, then those of the run.
fn findings(record: &Record) -> Vec<(String, Finding)> {
    let caching = caching_findings(record);
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
