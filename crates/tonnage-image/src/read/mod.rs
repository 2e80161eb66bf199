//! From bytes to images as they were read: archives, layouts, blobs; nothing is merged or weighed.
//!
//! [`archive`] and [`directory`] hand each member to the [`weigher`], which scans a layer ([`layer`]) and keeps documents
//! ([`members`]); [`resolve`] makes images of them once all are there. The bytes of a layer pass [`blob`] (unpacking,
//! counting), then [`hashed`], which gives each [`chunk`] to a hash and to the [`estimate`] of its compressed size,
//! then [`tar`].

mod archive;
pub(crate) mod blob;
mod chunk;
pub(crate) mod config;
mod directory;
mod estimate;
mod hashed;
mod image;
mod kept;
pub(crate) mod layer;
pub(crate) mod members;
mod pax;
mod registry;
mod resolve;
pub(crate) mod tar;
pub(crate) mod weigher;

pub use config::{History, ImageConfig};
pub use image::{ImageScan, ManifestScan};
pub use layer::LayerScan;
pub use registry::Blobs;
pub use weigher::{KeptLayers, Weigher};
