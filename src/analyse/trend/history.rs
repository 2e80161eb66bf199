//! One line of `history.jsonl`: what is kept of a run for ever.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::analyse::timing::{ready, timings};
use crate::record::{BaseOrigin, Outcome, Record, Sample, SampleState, Scenario, Updates, Variant, WireKind, major};
use crate::units::{Bytes, Nanos};

/// Name of the file of these lines.
pub(crate) const HISTORY: &str = "history.jsonl";

/// Version of the lines' format, `major.minor`. A reader skips lines of a newer major.
pub(super) const HISTORY_VERSION: &str = "1.0";

/// A run in one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// Version of this format.
    pub format_version: String,
    /// Version of the size definitions.
    pub metrics_version: u32,
    /// UTC, RFC 3339.
    pub finished_at: String,
    /// `sha256:` of the record as tonnage serialises it.
    #[serde(default)]
    pub record: String,
    /// Version of tonnage.
    #[serde(default)]
    pub tool: String,
    /// Name of the suite.
    pub suite: String,
    /// Digest of manifest, Dockerfiles and context.
    #[serde(default)]
    pub suite_digest: String,
    /// Commit that the repository around the suite was at; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// Name of the set of bases.
    #[serde(default)]
    pub bases: String,
    /// Engine, version, image store, storage driver and builder: `docker 28.5.2, graphdriver/overlay2, buildkit`.
    #[serde(default)]
    pub engine: String,
    /// Processor, cores and kernel of the host, without which times are not compared.
    #[serde(default)]
    pub host: String,
    /// One entry a variant, in the order of the suite.
    pub variants: Vec<HistoryVariant>,
}

/// A variant in a line of history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryVariant {
    /// Its name.
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
    /// Platform of the image.
    #[serde(default)]
    pub platform: String,
    /// Classic unpacked size.
    #[serde(default)]
    pub size_bytes: Option<Bytes>,
    /// Bytes in the variant's own layers.
    #[serde(default)]
    pub own_bytes: Option<Bytes>,
    /// What a registry transfers.
    #[serde(default)]
    pub wire_bytes: Option<Bytes>,
    /// Whether that was measured or estimated.
    #[serde(default)]
    pub wire_kind: Option<WireKind>,
    /// The bases of all stages, the final stage's last.
    #[serde(default)]
    pub bases: Vec<HistoryBase>,
    /// `sha256:` over the Dockerfile's instructions: what is called its definition.
    #[serde(default)]
    pub definition: String,
    /// Median build times by scenario.
    #[serde(default)]
    pub times_ns: BTreeMap<Scenario, Nanos>,
    /// Median time to the first expected answer.
    #[serde(default)]
    pub ready_ns: Option<Nanos>,
    /// What must be pulled after an edit, unpacked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub update_bytes: BTreeMap<Scenario, Bytes>,
    /// Instructions of an observed build that can come from cache and did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reruns: Option<u32>,
}

/// A base in a line of history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryBase {
    /// As the Dockerfile names it.
    pub reference: String,
    /// Registry digest, or the image id where there is none.
    pub id: String,
    /// Where it comes from.
    pub origin: BaseOrigin,
}

/// What is kept of a run.
pub fn history_line(record: &Record) -> HistoryLine {
    let mut times: BTreeMap<String, BTreeMap<Scenario, Nanos>> = BTreeMap::new();
    for timing in timings(record) {
        if let Some(estimate) = timing.estimate {
            times.entry(timing.variant).or_default().insert(timing.scenario, estimate.median);
        }
    }
    let (engine, host) = (&record.environment.engine, &record.environment.host);
    HistoryLine {
        format_version: HISTORY_VERSION.to_owned(),
        metrics_version: record.metrics_version,
        finished_at: record.finished_at.clone(),
        record: serde_json::to_vec(record).map_or_else(|_| String::new(), |json| digest(&[&json])),
        tool: record.tool.version.clone(),
        suite: record.suite.name.clone(),
        suite_digest: record.suite.digest.clone(),
        commit: record.suite.commit.clone(),
        bases: record.settings.bases.clone(),
        engine: format!(
            "{} {}, {}/{}, {}",
            engine.name, engine.version, engine.image_store, engine.storage_driver, engine.builder
        ),
        host: format!("{}, {} cores, {}", host.cpu_model, host.cores, host.kernel),
        variants: record
            .variants
            .iter()
            .map(|variant| history_variant(variant, times.remove(&variant.name).unwrap_or_default()))
            .collect(),
    }
}

fn history_variant(variant: &Variant, times_ns: BTreeMap<Scenario, Nanos>) -> HistoryVariant {
    let bases = variant.bases.iter().map(|base| HistoryBase {
        reference: base.reference.clone(),
        id: if base.digest.is_empty() { base.id.clone() } else { base.digest.clone() },
        origin: base.origin,
    });
    HistoryVariant {
        name: variant.name.clone(),
        outcome: variant.outcome,
        platform: variant.platform.clone(),
        size_bytes: variant.size(),
        own_bytes: variant.sizes.as_ref().map(|sizes| sizes.own_bytes),
        wire_bytes: variant.sizes.as_ref().map(|sizes| sizes.wire_bytes),
        wire_kind: variant.sizes.as_ref().map(|sizes| sizes.wire_kind),
        bases: bases.collect(),
        definition: digest(
            &variant.instructions.iter().map(|instruction| instruction.text.as_bytes()).collect::<Vec<_>>(),
        ),
        times_ns,
        ready_ns: variant.serve.as_ref().and_then(ready).map(|ready| ready.median),
        update_bytes: Updates::EDITS
            .into_iter()
            .filter_map(|edit| Some((edit, variant.update.of(edit)?.most_bytes())))
            .collect(),
        reruns: None,
    }
}

/// What is kept of observed builds: a line for those that belong together, oldest first. Equal files have equal lines,
/// whatever was imported with them.
pub(crate) fn observed_lines(record: &Record) -> Vec<HistoryLine> {
    let empty = Record { variants: Vec::new(), samples: Vec::new(), ..record.clone() };
    let model = HistoryLine { engine: String::new(), host: String::new(), ..history_line(&empty) };
    let mut of_file: BTreeMap<u32, u64> = BTreeMap::new();
    let together = record.samples.chunk_by(|a, b| a.round == b.round);
    together
        .filter_map(|samples| {
            let observed = samples.first()?.observed.as_ref()?;
            let import = record.imports.get(observed.import as usize)?;
            let number = of_file.entry(observed.import).or_default();
            *number += 1;
            let ends = samples.iter().filter_map(|sample| {
                let began: jiff::Timestamp = sample.started_at.parse().ok()?;
                began.checked_add(std::time::Duration::from_nanos(sample.wall_ns.0)).ok()
            });
            let end = ends.max().map(|end| end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            Some(HistoryLine {
                finished_at: end.unwrap_or_default(),
                record: digest(&[import.digest.as_bytes(), &number.to_le_bytes()]),
                commit: observed.commit.clone(),
                variants: samples.iter().filter_map(|sample| observed_variant(record, sample)).collect(),
                ..model.clone()
            })
        })
        .collect()
}

fn observed_variant(record: &Record, sample: &Sample) -> Option<HistoryVariant> {
    let variant = record.variant(&sample.variant)?;
    let times = sample.valid.then_some((Scenario::Observed, sample.wall_ns)).into_iter().collect();
    Some(HistoryVariant {
        outcome: match sample.state {
            SampleState::Finished => Outcome::Ok,
            SampleState::Failed => Outcome::BuildFailed,
            SampleState::Unfinished => Outcome::NotRun,
        },
        // The Dockerfile at hand is not that of each build.
        definition: String::new(),
        reruns: sample.valid.then(|| sample.cacheable.saturating_sub(sample.cached)),
        ..history_variant(variant, times)
    })
}

/// The lines of a history, oldest first, and a remark on each that could not be read. Unknown fields are ignored,
/// missing ones have their defaults.
pub(crate) fn read_history(text: &str) -> (Vec<HistoryLine>, Vec<String>) {
    let mut lines: Vec<HistoryLine> = Vec::new();
    let mut skipped = Vec::new();
    for (index, text) in text.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        match serde_json::from_str::<HistoryLine>(text) {
            Ok(line) if major(&line.format_version) > major(HISTORY_VERSION) => {
                skipped.push(format!(
                    "line {} was written by a newer tonnage (format {})",
                    index + 1,
                    line.format_version
                ));
            }
            Ok(line) => lines.push(line),
            Err(error) => {
                // The text is one line, so the place in it is its column.
                let error = error.to_string().replace(" at line 1 column ", " at column ");
                skipped.push(format!("line {} is not a history entry: {error}", index + 1));
            }
        }
    }
    // Runs are appended as they end; a clock that was set back must not reorder them, so the order is the file's.
    (lines, skipped)
}

/// `sha256:` over parts, each with its length before it so that no two lists of parts have the same bytes.
fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    format!("sha256:{}", hex::encode(hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::{self, NAMES};

    #[test]
    fn a_line_holds_what_trends_need_and_reads_back_the_same() {
        let record = fixture::record();
        let line = history_line(&record);
        assert_eq!(line.engine, "docker 28.5.2, graphdriver/overlay2, buildkit");
        assert_eq!(line.variants.iter().map(|variant| variant.name.as_str()).collect::<Vec<_>>(), NAMES);
        assert_eq!(line.variants[3].size_bytes, Some(Bytes(48_800_236)));
        assert_eq!(line.variants[0].times_ns.len(), 5);
        assert!(line.record.starts_with("sha256:") && line.record.len() == 71);
        let text = serde_json::to_string(&line).unwrap();
        assert!(!text.contains('\n'));
        assert_eq!(read_history(&format!("{text}\n\n{text}\n")), (vec![line.clone(), line], vec![]));
    }

    #[test]
    fn the_same_record_has_the_same_line_and_another_another() {
        let mut record = fixture::record();
        assert_eq!(history_line(&record), history_line(&fixture::record()));
        let before = history_line(&record);
        record.variants[0].instructions[3].text.push_str(" --upgrade");
        let after = history_line(&record);
        assert_ne!(before.record, after.record);
        assert_ne!(before.variants[0].definition, after.variants[0].definition);
        assert_eq!(before.variants[1], after.variants[1]);
    }

    #[test]
    fn unknown_fields_are_ignored_and_unreadable_lines_are_reported_by_number() {
        let mut value = serde_json::to_value(history_line(&fixture::record())).unwrap();
        value["colour"] = "blue".into();
        let good = value.to_string();
        value["format_version"] = "2.0".into();
        let newer = value.to_string();
        let bare = r#"{"format_version":"1.0","metrics_version":1,"finished_at":"","suite":"s","variants":[]}"#;
        let (lines, skipped) = read_history(&format!("{good}\n{{broken\n{newer}\n{bare}\n[]\n"));
        assert_eq!(lines.len(), 2);
        assert_eq!(skipped.len(), 3);
        assert_eq!(skipped[0], "line 2 is not a history entry: key must be a string at column 2");
        assert_eq!(skipped[1], "line 3 was written by a newer tonnage (format 2.0)");
        assert!(skipped[2].starts_with("line 5 is not a history entry: "), "{skipped:?}");
    }
}
