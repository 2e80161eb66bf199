//! What must not be compared, however much the numbers look alike.

use std::collections::BTreeSet;

use tonnage_image::Platform;

use crate::gate::baseline::Baseline;
use crate::gate::measured::Measured;
use crate::gate::metric::Metric;
use crate::line::{Line, command};
use crate::record::Variant;

/// Whether two images may be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Alike {
    /// They may.
    Yes,
    /// They must not: why.
    No(String),
}

/// Whether two images may be compared: the same definition of sizes, the same platform, the same kind of base. The
/// versions are those of the size definitions.
pub(crate) fn alike(old: &Variant, was: u32, new: &Variant, is: u32) -> Alike {
    if was != is {
        return Alike::No(format!(
            "sizes are defined by version {was} in the old one and by version {is} in the new one"
        ));
    }
    if !old.platform.is_empty() && !new.platform.is_empty() && !Platform::same(&old.platform, &new.platform) {
        return Alike::No(format!("the old one is {}, the new one is {}", old.platform, new.platform));
    }
    if !old.bases.is_empty() && !new.bases.is_empty() && old.is_stand_in() != new.is_stand_in() {
        let which = if new.is_stand_in() { "new" } else { "old" };
        return Alike::No(format!("only the {which} one is on a substitute base image"));
    }
    Alike::Yes
}

/// Why a single metric cannot be compared where the variants can.
pub(super) fn of_metric(metric: &Metric, old: &Variant, new: &Variant) -> Option<Line> {
    let ((_, was), (_, is)) = (old.compressed()?, new.compressed()?);
    (matches!(metric, Metric::Compressed | Metric::LayerCompressed) && was != is)
        .then(|| command(metric.to_string()).and(format!(" is {} in the baseline and {} here", was.word(), is.word())))
}

/// Says where engine or image store are others: `size` is the same on each, so it is not a reason to refuse.
pub(super) fn stores(notes: &mut Vec<Line>, baseline: &Baseline, measured: &Measured) {
    let Some(by) = &measured.engine else { return };
    let was: BTreeSet<&str> = baseline
        .entries
        .values()
        .map(|entry| entry.accepted.by.image_store.as_str())
        .filter(|store| !store.is_empty() && *store != by.image_store)
        .collect();
    if !was.is_empty() {
        let was = was.into_iter().collect::<Vec<_>>().join(", ");
        notes.push(Line::quoting(&format!(
            "the image store is another one ({was} in the baseline, {} here): what the engine calls the size is not \
             compared, `size` is the same on both",
            by.image_store
        )));
    }
}
