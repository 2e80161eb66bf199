//! The outputs of `tonnage compare`.

use serde_json::{Value, json};

use super::headline::change;
use super::{Look, MARKDOWN_LIMIT};
use crate::analyse::compare::{Comparison, LayerPull};
use crate::gate::{Differences, Measured};
use crate::line::{Line, code, image, plain};
use crate::record::Variant;
use crate::report::compare::{package_lines, rows, verdict};
use crate::report::doc::{Block, Doc};
use crate::report::html;
use crate::report::markdown::{self, Form};
use crate::report::{terminal, words};
use crate::units::{self, Bytes, Ratio};

/// Most variants without a difference that are listed by name.
const MOST_EQUAL: usize = 20;
/// Most notes of a comment.
const MOST_NOTES: usize = 5;

/// The one line above everything else.
fn headline(differences: &Differences) -> Line {
    let changed = differences.pairs.iter().filter(|pair| pair.delta_bytes.0 != 0).count();
    match differences.pairs.first() {
        None => "nothing that both have".into(),
        Some(first) if differences.pairs.len() == 1 => verdict(first),
        Some(first) => plain(format!("{changed} of {} images differ in size; ", differences.pairs.len()))
            .and(code(&first.new_name))
            .and(" ")
            .and(verdict(first)),
    }
}

fn base_and_own(comparison: &Comparison) -> String {
    format!("base {}, own {}", comparison.base_delta_bytes, comparison.own_delta_bytes)
}

/// What equal sizes do not say: that layers were replaced.
fn moved(comparison: &Comparison) -> String {
    if comparison.pull.bytes == Bytes::ZERO { String::new() } else { format!("; {}", pull(comparison)) }
}

/// What a node that has the old image pulls.
fn pull(comparison: &Comparison) -> String {
    let LayerPull { bytes, compressed_bytes, compressed_kind } = comparison.pull;
    let compressed = words::compressed(compressed_bytes, compressed_kind).filter(|_| bytes != Bytes::ZERO);
    let compressed = compressed.map_or_else(String::new, |compressed| format!(" ({compressed} compressed)"));
    format!("a node that has the old image pulls {bytes}{compressed}")
}

fn alone(size: Option<Bytes>) -> String {
    size.map_or_else(|| "no image".to_owned(), |size| size.to_string())
}

/// For people.
pub(super) fn differences_table(differences: &Differences, look: Look) -> String {
    let mut doc = Doc::default();
    doc.sentence(image(&differences.old).and(" → ").and(image(&differences.new))).gap();
    let (changed, equal): (Vec<_>, Vec<_>) = differences.pairs.iter().partition(|pair| !pair.groups.is_empty());
    for comparison in changed {
        doc.sentence(image(&comparison.new_name).and(format!("  {}", change(comparison))));
        doc.under(6, verdict(comparison)).under(6, base_and_own(comparison)).under(6, pull(comparison));
        doc.push(Block::Sums(rows(comparison, look.top)));
        for line in package_lines(comparison) {
            doc.under(6, line);
        }
        doc.gap();
    }
    for pair in equal.iter().take(MOST_EQUAL) {
        doc.sentence(image(&pair.new_name).and(format!("  {}, ", pair.new_bytes)).and(verdict(pair)).and(moved(pair)));
    }
    if equal.len() > MOST_EQUAL {
        doc.sentence(format!("[{}]  no change in size", units::count(equal.len() - MOST_EQUAL, "other")));
    }
    for (side, only) in [("old", &differences.only_old), ("new", &differences.only_new)] {
        for (name, size) in only {
            doc.sentence(image(name).and(format!("  {}, only in the {side} one", alone(*size))));
        }
    }
    if !differences.timings.is_empty() {
        doc.gap().sentence("build times (advisory)");
    }
    for time in &differences.timings {
        let interval = time.estimate.interval.map_or_else(
            || "no inference".to_owned(),
            |i| format!("{} to {}", Ratio(i.low).as_change(), Ratio(i.high).as_change()),
        );
        let (was, is, ratio) = (time.estimate.first, time.estimate.second, Ratio(time.estimate.ratio).as_change());
        let figures = format!(" {}: {was} → {is} ({ratio}; {interval})", time.scenario);
        doc.under(2, image(&time.variant).and(figures));
    }
    for note in &differences.notes {
        doc.sentence(plain("note: ").and(note.clone()));
    }
    doc.gap().sentence(headline(differences));
    terminal::log(&doc, look.colour)
}

/// For a pull request.
pub(super) fn differences_markdown(differences: &Differences, look: Look) -> String {
    markdown::write(&document(differences, look), Form::Comment(MARKDOWN_LIMIT))
}

/// As a page, with the images of both sides to look into.
pub(crate) fn compare_html(differences: &Differences, old: &Measured, new: &Measured, look: Look) -> String {
    let side = |measured: &Measured, side: &str| -> Vec<Variant> {
        let known = measured.variants.iter().filter(|image| !image.layers.is_empty());
        known.map(|image| Variant { name: format!("{} ({side})", image.name), ..image.clone() }).collect()
    };
    let images = [side(new, "new"), side(old, "old")].concat();
    let title = format!("{} → {}", differences.old, differences.new);
    let page = html::Page { title: &title, images: &images.iter().collect::<Vec<_>>(), chart: None };
    html::document_page(&page, &document(differences, look))
}

fn document(differences: &Differences, look: Look) -> Doc {
    let mut doc = Doc::default();
    doc.push(Block::Strong(headline(differences)));
    doc.sentence(image(&differences.old).and(" → ").and(image(&differences.new)));
    let changed = differences.pairs.iter().filter(|pair| !pair.groups.is_empty()).map(|comparison| {
        let mut part = Doc::default();
        let head = image(&comparison.new_name).and(format!(": {}", change(comparison)));
        part.push(Block::Heading(4, head));
        part.sentence(verdict(comparison).and(format!("; {}; {}", base_and_own(comparison), pull(comparison))));
        part.push(Block::Sums(rows(comparison, look.top)));
        for line in package_lines(comparison) {
            part.item(line);
        }
        part
    });
    let changed: Vec<Doc> = changed.collect();
    let equal = differences.pairs.len() - changed.len();
    doc.push(Block::Parts(changed, 2_000, " left out here.".into()));
    if equal > 0 {
        doc.sentence(format!("{equal} without a change in size."));
    }
    for (side, only) in [("old", &differences.only_old), ("new", &differences.only_new)] {
        for (name, size) in only.iter().take(MOST_EQUAL) {
            doc.item(image(name).and(format!(", {}, only in the {side} one", alone(*size))));
        }
    }
    for note in differences.notes.iter().take(MOST_NOTES) {
        doc.sentence(note.clone());
    }
    doc.sentence("Sizes are sums over layers; MB is 10^6 bytes.");
    doc
}

/// For programs.
pub(super) fn differences_json(differences: &Differences) -> String {
    let only = |list: &[(String, Option<Bytes>)]| -> Value {
        list.iter().map(|(name, size)| json!({"name": name, "size_bytes": size})).collect()
    };
    let pairs: Vec<Value> = differences
        .pairs
        .iter()
        .map(|pair| {
            let mut value = serde_json::to_value(pair).unwrap_or_default();
            value["verdict"] = json!(verdict(pair));
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
        "verdict": headline(differences),
        "images": pairs,
        "only_old": only(&differences.only_old),
        "only_new": only(&differences.only_new),
        "timings": timings,
        "notes": differences.notes,
    });
    crate::json::pretty(&value)
}
