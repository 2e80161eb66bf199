//! The record as CSV, for spreadsheets and data frames: `sizes.csv`, `samples.csv`, `layers.csv` and `starts.csv`.
//!
//! Heads are the names of the JSON fields. Numbers are plain integers. A cell that a spreadsheet would take for a
//! formula gets an apostrophe in front (<https://owasp.org/www-community/attacks/CSV_Injection>), and so does one
//! that begins with an apostrophe or as a workflow command does, `::`. What a terminal or a job's log would act upon is
//! written as `\uXXXX`, line breaks too, so that a row is a line; the backslash of a text that has such an escape
//! already is `\u005c`. That makes it reversible.

use csv::Writer;
use serde::Serialize;

use super::{Record, ServeLimits, Update, Updates};
use crate::json;
use crate::text::escape;
use crate::units::Bytes;

/// The column that holds JSON, which has escapes of its own.
const JSON: &str = "steps";

const SIZES: [&str; 30] = [
    "name",
    "dockerfile",
    "image_id",
    "platform",
    "outcome",
    "size_bytes",
    "engine_size_bytes",
    "rootfs_bytes",
    "reclaimable_bytes",
    "duplicate_bytes",
    "wire_bytes",
    "wire_kind",
    "base_bytes",
    "own_bytes",
    "unique_bytes",
    "shared_bytes",
    "claim",
    "verdict",
    "stand_in",
    "engine",
    "engine_version",
    "storage_driver",
    "image_store",
    "builder",
    "update_src_bytes",
    "update_src_compressed_bytes",
    "update_deps_bytes",
    "update_deps_compressed_bytes",
    "update_base_bytes",
    "update_base_compressed_bytes",
];

const SAMPLES: [&str; 26] = [
    "step",
    "variant",
    "scenario",
    "round",
    "repeat",
    "twin",
    "discarded",
    "wall_ns",
    "state",
    "side",
    "valid",
    "reason",
    "cached",
    "cacheable",
    "first_miss",
    "image_id",
    "upload_ns",
    "resolve_ns",
    "steps_ns",
    "export_ns",
    "client_side",
    "network_bytes",
    "network_remark",
    "started_at",
    "steps",
    "shard",
];

const LAYERS: [&str; 10] = [
    "variant",
    "index",
    "diff_id",
    "size_bytes",
    "wire_bytes",
    "instruction",
    "origin",
    "entries",
    "package_bytes",
    "waste_bytes",
];

const STARTS: [&str; 9] = [
    "variant",
    "start",
    "ready_ns",
    "cpu_ns",
    "memory_bytes",
    "user",
    "limit_nano_cpus",
    "limit_memory_bytes",
    "limit_read_only",
];

/// One row a variant: every size, the claim, and the engine.
pub(crate) fn sizes_csv(record: &Record) -> String {
    let engine = &record.environment.engine;
    let rows = record.variants.iter().map(|variant| {
        let sizes = variant.sizes.as_ref();
        let bytes =
            |of: fn(&super::Sizes) -> Bytes| sizes.map(of).map_or_else(String::new, |bytes| bytes.0.to_string());
        let reference = variant.reference.as_ref();
        vec![
            variant.name.clone(),
            variant.dockerfile.clone(),
            variant.image_id.clone(),
            variant.platform.clone(),
            word(&variant.outcome),
            bytes(|sizes| sizes.size_bytes),
            sizes.and_then(|sizes| sizes.engine_size_bytes).map_or_else(String::new, |bytes| bytes.0.to_string()),
            bytes(|sizes| sizes.rootfs_bytes),
            bytes(|sizes| sizes.reclaimable_bytes),
            bytes(|sizes| sizes.duplicate_bytes),
            bytes(|sizes| sizes.wire_bytes),
            sizes.map_or_else(String::new, |sizes| word(&sizes.wire_kind)),
            bytes(|sizes| sizes.base_bytes),
            bytes(|sizes| sizes.own_bytes),
            bytes(|sizes| sizes.unique_bytes),
            bytes(|sizes| sizes.shared_bytes),
            reference.map_or_else(String::new, |reference| reference.claim.clone()),
            variant.reference_verdict().map_or_else(String::new, |verdict| word(&verdict)),
            variant.is_stand_in().to_string(),
            engine.name.clone(),
            engine.version.clone(),
            engine.storage_driver.clone(),
            engine.image_store.to_string(),
            engine.builder.to_string(),
        ]
        .into_iter()
        .chain(Updates::EDITS.into_iter().flat_map(|edit| {
            let update = variant.update.of(edit);
            let bytes = |of: fn(&Update) -> Bytes| update.map_or_else(String::new, |found| of(found).0.to_string());
            [bytes(Update::most_bytes), bytes(Update::most_compressed_bytes)]
        }))
        .collect()
    });
    write(&SIZES, rows)
}

/// One row a build; `steps` is the JSON of the record in one cell.
pub(crate) fn samples_csv(record: &Record) -> String {
    let rows = record.samples.iter().map(|sample| {
        vec![
            sample.step.to_string(),
            sample.variant.clone(),
            sample.scenario.to_string(),
            sample.round.to_string(),
            sample.repeat.to_string(),
            sample.twin.to_string(),
            sample.discarded.to_string(),
            sample.wall_ns.0.to_string(),
            word(&sample.state),
            word(&sample.side),
            sample.valid.to_string(),
            sample.reason.clone(),
            sample.cached.to_string(),
            sample.cacheable.to_string(),
            sample.first_miss.clone().unwrap_or_default(),
            sample.image_id.clone(),
            sample.parts.upload_ns.0.to_string(),
            sample.parts.resolve_ns.0.to_string(),
            sample.parts.steps_ns.0.to_string(),
            sample.parts.export_ns.0.to_string(),
            sample.parts.client_side.to_string(),
            sample.network_bytes.map_or_else(String::new, |bytes| bytes.0.to_string()),
            sample.network_remark.clone(),
            sample.started_at.clone(),
            json::line(&sample.steps),
            sample.shard.map_or_else(String::new, |shard| shard.to_string()),
        ]
    });
    write(&SAMPLES, rows)
}

/// One row a start of a container.
pub(crate) fn starts_csv(record: &Record) -> String {
    let rows = record.variants.iter().filter_map(|variant| Some((variant, variant.serve.as_ref()?)));
    let rows = rows.flat_map(|(variant, serve)| {
        // Empty where the record does not say.
        let limits = serve.limits.as_ref();
        let limit = move |of: fn(&ServeLimits) -> String| limits.map_or_else(String::new, of);
        serve.starts.iter().enumerate().map(move |(index, start)| {
            vec![
                variant.name.clone(),
                index.to_string(),
                start.ready_ns.0.to_string(),
                start.cpu_ns.map_or_else(String::new, |cpu| cpu.0.to_string()),
                start.memory_bytes.0.to_string(),
                serve.user.clone(),
                limit(|limits| limits.nano_cpus.to_string()),
                limit(|limits| limits.memory_bytes.0.to_string()),
                limit(|limits| limits.read_only.to_string()),
            ]
        })
    });
    write(&STARTS, rows)
}

/// One row a layer, lowest first.
pub(crate) fn layers_csv(record: &Record) -> String {
    let rows = record.variants.iter().flat_map(|variant| {
        variant.layers.iter().enumerate().map(|(index, layer)| {
            vec![
                variant.name.clone(),
                index.to_string(),
                layer.diff_id.clone(),
                layer.size_bytes.0.to_string(),
                layer.wire_bytes.0.to_string(),
                layer.instruction.clone(),
                word(&layer.origin),
                layer.entries.to_string(),
                layer.package_bytes.0.to_string(),
                layer.waste_bytes.0.to_string(),
            ]
        })
    });
    write(&LAYERS, rows)
}

/// Heads and rows, every cell made safe.
pub(crate) fn write(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    // Writing into memory fails only where rows differ in length, which the fixed lists above exclude.
    drop(writer.write_record(heads));
    for row in rows {
        let cells = heads.iter().zip(&row);
        drop(writer.write_record(cells.map(|(head, cell)| if *head == JSON { cell.into() } else { safe(cell) })));
    }
    writer.into_inner().map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The cell on one line, with an apostrophe in front where a spreadsheet would calculate it, where a job's log would
/// obey it, or where there is one already.
fn safe(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    let mut rest = cell;
    while let Some(at) = rest.find("\\u") {
        text.push_str(&rest[..at]);
        text.push_str(if unit(&rest[at..]).is_some() { "\\u005cu" } else { "\\u" });
        rest = &rest[at + 2..];
    }
    text.push_str(rest);
    let text = escape(&text).into_owned();
    let risky =
        text.starts_with(['=', '+', '-', '@', '\'', '＝', '＋', '－', '＠']) || text.trim_start().starts_with("::");
    if risky && text.parse::<f64>().is_err() { format!("'{text}") } else { text }
}

/// The UTF-16 code unit of a text that begins with `\uXXXX`.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

/// The word that the JSON has for a value.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;
    use crate::text::for_people;
    use proptest::prelude::*;
    use serde_json::Value;

    /// A cell's text before it was made safe.
    fn unescape(cell: &str) -> String {
        let mut out = String::with_capacity(cell.len());
        let mut rest = cell;
        while let Some(at) = rest.find("\\u") {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let units: Vec<u16> = std::iter::from_fn(|| {
                let found = unit(rest)?;
                rest = &rest[6..];
                Some(found)
            })
            .collect();
            if units.is_empty() {
                out.push_str(&rest[..2]);
                rest = &rest[2..];
            }
            out.push_str(&String::from_utf16_lossy(&units));
        }
        out + rest
    }

    /// Reads the samples back from the CSV, cell for cell.
    fn assert_reversible(record: &Record) {
        let text = samples_csv(record);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let heads = reader.headers().unwrap().clone();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), record.samples.len());
        for (row, sample) in rows.iter().zip(&record.samples) {
            let sample = serde_json::to_value(sample).unwrap();
            for (head, cell) in heads.iter().zip(row) {
                let value = sample.get(head).or_else(|| sample["parts"].get(head)).unwrap();
                let text = unescape(cell.strip_prefix('\'').unwrap_or(cell));
                match value {
                    Value::String(expected) => assert_eq!(&text, expected, "{head}"),
                    Value::Null => assert_eq!(text, "", "{head}"),
                    Value::Array(_) => assert_eq!(&serde_json::from_str::<Value>(cell).unwrap(), value, "{head}"),
                    other => assert_eq!(text, other.to_string(), "{head}"),
                }
            }
        }
    }

    #[test]
    fn samples_come_back_as_they_were() {
        assert_reversible(&fixture::shard(1, 2, 100));
    }

    proptest! {
        #[test]
        fn hostile_texts_come_back_as_they_were(
            reason in "\\PC*",
            variant in "['=+@,\"\n\t-]{0,6}[a-z]*",
            miss in "(.|[\u{0}-\u{1f}\u{7f}-\u{9f}\u{202e}\u{e0041}]|\\\\|u005c|u001b|##\\[| ?::){1,12}",
        ) {
            let mut record = fixture::shard(1, 2, 100);
            record.samples.truncate(1);
            record.samples[0].reason = reason;
            record.samples[0].variant = variant;
            record.samples[0].first_miss = Some(miss);
            record.samples[0].steps[0].instruction = record.samples[0].reason.clone();
            let text = samples_csv(&record);
            prop_assert_eq!(text.lines().count(), 2);
            prop_assert_eq!(for_people(&text.replace('\n', "")), text.replace('\n', ""));
            prop_assert!(!text.contains("##["));
            assert_reversible(&record);
        }
    }

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+cmd", "'+cmd"),
            ("-1.5", "-1.5"),
            ("-x", "'-x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\\u0009=1"),
            ("::error::x", "'::error::x"),
            (" ::error::x", "' ::error::x"),
            ("a\n::error::x", "a\\u000a::error::x"),
            ("a\u{1b}\u{7}\u{9b}\u{202e}\0", "a\\u001b\\u0007\\u009b\\u202e\\u0000"),
            ("\\u001b \\u \\n", "\\u005cu001b \\u \\n"),
            ("'=1", "''=1"),
            ("python3.9", "python3.9"),
        ] {
            assert_eq!(safe(cell), written);
        }
    }

    #[test]
    fn heads_are_the_names_of_the_json() {
        let record = fixture::shard(1, 2, 100);
        let json = serde_json::to_value(&record.samples[0]).unwrap();
        let mut names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        names.retain(|name| *name != "parts");
        let parts = json["parts"].as_object().unwrap();
        names.extend(parts.keys().map(String::as_str));
        let mut heads = SAMPLES.to_vec();
        names.sort_unstable();
        heads.sort_unstable();
        assert_eq!(heads, names);
        let json = serde_json::to_value(record.variants[0].sizes.as_ref().unwrap()).unwrap();
        for name in json.as_object().unwrap().keys() {
            assert!(SIZES.contains(&name.as_str()), "{name}");
        }
        let json = serde_json::to_value(&record.variants[0].layers[0]).unwrap();
        for name in json.as_object().unwrap().keys() {
            assert!(LAYERS.contains(&name.as_str()), "{name}");
        }
    }

    #[test]
    fn a_row_a_variant_and_a_row_a_layer() {
        let record = fixture::record();
        assert_eq!(sizes_csv(&record).lines().count(), 1 + record.variants.len());
        let starts: usize =
            record.variants.iter().flat_map(|variant| &variant.serve).map(|serve| serve.starts.len()).sum();
        assert_eq!(starts_csv(&record).lines().count(), 1 + starts);
        let layers: usize = record.variants.iter().map(|variant| variant.layers.len()).sum();
        assert_eq!(layers_csv(&record).lines().count(), 1 + layers);
    }
}
