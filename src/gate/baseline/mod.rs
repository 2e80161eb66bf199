//! The committed baseline: what was last accepted, small enough to review and rich enough to explain growth later
//! without the old image.
//!
//! `tonnage-baseline.json` has one line an entry, sorted, so that a diff in a pull request reads as a list of what
//! changed. A digest over the values shows an edit by hand or a merge; the sums are checked as well.

mod accept;
mod text;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

pub use accept::{Accepting, Change, accept};

use super::GateError;
use super::measured::{Kind, Measured, MeasuredBy, blank};
use super::metric::Metric;
use crate::fsx;
use crate::record::{BaseOrigin, Layer, Package, PathSize, Sizes, Variant};
use crate::units::Bytes;

/// Version of the format of a baseline, `major.minor`.
pub const BASELINE_VERSION: &str = "1.0";

/// What was accepted, by variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Baseline {
    /// Version of the size definitions.
    pub metrics_version: u32,
    /// Name of the suite.
    pub suite: String,
    /// By variant.
    pub entries: BTreeMap<String, Entry>,
}

/// What was accepted of one variant.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// From where and why.
    pub accepted: Accepted,
    /// The image: bases, sizes, layers, packages and the largest paths; nothing else of a record.
    pub variant: Variant,
    /// Bytes under the path patterns that budgets named when it was accepted.
    pub path_bytes: BTreeMap<String, u64>,
}

/// Where the figures of an entry come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// When the record was finished, UTC.
    #[serde(default)]
    pub measured_at: String,
    /// Engine and version; empty for a weighing.
    #[serde(default)]
    pub engine: String,
    /// Kind of the image store.
    #[serde(default)]
    pub image_store: String,
    /// Storage driver.
    #[serde(default)]
    pub storage_driver: String,
    /// Builder.
    #[serde(default)]
    pub builder: String,
    /// Why it was accepted, in the words of who did.
    #[serde(default)]
    pub reason: String,
}

/// A base image's identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct BaseLine {
    reference: String,
    digest: String,
    id: String,
    origin: BaseOrigin,
    #[serde(default)]
    size_bytes: Bytes,
}

/// The file as it is read.
#[derive(Debug, Deserialize)]
struct File {
    metrics_version: u32,
    #[serde(default)]
    suite: String,
    digest: String,
    variants: BTreeMap<String, FileEntry>,
}

#[derive(Debug, Deserialize)]
struct FileEntry {
    #[serde(default)]
    accepted: Accepted,
    #[serde(default)]
    platform: String,
    #[serde(default)]
    config_digest: String,
    #[serde(default)]
    user: String,
    sizes: Sizes,
    #[serde(default)]
    bases: Vec<BaseLine>,
    layers: Vec<Layer>,
    #[serde(default)]
    packages: Vec<Package>,
    #[serde(default)]
    paths: Vec<PathSize>,
    #[serde(default)]
    path_budgets: BTreeMap<String, u64>,
}

/// Just the version, to tell a newer file from a broken one.
#[derive(Debug, Deserialize)]
struct Version {
    baseline_version: String,
}

impl Baseline {
    /// Reads a baseline and checks that it is as it was written.
    pub fn read(path: &Path) -> Result<Self, GateError> {
        Self::parse(&fsx::read_text(path)?, path)
    }

    /// As [`Baseline::read`], from text; `path` is for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, GateError> {
        let malformed = |error: serde_json::Error| {
            let mut reason = error.to_string();
            if text.contains("\n<<<<<<< ") {
                "it has unresolved merge conflicts".clone_into(&mut reason);
            }
            GateError::Malformed { path: path.to_path_buf(), reason }
        };
        let version: Version = serde_json::from_str(text).map_err(malformed)?;
        let major = |version: &str| version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major(&version.baseline_version) > major(BASELINE_VERSION) {
            let found = version.baseline_version;
            return Err(GateError::Newer { path: path.to_path_buf(), found, known: BASELINE_VERSION });
        }
        let file: File = serde_json::from_str(text).map_err(malformed)?;
        let altered = |problem: String| GateError::Altered { path: path.to_path_buf(), problem };
        let values = serde_json::from_str(text).map_err(malformed)?;
        if text::digest(values) != file.digest && text::digest_of_lines(text) != file.digest {
            return Err(altered("the digest does not agree with the values".to_owned()));
        }
        let baseline = file.into_baseline();
        match baseline.problems().into_iter().next() {
            Some(problem) => Err(altered(problem)),
            None => Ok(baseline),
        }
    }

    /// The baseline that a record or a weighing would be if it were accepted whole; nothing is cut off.
    pub fn of(measured: &Measured, paths: &[Metric]) -> Self {
        let entries = measured
            .variants
            .iter()
            .filter(|variant| variant.sizes.is_some())
            .map(|variant| {
                let entry = Entry {
                    accepted: Accepted::of(measured),
                    path_bytes: accept::path_bytes(variant, paths),
                    variant: variant.clone(),
                };
                (variant.name.clone(), entry)
            })
            .collect();
        Self { metrics_version: measured.metrics_version, suite: measured.suite.clone(), entries }
    }

    /// As [`Baseline::of`], for another state that was measured in the same job as `head`: what only that state has is
    /// in it by name, though it was not built.
    pub fn of_state(state: &Measured, head: &Measured, paths: &[Metric]) -> Self {
        let mut baseline = Self::of(state, paths);
        let gone = state.variants.iter().filter(|variant| head.variant(&variant.name).is_none());
        for variant in gone {
            baseline.entries.entry(variant.name.clone()).or_insert_with(|| Entry {
                accepted: Accepted::of(state),
                path_bytes: BTreeMap::new(),
                variant: variant.clone(),
            });
        }
        baseline
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        text::write(self)
    }

    /// What does not add up, without looking at any image: sizes against layers, packages against layers.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, entry) in &self.entries {
            let variant = &entry.variant;
            let Some(sizes) = &variant.sizes else { continue };
            let layers: u128 = variant.layers.iter().map(|layer| u128::from(layer.size_bytes.0)).sum();
            if layers != u128::from(sizes.size_bytes.0) {
                found
                    .push(format!("the layers of `{name}` add up to {layers} B, its size is {} B", sizes.size_bytes.0));
            }
            let parts = u128::from(sizes.base_bytes.0) + u128::from(sizes.own_bytes.0);
            if parts > u128::from(sizes.size_bytes.0) {
                found.push(format!("base and own of `{name}` are more than its size"));
            }
            let inside = |index: u32| (index as usize) < variant.layers.len();
            if variant.packages.iter().flat_map(|package| &package.layers).any(|(layer, _)| !inside(*layer)) {
                found.push(format!("a package of `{name}` is in a layer that is not there"));
            }
        }
        found
    }

    /// As something to compare with.
    pub(super) fn into_measured(self, label: &str) -> Measured {
        let by = self.entries.values().next().map(|entry| entry.accepted.clone()).unwrap_or_default();
        Measured {
            kind: Kind::Baseline,
            metrics_version: self.metrics_version,
            suite: self.suite,
            engine: (!by.engine.is_empty()).then_some(MeasuredBy {
                engine: by.engine,
                image_store: by.image_store,
                storage_driver: by.storage_driver,
                builder: by.builder,
            }),
            measured_at: by.measured_at,
            ..Measured::of_images(self.entries.into_values().map(|entry| entry.variant).collect(), label)
        }
    }
}

impl Accepted {
    fn of(measured: &Measured) -> Self {
        let by = measured.engine.clone();
        let (engine, image_store, storage_driver, builder) =
            by.map(|by| (by.engine, by.image_store, by.storage_driver, by.builder)).unwrap_or_default();
        Self {
            measured_at: measured.measured_at.clone(),
            engine,
            image_store,
            storage_driver,
            builder,
            reason: String::new(),
        }
    }
}

impl File {
    fn into_baseline(self) -> Baseline {
        let entries = self
            .variants
            .into_iter()
            .map(|(name, entry)| {
                let bases = entry.bases.into_iter().map(BaseLine::into_base).collect();
                let variant = Variant {
                    platform: entry.platform,
                    config_digest: entry.config_digest,
                    user: entry.user,
                    sizes: Some(entry.sizes),
                    bases,
                    layers: entry.layers,
                    packages: entry.packages,
                    paths: entry.paths,
                    ..blank(&name)
                };
                (name, Entry { accepted: entry.accepted, variant, path_bytes: entry.path_budgets })
            })
            .collect();
        Baseline { metrics_version: self.metrics_version, suite: self.suite, entries }
    }
}

impl BaseLine {
    fn into_base(self) -> crate::record::Base {
        crate::record::Base {
            reference: self.reference,
            used: String::new(),
            id: self.id,
            digest: self.digest,
            origin: self.origin,
            stand_in: String::new(),
            size_bytes: self.size_bytes,
            site_bytes: Bytes::ZERO,
            diff_ids: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
