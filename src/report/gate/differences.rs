//! The signed table of causes, and the outputs of `tonnage compare`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Look;
use super::escape::{code, line};
use super::headline::{percent, sizes};
use crate::analyse::compare::Comparison;
use crate::gate::Differences;
use crate::line::Line;
use crate::report::compare::{RowKind, rows, verdict};
use crate::report::escape::{self, Place};
use crate::units::{self, Bytes, Ratio};

/// Most variants without a difference that are listed by name.
const MOST_EQUAL: usize = 20;

/// The causes with their signs, `[N others]` and TOTAL: exact, so that the column can be added up.
pub(super) fn signed_table(out: &mut String, comparison: &Comparison, top: usize, indent: &str) {
    let rows = rows(comparison, top);
    let width = rows.iter().map(|row| row.delta.exact().len()).max().unwrap_or(0);
    for row in rows {
        let inner = if row.kind == RowKind::Cause { "    " } else { "" };
        let delta = row.delta.exact();
        let _ = writeln!(out, "{indent}{inner}{delta:>width$}  {}", line(&row.label.plain()));
    }
}

/// The same as a GFM table.
pub(super) fn signed_markdown(comparison: &Comparison, top: usize) -> String {
    let mut out = String::from("| Δ bytes | where |\n|---:|:---|\n");
    for row in rows(comparison, top) {
        let label = escape::line(&row.label, Place::Cell);
        let delta = row.delta.exact();
        let _ = match row.kind {
            RowKind::Group => writeln!(out, "| {delta} | {label} |"),
            RowKind::Cause => writeln!(out, "| | {delta} {label} |"),
            RowKind::Total => writeln!(out, "| **{delta}** | **{label}** |"),
        };
    }
    out
}

/// The one line above everything else.
fn headline(differences: &Differences) -> Line {
    let start = Line::default();
    let changed = differences.pairs.iter().filter(|pair| pair.delta_bytes.0 != 0).count();
    match differences.pairs.first() {
        None => start.and_words("nothing that both have"),
        Some(first) if differences.pairs.len() == 1 => start.and(&verdict(first)),
        Some(first) => start
            .and_words(format!("{changed} of {} images differ in size; ", differences.pairs.len()))
            .and_code(&first.new_name)
            .and_words(" ")
            .and(&verdict(first)),
    }
}

fn alone(size: Option<Bytes>) -> String {
    size.map_or_else(|| "no image".to_owned(), |size| size.to_string())
}

/// For people.
pub fn differences_table(differences: &Differences, look: Look) -> String {
    let mut out = format!("{} → {}\n\n", line(&differences.old), line(&differences.new));
    let (changed, equal): (Vec<_>, Vec<_>) = differences.pairs.iter().partition(|pair| !pair.groups.is_empty());
    for comparison in changed {
        let _ = writeln!(
            out,
            "{}  {} ({}, {})",
            line(&comparison.new_name),
            sizes(comparison.old_bytes, comparison.new_bytes),
            comparison.delta_bytes,
            percent(comparison)
        );
        let _ = writeln!(
            out,
            "      {}\n      base {}, own {}",
            line(&verdict(comparison).plain()),
            comparison.base_delta_bytes,
            comparison.own_delta_bytes
        );
        signed_table(&mut out, comparison, look.top, "      ");
        out.push('\n');
    }
    for pair in equal.iter().take(MOST_EQUAL) {
        let name = line(&pair.new_name);
        let _ = writeln!(out, "{name}  {}, {}", pair.new_bytes, verdict(pair).plain());
    }
    if equal.len() > MOST_EQUAL {
        let _ = writeln!(out, "[{}]  no change in size", units::count(equal.len() - MOST_EQUAL, "other"));
    }
    for (name, size) in &differences.only_old {
        let _ = writeln!(out, "{}  {}, only in the old one", line(name), alone(*size));
    }
    for (name, size) in &differences.only_new {
        let _ = writeln!(out, "{}  {}, only in the new one", line(name), alone(*size));
    }
    if !differences.timings.is_empty() {
        out.push_str("\nbuild times (advisory)\n");
        for time in &differences.timings {
            let interval = time.estimate.interval.map_or_else(
                || "no inference".to_owned(),
                |i| format!("{} to {}", Ratio(i.low).as_change(), Ratio(i.high).as_change()),
            );
            let _ = writeln!(
                out,
                "  {} {}: {} → {} ({}; {interval})",
                line(&time.variant),
                time.scenario,
                time.estimate.first,
                time.estimate.second,
                Ratio(time.estimate.ratio).as_change()
            );
        }
    }
    for note in &differences.notes {
        let _ = writeln!(out, "note: {}", line(note));
    }
    let _ = writeln!(out, "\n{}", line(&headline(differences).plain()));
    out
}

/// For a pull request.
pub fn differences_markdown(differences: &Differences, look: Look) -> String {
    let mut out = format!(
        "**{}**\n\n{} → {}\n\n",
        escape::line(&headline(differences), Place::Text),
        code(&differences.old, Place::Text),
        code(&differences.new, Place::Text)
    );
    let mut left_out = 0;
    for comparison in differences.pairs.iter().filter(|pair| !pair.groups.is_empty()) {
        let part = format!(
            "#### {}: {} ({}, {})\n\n{}; base {}, own {}\n\n{}\n",
            code(&comparison.new_name, Place::Text),
            sizes(comparison.old_bytes, comparison.new_bytes),
            comparison.delta_bytes,
            percent(comparison),
            escape::line(&verdict(comparison), Place::Text),
            comparison.base_delta_bytes,
            comparison.own_delta_bytes,
            signed_markdown(comparison, look.top)
        );
        if out.len() + part.len() > super::MARKDOWN_LIMIT - 2_000 {
            left_out += 1;
        } else {
            out.push_str(&part);
        }
    }
    if left_out > 0 {
        let _ = writeln!(out, "[{}] left out here.\n", units::count(left_out, "other"));
    }
    let equal = differences.pairs.iter().filter(|pair| pair.groups.is_empty()).count();
    if equal > 0 {
        let _ = writeln!(out, "{equal} without a change in size.\n");
    }
    for (word, only) in [("old", &differences.only_old), ("new", &differences.only_new)] {
        for (name, size) in only.iter().take(MOST_EQUAL) {
            if out.len() < super::MARKDOWN_LIMIT - 1_000 {
                let _ = writeln!(out, "- {}, {}, only in the {word} one", code(name, Place::Text), alone(*size));
            }
        }
    }
    for note in differences.notes.iter().take(5) {
        let _ = writeln!(out, "\n{}", escape::sentence(&crate::text::shorten(note, 150), Place::Text));
    }
    let _ = writeln!(out, "\nSizes are sums over layers; MB is 10^6 bytes.");
    out
}

/// For programs.
pub fn differences_json(differences: &Differences) -> String {
    let only = |list: &[(String, Option<Bytes>)]| -> Value {
        list.iter().map(|(name, size)| json!({"name": name, "size_bytes": size})).collect()
    };
    let pairs: Vec<Value> = differences
        .pairs
        .iter()
        .map(|pair| {
            let mut value = serde_json::to_value(pair).unwrap_or_default();
            value["verdict"] = json!(verdict(pair).plain());
            value
        })
        .collect();
    let timings: Vec<Value> = differences
        .timings
        .iter()
        .map(|time| {
            json!({
                "variant": time.variant, "scenario": time.scenario, "ratio": time.estimate.ratio,
                "low": time.estimate.interval.map(|interval| interval.low),
                "high": time.estimate.interval.map(|interval| interval.high),
                "old_ns": time.estimate.first, "new_ns": time.estimate.second,
            })
        })
        .collect();
    let value = json!({
        "format_version": "1.0",
        "old": differences.old,
        "new": differences.new,
        "verdict": headline(differences).plain(),
        "images": pairs,
        "only_old": only(&differences.only_old),
        "only_new": only(&differences.only_new),
        "timings": timings,
        "notes": differences.notes,
    });
    crate::json::pretty(&value)
}
