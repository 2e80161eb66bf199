//! A judgement as a comment on a pull request: one verdict, what grew and why, the rest collapsed.

use super::headline::{delta, headline, headroom, marked, ordered, percent, size_words, sizes, told, why};
use super::{Look, MARKDOWN_LIMIT, times};
use crate::gate::{Judgement, RuleResult, VariantResult, Verdict};
use crate::line::{Line, Tone, image, plain, strong};
use crate::report::compare::rows;
use crate::report::doc::{Block, Doc};
use crate::report::html;
use crate::report::markdown::{self, Form};
use crate::report::table::{Cell, Table};
use crate::text::shorten;
use crate::units::{SignedBytes, count};

/// Room kept for what stands at the end.
const TAIL: usize = 6_000;
/// Most variants in the first table.
const MOST_ROWS: usize = 50;
/// Most variants in the collapsed table.
const MOST_QUIET: usize = 100;
/// Most rules said of one variant.
const MOST_RULES: usize = 12;
/// Most notes.
const MOST_NOTES: usize = 8;

/// The same as a page of its own.
pub(super) fn page(judgement: &Judgement, suite: &str, look: Look) -> String {
    let title = if suite.is_empty() { "Image size" } else { suite };
    html::document_page(&html::Page { title, images: &[], chart: None }, &document(judgement, suite, look))
}

/// The comment. It begins with a hidden marker of the suite, by which the next run finds and replaces it.
pub(super) fn comment(judgement: &Judgement, suite: &str, look: Look) -> String {
    markdown::write(&document(judgement, suite, look), Form::Comment(MARKDOWN_LIMIT))
}

fn document(judgement: &Judgement, suite: &str, look: Look) -> Doc {
    let title = match judgement.verdict {
        Verdict::Fail => "Image size: gate failed",
        Verdict::NotComparable => "Image size: not comparable",
        Verdict::Inconclusive => "Image size: inconclusive",
        _ => "Image size: gate passed",
    };
    let mut doc = Doc::default();
    doc.push(Block::Marker(format!("tonnage-check {}", marker(suite))));
    doc.push(Block::Heading(3, title.into())).push(Block::Strong(headline(judgement)));
    let is_loud = |found: &(&VariantResult, Verdict)| found.1 >= Verdict::Warn || delta(found.0) != 0;
    let (loud, quiet): (Vec<_>, Vec<_>) = ordered(judgement).into_iter().partition(is_loud);
    doc.section(changed(judgement, &loud));
    let parts = loud.iter().map(|(variant, _)| details(judgement, variant, look)).collect();
    let rest = Line::quoting(" left out here; `tonnage check` prints all of them.");
    doc.push(Block::Parts(parts, TAIL + quiet.len().min(MOST_QUIET) * 250, rest));
    let orphan = |rule: &&RuleResult| judgement.variant(&rule.variant).is_none();
    for rule in judgement.rules.iter().filter(orphan).take(MOST_RULES) {
        let start = verdict(rule).and(" ").and(image(&rule.variant)).and(": ").and(rule.message.clone());
        doc.item(start.and(". Next: ").and(rule.next.clone()).and("."));
    }
    times::folded(&mut doc, &judgement.timings, judgement.against.as_deref().unwrap_or_default());
    let summary = format!("{} without a change", count(quiet.len(), "variant"));
    doc.folded(summary.into(), unchanged(judgement, &quiet));
    for note in judgement.notes.iter().take(MOST_NOTES) {
        doc.item(note.clone());
    }
    doc.sentence(origin(judgement));
    doc
}

/// A suite's name as part of an HTML comment.
fn marker(suite: &str) -> String {
    let kept: String = suite.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')).take(80).collect();
    if kept.is_empty() { "suite".to_owned() } else { kept }
}

fn verdict(rule: &RuleResult) -> Line {
    strong(Tone::Plain, rule.verdict.word())
}

fn changed(judgement: &Judgement, loud: &[(&VariantResult, Verdict)]) -> Table {
    let mut table = Table::new("", "variant | #size | #Δ | #Δ % | #limit | #left | verdict");
    for (variant, verdict) in loud.iter().take(MOST_ROWS) {
        let (size, change, share) = match &variant.comparison {
            Some(comparison) => (
                marked(sizes(comparison.old_bytes, comparison.new_bytes), variant),
                comparison.delta_bytes.to_string(),
                percent(comparison),
            ),
            None => (size_words(variant), String::new(), String::new()),
        };
        let mut row = vec![Cell::name(&variant.name, ""), Cell::new(size), Cell::new(change), Cell::new(share)];
        row.extend(room(judgement, &variant.name));
        let tone = if *verdict >= Verdict::Inconclusive { Tone::Bad } else { Tone::Plain };
        row.push(Cell::new(verdict.word()).tone(tone));
        table.push(row);
    }
    table.others(loud.len(), MOST_ROWS);
    table
}

/// Limit on `size` and what is left of it.
fn room(judgement: &Judgement, variant: &str) -> [Cell; 2] {
    headroom(judgement, variant).map_or_else(Default::default, |(limit, left)| {
        let left = SignedBytes(i64::try_from(left).unwrap_or(i64::MAX));
        [Cell::new(limit), Cell::new(left.to_string().trim_start_matches('+'))]
    })
}

fn details(judgement: &Judgement, variant: &VariantResult, look: Look) -> Doc {
    let mut doc = Doc::default();
    let name = image(&variant.name);
    let why = why(variant);
    doc.sentence(if why.is_empty() { name } else { name.and(": ").and(why) });
    let said = told(judgement, &variant.name);
    for rule in said.iter().take(MOST_RULES) {
        let line = verdict(rule).and(": ").and(rule.message.clone()).and(".");
        let next = if rule.next.is_empty() { line } else { line.and(" Next: ").and(rule.next.clone()).and(".") };
        doc.item(next);
    }
    if said.len() > MOST_RULES {
        doc.item(format!("[{}]", count(said.len() - MOST_RULES, "other")));
    }
    if let Some(comparison) = variant.comparison.as_ref().filter(|comparison| !comparison.groups.is_empty()) {
        let (base, own) = (comparison.base_delta_bytes, comparison.own_delta_bytes);
        let summary = format!("Where the bytes went (base {base}, own {own})");
        doc.push(Block::Folded(summary.into(), Doc(vec![Block::Sums(rows(comparison, look.top))])));
    }
    doc
}

fn unchanged(judgement: &Judgement, quiet: &[(&VariantResult, Verdict)]) -> Table {
    let mut table = Table::new("", "variant | #size | #limit | #left");
    for (variant, _) in quiet.iter().take(MOST_QUIET) {
        let mut row = vec![Cell::name(&variant.name, ""), Cell::new(size_words(variant))];
        row.extend(room(judgement, &variant.name));
        table.push(row);
    }
    table.others(quiet.len(), MOST_QUIET);
    table
}

/// What was judged by what, and how to accept it.
fn origin(judgement: &Judgement) -> Line {
    let start = plain("Record ").and(image(&judgement.record)).and(", baseline ");
    let start = match &judgement.baseline {
        Some(label) => start.and(image(label)),
        None => start.and("no baseline"),
    };
    let accepted = judgement.variants.iter().find_map(|variant| variant.accepted.as_ref());
    let from = accepted.filter(|accepted| !accepted.by.engine.is_empty()).map_or_else(String::new, |accepted| {
        format!(", measured by {} ({}) at {}", accepted.by.engine, accepted.by.image_store, accepted.measured_at)
    });
    start.and(shorten(&from, 200)).and(". To accept what grew: ").and(image(&judgement.accept))
}
