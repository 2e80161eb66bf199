//! What CI systems list beside source code: rules that do not hold, and findings, each at a line of a file.

use std::collections::{BTreeMap, BTreeSet};

use crate::gate::{Judgement, Measured, RuleResult, VariantResult, Verdict, line_of};
use crate::line::{Line, code, plain};
use crate::record::{Finding, Variant};
use crate::text::for_people;
use crate::units::Bytes;

/// How bad an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    /// A rule failed.
    Failed,
    /// A rule could not be judged.
    Unknown,
    /// A rule warned.
    Warned,
    /// A finding that costs bytes.
    Costs,
    /// Another finding.
    Note,
}

/// Something to look at, and where.
#[derive(Debug)]
pub(super) struct Issue {
    /// What was checked: `size`, `runs-as-root`.
    pub check: String,
    pub severity: Severity,
    /// One or two sentences, without control characters.
    pub message: String,
    /// The Dockerfile; for an image without one the manifest or the record.
    pub path: String,
    /// Counted from 1.
    pub line: u32,
    /// The same in the next run if it is the same issue. No two of a report are equal.
    pub fingerprint: String,
}

/// The rules that do not hold, then the findings, variant by variant.
pub(super) fn issues(judgement: &Judgement, measured: &Measured) -> Vec<Issue> {
    let results: BTreeMap<&str, &VariantResult> =
        judgement.variants.iter().map(|result| (result.name.as_str(), result)).collect();
    let mut issues: Vec<Issue> = judgement
        .rules
        .iter()
        .filter(|rule| rule.verdict >= Verdict::Warn)
        .map(|rule| of_rule(rule, results.get(rule.variant.as_str()).copied(), judgement))
        .collect();
    for variant in &measured.variants {
        let dockerfile = results.get(variant.name.as_str()).map_or("", |result| &result.dockerfile);
        issues.extend(variant.findings.iter().map(|finding| of_finding(finding, variant, dockerfile, judgement)));
    }
    let mut seen = BTreeSet::new();
    for issue in &mut issues {
        let mut copies = 0;
        let identity = issue.fingerprint.clone();
        while !seen.insert(issue.fingerprint.clone()) {
            copies += 1;
            issue.fingerprint = fingerprint(&[&identity, &copies.to_string()]);
        }
    }
    issues
}

fn of_rule(rule: &RuleResult, result: Option<&VariantResult>, judgement: &Judgement) -> Issue {
    let (path, line) = match result {
        Some(result) if !result.dockerfile.is_empty() => (result.dockerfile.clone(), result.line),
        _ => elsewhere(&rule.place, judgement),
    };
    let severity = match rule.verdict {
        Verdict::Fail => Severity::Failed,
        Verdict::Warn => Severity::Warned,
        _ => Severity::Unknown,
    };
    let message = said(&rule.variant, rule.message.clone(), ". Next: ", rule.next.clone());
    issue([&rule.variant, &rule.metric, &rule.limit], severity, message, (path, line))
}

fn of_finding(finding: &Finding, variant: &Variant, dockerfile: &str, judgement: &Judgement) -> Issue {
    let (path, line) = if dockerfile.is_empty() {
        elsewhere("", judgement)
    } else {
        (dockerfile.to_owned(), line_of(variant, &finding.instruction))
    };
    let severity = if finding.size_bytes > Bytes::ZERO { Severity::Costs } else { Severity::Note };
    let message = said(&variant.name, finding.message.as_str().into(), ". Remedy: ", finding.remedy.as_str().into());
    issue([&variant.name, &finding.code, &finding.instruction], severity, message, (path, line))
}

/// An issue by its variant, its check, and what tells it from others of both.
fn issue(identity: [&str; 3], severity: Severity, message: Line, (path, line): (String, u32)) -> Issue {
    let [variant, check, detail] = identity;
    Issue {
        check: for_people(check),
        severity,
        message: for_people(&message.to_string()),
        fingerprint: fingerprint(&[variant, check, detail, &path]),
        path,
        line: line.max(1),
    }
}

fn said(variant: &str, message: Line, before_next: &str, next: Line) -> Line {
    let named = if variant.is_empty() { Line::default() } else { code(variant).and(plain(": ")) };
    let said = named.and(message);
    if next.is_empty() { said } else { said.and(before_next).and(next) }
}

/// Where an issue is without a Dockerfile: where its rule is written, else the record.
fn elsewhere(place: &str, judgement: &Judgement) -> (String, u32) {
    let written = place.rsplit_once(':').and_then(|(file, line)| Some((file.to_owned(), line.parse().ok()?)));
    written.unwrap_or_else(|| (judgement.record.clone(), 1))
}

/// 128 bits of a digest over the parts.
fn fingerprint(parts: &[&str]) -> String {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}
