//! The headline figures of a run: the one place that terminal, Markdown and HTML tables draw from.

use std::collections::BTreeMap;

use super::timing::{ScenarioTiming, ready, timings};
use crate::record::{Outcome, Record, Scenario, ServeState, Variant, WireKind};
use crate::units::{Bytes, Nanos, Ratio, SignedBytes};

/// One line of the headline table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VariantSummary {
    /// Position in the suite, counted from 0.
    pub index: usize,
    /// Name of the variant.
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
    /// One line of why it did not go well; empty where it did.
    pub failure: String,
    /// Classic unpacked size.
    pub size: Option<Bytes>,
    /// What the engine says.
    pub engine_size: Option<Bytes>,
    /// What a registry transfers.
    pub wire: Option<Bytes>,
    /// Whether `wire` was measured or estimated.
    pub wire_kind: Option<WireKind>,
    /// Bytes in layers of the base.
    pub base: Option<Bytes>,
    /// Bytes in the variant's own layers.
    pub own: Option<Bytes>,
    /// Bytes that could go.
    pub reclaimable: Option<Bytes>,
    /// Size less that of the first variant; `None` for the first itself and where either has none.
    pub delta_to_first: Option<SignedBytes>,
    /// Size ÷ that of the first variant; `None` as above.
    pub ratio_to_first: Option<Ratio>,
    /// Whether no variant that built and serves is smaller: the smallest image that does not work wins nothing.
    pub smallest: bool,
    /// Whether a base is a stand-in, so that the figures are not those of the real one.
    pub stand_in: bool,
    /// Layers of the image.
    pub layers: usize,
    /// The claim that the suite compares with: `842MB`.
    pub claim: Option<String>,
    /// Median time to the first expected answer, where the image serves.
    pub ready: Option<Nanos>,
    /// Memory held then.
    pub memory: Option<Bytes>,
    /// Build times by scenario, those that were measured.
    pub timings: BTreeMap<Scenario, ScenarioTiming>,
}

/// The headline figures, one entry a variant in the order of the suite.
pub(crate) fn summary(record: &Record) -> Vec<VariantSummary> {
    let mut by_variant: BTreeMap<String, BTreeMap<Scenario, ScenarioTiming>> = BTreeMap::new();
    for timing in timings(record) {
        by_variant.entry(timing.variant.clone()).or_default().insert(timing.scenario, timing);
    }
    lines(&record.variants, by_variant)
}

/// The same of images that are weighed side by side.
pub(crate) fn summary_of_images(images: &[Variant]) -> Vec<VariantSummary> {
    lines(images, BTreeMap::new())
}

fn lines(
    variants: &[Variant],
    mut by_variant: BTreeMap<String, BTreeMap<Scenario, ScenarioTiming>>,
) -> Vec<VariantSummary> {
    let first = variants.first().and_then(Variant::size);
    let smallest = variants.iter().filter(|variant| works(variant)).filter_map(Variant::size).min();
    let lines = variants.iter().enumerate();
    lines
        .map(|(index, variant)| {
            let size = variant.size();
            let against = first.zip(size).filter(|_| index > 0);
            let sizes = variant.sizes.as_ref();
            let serve = variant.serve.as_ref().filter(|serve| serve.state == ServeState::Answered);
            VariantSummary {
                index,
                name: variant.name.clone(),
                outcome: variant.outcome,
                failure: failure(variant),
                size,
                engine_size: sizes.and_then(|sizes| sizes.engine_size_bytes),
                wire: sizes.map(|sizes| sizes.wire_bytes),
                wire_kind: sizes.map(|sizes| sizes.wire_kind),
                base: sizes.map(|sizes| sizes.base_bytes),
                own: sizes.map(|sizes| sizes.own_bytes),
                reclaimable: sizes.map(|sizes| sizes.reclaimable_bytes),
                delta_to_first: against.map(|(first, size)| size - first),
                ratio_to_first: against.and_then(|(first, size)| Ratio::of(size.0, first.0)),
                smallest: size.is_some() && size == smallest && works(variant),
                stand_in: variant.is_stand_in(),
                layers: variant.layers.len(),
                claim: variant.reference.as_ref().map(|reference| reference.claim.clone()),
                ready: serve.and_then(ready).map(|ready| ready.median),
                memory: serve.map(|serve| serve.memory_bytes),
                timings: by_variant.remove(&variant.name).unwrap_or_default(),
            }
        })
        .collect()
}

/// Built, and serves where that was asked and could be.
pub(super) fn works(variant: &Variant) -> bool {
    variant.outcome == Outcome::Ok && variant.serve.as_ref().is_none_or(|serve| serve.state != ServeState::Failed)
}

fn failure(variant: &Variant) -> String {
    match (&variant.failure, &variant.serve) {
        (Some(failure), _) => failure.message.clone(),
        (None, Some(serve)) if serve.state == ServeState::Failed => serve.detail.clone(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::{self, NAMES};

    fn smallest(record: &Record) -> Vec<String> {
        summary(record).into_iter().filter(|line| line.smallest).map(|line| line.name).collect()
    }

    #[test]
    fn lines_stand_in_the_order_of_the_suite_and_compare_with_the_first() {
        let found = summary(&fixture::record());
        assert_eq!(found.iter().map(|line| line.name.as_str()).collect::<Vec<_>>(), NAMES);
        assert_eq!((found[0].delta_to_first, found[0].ratio_to_first), (None, None));
        let (first, last) = (found[0].size.unwrap(), found[3].size.unwrap());
        assert_eq!(found[3].delta_to_first, Some(last - first));
        assert_eq!(found[3].ratio_to_first, Ratio::of(last.0, first.0));
        assert_eq!(found[3].timings.keys().copied().collect::<std::collections::BTreeSet<_>>().len(), 5);
        assert_eq!(found[1].timings[&Scenario::Warm].invalid, 1);
    }

    #[test]
    fn the_smallest_image_that_does_not_work_wins_nothing() {
        assert_eq!(smallest(&fixture::record()), [NAMES[3]]);
        let failed = fixture::with_failures();
        assert_eq!(smallest(&failed), [NAMES[1]]);
        let lines = summary(&failed);
        assert_eq!((lines[2].size, lines[2].failure.is_empty()), (None, false));
        assert!(lines[3].size.is_some() && lines[3].ready.is_none() && lines[3].failure.contains("exited"));
    }

    #[test]
    fn equal_sizes_share_the_mark() {
        let mut record = fixture::record();
        let sizes = record.variants[3].sizes.clone();
        record.variants[2].sizes = sizes;
        assert_eq!(smallest(&record), [NAMES[2], NAMES[3]]);
    }

    #[test]
    fn stand_ins_are_marked() {
        assert!(summary(&fixture::stand_in()).iter().all(|line| line.stand_in));
        assert!(summary(&fixture::record()).iter().all(|line| !line.stand_in));
    }

    #[test]
    fn without_a_first_size_nothing_is_compared() {
        let mut record = fixture::record();
        record.variants[0].sizes = None;
        assert!(summary(&record).iter().all(|line| line.delta_to_first.is_none()));
        record.variants[0].sizes = fixture::record().variants[0].sizes.clone();
        if let Some(sizes) = &mut record.variants[0].sizes {
            sizes.size_bytes = Bytes::ZERO;
        }
        assert!(summary(&record).iter().all(|line| line.ratio_to_first.is_none()));
    }
}
