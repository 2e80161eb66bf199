//! A judgement as JUnit XML: a suite for each variant, a case for each rule.
//!
//! There are two schemas in use, that of Ant (<https://github.com/windyroad/JUnit-Schema>) and that of Jenkins' xUnit
//! plugin (`junit-10.xsd`), and what one wants the other mostly allows. This is written by hand, for the libraries
//! looked at keep to neither: it is valid under both. `tests/junit/both.xsd` says what that takes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::headline::why;
use crate::gate::{Judgement, RuleResult, Verdict};
use crate::text::for_people;

/// JUnit XML.
pub(super) fn junit(judgement: &Judgement) -> String {
    let mut names: Vec<&str> = judgement.variants.iter().map(|variant| variant.name.as_str()).collect();
    let mut by_variant: BTreeMap<&str, Vec<&RuleResult>> = BTreeMap::new();
    for rule in &judgement.rules {
        let rules = by_variant.entry(&rule.variant).or_default();
        if rules.is_empty() && !names.contains(&rule.variant.as_str()) {
            names.push(&rule.variant);
        }
        rules.push(rule);
    }
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (id, name) in names.into_iter().enumerate() {
        let rules = by_variant.get(name).map_or(&[][..], Vec::as_slice);
        let because = judgement.variant(name).map(|found| why(found).to_string());
        suite(&mut out, id, name, rules, &because.unwrap_or_default(), &judgement.measured_at);
    }
    out.push_str("</testsuites>\n");
    out
}

/// What a rule's case holds.
#[derive(Clone, Copy, PartialEq)]
enum CaseOutcome {
    Passed,
    Skipped,
    Failure,
    Error,
}

fn outcome(rule: &RuleResult) -> CaseOutcome {
    match rule.verdict {
        Verdict::Pass | Verdict::Warn => CaseOutcome::Passed,
        Verdict::Skipped | Verdict::New => CaseOutcome::Skipped,
        Verdict::Fail => CaseOutcome::Failure,
        Verdict::Inconclusive | Verdict::NotComparable => CaseOutcome::Error,
    }
}

fn suite(out: &mut String, id: usize, name: &str, rules: &[&RuleResult], because: &str, measured_at: &str) {
    let count = |wanted: CaseOutcome| rules.iter().filter(|rule| outcome(rule) == wanted).count();
    let name = token(name);
    let _ = writeln!(
        out,
        "  <testsuite id=\"{id}\" package=\"tonnage\" name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" \
         skipped=\"{}\" time=\"0\" timestamp=\"{}\" hostname=\"localhost\">\n    <properties/>",
        rules.len(),
        count(CaseOutcome::Failure),
        count(CaseOutcome::Error),
        count(CaseOutcome::Skipped),
        stamp(measured_at),
    );
    for rule in rules {
        case(out, &name, rule);
    }
    // A case that passes has no place for words in Ant's schema.
    let mut said: Vec<String> = Vec::new();
    said.extend((!because.is_empty()).then(|| because.to_owned()));
    for rule in rules.iter().filter(|rule| outcome(rule) == CaseOutcome::Passed && !rule.message.is_empty()) {
        let word = if rule.verdict == Verdict::Warn { "warning: " } else { "" };
        said.push(format!("{word}{}", rule.message));
    }
    let said: Vec<String> = said.iter().map(|line| text(line)).collect();
    let _ = writeln!(
        out,
        "    <system-out>{}</system-out>\n    <system-err></system-err>\n  </testsuite>",
        said.join("\n")
    );
}

fn case(out: &mut String, variant: &str, rule: &RuleResult) {
    let name = if rule.limit.is_empty() { rule.metric.clone() } else { format!("{} {}", rule.metric, rule.limit) };
    let _ = write!(out, "    <testcase classname=\"{variant}\" name=\"{}\" time=\"0\"", token(&name));
    let message = text(&rule.message.to_string());
    let next = if rule.next.is_empty() { String::new() } else { format!("\n{}", text(&rule.next.to_string())) };
    let _ = match outcome(rule) {
        CaseOutcome::Passed => writeln!(out, "/>"),
        CaseOutcome::Skipped => writeln!(out, "><skipped message=\"{message}\"/></testcase>"),
        outcome => {
            let tag = if outcome == CaseOutcome::Failure { "failure" } else { "error" };
            let kind = rule.verdict.word();
            writeln!(out, "><{tag} message=\"{message}\" type=\"{kind}\">{message}{next}</{tag}></testcase>")
        }
    };
}

/// The day and time of a UTC stamp, as both schemas write it: without a zone.
fn stamp(measured_at: &str) -> String {
    let stamp: Option<jiff::Timestamp> = measured_at.parse().ok();
    stamp.unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Text for an element or an attribute: no markup, and no character that XML 1.0 forbids (section 2.2).
fn text(given: &str) -> String {
    let given = for_people(given);
    let mut out = String::with_capacity(given.len() + 16);
    for c in given.chars() {
        match c {
            // Before `#[`: the runner of GitHub Actions obeys `##[…]` anywhere in a line.
            '#' => out.push_str("&#35;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A name, which may not be empty.
fn token(name: &str) -> String {
    let name = text(name);
    if name.trim().is_empty() { "(no name)".to_owned() } else { name }
}
