//! A judgement as workflow commands of GitHub Actions: an annotation for each variant that does not simply pass, on
//! the line of its Dockerfile that the difference points at.

use std::fmt::Write as _;

use super::headline::{headline, ordered, why};
use crate::gate::{Judgement, RuleResult, Verdict};
use crate::text::for_people;
use crate::units;

/// GitHub shows ten annotations of a kind for a step; the last one says how many are left.
const MOST: usize = 9;

/// One command a line, the verdict last.
pub(super) fn annotations(judgement: &Judgement) -> String {
    let mut out = String::new();
    for (kind, from, to) in [
        ("error", Verdict::NotComparable, Verdict::Fail),
        ("warning", Verdict::Warn, Verdict::Inconclusive),
        ("notice", Verdict::New, Verdict::New),
    ] {
        let mut entries: Vec<(String, Vec<String>)> = Vec::new();
        for (variant, verdict) in ordered(judgement) {
            if (from..=to).contains(&verdict) {
                let mut lines = Vec::new();
                if variant.comparison.as_ref().is_some_and(|comparison| !comparison.groups.is_empty()) {
                    lines.push(for_people(&why(variant).to_string()));
                }
                lines.extend(judgement.rules_of(&variant.name).filter(|rule| rule.verdict >= Verdict::New).map(said));
                let mut properties = Vec::new();
                if !variant.dockerfile.is_empty() {
                    properties.push(format!("file={}", command_property(&variant.dockerfile)));
                    properties.push(format!("line={}", variant.line.max(1)));
                }
                properties.push(format!("title={}", command_property(&for_people(&variant.name))));
                entries.push((properties.join(","), lines));
            }
        }
        for rule in judgement.rules.iter().filter(|rule| judgement.variant(&rule.variant).is_none()) {
            if (from..=to).contains(&rule.verdict) {
                entries.push((format!("title={}", command_property(&for_people(&rule.variant))), vec![said(rule)]));
            }
        }
        for (properties, lines) in entries.iter().take(MOST) {
            let _ = writeln!(out, "::{kind} {properties}::{}", command_data(&lines.join("\n")));
        }
        if entries.len() > MOST {
            let more = units::count(entries.len() - MOST, "more variant");
            let _ = writeln!(out, "::{kind} title=tonnage::{more}, see the summary");
        }
    }
    let kind = match judgement.verdict {
        Verdict::Fail | Verdict::NotComparable => "error",
        Verdict::Inconclusive => "warning",
        _ => "notice",
    };
    let _ = writeln!(out, "::{kind} title=tonnage::{}", command_data(&for_people(&headline(judgement).to_string())));
    out
}

fn said(rule: &RuleResult) -> String {
    let next = if rule.next.is_empty() { String::new() } else { format!(". Next: {}", rule.next) };
    for_people(&format!("{}: {}{next}", rule.verdict.word(), rule.message))
}

/// The value of a workflow command: `%`, carriage return and line feed (actions/toolkit, `escapeData`).
fn command_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command: `:` and `,` as well (actions/toolkit, `escapeProperty`).
fn command_property(text: &str) -> String {
    command_data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflow_commands_are_escaped_as_the_toolkit_does() {
        assert_eq!(command_data("100 %\r\n::error::x"), "100 %25%0D%0A::error::x");
        assert_eq!(command_property("::error::a,b\n"), "%3A%3Aerror%3A%3Aa%2Cb%0A");
    }
}
