//! What an image weighs: the library `tonnage-image`, what its errors mean for this program, and how the images of an
//! engine reach it: read in the engine's own storage if possible, or from its export.
//!
//! In: archives, layouts, and an engine. Out: scans and weights. It knows nothing of suites and runs.

mod diagnose;
mod layer_cache;
mod on_engine;
mod targets;
mod way;
mod weighed;

pub(crate) use layer_cache::LayerCache;
pub(crate) use on_engine::{Reading, Readings, WeighError, weigh_on_engine};
pub(crate) use targets::weigh as weigh_targets;
pub(crate) use targets::{Extent, Said, TargetNaming, Wanted, WantedPlatform};
pub(crate) use tonnage_image::{
    DiffIds, Excess, ImageError, ImageScan, Limits, ManifestScan, Options, ParsePlatformError, Platform, ReportOptions,
    StoreError, Weigher, Weight, WireMode, weigh, weigh_listed,
};
pub(crate) use way::{NotInPlace, Way, store_in_place};
pub(crate) use weighed::put_weight;
