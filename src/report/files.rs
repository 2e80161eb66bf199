//! All files of a report, written one by one, each whole or not at all.

use std::path::{Path, PathBuf};

use super::charts::{CHARTS, Drawing, WantedChart};
use super::facts::Facts;
use super::weigh::{WeighShown, weigh_html, weigh_json, weigh_markdown};
use super::{ReportError, charts, html, run};
use crate::analyse::trend::{self, HistoryLine, TrendMetric};
use crate::fsx;
use crate::record::{FILE, Record, Scenario, Variant, csv};

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The files, in the order of writing.
    pub files: Vec<PathBuf>,
}

/// Writes `sizes.csv`, `samples.csv`, `layers.csv`, `starts.csv`, `report.md`, `report.html`, and `charts/*.{svg,png}` into the
/// directory. Equal records and histories give equal bytes. The trend is drawn where `history` has two runs or more.
pub fn write_all(record: &Record, history: &[HistoryLine], dir: &Path) -> Result<Written, ReportError> {
    let mut written = Written::default();
    let mut write = |name: &str, content: &[u8]| -> Result<(), ReportError> {
        let path = dir.join(name);
        fsx::write_atomic(&path, content)?;
        written.files.push(path);
        Ok(())
    };
    write("sizes.csv", csv::sizes_csv(record).as_bytes())?;
    write("samples.csv", csv::samples_csv(record).as_bytes())?;
    write("layers.csv", csv::layers_csv(record).as_bytes())?;
    write("starts.csv", csv::starts_csv(record).as_bytes())?;
    // Computed and laid out once for all of them.
    let (facts, fonts) = (Facts::of(record), charts::fonts()?);
    let look = charts::Appearance::default();
    let sheet = charts::Sheet { fonts: &fonts, look: &look };
    let drawings = charts::drawings(&facts, sheet);
    let painted = drawings.iter().map(|drawing| drawing.chart(&fonts)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&str> = painted.iter().map(|chart| chart.name.as_str()).collect();
    write("report.md", run::document(&facts, &names).as_bytes())?;
    let shown = [TrendMetric::Size, TrendMetric::Build(Scenario::Src), TrendMetric::Update(Scenario::Src)];
    let trends = shown.map(|metric| trend::trend(history, metric));
    let files = ["report.md", "sizes.csv", "samples.csv", "layers.csv", "starts.csv", FILE];
    let files = if dir.join(FILE).is_file() { &files[..] } else { &files[..5] };
    write("report.html", html::page(&facts, &fonts, &html::Around { trends: &trends, files })?.as_bytes())?;
    for chart in painted {
        write(&format!("charts/{}.svg", chart.name), chart.svg.as_bytes())?;
        write(&format!("charts/{}.png", chart.name), &chart.png)?;
    }
    for trend in &trends {
        if let Some(chart) = charts::trend(trend, sheet).map(|drawing| drawing.chart(&fonts)).transpose()? {
            write(&format!("charts/{}.svg", chart.name), chart.svg.as_bytes())?;
            write(&format!("charts/{}.png", chart.name), &chart.png)?;
        }
    }
    Ok(written)
}

/// Writes `samples.csv` and `report.md` of imported builds into the directory: they have no sizes to draw.
pub(crate) fn write_observed(record: &Record, dir: &Path) -> Result<Written, ReportError> {
    let mut written = Written::default();
    for (name, content) in [("samples.csv", csv::samples_csv(record)), ("report.md", run::markdown(record))] {
        let path = dir.join(name);
        fsx::write_atomic(&path, content.as_bytes())?;
        written.files.push(path);
    }
    Ok(written)
}

/// The history in the directory above `dir`, where `tonnage run` keeps it; none where there is none.
pub fn history_beside(dir: &Path) -> Result<Vec<HistoryLine>, ReportError> {
    let above = std::path::absolute(dir).ok().and_then(|dir| dir.parent().map(Path::to_path_buf));
    match above.map(|above| above.join("history.jsonl")) {
        Some(file) if file.is_file() => Ok(trend::read_history(&fsx::read_text(&file)?).0),
        _ => Ok(Vec::new()),
    }
}

/// One file of a report, chosen by the name that it shall have.
pub(crate) fn export(record: &Record, file: &Path, wanted: WantedChart<'_>) -> Result<Vec<u8>, ReportError> {
    let (stem, extension) = name_of(file);
    match (stem.as_str(), extension.as_str()) {
        (_, "md") => Ok(run::markdown(record).into_bytes()),
        (_, "html") => Ok(html::html(record)?.into_bytes()),
        (_, "json") => Ok(super::json::json(record).into_bytes()),
        ("sizes", "csv") => Ok(csv::sizes_csv(record).into_bytes()),
        ("samples", "csv") => Ok(csv::samples_csv(record).into_bytes()),
        ("layers", "csv") => Ok(csv::layers_csv(record).into_bytes()),
        ("starts", "csv") => Ok(csv::starts_csv(record).into_bytes()),
        (_, "svg" | "png") => picture(file, wanted, |sheet| charts::drawings(&Facts::of(record), sheet)),
        _ => Err(unknown(file)),
    }
}

/// One file about images that were weighed, chosen by the name that it shall have.
pub(crate) fn export_weighing(
    images: &[Variant],
    shown: WeighShown<'_>,
    file: &Path,
    wanted: WantedChart<'_>,
) -> Result<Vec<u8>, ReportError> {
    match name_of(file).1.as_str() {
        "md" => Ok(weigh_markdown(images, shown).into_bytes()),
        "html" => Ok(weigh_html(images, WeighShown { top: usize::MAX, ..shown })?.into_bytes()),
        "json" => Ok(weigh_json(images, shown.skipped).into_bytes()),
        "svg" | "png" => picture(file, wanted, |sheet| vec![charts::of_images(images, sheet)]),
        _ => Err(unknown(file)),
    }
}

/// A chart in the format that the file's name says: the chosen one, or else that of the file's name.
fn picture(
    file: &Path,
    wanted: WantedChart<'_>,
    draw: impl Fn(charts::Sheet<'_>) -> Vec<Drawing>,
) -> Result<Vec<u8>, ReportError> {
    let (stem, extension) = name_of(file);
    let name = wanted.chart.unwrap_or(&stem);
    if !CHARTS.contains(&name) {
        return Err(unknown(file));
    }
    let fonts = charts::fonts()?;
    let found = draw(charts::Sheet { fonts: &fonts, look: wanted.look }).into_iter().find(|one| one.name() == name);
    let chart = found.ok_or_else(|| ReportError::NothingToDraw { chart: name.to_owned() })?.chart(&fonts)?;
    Ok(if extension == "svg" { chart.svg.into_bytes() } else { chart.png })
}

fn unknown(file: &Path) -> ReportError {
    ReportError::UnknownFile { name: text(file.file_name()) }
}

/// The name of a file and its extension.
fn name_of(file: &Path) -> (String, String) {
    (text(file.file_stem()), text(file.extension()))
}

fn text(part: Option<&std::ffi::OsStr>) -> String {
    part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
}
