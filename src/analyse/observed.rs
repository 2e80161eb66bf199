//! Builds that somebody else made, by variant: how often what came from cache, and what broke the cache first.

use std::collections::BTreeMap;

use super::timing::{grouped, median_time};
use crate::record::{Record, Sample, SampleState, Scenario, Step, Variant};
use crate::units::Nanos;

/// What the observed builds of a variant show.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ObservedVariant<'r> {
    /// The variant.
    pub variant: &'r Variant,
    /// Its builds, oldest first.
    pub builds: Vec<&'r Sample>,
    /// How many failed, and how many did not come to their end.
    pub failed: usize,
    pub unfinished: usize,
    /// The newest build that counts.
    pub newest: Option<&'r Sample>,
    /// Median time of those that count; `None` where none does.
    pub median: Option<Nanos>,
    /// Of how many everything came from cache that can.
    pub all_cached: usize,
    /// The newest build in which only copies of the source, and what builds on them, ran.
    pub source_edit: Option<&'r Sample>,
    /// How many such builds there are.
    pub source_edits: usize,
    /// Its instructions that can come from cache, those of the newest build first.
    pub steps: Vec<ObservedStep<'r>>,
}

/// An instruction over all builds of a variant that count.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct ObservedStep<'r> {
    /// Its stage; empty where there is one only.
    pub stage: &'r str,
    /// The instruction.
    pub instruction: &'r str,
    /// Builds that had it.
    pub builds: u32,
    /// Those in which it came from cache.
    pub cached: u32,
    /// Those in which it was the first that did not.
    pub first_miss: u32,
    /// Median time of those in which it ran.
    pub median: Nanos,
    /// Time of all of them.
    pub total: Nanos,
}

/// By variant, in the order of the record.
pub(crate) fn observed(record: &Record) -> Vec<ObservedVariant<'_>> {
    let mut samples = grouped(record.samples.iter().map(|sample| (sample.variant.as_str(), sample)));
    record.variants.iter().map(|variant| of_variant(variant, samples.remove(variant.name.as_str()))).collect()
}

fn of_variant<'r>(variant: &'r Variant, builds: Option<Vec<&'r Sample>>) -> ObservedVariant<'r> {
    let builds = builds.unwrap_or_default();
    let valid: Vec<&Sample> = builds.iter().copied().filter(|sample| sample.valid).collect();
    let in_state = |state| builds.iter().filter(|sample| sample.state == state).count();
    let mut edits = valid.iter().copied().filter(|sample| follows_source_edit(sample));
    let source_edits = edits.clone().count();
    ObservedVariant {
        variant,
        failed: in_state(SampleState::Failed),
        unfinished: in_state(SampleState::Unfinished),
        newest: valid.last().copied(),
        median: (!valid.is_empty()).then(|| median_time(valid.iter().map(|sample| sample.wall_ns))),
        all_cached: valid.iter().filter(|sample| sample.cached == sample.cacheable).count(),
        source_edit: edits.next_back(),
        source_edits,
        steps: steps(&valid),
        builds,
    }
}

/// Whether a build shows what an edit of the source runs again: one that was made for it, or an observed one in which nothing
/// else ran.
pub(crate) fn follows_source_edit(sample: &Sample) -> bool {
    let edit = sample.observed.as_ref().and_then(|observed| observed.edit);
    sample.scenario == Scenario::Src || edit == Some(Scenario::Src)
}

fn steps<'r>(builds: &[&'r Sample]) -> Vec<ObservedStep<'r>> {
    let mut order: Vec<(&str, &str)> = Vec::new();
    let mut found: BTreeMap<(&str, &str), (ObservedStep<'r>, Vec<Nanos>)> = BTreeMap::new();
    for sample in builds.iter().rev() {
        let counted = |step: &&Step| super::proof::kind(&step.instruction).is_some();
        let first = sample.steps.iter().filter(counted).find(|step| !step.cached);
        for step in sample.steps.iter().filter(counted) {
            let key = (step.stage.as_str(), step.instruction.as_str());
            let (entry, times) = found.entry(key).or_insert_with(|| {
                order.push(key);
                let (stage, instruction) = key;
                (ObservedStep { stage, instruction, ..ObservedStep::default() }, Vec::new())
            });
            entry.builds += 1;
            entry.first_miss += u32::from(first.is_some_and(|first| std::ptr::eq(first, step)));
            if step.cached {
                entry.cached += 1;
            } else {
                entry.total += step.duration_ns;
                times.push(step.duration_ns);
            }
        }
    }
    let finish = |key| {
        let (step, times) = found.remove(&key)?;
        Some(ObservedStep { median: median_time(times), ..step })
    };
    order.into_iter().filter_map(finish).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Observed;
    use crate::testing::fixture;

    #[test]
    fn builds_are_counted_by_instruction_and_the_newest_source_edit_is_found() {
        let mut record = fixture::record();
        record.samples.retain(|sample| sample.variant == fixture::NAMES[0] && !sample.discarded && !sample.twin);
        record.samples.retain(|sample| matches!(sample.scenario, Scenario::Cold | Scenario::Warm | Scenario::Src));
        record.samples.truncate(9);
        for sample in &mut record.samples {
            let edit = (sample.scenario == Scenario::Src).then_some(Scenario::Src);
            sample.observed = Some(Observed { edit, ..Observed::default() });
            sample.scenario = Scenario::Observed;
        }
        let counted = record.samples.clone();
        let last = record.samples.len() - 1;
        (record.samples[last].valid, record.samples[last].state) = (false, SampleState::Failed);
        let found = observed(&record);
        let one = &found[0];
        assert_eq!((one.builds.len(), one.failed, one.unfinished), (counted.len(), 1, 0));
        let valid = &record.samples[..last];
        assert_eq!(one.newest, valid.last());
        assert_eq!(one.all_cached, valid.iter().filter(|sample| sample.first_miss.is_none()).count());
        assert_eq!(one.source_edits, valid.iter().filter(|sample| follows_source_edit(sample)).count());
        assert!(one.source_edits > 0 && one.source_edit.is_some_and(follows_source_edit));
        assert_eq!(one.steps.iter().map(|step| step.first_miss).sum::<u32>() as usize, last - one.all_cached);
        assert!(one.steps.iter().all(|step| step.builds as usize == last && step.cached <= step.builds));
        assert!(found[1].builds.is_empty() && found[1].median.is_none());
    }
}
