//! A judgement as a comment on a pull request: one verdict, what grew and why, the rest collapsed.

use std::fmt::Write as _;

use super::Look;
use super::differences::signed_markdown;
use super::escape::code;
use super::headline::{delta, headline, headroom, marked, ordered, percent, size_words, sizes, told, why};
use super::times::times_markdown;
use crate::gate::{Judgement, VariantResult, Verdict};
use crate::report::escape::{self, Place};
use crate::units::{self, SignedBytes};

/// Longest comment in bytes; GitHub takes 65,536 characters.
pub const MARKDOWN_LIMIT: usize = 60_000;

/// Room kept for what stands at the end.
const TAIL: usize = 6_000;
/// Most variants in the first table.
const MOST_ROWS: usize = 50;
/// Most variants in the collapsed table.
const MOST_QUIET: usize = 100;
/// Most rules said of one variant.
const MOST_RULES: usize = 12;

/// The comment. It begins with a hidden marker of the suite, by which the next run finds and replaces it.
pub fn markdown(judgement: &Judgement, suite: &str, look: Look) -> String {
    let mut out = format!("<!-- tonnage-check {} -->\n", marker(suite));
    let title = match judgement.verdict {
        Verdict::Fail => "Image size: gate failed",
        Verdict::NotComparable => "Image size: not comparable",
        Verdict::Inconclusive => "Image size: inconclusive",
        _ => "Image size: gate passed",
    };
    let _ = writeln!(out, "### {title}\n\n**{}**\n", escape::line(&headline(judgement), Place::Text));
    let ordered = ordered(judgement);
    let is_loud = |found: &(&VariantResult, Verdict)| found.1 >= Verdict::Warn || delta(found.0) != 0;
    let (loud, quiet): (Vec<_>, Vec<_>) = ordered.into_iter().partition(is_loud);
    changed(&mut out, judgement, &loud);
    let mut left_out = 0;
    for (variant, _) in loud.iter().filter(|(variant, verdict)| *verdict >= Verdict::Warn || delta(variant) != 0) {
        let part = details(judgement, variant, look);
        if out.len() + part.len() > MARKDOWN_LIMIT - TAIL - quiet.len().min(MOST_QUIET) * 250 {
            left_out += 1;
        } else {
            out.push_str(&part);
        }
    }
    if left_out > 0 {
        let _ =
            writeln!(out, "[{}] left out here; `tonnage check` prints all of them.\n", units::count(left_out, "other"));
    }
    orphans(&mut out, judgement);
    out.push_str(&times_markdown(&judgement.timings, judgement.against.as_deref().unwrap_or_default()));
    collapsed(&mut out, judgement, &quiet);
    tail(&mut out, judgement);
    out
}

/// A suite's name as part of an HTML comment.
fn marker(suite: &str) -> String {
    let kept: String = suite.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')).take(80).collect();
    if kept.is_empty() { "suite".to_owned() } else { kept }
}

fn changed(out: &mut String, judgement: &Judgement, loud: &[(&VariantResult, Verdict)]) {
    if loud.is_empty() {
        return;
    }
    out.push_str("| variant | size | Δ | Δ % | limit | left | verdict |\n|:---|---:|---:|---:|---:|---:|:---|\n");
    for (variant, verdict) in loud.iter().take(MOST_ROWS) {
        let (size, change, share) = match &variant.comparison {
            Some(comparison) => (
                marked(sizes(comparison.old_bytes, comparison.new_bytes), variant),
                comparison.delta_bytes.to_string(),
                percent(comparison),
            ),
            None => (size_words(variant), String::new(), String::new()),
        };
        let (limit, left) = room(judgement, &variant.name);
        let word = if *verdict >= Verdict::Inconclusive {
            format!("**{}**", verdict.word())
        } else {
            verdict.word().to_owned()
        };
        let _ = writeln!(
            out,
            "| {} | {size} | {change} | {share} | {limit} | {left} | {word} |",
            code(&variant.name, Place::Cell)
        );
    }
    if loud.len() > MOST_ROWS {
        let _ = writeln!(out, "| [{}] | | | | | | |", units::count(loud.len() - MOST_ROWS, "other"));
    }
    out.push('\n');
}

/// Limit on `size` and what is left of it.
fn room(judgement: &Judgement, variant: &str) -> (String, String) {
    match headroom(judgement, variant) {
        Some((limit, left)) => {
            let left = SignedBytes(i64::try_from(left).unwrap_or(i64::MAX));
            (escape::words(&limit, Place::Cell), left.to_string().trim_start_matches('+').to_owned())
        }
        None => (String::new(), String::new()),
    }
}

fn details(judgement: &Judgement, variant: &VariantResult, look: Look) -> String {
    let mut out = String::new();
    let why = why(variant);
    let because = if why.is_empty() { String::new() } else { format!(": {}", escape::line(&why, Place::Text)) };
    let _ = writeln!(out, "{}{because}\n", code(&variant.name, Place::Text));
    let said = told(judgement, &variant.name);
    for rule in said.iter().take(MOST_RULES) {
        let next = if rule.next.is_empty() {
            String::new()
        } else {
            format!(" Next: {}.", escape::sentence(&rule.next, Place::Text))
        };
        let _ = writeln!(out, "- **{}**: {}.{next}", rule.verdict.word(), escape::sentence(&rule.message, Place::Text));
    }
    if said.len() > MOST_RULES {
        let _ = writeln!(out, "- [{}]", units::count(said.len() - MOST_RULES, "other"));
    }
    if let Some(comparison) = variant.comparison.as_ref().filter(|comparison| !comparison.groups.is_empty()) {
        let _ = writeln!(
            out,
            "\n<details><summary>Where the bytes went (base {}, own {})</summary>\n\n{}\n</details>\n",
            comparison.base_delta_bytes,
            comparison.own_delta_bytes,
            signed_markdown(comparison, look.top)
        );
    }
    out.push('\n');
    out
}

/// Rules about something that is no variant of the record.
fn orphans(out: &mut String, judgement: &Judgement) {
    let orphan = |rule: &&crate::gate::RuleResult| !judgement.variants.iter().any(|v| v.name == rule.variant);
    for rule in judgement.rules.iter().filter(orphan).take(MOST_RULES) {
        let (said, next) = (escape::sentence(&rule.message, Place::Text), escape::sentence(&rule.next, Place::Text));
        let _ = writeln!(
            out,
            "- **{}** {}: {said}. Next: {next}.\n",
            rule.verdict.word(),
            code(&rule.variant, Place::Text)
        );
    }
}

fn collapsed(out: &mut String, judgement: &Judgement, quiet: &[(&VariantResult, Verdict)]) {
    if quiet.is_empty() {
        return;
    }
    let count = quiet.len();
    let _ = writeln!(out, "<details><summary>{} without a change</summary>\n", units::count(count, "variant"));
    out.push_str("| variant | size | limit | left |\n|:---|---:|---:|---:|\n");
    for (variant, _) in quiet.iter().take(MOST_QUIET) {
        let (limit, left) = room(judgement, &variant.name);
        let line = format!("| {} | {} | {limit} | {left} |\n", code(&variant.name, Place::Cell), size_words(variant));
        if out.len() + line.len() < MARKDOWN_LIMIT - TAIL {
            out.push_str(&line);
        }
    }
    if count > MOST_QUIET {
        let _ = writeln!(out, "| [{}] | | | |", units::count(count - MOST_QUIET, "other"));
    }
    out.push_str("\n</details>\n\n");
}

fn tail(out: &mut String, judgement: &Judgement) {
    for note in judgement.notes.iter().take(8) {
        let _ = writeln!(out, "- {}", escape::sentence(&crate::text::shorten(note, 300), Place::Text));
    }
    let baseline =
        judgement.baseline.as_deref().map_or_else(|| "no baseline".to_owned(), |label| code(label, Place::Text));
    let accepted = judgement.variants.iter().find_map(|variant| variant.accepted.as_ref());
    let from = accepted.filter(|accepted| !accepted.engine.is_empty()).map_or_else(String::new, |accepted| {
        format!(", measured by {} ({}) at {}", accepted.engine, accepted.image_store, accepted.measured_at)
    });
    let _ = writeln!(
        out,
        "\nRecord {}, baseline {baseline}{}. To accept what grew: {}",
        code(&judgement.record, Place::Text),
        escape::words(&crate::text::shorten(&from, 200), Place::Text),
        code(&judgement.accept, Place::Text)
    );
}
