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

mod archive;
mod blob;
mod config;
mod directory;
mod error;
mod estimate;
mod file;
mod findings;
mod hashed;
mod label;
mod layer;
mod lists;
mod packages;
mod pax;
mod platform;
mod resolve;
mod shape;
#[cfg(feature = "docker-store")]
mod store;
mod tar;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod testing;
mod tree;
mod weigh;

pub use archive::{ImageScan, Weigher};
pub use config::{History, ImageConfig};
pub use error::{Excess, ImageError};
pub use file::FileError;
pub use layer::LayerScan;
pub use platform::{ParsePlatformError, Platform};
#[cfg(feature = "docker-store")]
pub use store::{Store, StoreError};
pub use weigh::{ReportOptions, Weight, weigh, weigh_listed};

/// How images are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether the compressed size of plain layers is estimated.
    pub wire: WireMode,
    /// Whether files' content is hashed, to find duplicates.
    pub hash_files: bool,
    /// Whether layers are hashed, to check their diff ids.
    pub diff_ids: DiffIds,
    /// What is too much.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self { wire: WireMode::default(), hash_files: true, diff_ids: DiffIds::default(), limits: Limits::default() }
    }
}

/// Whether the compressed size of layers that are stored plain is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WireMode {
    /// At gzip level 6, of large layers by samples: about 0.3 s of CPU a layer at most, spread over the cores.
    #[default]
    Estimate,
    /// Not at all: such layers count nothing in `wire`.
    Skip,
}

/// Where the diff ids of layers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiffIds {
    /// From the layers' bytes; one that the config contradicts is an error.
    #[default]
    Checked,
    /// From the config, unseen.
    Claimed,
}

/// What is too much for one archive: past any of these it is an error, and nothing is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all layers, unpacked; the archive itself may have as many again.
    pub unpacked_bytes: u64,
    /// Bytes of a zstd window. Two are in memory while a layer is read from an archive that is packed as a whole.
    pub window_bytes: u64,
    /// Entries of all layers, and the folders that only their paths name. So many may an image list in its layers,
    /// one that it lists twice counted twice.
    pub entries: u64,
    /// Bytes of all names and link targets; of those of the archive's own members as many again.
    pub name_bytes: u64,
    /// Layers, documents and links in the archive.
    pub members: u64,
    /// Bytes of one JSON document; a larger one is not read.
    pub json_bytes: u64,
    /// Bytes of all JSON documents.
    pub json_total_bytes: u64,
    /// Bytes of one file of a package database; a larger one is not read.
    pub database_file_bytes: u64,
    /// Bytes of all package databases.
    pub database_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: 1 << 40,
            // What the zstd tool accepts by default.
            window_bytes: 128 << 20,
            entries: 20_000_000,
            name_bytes: 2 << 30,
            members: 100_000,
            json_bytes: 16 << 20,
            json_total_bytes: 256 << 20,
            database_file_bytes: 64 << 20,
            database_bytes: 512 << 20,
        }
    }
}

#[cfg(test)]
mod tests;
