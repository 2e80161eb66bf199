//! Weighs container images from their layers: sizes that are the same on every engine, what later layers hide,
//! duplicates, packages, and findings.
//!
//! In: a docker archive or an OCI layout, as a stream or on disk; with the feature `docker-store`, also the directory
//! in which a Docker Engine keeps its images. All of it is untrusted. Out: an [`ImageScan`] per image, which holds what
//! was read of each layer, and from it a [`Weight`] in the serde types of [`facts`].
//!
//! ```no_run
//! use std::path::Path;
//! use tonnage_image::{Options, ReportOptions, Weigher, weigh};
//!
//! for image in Weigher::new(Options::default()).read_path(Path::new("image.tar"))? {
//!     let weight = weigh(&image, &ReportOptions { base_diff_ids: &[], site_layers: 0, top: 10 });
//!     println!("{} {}", weight.config_digest, weight.sizes.size_bytes);
//! }
//! # Ok::<(), tonnage_image::ImageError>(())
//! ```
//!
//! One pass, nothing written to disk, no async. Memory grows with the number of entries, not with bytes: an entry takes
//! 32 bytes and its path, a hashed file 32 more; while an image is weighed, each name takes 40 bytes in the merged tree,
//! 4 for its owner, and a slot of a map (35 to 75 bytes), each file 20. That is about 200 bytes per entry. [`Limits`]
//! bounds all of it.

pub mod bytes;
pub mod facts;
pub mod text;

mod credentials;
mod error;
mod file;
mod merge;
mod options;
mod packages;
mod path;
mod platform;
mod read;
#[cfg(feature = "docker-store")]
mod store;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod weigh;

pub use error::{Excess, ImageError};
pub use file::FileError;
pub use options::{DiffIds, Limits, Options, WireMode};
pub use platform::{ParsePlatformError, Platform};
pub use read::{Blobs, History, ImageConfig, ImageScan, KeptLayers, LayerScan, ManifestScan, Weigher};
#[cfg(feature = "docker-store")]
pub use store::{ContentStore, Store, StoreError};
pub use weigh::{ReportOptions, Weight, weigh, weigh_listed};

#[cfg(test)]
mod tests;
