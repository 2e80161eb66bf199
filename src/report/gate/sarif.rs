//! Issues as SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), for code scanning.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::issues::{Issue, Severity, issues};
use crate::gate::{Judgement, Measured};

/// A log of one run.
pub(super) fn sarif(judgement: &Judgement, measured: &Measured) -> String {
    let issues = issues(judgement, measured);
    let mut checks: Vec<&str> = issues.iter().map(|issue| issue.check.as_str()).collect();
    checks.sort_unstable();
    checks.dedup();
    let rules: Vec<Value> = checks.iter().map(|check| json!({ "id": format!("tonnage/{check}") })).collect();
    let results: Vec<Value> = issues.iter().map(|issue| result(issue, &checks)).collect();
    crate::json::pretty(&json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "tonnage",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "automationDetails": {"id": format!("tonnage/{}/", message(&measured.suite))},
            "results": results,
        }],
    }))
}

fn result(issue: &Issue, checks: &[&str]) -> Value {
    let level = match issue.severity {
        Severity::Failed => "error",
        Severity::Unknown | Severity::Warned => "warning",
        Severity::Costs | Severity::Note => "note",
    };
    json!({
        "ruleId": format!("tonnage/{}", issue.check),
        "ruleIndex": checks.binary_search(&issue.check.as_str()).ok(),
        "level": level,
        "message": {"text": message(&issue.message)},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&issue.path)},
            "region": {"startLine": issue.line},
        }}],
        "partialFingerprints": {"tonnage/v1": issue.fingerprint},
    })
}

/// A message without links (3.11.6) and placeholders (3.11.5): an invisible joiner breaks them.
fn message(text: &str) -> String {
    let text = crate::text::for_people(text);
    let mut out = String::with_capacity(text.len());
    let mut before = '\0';
    for c in text.chars() {
        if (before == ']' && c == '(') || (before == '{' && c.is_ascii_digit()) {
            out.push('\u{2060}');
        }
        out.push(c);
        before = c;
    }
    out
}

/// A path as the reference of a URI (RFC 3986, 4.1): from the repository, or absolute.
fn uri(path: &str) -> String {
    let mut out = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(byte.into()),
            _ => _ = write!(out, "%{byte:02X}"),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_no_link_and_no_placeholder() {
        assert_eq!(message("[x](javascript:y) {0} {} [0]"), "[x]\u{2060}(javascript:y) {\u{2060}0} {} [0]");
    }

    #[test]
    fn a_path_is_one_uri() {
        for (path, expected) in [
            ("slim/Dockerfile", "slim/Dockerfile"),
            ("/src/a b", "file:///src/a%20b"),
            ("javascript:x?#", "javascript%3Ax%3F%23"),
            ("ä\n", "%C3%A4%0A"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
