//! What must not be compared, however much the numbers look alike.

use std::collections::BTreeSet;

use crate::gate::baseline::{Baseline, Entry};
use crate::gate::measured::Measured;
use crate::gate::metric::Metric;
use crate::record::{BaseOrigin, Variant, WireKind};

/// Why a variant cannot be compared with its entry; `None` where it can.
pub(super) fn reason(entry: &Entry, was: u32, variant: &Variant, is: u32) -> Option<String> {
    let old = &entry.variant;
    if was != is {
        return Some(format!("sizes are defined by version {was} in the baseline and by version {is} here"));
    }
    if !old.platform.is_empty() && !variant.platform.is_empty() && old.platform != variant.platform {
        return Some(format!("the baseline is {}, this image is {}", old.platform, variant.platform));
    }
    let stand_in = |variant: &Variant| variant.bases.iter().any(|base| base.origin == BaseOrigin::StandIn);
    if !old.bases.is_empty() && !variant.bases.is_empty() && stand_in(old) != stand_in(variant) {
        let (is, was) = if stand_in(variant) { ("", "not ") } else { ("not ", "") };
        return Some(format!("this image is {is}on a stand-in for its base, the baseline's is {was}on one"));
    }
    None
}

/// Why a single metric cannot be compared where the variants can.
pub(super) fn of_metric(metric: &Metric, old: &Variant, new: &Variant) -> Option<String> {
    let (was, is) = (old.sizes.as_ref()?.wire_kind, new.sizes.as_ref()?.wire_kind);
    let word = |kind: WireKind| if kind == WireKind::Exact { "exact" } else { "estimated" };
    (matches!(metric, Metric::Wire) && was != is)
        .then(|| format!("`wire` is {} in the baseline and {} here", word(was), word(is)))
}

/// Says where engine or image store are others: `size` is the same on each, so it is no reason to refuse.
pub(super) fn stores(notes: &mut Vec<String>, baseline: &Baseline, measured: &Measured) {
    let Some(by) = &measured.engine else { return };
    let was: BTreeSet<&str> = baseline
        .entries
        .values()
        .map(|entry| entry.accepted.image_store.as_str())
        .filter(|store| !store.is_empty() && *store != by.image_store)
        .collect();
    if !was.is_empty() {
        let was = was.into_iter().collect::<Vec<_>>().join(", ");
        notes.push(format!(
            "the image store is another one ({was} in the baseline, {} here): what the engine calls the size is not \
             compared, `size` is the same on both",
            by.image_store
        ));
    }
}
