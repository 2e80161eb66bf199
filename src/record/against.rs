//! `against.json`: another state of a suite, built in the same job as a record, round by round in between.
//!
//! Times are only worth comparing where base and head were measured side by side. A run against a git ref or another
//! folder therefore writes the base's whole record beside its own, with the reruns that were made to confirm what
//! looked slower.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::store::RecordError;
use super::{Record, Sample, Scenario, Side, Upgrade};
use crate::fsx;

/// Name of the file beside `run.json`.
pub(crate) const AGAINST_FILE: &str = "against.json";

/// The state that a run was measured against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// As it was asked for: a git ref, or the folder of a suite.
    pub reference: String,
    /// The commit that the ref meant; empty for a folder.
    #[serde(default)]
    pub commit: String,
    /// What was measured of it, its rounds numbered as those of the run beside it.
    pub base: Record,
    /// Builds that were made again, base and head in turn, since the first ones looked slower.
    #[serde(default)]
    pub confirmations: Vec<Confirmation>,
}

/// The rerun of one variant and scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Which variant.
    pub variant: String,
    /// Which scenario.
    pub scenario: Scenario,
    /// Builds of the base.
    pub base: Vec<Sample>,
    /// Builds of the head, rounds numbered alike.
    pub head: Vec<Sample>,
}

impl Against {
    /// What stands beside the record at `path` (`run.json` or its folder); `None` where there is nothing.
    pub fn beside(path: &Path) -> Result<Option<Self>, RecordError> {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        let file = folder.join(AGAINST_FILE);
        if !file.is_file() {
            return Ok(None);
        }
        let mut against: Self = serde_json::from_slice(&fsx::read(&file)?)
            .map_err(|error| RecordError::Malformed { path: file, reason: error.to_string() })?;
        if let Some(upgrade) = Upgrade::from(&against.base.format_version) {
            upgrade.record(&mut against.base);
            for again in &mut against.confirmations {
                for sample in again.base.iter_mut().chain(&mut again.head) {
                    upgrade.sample(sample);
                }
            }
            let base = against.confirmations.iter_mut().flat_map(|again| &mut again.base);
            for sample in against.base.samples.iter_mut().chain(base) {
                sample.side = Side::Base;
            }
        }
        Ok(Some(against))
    }

    /// How it is named in messages: `main (1a2b3c4d5e)`.
    pub fn label(&self) -> String {
        match self.commit.get(..10) {
            Some(short) => format!("{} ({short})", self.reference),
            None => self.reference.clone(),
        }
    }

    /// Writes it beside the record in `folder`, whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, RecordError> {
        let file = folder.join(AGAINST_FILE);
        fsx::write_atomic(&file, crate::json::pretty(self).as_bytes())?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn it_stands_beside_the_record_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Against::beside(dir.path()).unwrap(), None);
        let mut base = fixture::record();
        base.samples.truncate(2);
        let confirmation = Confirmation {
            variant: base.samples[0].variant.clone(),
            scenario: Scenario::Warm,
            base: vec![base.samples[0].clone()],
            head: vec![base.samples[1].clone()],
        };
        let against =
            Against { reference: "main".into(), commit: "abc".into(), base, confirmations: vec![confirmation] };
        against.write(dir.path()).unwrap();
        assert_eq!(Against::beside(dir.path()).unwrap().as_ref(), Some(&against));
        assert_eq!(Against::beside(&dir.path().join("run.json")).unwrap(), Some(against));
        fsx::write_atomic(&dir.path().join(AGAINST_FILE), b"{").unwrap();
        assert!(Against::beside(dir.path()).is_err());
    }
}
