//! Issues as GitLab's Code Quality report (<https://docs.gitlab.com/ci/testing/code_quality/>): a list, of which the
//! merge request shows what is new and what is gone.

use serde_json::{Value, json};

use super::issues::{Severity, issues};
use crate::gate::{Judgement, Measured};
use crate::text::for_people;

/// The report.
pub(super) fn codequality(judgement: &Judgement, measured: &Measured) -> String {
    let list: Vec<Value> = issues(judgement, measured)
        .into_iter()
        .map(|issue| {
            let severity = match issue.severity {
                Severity::Failed => "critical",
                Severity::Unknown => "major",
                Severity::Warned | Severity::Costs => "minor",
                Severity::Note => "info",
            };
            json!({
                "description": issue.message,
                "check_name": format!("tonnage/{}", issue.check),
                "fingerprint": issue.fingerprint,
                "severity": severity,
                "location": {"path": for_people(&issue.path), "lines": {"begin": issue.line}},
            })
        })
        .collect();
    crate::json::pretty(&Value::Array(list))
}
