//! One image as it was read.

use std::sync::Arc;

use super::config::ImageConfig;
use super::layer::LayerScan;

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
}
