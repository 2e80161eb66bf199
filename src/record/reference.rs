//! Published figures that a variant is compared with, and whether its size is one of them.

use serde::{Deserialize, Serialize};

use super::{Sizes, Variant, WireKind};
use crate::units::Bytes;

/// How far an estimated compressed size may be from that of a real push, as a part of 100.
const ESTIMATE_PERCENT: u64 = 4;

/// The figure that the suite compares with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Reference {
    /// As it was printed: `842MB`.
    pub claim: String,
    /// Smallest size that prints so.
    pub low_bytes: Bytes,
    /// Smallest size that no longer prints so.
    pub high_bytes: Bytes,
    /// `os/arch[/variant]` that the claim is thought to be about; empty where nothing is known.
    #[serde(default)]
    pub platform: String,
}

impl Reference {
    /// Whether a size prints as the claim.
    pub fn contains(&self, size: Bytes) -> bool {
        self.low_bytes <= size && size < self.high_bytes
    }
}

/// Whether a claim was reproduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceVerdict {
    /// The size lies in the claim's interval.
    Reproduced,
    /// It does not, and another definition of size does.
    OtherDefinition,
    /// Neither does.
    Drifted,
    /// It was measured on a substitute base image, so it proves nothing either way.
    StandIn,
    /// There is no image to compare.
    NotMeasured,
}

/// What somebody may have measured and called the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeDefinition {
    /// What the engine calls so.
    Engine,
    /// The merged file system.
    Rootfs,
    /// What a registry transfers.
    Compressed,
    /// The base image alone.
    Base,
}

impl Variant {
    /// Whether its published size was reproduced; `None` where it has none.
    pub fn reference_verdict(&self) -> Option<ReferenceVerdict> {
        let reference = self.reference.as_ref()?;
        Some(match self.size() {
            None => ReferenceVerdict::NotMeasured,
            Some(_) if self.is_stand_in() => ReferenceVerdict::StandIn,
            Some(size) if reference.contains(size) => ReferenceVerdict::Reproduced,
            Some(_) if self.fitting_definition().is_some() => ReferenceVerdict::OtherDefinition,
            Some(_) => ReferenceVerdict::Drifted,
        })
    }

    /// Another figure of the same image that lies in the interval of the published size, and what it is called.
    pub fn fitting_definition(&self) -> Option<(SizeDefinition, Bytes)> {
        let (reference, sizes) = (self.reference.as_ref()?, self.sizes.as_ref()?);
        let fits = |size: &Bytes| reference.contains(*size);
        let engine = sizes.engine_size_bytes.filter(fits).map(|size| (SizeDefinition::Engine, size));
        let rootfs = Some(sizes.rootfs_bytes).filter(fits).map(|size| (SizeDefinition::Rootfs, size));
        let compressed = self
            .compressed()
            .filter(|(size, kind)| reaches(*size, *kind, (reference.low_bytes, reference.high_bytes)))
            .map(|(size, _)| (SizeDefinition::Compressed, size));
        let base = Some(sizes.base_bytes).filter(fits).map(|size| (SizeDefinition::Base, size));
        engine.or(rootfs).or(compressed).or(base)
    }
}

/// Whether a compressed size lies in an interval, or may: one that was estimated is near the real one.
fn reaches(size: Bytes, kind: WireKind, (low, high): (Bytes, Bytes)) -> bool {
    let error = if kind == WireKind::Estimated { size.0 / 100 * ESTIMATE_PERCENT } else { 0 };
    size.0.saturating_add(error) >= low.0 && size.0.saturating_sub(error) < high.0
}

/// A published figure of something else than the size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Published {
    /// What it is a figure of.
    pub metric: PublishedMetric,
    /// As it was printed: `141.7 s`.
    pub claim: String,
    /// Smallest value that prints so, in bytes or nanoseconds.
    pub low: u64,
    /// Smallest value that no longer prints so.
    pub high: u64,
}

impl Published {
    /// Whether a size that was measured prints as the figure, or may; `None` for times, which are another machine's.
    pub fn contains(&self, sizes: &Sizes, measured: Bytes) -> Option<bool> {
        let interval = (Bytes(self.low), Bytes(self.high));
        match self.metric {
            PublishedMetric::Compressed => Some(reaches(measured, sizes.wire_kind, interval)),
            PublishedMetric::UpdateSrc => Some(reaches(measured, WireKind::Exact, interval)),
            PublishedMetric::Cold | PublishedMetric::Startup => None,
        }
    }
}

/// What a published figure may be of, besides the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PublishedMetric {
    /// What a registry transfers.
    Compressed,
    /// What is to be pulled after an edit of the source, unpacked.
    UpdateSrc,
    /// Time of a build without cache.
    Cold,
    /// Time from the start to the first answer.
    Startup,
}
