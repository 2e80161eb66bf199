//! A judgement for people, on a terminal or in the log of a job.

use super::headline::{headline, headroom, ordered, size_words, told, why};
use super::{Look, times};
use crate::gate::{Judgement, RuleResult, VariantResult, Verdict};
use crate::line::{Line, Span, Tone, command, image, plain, strong};
use crate::report::compare::rows;
use crate::report::doc::{Block, Doc};
use crate::report::terminal;
use crate::units::{Bytes, count};

/// Most variants that pass and are listed one by one.
const MOST_PASSING: usize = 20;
/// How far in the lines of a variant begin.
const IN: usize = 6;

/// What exceeds with its reason first, what passes in a line each, the verdict last.
pub(super) fn log(judgement: &Judgement, look: Look) -> String {
    let mut doc = Doc::default();
    let ordered = ordered(judgement);
    let (loud, quiet): (Vec<_>, Vec<_>) = ordered.into_iter().partition(|(_, verdict)| *verdict >= Verdict::Warn);
    for (variant, verdict) in loud {
        doc.sentence(head(verdict, &variant.name).and(size_words(variant)));
        said(&mut doc, judgement, variant);
        if let Some(comparison) = variant.comparison.as_ref().filter(|comparison| !comparison.groups.is_empty()) {
            doc.gap().push(Block::Sums(rows(comparison, look.top)));
        }
        doc.gap();
    }
    for rule in judgement.rules.iter().filter(|rule| judgement.variant(&rule.variant).is_none()) {
        doc.sentence(head(rule.verdict, &rule.variant).and(rule.message.clone()))
            .under(IN, short(&rule.next, &judgement.accept))
            .gap();
    }
    passing(&mut doc, judgement, &quiet);
    times::log(&mut doc, &judgement.timings, judgement.against.as_deref().unwrap_or_default());
    accept(&mut doc, judgement);
    for note in &judgement.notes {
        doc.sentence(plain("note: ").and(note.clone()));
    }
    doc.sentence(headline(judgement));
    terminal::log(&doc, look.colour)
}

fn head(verdict: Verdict, name: &str) -> Line {
    let tone = match verdict {
        Verdict::Pass => Tone::Best,
        Verdict::Skipped | Verdict::New => Tone::News,
        Verdict::Warn | Verdict::Inconclusive => Tone::Care,
        Verdict::NotComparable | Verdict::Fail => Tone::Bad,
    };
    strong(tone, verdict.word()).and("  ").and(image(name)).and("  ")
}

/// The rules that do not simply hold, and what to do.
fn said(doc: &mut Doc, judgement: &Judgement, variant: &VariantResult) {
    if variant.comparison.as_ref().is_some_and(|comparison| !comparison.groups.is_empty()) {
        doc.under(IN, plain("why: ").and(why(variant)));
    }
    for rule in told(judgement, &variant.name) {
        doc.under(IN, plain(format!("{}: ", rule.verdict.word())).and(rule.message.clone()));
        if !rule.next.is_empty() {
            doc.under(IN, plain("next: ").and(short(&rule.next, &judgement.accept)));
        }
    }
}

/// What to do next, without the command that is said once below.
fn short(next: &Line, accept: &str) -> Line {
    let is_accept = |span: &Span| matches!(span, Span::Code(command) if command == accept);
    let span = |span: &Span| if is_accept(span) { Span::Words("the command below".to_owned()) } else { span.clone() };
    Line(next.0.iter().map(span).collect())
}

/// The command that accepts what was measured, where a rule speaks of it; and one for another machine, which has no such
/// record.
fn accept(doc: &mut Doc, judgement: &Judgement) {
    let speaks = |rule: &RuleResult| short(&rule.next, &judgement.accept) != rule.next;
    if !judgement.rules.iter().any(speaks) {
        return;
    }
    doc.sentence(plain("accept: ").and(command(&judgement.accept)));
    if let Some(elsewhere) = &judgement.accept_elsewhere {
        doc.sentence(plain("accept on another machine: ").and(command(elsewhere)));
    }
    doc.gap();
}

fn passing(doc: &mut Doc, judgement: &Judgement, quiet: &[(&VariantResult, Verdict)]) {
    for (variant, verdict) in quiet.iter().take(MOST_PASSING) {
        let left = headroom(judgement, &variant.name)
            .map(|(limit, left)| format!(", {} left of {limit}", Bytes(u64::try_from(left).unwrap_or(0))));
        let line = head(*verdict, &variant.name).and(size_words(variant));
        doc.sentence(line.and(left.unwrap_or_default()));
    }
    if quiet.len() > MOST_PASSING {
        doc.sentence(format!("pass  [{}]", count(quiet.len() - MOST_PASSING, "other")));
    }
    if !quiet.is_empty() {
        doc.gap();
    }
}
