//! A judgement for people, on a terminal or in the log of a job.

use std::fmt::Write as _;

use super::escape::line;
use super::headline::{headline, headroom, ordered, size_words, told, why};
use super::times::times_table;
use super::{Look, differences};
use crate::gate::{Judgement, VariantResult, Verdict};
use crate::units::{self, Bytes};

/// Most variants that pass and are listed one by one.
const MOST_PASSING: usize = 20;

/// What exceeds with its reason first, what passes in a line each, the verdict last.
pub fn table(judgement: &Judgement, look: Look) -> String {
    let mut out = String::new();
    let ordered = ordered(judgement);
    let (loud, quiet): (Vec<_>, Vec<_>) = ordered.into_iter().partition(|(_, verdict)| *verdict >= Verdict::Warn);
    for (variant, verdict) in loud {
        let _ = writeln!(out, "{}  {}  {}", paint(verdict, look), line(&variant.name), size_words(variant));
        said(&mut out, judgement, variant);
        if let Some(comparison) = variant.comparison.as_ref().filter(|comparison| !comparison.groups.is_empty()) {
            out.push('\n');
            differences::signed_table(&mut out, comparison, look.top, "      ");
        }
        out.push('\n');
    }
    for rule in judgement.rules.iter().filter(|rule| !judgement.variants.iter().any(|v| v.name == rule.variant)) {
        let _ = writeln!(out, "{}  {}  {}", paint(rule.verdict, look), line(&rule.variant), line(&rule.message));
        let _ = writeln!(out, "      {}\n", line(&rule.next));
    }
    passing(&mut out, judgement, &quiet, look);
    let times = times_table(&judgement.timings, judgement.against.as_deref().unwrap_or_default());
    if !times.is_empty() {
        let _ = writeln!(out, "{times}");
    }
    for note in &judgement.notes {
        let _ = writeln!(out, "note: {}", line(note));
    }
    let _ = writeln!(out, "{}", line(&headline(judgement).plain()));
    out
}

/// The rules that do not simply hold, and what to do.
fn said(out: &mut String, judgement: &Judgement, variant: &VariantResult) {
    if variant.comparison.as_ref().is_some_and(|comparison| !comparison.groups.is_empty()) {
        let _ = writeln!(out, "      why: {}", line(&why(variant).plain()));
    }
    for rule in told(judgement, &variant.name) {
        let _ = writeln!(out, "      {}: {}", rule.verdict.word(), line(&rule.message));
        if !rule.next.is_empty() {
            let _ = writeln!(out, "      next: {}", line(&rule.next));
        }
    }
}

fn passing(out: &mut String, judgement: &Judgement, quiet: &[(&VariantResult, Verdict)], look: Look) {
    for (variant, verdict) in quiet.iter().take(MOST_PASSING) {
        let left = headroom(judgement, &variant.name)
            .map(|(limit, left)| format!(", {} left of {}", Bytes(u64::try_from(left).unwrap_or(0)), line(&limit)));
        let _ = writeln!(
            out,
            "{}  {}  {}{}",
            paint(*verdict, look),
            line(&variant.name),
            size_words(variant),
            left.unwrap_or_default()
        );
    }
    if quiet.len() > MOST_PASSING {
        let _ = writeln!(out, "pass  [{}]", units::count(quiet.len() - MOST_PASSING, "other"));
    }
    if !quiet.is_empty() {
        out.push('\n');
    }
}

fn paint(verdict: Verdict, look: Look) -> String {
    let word = verdict.word();
    let colour = match verdict {
        Verdict::Pass => "32",
        Verdict::Skipped | Verdict::New => "36",
        Verdict::Warn | Verdict::Inconclusive => "33",
        Verdict::NotComparable | Verdict::Fail => "31",
    };
    if look.colour { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word.to_owned() }
}
