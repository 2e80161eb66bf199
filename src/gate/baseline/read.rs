//! Reads a baseline and checks that it is as it was written.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::entries::{Accepted, Baseline, Entry};
use super::text::{self, BASELINE_VERSION};
use crate::fsx;
use crate::gate::GateError;
use crate::gate::measured::blank;
use crate::record::{Base, Layer, Package, PathSize, Sizes, Updates, Variant};

/// The file as it is read.
#[derive(Debug, Deserialize)]
struct BaselineFile {
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
    bases: Vec<Base>,
    layers: Vec<Layer>,
    #[serde(default)]
    packages: Vec<Package>,
    #[serde(default)]
    paths: Vec<PathSize>,
    #[serde(default)]
    update: Updates,
    #[serde(default)]
    path_budgets: BTreeMap<String, u64>,
}

/// Just the version, to tell a newer file from a broken one.
#[derive(Debug, Deserialize)]
struct BaselineVersion {
    baseline_version: String,
}

impl Baseline {
    /// Reads a baseline and checks that it is as it was written.
    pub(crate) fn read(path: &Path) -> Result<Self, GateError> {
        Self::parse(&fsx::read_text(path)?, path)
    }

    /// As [`Baseline::read`], from text; `path` is for messages.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, GateError> {
        let malformed = |error: serde_json::Error| {
            let mut reason = error.to_string();
            if text.contains("\n<<<<<<< ") {
                "it has unresolved merge conflicts".clone_into(&mut reason);
            }
            GateError::Malformed { path: path.to_path_buf(), reason }
        };
        let version: BaselineVersion = serde_json::from_str(text).map_err(malformed)?;
        let major = |version: &str| version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major(&version.baseline_version) > major(BASELINE_VERSION) {
            let found = version.baseline_version;
            return Err(GateError::Newer { path: path.to_path_buf(), found, known: BASELINE_VERSION });
        }
        let file: BaselineFile = serde_json::from_str(text).map_err(malformed)?;
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
}

impl BaselineFile {
    fn into_baseline(self) -> Baseline {
        let entries = self
            .variants
            .into_iter()
            .map(|(name, entry)| {
                let variant = Variant {
                    platform: entry.platform,
                    config_digest: entry.config_digest,
                    user: entry.user,
                    sizes: Some(entry.sizes),
                    bases: entry.bases,
                    layers: entry.layers,
                    packages: entry.packages,
                    paths: entry.paths,
                    update: entry.update,
                    ..blank(&name)
                };
                (name, Entry { accepted: entry.accepted, variant, path_bytes: entry.path_budgets })
            })
            .collect();
        Baseline { metrics_version: self.metrics_version, suite: self.suite, entries }
    }
}
