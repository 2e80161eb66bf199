//! The verdict in one line, and words that several outputs share.

use crate::analyse::compare::Comparison;
use crate::gate::{Judgement, RuleResult, State, VariantResult, Verdict};
use crate::line::{Line, code, plain};
use crate::report::compare::verdict;
use crate::report::words::STAND_IN;
use crate::units::{self, Bytes, Ratio};

/// `gate failed: 1 of 12 rules; python3.9-slim +10.4 MB: 7 packages upgraded on top of the base, stored twice`.
pub(super) fn headline(judgement: &Judgement) -> Line {
    let count = |verdict: Verdict| judgement.rules.iter().filter(|rule| rule.verdict == verdict).count();
    let all = judgement.rules.len();
    let start = match judgement.verdict {
        Verdict::Fail => {
            return because(format!("gate failed: {} of {} ", count(Verdict::Fail), rules(all)).into(), judgement);
        }
        Verdict::NotComparable => return because("not comparable ".into(), judgement),
        Verdict::Inconclusive => return because("inconclusive ".into(), judgement),
        _ => format!("gate passed: {}", rules(all)),
    };
    let variants = judgement.variants.len();
    let mut text = format!("{start} on {}", units::count(variants, "variant"));
    for (verdict, word) in [(Verdict::Warn, "warned"), (Verdict::New, "new")] {
        if count(verdict) > 0 {
            text = format!("{text}, {} {word}", count(verdict));
        }
    }
    let moved = judgement
        .variants
        .iter()
        .filter(|variant| delta(variant) != 0)
        .max_by_key(|variant| delta(variant).unsigned_abs());
    match moved {
        Some(variant) => plain(format!("{text}; ")).and(code(&variant.name)).and(" ").and(why(variant)),
        None => text.into(),
    }
}

fn rules(count: usize) -> String {
    units::count(count, "rule")
}

/// The start, then the worst variant with its main cause, or with the message of the rule.
fn because(start: Line, judgement: &Judgement) -> Line {
    let worst = |rule: &&RuleResult| rule.verdict == judgement.verdict;
    let mut bad: Vec<&RuleResult> = judgement.rules.iter().filter(worst).collect();
    // The largest growth explains best.
    bad.sort_by_key(|rule| std::cmp::Reverse(judgement.variant(&rule.variant).map_or(0, delta)));
    let Some(rule) = bad.first() else { return start };
    if bad.len() > 1 && judgement.verdict != Verdict::Fail && bad.iter().all(|other| other.message == rule.message) {
        return start.and("– ").and(rule.message.clone());
    }
    let grown =
        judgement.variant(&rule.variant).filter(|variant| delta(variant) > 0 && judgement.verdict == Verdict::Fail);
    let sentence = start.and("– ").and(code(&rule.variant)).and(" ");
    let sentence = match grown {
        Some(variant) => sentence.and(why(variant)),
        None => sentence.and(rule.message.clone()),
    };
    let others: std::collections::BTreeSet<&str> =
        bad.iter().map(|other| other.variant.as_str()).filter(|name| *name != rule.variant).collect();
    match others.len() {
        0 => sentence,
        more => sentence.and(format!("; and {}", units::count(more, "more variant"))),
    }
}

/// The reason for the difference in `size`; nothing where there is none to speak of.
pub(super) fn why(variant: &VariantResult) -> Line {
    variant.comparison.as_ref().map(verdict).unwrap_or_default()
}

/// The difference in `size`; zero where there is none to speak of.
pub(super) fn delta(variant: &VariantResult) -> i64 {
    variant.comparison.as_ref().map_or(0, |comparison| comparison.delta_bytes.0)
}

/// `125 MB → 136 MB`, or all digits where the two differ and would print alike.
pub(super) fn sizes(old: Bytes, new: Bytes) -> String {
    let (was, is) = (old.to_string(), new.to_string());
    if was == is && old != new { format!("{} → {}", old.exact(), new.exact()) } else { format!("{was} → {is}") }
}

/// `+8.3 %`; `new` where there was nothing.
pub(super) fn percent(comparison: &Comparison) -> String {
    match Ratio::of(comparison.new_bytes.0, comparison.old_bytes.0) {
        Some(ratio) => ratio.as_change(),
        None if comparison.new_bytes == Bytes::ZERO => "0.0 %".to_owned(),
        None => "from nothing".to_owned(),
    }
}

/// `125 MB → 136 MB (+10.4 MB, +8.3 %)`.
pub(super) fn change(comparison: &Comparison) -> String {
    let sizes = sizes(comparison.old_bytes, comparison.new_bytes);
    format!("{sizes} ({}, {})", comparison.delta_bytes, percent(comparison))
}

/// The size of a variant in a few words, with its change.
pub(super) fn size_words(variant: &VariantResult) -> String {
    let words = match (&variant.comparison, variant.size, &variant.state) {
        (Some(comparison), Some(size), _) if comparison.delta_bytes.0 == 0 => format!("{size}, unchanged"),
        (Some(comparison), ..) => change(comparison),
        (None, Some(size), State::New) => format!("{size}, new"),
        (None, Some(size), _) => size.to_string(),
        (None, None, State::Vanished) => "vanished".to_owned(),
        (None, None, _) => "no image".to_owned(),
    };
    marked(words, variant)
}

/// A size with the mark that the report gives one on a substitute base image.
pub(super) fn marked(mut size: String, variant: &VariantResult) -> String {
    if variant.stand_in {
        size.push_str(STAND_IN);
    }
    size
}

/// The tightest limit in bytes that a variant has, and what is left of it.
pub(super) fn headroom(judgement: &Judgement, variant: &str) -> Option<(String, i128)> {
    use crate::gate::Level;
    judgement
        .rules_of(variant)
        .filter(|rule| rule.level == Level::Fail && rule.metric == "size")
        .filter_map(|rule| {
            let left = i128::from(rule.allowed?) - i128::from(rule.actual?);
            Some((rule.limit.clone(), left))
        })
        .min_by_key(|(_, left)| *left)
}

/// The rules of a variant that do not simply hold, one for each metric: of a warning and a failure of the same limit only
/// the failure, and what several would say in the same words once.
pub(super) fn told<'a>(judgement: &'a Judgement, variant: &'a str) -> Vec<&'a RuleResult> {
    let mut told: Vec<&RuleResult> = Vec::new();
    let open = || judgement.rules_of(variant).filter(|rule| rule.verdict >= Verdict::New);
    for rule in open() {
        let worse = |other: &RuleResult| {
            (&other.metric, other.kind) == (&rule.metric, rule.kind) && other.verdict > rule.verdict
        };
        if open().any(worse) {
            continue;
        }
        let same = |other: &&RuleResult| {
            (other.verdict, &other.message, &other.next) == (rule.verdict, &rule.message, &rule.next)
        };
        if !told.iter().any(same) {
            told.push(rule);
        }
    }
    told
}

/// Variants in the order of a report: the worst verdict first, then the largest change.
pub(super) fn ordered(judgement: &Judgement) -> Vec<(&VariantResult, Verdict)> {
    let mut worst: std::collections::BTreeMap<&str, Verdict> = std::collections::BTreeMap::new();
    for rule in &judgement.rules {
        let verdict = worst.entry(&rule.variant).or_insert(Verdict::Pass);
        *verdict = rule.verdict.counted().max(*verdict);
    }
    let mut variants: Vec<(&VariantResult, Verdict)> = judgement
        .variants
        .iter()
        .map(|variant| (variant, worst.get(variant.name.as_str()).copied().unwrap_or(Verdict::Pass)))
        .collect();
    variants.sort_by_key(|(variant, verdict)| std::cmp::Reverse((*verdict, delta(variant).unsigned_abs())));
    variants
}
