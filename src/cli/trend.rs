//! `tonnage trend`: reads `history.jsonl` and prints how sizes or times went over the recorded runs.

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::Terminal;
use super::words::one_of;
use crate::analyse::trend::{HISTORY, Trend, TrendMetric, read_history, trend};
use crate::error::Failure;
use crate::exit::Exit;
use crate::fsx;
use crate::report;
use crate::suite::{Document, MANIFEST_NAME, SuiteError};
use crate::text::for_people;

/// Arguments of `tonnage trend`.
#[derive(Debug, clap::Args)]
pub(super) struct TrendArgs {
    /// Suite name or directory, a results directory, or a history.jsonl
    #[arg(default_value = ".")]
    suite: String,
    /// Directory that holds the results
    #[arg(long, value_name = "DIR", default_value = "results")]
    results: PathBuf,
    /// Metric to show [default: size; of imported builds: reruns]
    #[arg(long, value_parser = one_of::<TrendMetric>(&TrendMetric::WORDS))]
    metric: Option<TrendMetric>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: TrendFormat,
    /// Only show the last N runs
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

/// How to print a trend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum TrendFormat {
    /// A table for the terminal
    #[default]
    Table,
    /// One JSON document
    Json,
    /// GitHub-flavored Markdown
    Markdown,
    /// A Mermaid chart, which GitHub renders
    Mermaid,
}

/// Runs `tonnage trend`.
pub(super) fn run(args: TrendArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let path = history_path(&args.suite, &args.results)?;
    let text = fsx::read_text(&path).map_err(|error| match error.source.kind() {
        std::io::ErrorKind::NotFound => Failure::new(
            Exit::Unreadable,
            format!("there is no history of `{}` at `{}`", for_people(&args.suite), path.display()),
            "each `tonnage run` and `tonnage import` adds an entry; name the directory of the results with `--results`",
        ),
        _ => error.into(),
    })?;
    let (mut lines, skipped) = read_history(&text);
    for remark in &skipped {
        terminal.warning(&format!("`{}`, {}", path.display(), for_people(remark)));
    }
    if lines.is_empty() {
        return Err(Failure::new(
            Exit::Unreadable,
            format!("there is no run in `{}` that can be read", path.display()),
            "each `tonnage run` adds a line to it",
        ));
    }
    if let Some(last) = args.last {
        lines.drain(..lines.len().saturating_sub(last.max(1)));
    }
    let imported = lines.iter().flat_map(|line| &line.variants).any(|variant| variant.reruns.is_some());
    let metric = args.metric.unwrap_or(if imported { TrendMetric::Reruns } else { TrendMetric::Size });
    let found = trend(&lines, metric);
    terminal.finish(&print(&found, args.format, terminal))
}

fn print(trend: &Trend, format: TrendFormat, terminal: &Terminal) -> String {
    match format {
        TrendFormat::Table => report::trend_terminal(trend, terminal.style),
        TrendFormat::Json => report::trend_json(trend),
        TrendFormat::Markdown => report::trend_markdown(trend),
        TrendFormat::Mermaid => report::trend_mermaid(trend),
    }
}

/// Where the history is: the file itself, a directory that holds it, or `RESULTS/<name of the suite>/history.jsonl`.
fn history_path(suite: &str, results: &Path) -> Result<PathBuf, Failure> {
    let given = Path::new(suite);
    let manifest = super::place::manifest_of(given);
    if manifest.file_name().is_some_and(|name| name == MANIFEST_NAME) && manifest.is_file() {
        let name = Document::read(&manifest)?.suite_name()?;
        let beside = manifest.parent().unwrap_or(Path::new("")).join(results);
        let places = [results.to_path_buf(), beside].map(|place| place.join(&name).join(HISTORY));
        return Ok(places.iter().find(|path| path.is_file()).unwrap_or(&places[0]).clone());
    }
    if given.is_file() {
        return Ok(given.to_owned());
    }
    let inside = given.join(HISTORY);
    if inside.is_file() {
        return Ok(inside);
    }
    match given.file_name() {
        Some(name) => Ok(results.join(name).join(HISTORY)),
        None => Err(SuiteError::NoManifest { folder: given.to_owned() }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_found_by_suite_name_suite_folder_results_folder_and_file() {
        let dir = tempfile::tempdir().unwrap();
        let results = dir.path().join("results");
        let history = results.join("flask-blog/history.jsonl");
        fsx::append_line(&history, "{}").unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        for suite in [
            "flask-blog".to_owned(),
            "variants/flask-blog".to_owned(),
            "variants/flask-blog/".to_owned(),
            text(&results.join("flask-blog")),
            text(&history),
        ] {
            assert_eq!(history_path(&suite, &results).unwrap(), history, "{suite}");
        }
    }
}
