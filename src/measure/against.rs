//! Another state of the suite, measured in the same run: what stands beside each variant, in which order both are
//! built, what is built once more, and the two records that come of it.
//!
//! While the run goes on, the other state's variants are variants like any other, of [`Side::Base`], in one record and
//! one journal; so whatever holds for a plain run, resuming included, holds here.
//! At the end the record is taken apart. What deserves a second look is said by a function from outside: this module
//! knows no verdicts.

use std::collections::BTreeMap;
use std::path::Path;

use super::begin::begin_variant;
use super::error::MeasureError;
use super::journal::Mark;
use super::options::RunOptions;
use crate::analyse;
use crate::record::{Against, Confirmation, Record, Sample, Scenario, Side, Spent, SuiteInfo, Variant};
use crate::suite::{self, PlanOptions, PlannedBuild, Suite, SuiteVariant};
use crate::units::Nanos;

/// Which variants and scenarios look slower and are to be built again, from both records.
pub(crate) type Suspects<'a> = dyn Fn(&Record, &Against) -> Vec<(String, Scenario)> + 'a;

/// Another state of a suite to measure against.
#[derive(Clone, Copy)]
pub(crate) struct Other<'a> {
    /// As it was asked for: a git ref, or the folder of a suite.
    pub reference: &'a str,
    /// The commit that the ref meant; empty for a folder.
    pub commit: &'a str,
    /// Its suite.
    pub suite: &'a Suite,
    /// What is to be built again.
    pub suspects: &'a Suspects<'a>,
}

/// What a run measures: a state of a suite, and perhaps another beside it.
pub(super) struct States<'a> {
    pub suite: &'a Suite,
    /// The variants that were asked for; of a shard its own.
    pub variants: Vec<&'a SuiteVariant>,
    /// The builds of them.
    pub steps: Vec<PlannedBuild>,
    /// The replacements of bases.
    pub set: BTreeMap<String, String>,
    pub beside: Option<Beside<'a>>,
}

/// What a run needs to know of the other state.
pub(super) struct Beside<'a> {
    pub other: Other<'a>,
    /// Its variants that have a counterpart among ours.
    pub variants: Vec<SuiteVariant>,
    /// Its replacements of bases.
    pub set: BTreeMap<String, String>,
    /// The builds of both.
    pub steps: Vec<PlannedBuild>,
    counterparts: Vec<Option<usize>>,
    ours: Vec<String>,
    /// Names that only the other state has.
    gone: Vec<String>,
    plan: PlanOptions,
}

/// What the image of a variant is tagged in a run: each state has a repository of its own.
pub(super) fn tag(variant: &SuiteVariant, run: &str) -> String {
    let repository = match variant.side {
        Side::Head => "tonnage-run",
        Side::Base => "tonnage-base",
    };
    format!("{repository}:{run}-{}", suite::tag_name(&variant.name))
}

/// A run must be resumed against what it was begun against.
pub(super) fn same_state(dir: &Path, earlier: Option<Mark>, now: Option<Mark>) -> Result<(), MeasureError> {
    let identity = |mark: &Option<Mark>| mark.as_ref().map(|mark| (mark.commit.clone(), mark.digest.clone()));
    if identity(&earlier) == identity(&now) {
        return Ok(());
    }
    Err(MeasureError::AgainstOther { dir: dir.to_path_buf(), earlier: earlier.map(Box::new), now: now.map(Box::new) })
}

impl<'a> Beside<'a> {
    /// Pairs the variants that are measured with those of the other state, by name.
    pub(super) fn of(
        other: Other<'a>,
        suite: &Suite,
        variants: &[&SuiteVariant],
        options: &RunOptions,
    ) -> Result<Self, MeasureError> {
        let set = other.suite.base_set(&options.bases).map_err(|_| MeasureError::NoSuchBasesThere {
            reference: other.reference.to_owned(),
            name: options.bases.clone(),
        })?;
        let mut found = Vec::new();
        let counterparts: Vec<Option<usize>> = variants
            .iter()
            .map(|variant| {
                let mut there = other.suite.variant(&variant.name)?.clone();
                there.side = Side::Base;
                found.push(there);
                Some(variants.len() + found.len() - 1)
            })
            .collect();
        let theirs = other.suite.variants.iter().map(|variant| &variant.name);
        Ok(Self {
            gone: theirs.filter(|name| suite.variant(name).is_none()).cloned().collect(),
            ours: variants.iter().map(|variant| variant.name.clone()).collect(),
            steps: suite::plan_beside(&counterparts, &options.plan),
            variants: found,
            plan: options.plan.clone(),
            other,
            set,
            counterparts,
        })
    }

    /// What the journal says of the other state.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            reference: self.other.reference.to_owned(),
            commit: self.other.commit.to_owned(),
            digest: self.other.suite.digest.clone(),
        }
    }

    /// The builds that confirm or refute what looks slower in a record of all planned builds: as many rounds again, of
    /// nothing else. They are numbered behind the planned ones, so a resumed run goes on with them too.
    pub(super) fn confirming(&self, record: &Record) -> Vec<PlannedBuild> {
        let (head, Some(mut against)) = self.apart(record.clone()) else { return Vec::new() };
        // The first measurement decides, also in a run that is resumed in the middle of the rerun.
        against.confirmations.clear();
        let suspects = (self.other.suspects)(&head, &against);
        let suspected = |variant: usize, scenario: Scenario| {
            suspects.iter().any(|(name, wanted)| *wanted == scenario && *name == self.ours[variant])
        };
        let ours = |index: usize| match index.checked_sub(self.ours.len()) {
            None => Some(index),
            Some(_) => self.counterparts.iter().position(|other| *other == Some(index)),
        };
        let mut steps = suite::plan_beside(&self.counterparts, &PlanOptions { twin: None, ..self.plan.clone() });
        steps.retain(|step| ours(step.variant).is_some_and(|variant| suspected(variant, step.scenario)));
        let first = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        for (index, step) in (first..).zip(&mut steps) {
            step.index = index;
        }
        steps
    }

    /// The record of the run and what it was measured against.
    pub(super) fn apart(&self, mut record: Record) -> (Record, Option<Against>) {
        let planned = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        let (base, head): (Vec<Sample>, Vec<Sample>) =
            std::mem::take(&mut record.samples).into_iter().partition(|sample| !sample.side.is_head());
        let (mut base_variants, head_variants): (Vec<Variant>, Vec<Variant>) =
            std::mem::take(&mut record.variants).into_iter().partition(|variant| !variant.side.is_head());
        let spent: Nanos = base.iter().chain(head.iter().filter(|s| s.step >= planned)).map(|s| s.wall_ns).sum();
        let first = |sample: &Sample| sample.step < planned;
        let (base, base_again): (Vec<Sample>, Vec<Sample>) = base.into_iter().partition(first);
        let (head, head_again): (Vec<Sample>, Vec<Sample>) = head.into_iter().partition(first);

        let suite = self.other.suite;
        base_variants.extend(suite.variants.iter().filter(|v| self.gone.contains(&v.name)).map(begin_variant));
        let mut there = Record {
            suite: SuiteInfo {
                name: suite.name.clone(),
                title: suite.title.clone(),
                digest: suite.digest.clone(),
                source: suite.source.clone(),
                commit: self.other.commit.to_owned(),
            },
            elapsed_ns: Nanos::ZERO,
            spent: Spent::default(),
            pulls: Vec::new(),
            findings: Vec::new(),
            variants: base_variants,
            samples: base,
            ..record.clone()
        };
        record.variants = head_variants;
        record.samples = head;
        record.spent.other_builds_ns += spent;
        analyse::share_out(&mut record.variants);
        analyse::share_out(&mut there.variants);
        let against = Against {
            reference: self.other.reference.to_owned(),
            commit: self.other.commit.to_owned(),
            base: there,
            confirmations: confirmations(&base_again, &head_again),
        };
        (record, Some(against))
    }
}

/// The reruns by variant and scenario.
fn confirmations(base: &[Sample], head: &[Sample]) -> Vec<Confirmation> {
    let mut found: BTreeMap<(&str, Scenario), Confirmation> = BTreeMap::new();
    let all = base.iter().map(|sample| (true, sample)).chain(head.iter().map(|sample| (false, sample)));
    for (is_base, sample) in all {
        let again = found.entry((&sample.variant, sample.scenario)).or_insert_with(|| Confirmation {
            variant: sample.variant.clone(),
            scenario: sample.scenario,
            base: Vec::new(),
            head: Vec::new(),
        });
        if is_base { &mut again.base } else { &mut again.head }.push(sample.clone());
    }
    found.into_values().collect()
}

#[cfg(test)]
#[path = "against_tests.rs"]
mod tests;
