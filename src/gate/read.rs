//! Reads what is judged or compared from a file that says which it is: a record of a run, a weighing, or a baseline.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::GateError;
use super::baseline::Baseline;
use super::measured::{Measured, MeasuredBy, MeasuredKind};
use crate::fsx;
use crate::record::{self, Ended, FORMAT_VERSION, METRICS_VERSION, Record, Variant};
use crate::units::Bytes;

/// Bytes of one image beyond which a record is not believed: sums stay exact below.
const MOST_BYTES: u128 = 1 << 60;
/// Largest file that is read.
const LARGEST_FILE: u64 = 1 << 30;

impl Measured {
    /// Reads a `run.json` or its folder, a weighing, or a baseline.
    pub(crate) fn read(path: &Path) -> Result<Self, GateError> {
        let label = path.display().to_string();
        if path.is_dir() {
            return Self::of_record(record::read(path)?, &label, path);
        }
        let length = std::fs::metadata(path).map_err(|source| fsx::FileError::new("read", path, source))?.len();
        if length > LARGEST_FILE {
            return Err(malformed(path, format!("{length} bytes are more than any record has")));
        }
        Self::parse(&fsx::read(path)?, path)
    }

    /// As [`Measured::read`], from the content of a file.
    pub(crate) fn parse(content: &[u8], path: &Path) -> Result<Self, GateError> {
        /// Just enough to tell which it is.
        #[derive(Deserialize)]
        struct Which {
            baseline_version: Option<serde::de::IgnoredAny>,
            targets: Option<serde::de::IgnoredAny>,
        }
        let which: Which = serde_json::from_slice(content).map_err(|error| malformed(path, error))?;
        let label = path.display().to_string();
        if which.baseline_version.is_some() {
            let text = std::str::from_utf8(content).map_err(|error| malformed(path, error))?;
            return Ok(Baseline::parse(text, path)?.into_measured(&label));
        }
        if which.targets.is_some() {
            return weighing(content, path, label);
        }
        Self::of_record(record::parse(path, content)?, &label, path)
    }

    /// Takes a record apart. `path` is for messages.
    pub(crate) fn of_record(record: Record, label: &str, path: &Path) -> Result<Self, GateError> {
        let engine = &record.environment.engine;
        let observed = record.is_observed();
        let measured = Self {
            label: label.to_owned(),
            kind: if observed { MeasuredKind::Observed } else { MeasuredKind::Run },
            metrics_version: record.metrics_version,
            suite: record.suite.name,
            engine: (!observed).then(|| MeasuredBy {
                engine: format!("{} {}", engine.name, engine.version),
                image_store: engine.image_store.to_string(),
                storage_driver: engine.storage_driver.clone(),
                builder: engine.builder.to_string(),
            }),
            measured_at: if record.finished_at.is_empty() { record.started_at } else { record.finished_at },
            variants: record.variants,
            samples: record.samples,
            complete: record.ended == Ended::Complete,
        };
        believable(&measured.variants, path)?;
        Ok(measured)
    }
}

fn malformed(path: &Path, reason: impl ToString) -> GateError {
    GateError::Malformed { path: path.to_path_buf(), reason: reason.to_string() }
}

/// Refuses figures that no image has, so that no sum overflows later.
fn believable(variants: &[Variant], path: &Path) -> Result<(), GateError> {
    for variant in variants {
        let sum = |bytes: &mut dyn Iterator<Item = Bytes>| bytes.map(|bytes| u128::from(bytes.0)).sum::<u128>();
        let layers = sum(&mut variant.layers.iter().map(|layer| layer.size_bytes));
        let packages = sum(&mut variant.packages.iter().flat_map(|package| package.layers.iter().map(|layer| layer.1)));
        let paths = sum(&mut variant.paths.iter().map(|path| path.size_bytes));
        let size = variant.sizes.as_ref().map_or(0, |sizes| u128::from(sizes.size_bytes.0));
        if layers.max(packages).max(paths).max(size) > MOST_BYTES {
            return Err(malformed(path, format!("the variant `{}` is larger than any image", variant.name)));
        }
    }
    Ok(())
}

/// A weighing: each target becomes a variant. What a weighing need not say gets the value of "unknown".
fn weighing(content: &[u8], path: &Path, label: String) -> Result<Measured, GateError> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        format_version: String,
        metrics_version: Option<u32>,
        targets: Vec<Map<String, Value>>,
    }
    let file: File = serde_json::from_slice(content).map_err(|error| malformed(path, error))?;
    let major = |version: &str| version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major(&file.format_version) > major(FORMAT_VERSION) {
        return Err(GateError::Newer { path: path.to_path_buf(), found: file.format_version, known: FORMAT_VERSION });
    }
    let variants: Vec<Variant> = file
        .targets
        .into_iter()
        .map(|target| serde_json::from_value(Value::Object(filled(target))).map_err(|error| malformed(path, error)))
        .collect::<Result<_, _>>()?;
    believable(&variants, path)?;
    Ok(Measured {
        metrics_version: file.metrics_version.unwrap_or(METRICS_VERSION),
        variants,
        ..Measured::of_images(Vec::new(), &label)
    })
}

/// Puts what a variant must have beside what a target says.
fn filled(mut target: Map<String, Value>) -> Map<String, Value> {
    let name = target.get("target").or_else(|| target.get("name")).cloned().unwrap_or_else(|| json!(""));
    target.insert("name".to_owned(), name);
    let defaults = [
        ("dockerfile", json!("")),
        ("image_id", json!("")),
        ("outcome", json!("ok")),
        ("failure", Value::Null),
        ("bases", json!([])),
        ("serve", Value::Null),
        ("reference", Value::Null),
        ("sizes", Value::Null),
    ];
    for (key, value) in defaults {
        target.entry(key).or_insert(value);
    }
    if let Some(Value::Object(sizes)) = target.get_mut("sizes") {
        sizes.entry("engine_size_bytes").or_insert(Value::Null);
        for key in ["unique_bytes", "shared_bytes"] {
            sizes.entry(key).or_insert(json!(0));
        }
    }
    target
}

/// The newest record below a folder of results: stamps sort by name.
pub(crate) fn newest_record(results: &Path) -> Result<PathBuf, GateError> {
    let none = || GateError::NoRecord { path: results.to_path_buf() };
    let entries = std::fs::read_dir(results).map_err(|_| none())?;
    let mut found: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.join(record::FILE).is_file()).collect();
    found.sort();
    found.pop().ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn a_file_says_what_it_is() {
        let text = record::to_json(&fixture::record());
        let run = Measured::parse(text.as_bytes(), Path::new("run.json")).unwrap();
        assert_eq!((run.kind, run.variants.len(), run.suite.as_str()), (MeasuredKind::Run, 4, "flask-blog"));
        assert_eq!(run.engine.unwrap().engine, "docker 28.5.2");

        let weighing = br#"{"format_version":"1.0","targets":[{"target":"a:1","sizes":{"size_bytes":7,"rootfs_bytes":7,
            "reclaimable_bytes":0,"duplicate_bytes":0,"wire_bytes":3,"wire_kind":"exact","base_bytes":0,"own_bytes":7},
            "layers":[{"diff_id":"sha256:1","size_bytes":7,"instruction":"RUN x","origin":"own"}],"packages":[]}]}"#;
        let weighed = Measured::parse(weighing, Path::new("w.json")).unwrap();
        assert_eq!((weighed.kind, weighed.variants[0].name.as_str()), (MeasuredKind::Weighing, "a:1"));
        assert_eq!(weighed.variants[0].sizes.as_ref().unwrap().size_bytes, Bytes(7));
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        let refused = |text: &str| Measured::parse(text.as_bytes(), Path::new("x.json")).unwrap_err().to_string();
        assert!(refused("{").contains("x.json"));
        assert!(refused("[]").contains("x.json"));
        assert!(refused(r#"{"format_version":"9.0","targets":[]}"#).contains("newer"));
        assert!(refused(r#"{"targets":[{"target":"a","sizes":7}]}"#).contains("x.json"));
        let mut record = fixture::record();
        record.variants[0].layers[0].size_bytes = Bytes(u64::MAX);
        assert!(refused(&record::to_json(&record)).contains("larger than any image"));
    }

    #[test]
    fn the_newest_record_is_the_one_with_the_latest_stamp() {
        let dir = tempfile::tempdir().unwrap();
        assert!(newest_record(dir.path()).is_err());
        for stamp in ["20261102T000000Z", "20261101T000000Z", "20261103T000000Z"] {
            std::fs::create_dir(dir.path().join(stamp)).unwrap();
        }
        record::write(&dir.path().join("20261101T000000Z"), &fixture::record()).unwrap();
        record::write(&dir.path().join("20261102T000000Z"), &fixture::record()).unwrap();
        assert!(newest_record(dir.path()).unwrap().ends_with("20261102T000000Z"));
    }
}
