//! Reading and writing `run.json`.

use std::path::{Path, PathBuf};

use super::{FORMAT_VERSION, Record, Upgrade};
use crate::error::Diagnose;
use crate::fsx::{self, FileError};

/// Name of the record inside a results folder.
pub const FILE: &str = "run.json";

/// Largest record that is read: a thousand variants with twenty rounds stay far below.
const MAX_BYTES: u64 = 1 << 30;

/// Most variants of a record: each is compared with each.
pub(crate) const MOST_VARIANTS: usize = 5_000;

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file could not be opened or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is not JSON, or not that of a record.
    #[error("failed to read the record `{}`: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// It was written by a newer tonnage.
    #[error("the record `{}` has format {found}, newer than this tonnage reads ({FORMAT_VERSION})", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// It is unreasonably large.
    #[error("the record `{}` has {bytes} bytes, more than any record", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
}

impl Diagnose for RecordError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Malformed { .. } | Self::TooLarge { .. } => {
                Some("give the `run.json` of a run, or its directory".into())
            }
            Self::Newer { .. } => Some("update tonnage, or measure again with this version".into()),
        }
    }
}

/// The record in `path`: a `run.json`, or a results folder that holds one.
pub fn read(path: &Path) -> Result<Record, RecordError> {
    let file = if path.is_dir() { path.join(FILE) } else { path.to_path_buf() };
    let bytes = std::fs::metadata(&file).map_err(|source| FileError::new("read", &file, source))?.len();
    if bytes > MAX_BYTES {
        return Err(RecordError::TooLarge { path: file, bytes });
    }
    parse(&file, &fsx::read(&file)?)
}

/// The record in the bytes of a file; `path` is for messages.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Record, RecordError> {
    /// Just enough to tell a newer format from a broken file.
    #[derive(serde::Deserialize)]
    struct Version {
        format_version: String,
    }
    let malformed =
        |error: serde_json::Error| RecordError::Malformed { path: path.to_path_buf(), reason: error.to_string() };
    let version: Version = serde_json::from_slice(bytes).map_err(malformed)?;
    if major(&version.format_version) > major(FORMAT_VERSION) {
        return Err(RecordError::Newer { path: path.to_path_buf(), found: version.format_version });
    }
    let mut record: Record = serde_json::from_slice(bytes).map_err(malformed)?;
    for (what, number, most) in [
        ("variants", record.variants.len(), MOST_VARIANTS),
        ("shards", record.shards.len(), super::MOST_SHARDS as usize),
    ] {
        if number > most {
            let reason = format!("it has {number} {what}, more than any run");
            return Err(RecordError::Malformed { path: path.to_path_buf(), reason });
        }
    }
    if let Some(upgrade) = Upgrade::from(&version.format_version) {
        upgrade.record(&mut record);
    }
    Ok(record)
}

/// The record as the text of `run.json`: two spaces of indent and a newline at the end.
pub(crate) fn to_json(record: &Record) -> String {
    crate::json::pretty(record)
}

/// Writes `run.json` into the folder, whole or not at all.
pub fn write(dir: &Path, record: &Record) -> Result<PathBuf, RecordError> {
    let path = dir.join(FILE);
    fsx::write_atomic(&path, to_json(record).as_bytes())?;
    Ok(path)
}

/// A version that has no number reads as newer than any, so that it is refused.
pub(crate) fn major(version: &str) -> u64 {
    version.split('.').next().and_then(|part| part.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_newer_major_is_refused_before_its_fields_are_looked_at() {
        let error = parse(Path::new("run.json"), br#"{"format_version":"2.0","all":"different"}"#).unwrap_err();
        assert!(matches!(&error, RecordError::Newer { found, .. } if found == "2.0"), "{error}");
        assert!(error.hint().unwrap().contains("update tonnage"));
        assert_eq!(error.exit(), Exit::Unreadable);
    }

    #[test]
    fn a_record_of_more_than_any_run_has_is_refused() {
        let mut record = crate::testing::fixture::record();
        let variant = record.variants[0].clone();
        record.variants = vec![variant; MOST_VARIANTS + 1];
        let error = parse(Path::new("run.json"), to_json(&record).as_bytes()).unwrap_err();
        assert!(error.to_string().ends_with("it has 5001 variants, more than any run"), "{error}");
    }

    #[test]
    fn a_broken_record_says_where() {
        let error = parse(Path::new("run.json"), b"{\n\"format_version\": 1}").unwrap_err();
        assert!(error.to_string().contains("line 2 column"), "{error}");
    }

    /// `TONNAGE_UPDATE_SCHEMA=1 cargo test` writes the schema again after a change that is meant.
    #[test]
    fn the_committed_schema_is_that_of_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/run.schema.json");
        let mut schema = serde_json::to_string_pretty(&schemars::schema_for!(Record)).unwrap();
        schema.push('\n');
        if std::env::var_os("TONNAGE_UPDATE_SCHEMA").is_some() {
            fsx::write_atomic(&path, schema.as_bytes()).unwrap();
        }
        let same = fsx::read_text(&path).unwrap() == schema;
        assert!(same, "docs/run.schema.json has drifted from the types");
    }

    #[test]
    fn a_missing_record_names_its_path() {
        let error = read(Path::new("/nonexistent/run.json")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/run.json"));
    }
}
