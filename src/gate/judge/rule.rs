//! A rule and how it came out.

use std::path::Path;

use serde::Serialize;

use crate::gate::budget::Level;
use crate::line::Line;

/// The outcome of a rule or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Verdict {
    /// It holds.
    Pass,
    /// It does not concern what was measured.
    Skipped,
    /// There is nothing in the baseline to hold it against yet.
    New,
    /// It is exceeded, and only to be said.
    Warn,
    /// What was measured does not allow a verdict.
    Inconclusive,
    /// Baseline and record are unlike, or there is no baseline.
    #[strum(to_string = "not comparable")]
    NotComparable,
    /// It does not hold.
    Fail,
}

/// What kind of rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RuleKind {
    /// An absolute limit.
    Budget,
    /// A limit relative to the baseline, or the presence of a variant in it.
    Baseline,
    /// How an image is made and what it does.
    Structure,
    /// A build time.
    Timing,
}

/// A rule and how it came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RuleResult {
    /// The variant.
    pub variant: String,
    /// What is limited, by its key: `size`, `path /usr/share/doc/**`, `serve`.
    pub metric: String,
    /// What kind of rule.
    pub kind: RuleKind,
    /// What exceeding it means.
    pub level: Level,
    /// The limit as written; empty where there is none.
    pub limit: String,
    /// The largest value that the limit allows, in bytes or as a count.
    pub allowed: Option<u64>,
    /// The value.
    pub actual: Option<u64>,
    /// The value in the baseline.
    pub baseline: Option<u64>,
    /// How it came out.
    pub verdict: Verdict,
    /// One sentence.
    pub message: Line,
    /// What to do next; empty where nothing is to be done.
    pub next: Line,
    /// Where the rule stands: `tonnage.toml:12`; empty for a default.
    pub place: String,
}

impl Verdict {
    /// What it counts as among the other verdicts on a variant: a rule that does not concern it takes nothing away.
    #[must_use]
    pub(crate) fn counted(self) -> Self {
        if self == Self::Skipped { Self::Pass } else { self }
    }

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        self.into()
    }
}

/// A rule result to be filled in.
pub(super) fn blank(variant: &str, metric: &str, kind: RuleKind) -> RuleResult {
    RuleResult {
        variant: variant.to_owned(),
        metric: metric.to_owned(),
        kind,
        level: Level::Fail,
        limit: String::new(),
        allowed: None,
        actual: None,
        baseline: None,
        verdict: Verdict::Pass,
        message: Line::default(),
        next: Line::default(),
        place: String::new(),
    }
}

/// `tonnage.toml:12`; empty for a rule that stands in no file.
pub(super) fn at(manifest: &Path, line: usize) -> String {
    if line == 0 || manifest.as_os_str().is_empty() { String::new() } else { format!("{}:{line}", manifest.display()) }
}
