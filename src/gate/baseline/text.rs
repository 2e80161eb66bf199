//! The text of a baseline: JSON with one line an entry, and the digest over it.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::entries::{Baseline, Entry};

/// Version of the format of a baseline, `major.minor`.
pub(super) const BASELINE_VERSION: &str = "1.0";

/// How the line with the digest begins; it is left out of what is digested.
const DIGEST_LINE: &str = "  \"digest\": ";

impl Baseline {
    /// The text of the file.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::from("{\n");
        field(&mut out, 2, "baseline_version", &json!(BASELINE_VERSION));
        field(&mut out, 2, "metrics_version", &json!(self.metrics_version));
        field(&mut out, 2, "suite", &json!(self.suite));
        field(&mut out, 2, "digest", &json!(""));
        out.push_str("  \"variants\": {");
        let mut first = true;
        for (name, entry) in &self.entries {
            out.push_str(if first { "\n" } else { ",\n" });
            first = false;
            let _ = writeln!(out, "    {}: {{", json!(name));
            variant(&mut out, entry);
            out.push_str("    }");
        }
        out.push_str(if first { "}\n}\n" } else { "\n  }\n}\n" });
        let out = crate::json::escaped(&out);
        let sum = serde_json::from_str(&out).map(digest).unwrap_or_default();
        out.replacen(&format!("{DIGEST_LINE}\"\""), &format!("{DIGEST_LINE}{}", json!(sum)), 1)
    }
}

/// `sha256:` over all values but the digest itself, keys sorted, so that a formatter may lay the file out anew.
pub(super) fn digest(mut file: Value) -> String {
    if let Value::Object(keys) = &mut file {
        keys.shift_remove("digest");
    }
    file.sort_all_objects();
    format!("sha256:{}", hex::encode(Sha256::digest(file.to_string())))
}

/// The digest of older baselines, over all lines but its own. Line ends count as `\n`, whatever git made of them.
pub(super) fn digest_of_lines(text: &str) -> String {
    let mut hasher = Sha256::new();
    for line in text.lines().filter(|line| !line.starts_with(DIGEST_LINE)) {
        hasher.update(line.trim_end().as_bytes());
        hasher.update(b"\n");
    }
    format!("sha256:{}", hex::encode(hasher.finalize()))
}

fn variant(out: &mut String, entry: &Entry) {
    let variant = &entry.variant;
    field(out, 6, "accepted", &value(&entry.accepted));
    field(out, 6, "platform", &json!(variant.platform));
    field(out, 6, "config_digest", &json!(variant.config_digest));
    field(out, 6, "user", &json!(variant.user));
    block(out, "sizes", ('{', '}'), variant.sizes.iter().flat_map(pairs), true);
    let bases = variant.bases.iter().map(|base| {
        line(&json!({
            "reference": base.reference, "digest": base.digest, "id": base.id, "origin": base.origin,
            "size_bytes": base.size_bytes,
        }))
    });
    block(out, "bases", ('[', ']'), bases, true);
    let layers = variant.layers.iter().map(|layer| {
        line(&json!({
            "diff_id": layer.diff_id, "size_bytes": layer.size_bytes, "wire_bytes": layer.wire_bytes,
            "origin": layer.origin, "instruction": layer.instruction,
        }))
    });
    block(out, "layers", ('[', ']'), layers, true);
    block(out, "packages", ('[', ']'), variant.packages.iter().map(line), true);
    block(out, "paths", ('[', ']'), variant.paths.iter().map(line), true);
    let updates = pairs(&variant.update);
    if !updates.is_empty() {
        block(out, "update", ('{', '}'), updates, true);
    }
    block(out, "path_budgets", ('{', '}'), pairs(&entry.path_bytes), false);
}

/// Records hold strings, integers and lists: nothing that JSON cannot say.
fn value(item: &impl Serialize) -> Value {
    serde_json::to_value(item).unwrap_or_default()
}

fn line(item: &impl Serialize) -> String {
    value(item).to_string()
}

/// The fields of an object, one line each.
fn pairs(item: &impl Serialize) -> Vec<String> {
    let Value::Object(found) = value(item) else { return Vec::new() };
    found.into_iter().map(|(key, value)| format!("{}: {value}", json!(key))).collect()
}

fn field(out: &mut String, indent: usize, key: &str, value: &Value) {
    let _ = writeln!(out, "{:indent$}\"{key}\": {value},", "");
}

/// A list or a map with a line for each entry.
fn block(
    out: &mut String,
    key: &str,
    (open, close): (char, char),
    lines: impl IntoIterator<Item = String>,
    more: bool,
) {
    let lines: Vec<String> = lines.into_iter().collect();
    let comma = if more { "," } else { "" };
    if lines.is_empty() {
        let _ = writeln!(out, "      \"{key}\": {open}{close}{comma}");
    } else {
        let _ = writeln!(out, "      \"{key}\": {open}\n        {}\n      {close}{comma}", lines.join(",\n        "));
    }
}
