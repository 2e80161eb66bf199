//! A judgement as JUnit XML: a suite for each variant, a case for each rule.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::headline::headline;
use crate::gate::judge::{Judgement, RuleResult, Verdict};
use crate::text::for_people;

/// JUnit XML.
pub fn junit(judgement: &Judgement, suite: &str) -> String {
    let name = if suite.is_empty() { "tonnage check".to_owned() } else { format!("tonnage check {suite}") };
    let mut report = Report::new(for_people(&name));
    let mut names: Vec<&str> = judgement.variants.iter().map(|variant| variant.name.as_str()).collect();
    let mut by_variant: std::collections::BTreeMap<&str, Vec<&RuleResult>> = std::collections::BTreeMap::new();
    for rule in &judgement.rules {
        let rules = by_variant.entry(&rule.variant).or_default();
        if rules.is_empty() && !names.contains(&rule.variant.as_str()) {
            names.push(&rule.variant);
        }
        rules.push(rule);
    }
    for variant in names {
        let mut suite = TestSuite::new(for_people(variant));
        for rule in by_variant.get(variant).into_iter().flatten() {
            suite.add_test_case(case(variant, rule));
        }
        let because = judgement.variants.iter().find(|found| found.name == variant).map(|found| &found.because);
        if let Some(because) = because.filter(|because| !because.is_empty()) {
            suite.set_system_out(for_people(&because.plain()));
        }
        report.add_test_suite(suite);
    }
    // Writing into memory fails only where the text cannot be XML, which `XmlString` takes care of.
    report.to_string().unwrap_or_else(|error| {
        format!(
            "<testsuites><!-- {} --></testsuites>\n",
            headline(judgement).plain().replace("--", "- -") + &error.to_string()
        )
    })
}

fn case(variant: &str, rule: &RuleResult) -> TestCase {
    let mut status = match rule.verdict {
        Verdict::Pass | Verdict::Warn => TestCaseStatus::success(),
        Verdict::Skipped | Verdict::New => TestCaseStatus::skipped(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive | Verdict::NotComparable => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let message = for_people(&rule.message);
    let plain = matches!(rule.verdict, Verdict::Pass | Verdict::Warn);
    if !plain {
        status.set_message(message.clone()).set_type(rule.verdict.word());
        let next = for_people(&rule.next);
        status.set_description(if next.is_empty() { message.clone() } else { format!("{message}\n{next}") });
    }
    let name = if rule.limit.is_empty() { rule.metric.clone() } else { format!("{} {}", rule.metric, rule.limit) };
    let mut case = TestCase::new(for_people(&name), status);
    case.set_classname(for_people(variant));
    if plain {
        let word = if rule.verdict == Verdict::Warn { "warning: " } else { "" };
        case.set_system_out(format!("{word}{message}"));
    }
    case
}
