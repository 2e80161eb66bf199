//! `tonnage report`: tables, charts and page again, from the record alone. No engine is asked.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use strum::VariantNames as _;

use super::words::one_of;
use super::{Terminal, usage_error};
use crate::error::Failure;
use crate::exit::Exit;
use crate::fsx;
use crate::gate::{Measured, MeasuredKind};
use crate::record::{self, Record, Scenario, Variant};
use crate::report::{self, Appearance, FilesBeside, Theme, WantedChart, WeighShown};
use crate::text::for_people;

/// Rows of each list of a weighing.
const TOP: usize = 10;

/// Arguments of `tonnage report`.
#[derive(Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// A run.json or its directory, or the output of `tonnage weigh --format json` [default: the newest run in `results`]
    #[arg(value_name = "RECORD")]
    record: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Replace what is between `<!-- tonnage:begin -->` and `<!-- tonnage:end -->` in this file with the tables
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
    /// Show every table [default: the outcome and what costs most]
    #[arg(long)]
    full: bool,
    /// Write CSV files, report.md, report.html, and charts to this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write one file of the report, chosen by its name: `*.md`, `*.html`, `*.json`, `sizes.csv`, `sizes.svg`, and so
    /// on
    #[arg(long, value_name = "FILE")]
    export: Vec<PathBuf>,
    #[command(flatten)]
    chart: ChartArgs,
}

/// How exported charts look.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Exported charts")]
struct ChartArgs {
    /// Chart to draw in exported `*.svg` and `*.png` files [default: the one that the file is named for]
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(report::CHARTS), requires = "export")]
    chart: Option<String>,
    /// Title of the chart [default: what its figures show]
    #[arg(long, value_name = "TEXT", requires = "export")]
    title: Option<String>,
    /// Width of the chart in pixels; a PNG has twice as many
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(i32).range(320..=2400), requires = "export")]
    width: Option<i32>,
    /// Colors: SVGs follow the reader's preference unless another theme is chosen
    #[arg(long, default_value = "auto", value_parser = one_of::<Theme>(Theme::VARIANTS))]
    theme: Theme,
    /// Only draw these variants (repeatable, or separated by commas)
    #[arg(long, value_name = "VARIANT", value_delimiter = ',', requires = "export")]
    only: Vec<String>,
    /// Scenarios of the build-time chart, such as `cold,warm,deps` [default: cold,src]
    #[arg(long, value_name = "SCENARIO", value_delimiter = ',', value_parser = one_of::<Scenario>(&Scenario::ALL.map(Scenario::word)), requires = "export")]
    scenarios: Vec<Scenario>,
}

impl ChartArgs {
    fn appearance(&self) -> Appearance {
        let plain = Appearance::default();
        Appearance {
            title: self.title.clone(),
            width: self.width.unwrap_or(plain.width),
            theme: self.theme,
            scenarios: self.scenarios.clone(),
        }
    }

    /// Whether a variant is to be drawn; an error if one that is asked for is not there.
    fn chosen(&self, variants: &[Variant]) -> Result<impl Fn(&str) -> bool, Failure> {
        if let Some(unknown) = self.only.iter().find(|name| variants.iter().all(|one| one.name != **name)) {
            let names: Vec<String> = variants.iter().map(|one| format!("`{}`", for_people(&one.name))).collect();
            return Err(usage_error(
                format!("there is no variant `{}` in the record", for_people(unknown)),
                format!("choose from {}", names.join(", ")),
            ));
        }
        Ok(|name: &str| self.only.is_empty() || self.only.iter().any(|only| only == name))
    }
}

/// Whether a file is a picture, which shows the chosen variants only.
fn is_picture(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "svg" || extension == "png")
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// A table for the terminal
    Table,
    /// GitHub-flavored Markdown
    Markdown,
    /// Every computed figure, in bytes and nanoseconds
    Json,
}

/// Runs `tonnage report`.
pub(super) fn run(args: ReportArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let path = match &args.record {
        Some(path) => path.clone(),
        None => newest(Path::new("results"))?,
    };
    let record = match record::read(&path) {
        Ok(record) => record,
        Err(error) => match weighing(&path) {
            Some(images) => return of_weighing(&args, &images, terminal),
            None => return Err(error.into()),
        },
    };
    if record.is_observed() && (args.into.is_some() || !args.export.is_empty()) {
        let message = "`--into` and `--export` need the record of a run, and this one is of imported builds";
        return Err(usage_error(message, "use `--format markdown`, `--format json`, or `--out`"));
    }
    let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(Path::new("")) };
    let chosen = args.chart.chosen(&record.variants)?;
    if let Some(out) = &args.out {
        let written = if record.is_observed() {
            // They have no sizes to chart.
            report::write_observed(&record, out)?
        } else {
            report::write_all(&record, &report::history_beside(out)?, out)?
        };
        terminal.note(&format!("{} files in `{}`", written.len(), out.display()));
    }
    let mut drawn = Cow::Borrowed(&record);
    if !args.chart.only.is_empty() {
        let drawn = drawn.to_mut();
        drawn.variants.retain(|variant| chosen(&variant.name));
        drawn.samples.retain(|sample| chosen(&sample.variant));
    }
    let look = args.chart.appearance();
    let wanted = WantedChart { chart: args.chart.chart.as_deref(), look: &look };
    for file in &args.export {
        let of = if is_picture(file) { drawn.as_ref() } else { &record };
        fsx::write_atomic(file, &report::export(of, file, wanted)?)?;
    }
    if let Some(readme) = &args.into {
        let charts = relative(readme, &args.out.as_deref().unwrap_or(folder).join("charts"));
        let text = report::replace_block(&fsx::read_text(readme)?, &report::block(&record, &charts))?;
        fsx::write_atomic(readme, text.as_bytes())?;
        terminal.note(&format!("the block in `{}` is new", readme.display()));
    }
    let shown = if args.full { Shown::Everything } else { Shown::Screen(beside(folder)) };
    terminal.finish(&print(&record, args.format, &shown, terminal))
}

/// The images of a weighing, if that is what the file holds.
fn weighing(path: &Path) -> Option<Vec<Variant>> {
    let measured = Measured::read(path).ok()?;
    (measured.kind == MeasuredKind::Weighing).then_some(measured.variants)
}

/// What `tonnage weigh` says, from its own JSON.
fn of_weighing(args: &ReportArgs, images: &[Variant], terminal: &Terminal) -> Result<Exit, Failure> {
    if args.into.is_some() || args.out.is_some() {
        let message = "`--into` and `--out` need the record of a run, and this is a weighing";
        return Err(usage_error(message, "use `--export`, such as `--export sizes.svg` or `--export page.html`"));
    }
    let shown = WeighShown::all(TOP);
    let chosen = args.chart.chosen(images)?;
    let drawn: Vec<Variant> = images.iter().filter(|image| chosen(&image.name)).cloned().collect();
    let look = args.chart.appearance();
    let wanted = WantedChart { chart: args.chart.chart.as_deref(), look: &look };
    for file in &args.export {
        let of = if is_picture(file) { &drawn } else { images };
        fsx::write_atomic(file, &report::export_weighing(of, shown, file, wanted)?)?;
    }
    terminal.finish(&match args.format {
        Format::Table if args.full => report::weigh_terminal(images, shown, terminal.style),
        Format::Table => report::weigh_screen(images, shown, terminal.style),
        Format::Markdown => report::weigh_markdown(images, shown),
        Format::Json => report::weigh_json(images, shown.skipped),
    })
}

/// How much a terminal shows of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// What came out, what costs most, and where the rest is.
    Screen(FilesBeside),
    /// Every table.
    Everything,
}

/// The files of a report in its directory.
pub(super) fn beside(folder: &Path) -> FilesBeside {
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    let here = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let every_table = format!("tonnage report --full {}", super::allow::for_shell(&here.to_string_lossy()));
    FilesBeside { page: file("report.html"), markdown: file("report.md"), every_table }
}

/// A record as it was asked for.
pub(super) fn print(record: &Record, format: Format, shown: &Shown, terminal: &Terminal) -> String {
    if record.improved.is_some() && matches!(shown, Shown::Screen(_)) && format != Format::Json {
        return match format {
            Format::Markdown => report::improve_markdown(record),
            _ => report::improve_terminal(record, terminal.style),
        };
    }
    match format {
        Format::Table => match shown {
            Shown::Screen(beside) => report::screen(record, beside, terminal.style),
            Shown::Everything => report::terminal(record, terminal.style),
        },
        Format::Markdown => report::markdown(record),
        Format::Json => report::json(record),
    }
}

/// The record below `results` that was begun last.
fn newest(results: &Path) -> Result<PathBuf, Failure> {
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for suite in folders(results) {
        for candidate in std::iter::once(suite.clone()).chain(folders(&suite)) {
            if candidate.join(record::FILE).is_file() {
                // One that cannot be read is not the one that is meant; naming it shows why.
                if let Ok(record) = record::read(&candidate) {
                    found.push((record.started_at, candidate));
                }
            }
        }
    }
    found.sort();
    found.pop().map(|(_, path)| path).ok_or_else(|| {
        Failure::new(
            Exit::Unreadable,
            format!("failed to find a record below `{}`", results.display()),
            "name a `run.json` or its directory, or create one with `tonnage run`",
        )
    })
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// The way from a file's directory to another path, with `/`, as a link in that file needs it.
fn relative(file: &Path, target: &Path) -> String {
    let (file, target) = (fsx::absolute(file), fsx::absolute(target));
    let link = pathdiff::diff_paths(&target, file.parent().unwrap_or(&file)).unwrap_or(target);
    link.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_the_readme_to_the_charts() {
        for (readme, charts, link) in [
            ("README.md", "results/flask-blog/charts", "results/flask-blog/charts"),
            ("docs/a.md", "results/x/charts", "../results/x/charts"),
            ("/a/b/R.md", "/a/c/charts", "../c/charts"),
        ] {
            assert_eq!(relative(Path::new(readme), Path::new(charts)), link);
        }
    }
}
