//! One image as it was read.

use std::sync::Arc;

use super::config::ImageConfig;
use super::layer::LayerScan;
use crate::facts::ManifestFacts;

/// One image of an archive.
#[derive(Debug, Clone)]
pub struct ImageScan {
    /// `sha256:` of the config, the same on every engine.
    pub config_digest: String,
    /// Names that the archive gives it.
    pub tags: Vec<String>,
    /// `os/arch[/variant]`.
    pub platform: String,
    /// Its config.
    pub config: ImageConfig,
    /// Its layers, lowest first.
    pub layers: Vec<Arc<LayerScan>>,
    /// What a registry stores besides it: attestations, signatures, and other referrers; `None` outside registries.
    pub also_stored_bytes: Option<u64>,
}

/// One image of a registry whose layers were not read.
#[derive(Debug, Clone)]
pub struct ManifestScan {
    /// `sha256:` of the config, the same on every engine.
    pub config_digest: String,
    /// `os/arch[/variant]`.
    pub platform: String,
    /// User that it runs as; empty means root.
    pub user: String,
    /// What manifest and config say.
    pub facts: ManifestFacts,
    /// What the registry stores besides it: attestations, signatures, and other referrers.
    pub also_stored_bytes: u64,
}
