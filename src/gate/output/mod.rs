//! A judgement or a comparison as text: for the terminal, a pull request, a CI system, or another program.

mod differences;
mod escape;
mod github;
mod headline;
mod json;
mod junit;
mod markdown;
mod terminal;
mod times;

use std::fmt;
use std::str::FromStr;

pub use differences::{differences_json, differences_markdown, differences_table};
pub use github::annotations;
pub use headline::headline;
pub use json::json;
pub use junit::junit;
pub use markdown::{MARKDOWN_LIMIT, markdown};
pub use terminal::table;
pub use times::times_table;

use super::judge::Judgement;
use super::measured::Measured;
use super::{Differences, export};

/// How a verdict is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// For people, on a terminal.
    Table,
    /// For programs.
    Json,
    /// For a pull request.
    Markdown,
    /// For CI systems that show tests.
    Junit,
    /// Workflow annotations of GitHub.
    Github,
    /// Bencher Metric Format.
    Bmf,
    /// `customSmallerIsBetter` of github-action-benchmark.
    Benchmark,
    /// The build times as hyperfine's `--export-json` has them.
    Hyperfine,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Table,
        Self::Json,
        Self::Markdown,
        Self::Junit,
        Self::Github,
        Self::Bmf,
        Self::Benchmark,
        Self::Hyperfine,
    ];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Bmf => "bmf",
            Self::Benchmark => "benchmark",
            Self::Hyperfine => "hyperfine",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.word() == text).ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.iter().map(|format| format.word()).collect();
            format!("`{text}` is none of {}", known.join(", "))
        })
    }
}

/// What a terminal can do and how much is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
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
pub fn render(format: Format, judgement: &Judgement, measured: &Measured, look: Look) -> String {
    match format {
        Format::Table => table(judgement, look),
        Format::Json => json(judgement),
        Format::Markdown => markdown(judgement, &measured.suite, look),
        Format::Junit => junit(judgement),
        Format::Github => annotations(judgement),
        Format::Bmf => export::bmf(measured),
        Format::Benchmark => export::benchmark(measured),
        Format::Hyperfine => export::hyperfine(measured),
    }
}

/// The differences in a format; `None` for formats that only a judgement has.
pub fn render_differences(format: Format, differences: &Differences, look: Look) -> Option<String> {
    match format {
        Format::Table => Some(differences_table(differences, look)),
        Format::Json => Some(differences_json(differences)),
        Format::Markdown => Some(differences_markdown(differences, look)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
