//! A judgement or a comparison as text: for the terminal, a pull request, a CI system, or another program.

mod codequality;
mod comment;
mod differences;
mod export;
mod github;
mod headline;
mod issues;
mod json;
mod junit;
mod log;
mod openmetrics;
mod sarif;
mod times;

use codequality::codequality;
use comment::comment;
pub(crate) use differences::compare_html;
use differences::{differences_json, differences_markdown, differences_table};
use github::annotations;
use json::json;
use junit::junit;
use log::log;
use openmetrics::openmetrics;
use sarif::sarif;
pub(crate) use times::times_table;

use crate::gate::{Differences, Judgement, Measured};

/// Longest comment in bytes; GitHub takes 65,536 characters.
const MARKDOWN_LIMIT: usize = 60_000;

/// How a verdict is written.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::Display,
    strum::EnumIter,
    strum::EnumString,
    strum::VariantNames,
)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum GateFormat {
    /// For people, on a terminal.
    Table,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
    /// A page of its own.
    Html,
    /// For CI systems that show tests.
    Junit,
    /// Workflow annotations of GitHub.
    Github,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// The Code Quality report of GitLab.
    Codequality,
    /// OpenMetrics text, for the metrics report of GitLab and for Prometheus.
    Openmetrics,
    /// Bencher Metric Format.
    Bmf,
    /// `customSmallerIsBetter` of github-action-benchmark.
    Benchmark,
    /// The build times as hyperfine's `--export-json` has them.
    Hyperfine,
}

/// What a terminal can do and how much is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether escape sequences are welcome.
    pub colour: bool,
    /// Causes shown one by one.
    pub top: usize,
}

impl Default for Look {
    fn default() -> Self {
        Self { colour: false, top: 8 }
    }
}

/// The judgement in a format.
pub(crate) fn render_judgement(format: GateFormat, judgement: &Judgement, measured: &Measured, look: Look) -> String {
    match format {
        GateFormat::Table => log(judgement, look),
        GateFormat::Json => json(judgement),
        GateFormat::Markdown => comment(judgement, &measured.suite, look),
        GateFormat::Html => comment::page(judgement, &measured.suite, look),
        GateFormat::Junit => junit(judgement),
        GateFormat::Github => annotations(judgement),
        GateFormat::Sarif => sarif(judgement, measured),
        GateFormat::Codequality => codequality(judgement, measured),
        GateFormat::Openmetrics => openmetrics(measured),
        GateFormat::Bmf => export::bmf(measured),
        GateFormat::Benchmark => export::benchmark(measured),
        GateFormat::Hyperfine => export::hyperfine(measured),
    }
}

/// The differences in a format; `None` for formats that only a judgement has.
pub(crate) fn render_differences(format: GateFormat, differences: &Differences, look: Look) -> Option<String> {
    match format {
        GateFormat::Table => Some(differences_table(differences, look)),
        GateFormat::Json => Some(differences_json(differences)),
        GateFormat::Markdown => Some(differences_markdown(differences, look)),
        _ => None,
    }
}

#[cfg(test)]
mod golden_tests;
#[cfg(test)]
mod tests;
