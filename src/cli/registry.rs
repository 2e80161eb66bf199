//! How registries are spoken to, and which targets are in one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::allow::for_shell;
use crate::env;
use crate::image::LayerCache;
use crate::registry::{RegistrySettings, is_registry};
use crate::suite;

/// How registries are spoken to.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct RegistryArgs {
    /// Read every target from its registry, as with `docker://` in front
    #[arg(long, help_heading = "Registry")]
    registry: bool,
    /// Also trust the certificate authorities in this PEM file
    #[arg(long, value_name = "FILE", help_heading = "Registry")]
    ca_file: Option<PathBuf>,
    /// Allow plain HTTP to registries on other machines if they do not answer over TLS
    #[arg(long, help_heading = "Registry")]
    plain_http: bool,
    /// Read every layer again, and keep nothing of what is found in it
    #[arg(long, help_heading = "Registry")]
    no_cache: bool,
}

impl RegistryArgs {
    /// How to speak to them.
    pub(super) fn settings(&self) -> RegistrySettings {
        RegistrySettings { ca_file: self.ca_file.clone(), plain_http: self.plain_http, ..RegistrySettings::default() }
    }

    /// Where what was found in layers is kept, if it may be.
    pub(super) fn cache(&self) -> Option<LayerCache> {
        (!self.no_cache).then(|| LayerCache::in_state(&env::state_folder()))
    }

    /// The arguments that a target as it is meant needs again, each with a space in front.
    pub(super) fn again(&self) -> String {
        let plain = if self.plain_http { " --plain-http" } else { "" };
        let trusted = self.ca_file.as_ref().map(|file| format!(" --ca-file={}", for_shell(&file.to_string_lossy())));
        format!("{plain}{}", trusted.unwrap_or_default())
    }

    /// A target as it is meant.
    pub(super) fn target(&self, target: String) -> String {
        if self.registry && !is_registry(&target) { format!("docker://{target}") } else { target }
    }

    /// The image in a registry that `[NAME=]TARGET` means, if it means one.
    pub(super) fn image(&self, target: &Path) -> Option<(Option<String>, String)> {
        let text = target.to_str()?;
        let (name, target) = match text.split_once('=') {
            Some((name, target)) if suite::is_name(name) && (self.registry || is_registry(target)) => {
                (Some(name.to_owned()), target)
            }
            _ => (None, text),
        };
        (self.registry || is_registry(target)).then(|| (name, self.target(target.to_owned())))
    }

    /// Targets as they are meant, and the names of some of them.
    pub(super) fn all(
        &self,
        targets: Vec<String>,
        names: BTreeMap<String, String>,
    ) -> (Vec<String>, BTreeMap<String, String>) {
        let names = names.into_iter().map(|(target, name)| (self.target(target), name)).collect();
        (targets.into_iter().map(|target| self.target(target)).collect(), names)
    }
}
