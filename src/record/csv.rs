//! The record as CSV, for spreadsheets and data frames: `sizes.csv`, `samples.csv`, `layers.csv` and `starts.csv`.
//!
//! Heads are the names of the JSON fields. Numbers are plain integers. A cell that a spreadsheet would take for a
//! formula gets an apostrophe in front (<https://owasp.org/www-community/attacks/CSV_Injection>), and so does one
//! that begins with an apostrophe or as a workflow command does, `::`. What a terminal or a job's log would act upon is
//! written as `\uXXXX`, line breaks too, so that a row is a line; the backslash of a text that has such an escape
//! already is `\u005c`. That makes it reversible.

use csv::Writer;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Record, Update, Updates};
use crate::json;
use crate::text::escape;

/// Makes one of the CSV files of a record.
type CsvOf = fn(&Record) -> String;

/// The files: their names, and what is in them.
pub(crate) const FILES: [(&str, CsvOf); 4] =
    [("sizes.csv", sizes_csv), ("samples.csv", samples_csv), ("layers.csv", layers_csv), ("starts.csv", starts_csv)];

const SIZES: &str = "name,dockerfile,image_id,platform,outcome,size_bytes,engine_size_bytes,rootfs_bytes,\
    reclaimable_bytes,duplicate_bytes,wire_bytes,wire_kind,base_bytes,own_bytes,unique_bytes,shared_bytes,claim,\
    verdict,stand_in,engine,engine_version,storage_driver,image_store,builder,update_src_bytes,\
    update_src_compressed_bytes,update_deps_bytes,update_deps_compressed_bytes,update_base_bytes,\
    update_base_compressed_bytes";

const SAMPLES: &str = "step,variant,scenario,round,repeat,twin,discarded,wall_ns,state,side,valid,reason,cached,\
    cacheable,first_miss,image_id,upload_ns,resolve_ns,steps_ns,export_ns,client_side,network_bytes,\
    network_remark,started_at,steps,shard";

const LAYERS: &str = "variant,index,diff_id,size_bytes,wire_bytes,instruction,origin,entries,package_bytes,waste_bytes";

const STARTS: &str =
    "variant,start,ready_ns,cpu_ns,memory_bytes,user,limit_nano_cpus,limit_memory_bytes,limit_read_only";

/// One row per variant: every size, the claim, and the engine.
fn sizes_csv(record: &Record) -> String {
    let engine = &record.environment.engine;
    let rows = record.variants.iter().map(|variant| {
        let mut row = json!({
            "name": variant.name,
            "dockerfile": variant.dockerfile,
            "image_id": variant.image_id,
            "platform": variant.platform,
            "outcome": variant.outcome,
            "claim": variant.reference.as_ref().map(|reference| &reference.claim),
            "verdict": variant.reference_verdict(),
            "stand_in": variant.is_stand_in(),
            "engine": engine.name,
            "engine_version": engine.version,
            "storage_driver": engine.storage_driver,
            "image_store": engine.image_store,
            "builder": engine.builder,
        });
        extend(&mut row, &variant.sizes);
        for edit in Updates::EDITS {
            let update = variant.update.of(edit);
            row[format!("update_{edit}_bytes")] = json!(update.map(Update::most_bytes));
            row[format!("update_{edit}_compressed_bytes")] = json!(update.map(Update::most_compressed_bytes));
        }
        row
    });
    write(SIZES, rows)
}

/// One row per build; `steps` is the JSON of the record in one cell.
pub(crate) fn samples_csv(record: &Record) -> String {
    let rows = record.samples.iter().map(|sample| {
        let mut row = json!(sample);
        extend(&mut row, &sample.parts);
        row
    });
    write(SAMPLES, rows)
}

/// One row per start of a container.
fn starts_csv(record: &Record) -> String {
    let rows = record.variants.iter().filter_map(|variant| Some((variant, variant.serve.as_ref()?)));
    let rows = rows.flat_map(|(variant, serve)| {
        // Empty where the record does not say.
        let limits = serve.limits.as_ref();
        serve.starts.iter().enumerate().map(move |(index, start)| {
            let mut row = json!({
                "variant": variant.name,
                "start": index,
                "user": serve.user,
                "limit_nano_cpus": limits.map(|limits| limits.nano_cpus),
                "limit_memory_bytes": limits.map(|limits| limits.memory_bytes),
                "limit_read_only": limits.map(|limits| limits.read_only),
            });
            extend(&mut row, start);
            row
        })
    });
    write(STARTS, rows)
}

/// One row per layer, lowest first.
fn layers_csv(record: &Record) -> String {
    let rows = record.variants.iter().flat_map(|variant| {
        variant.layers.iter().enumerate().map(|(index, layer)| {
            let mut row = json!({ "variant": variant.name, "index": index });
            extend(&mut row, layer);
            row
        })
    });
    write(LAYERS, rows)
}

/// Adds the fields of a value to a row.
pub(crate) fn extend(row: &mut Value, more: &impl Serialize) {
    if let (Value::Object(row), Value::Object(more)) = (row, json!(more)) {
        row.extend(more);
    }
}

/// Heads, separated by commas, and rows, of which each head names a field. Every cell is made safe; a list is JSON, which
/// has escapes of its own.
pub(crate) fn write(heads: &str, rows: impl Iterator<Item = Value>) -> String {
    let heads: Vec<&str> = heads.split(',').collect();
    let mut writer = Writer::from_writer(Vec::new());
    // Writing into memory fails only where rows differ in length, which one list of heads excludes.
    drop(writer.write_record(&heads));
    for row in rows {
        drop(writer.write_record(heads.iter().map(|head| match &row[*head] {
            Value::Null => String::new(),
            Value::String(text) => safe(text),
            list @ Value::Array(_) => json::line(list),
            other => other.to_string(),
        })));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;
    use crate::text::for_people;
    use proptest::prelude::*;

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
        let mut heads: Vec<&str> = SAMPLES.split(',').collect();
        names.sort_unstable();
        heads.sort_unstable();
        assert_eq!(heads, names);
        let json = serde_json::to_value(record.variants[0].sizes.as_ref().unwrap()).unwrap();
        for name in json.as_object().unwrap().keys() {
            assert!(SIZES.split(',').any(|head| head == name), "{name}");
        }
        let json = serde_json::to_value(&record.variants[0].layers[0]).unwrap();
        for name in json.as_object().unwrap().keys() {
            assert!(LAYERS.split(',').any(|head| head == name), "{name}");
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
