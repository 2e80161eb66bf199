//! All files of a report, written one by one, each whole or not at all.

use std::path::{Path, PathBuf};

use super::charts::{CHARTS, Drawing, WantedChart};
use super::facts::RunFacts;
use super::weigh::{WeighShown, weigh_html, weigh_json, weigh_markdown};
use super::{ReportError, charts, html, run};
use crate::analyse::trend::{self, HistoryLine, TrendMetric};
use crate::fsx;
use crate::record::{FILE, Record, Scenario, Variant, csv};

/// Writes the CSV files, `report.md`, `report.html`, and `charts/*.{svg,png}` into the directory; gives their paths, in the
/// order of writing. Equal records and histories give equal bytes. The trend is drawn where `history` has two runs or more.
pub fn write_all(record: &Record, history: &[HistoryLine], dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut written = Vec::new();
    let mut write = |name: &str, content: &[u8]| -> Result<(), ReportError> {
        let path = dir.join(name);
        fsx::write_atomic(&path, content)?;
        written.push(path);
        Ok(())
    };
    for (name, csv) in csv::FILES {
        write(name, csv(record).as_bytes())?;
    }
    // Computed and laid out once for all of them.
    let (facts, fonts) = (RunFacts::of(record), charts::fonts()?);
    let look = charts::Appearance::default();
    let sheet = charts::Sheet { fonts: &fonts, look: &look };
    let drawings = charts::drawings(&facts, sheet);
    let names: Vec<&str> = drawings.iter().map(Drawing::name).collect();
    write("report.md", run::document(&facts, &names).as_bytes())?;
    let shown = [TrendMetric::Size, TrendMetric::Build(Scenario::Src), TrendMetric::Update(Scenario::Src)];
    let trends = shown.map(|metric| trend::trend(history, metric));
    let record_file = Some(FILE).filter(|name| dir.join(name).is_file());
    let files: Vec<&str> =
        std::iter::once("report.md").chain(csv::FILES.map(|(name, _)| name)).chain(record_file).collect();
    let around = html::Around { trends: &trends, files: &files };
    write("report.html", html::page(&facts, &fonts, &around)?.as_bytes())?;
    for drawing in drawings.into_iter().chain(trends.iter().filter_map(|trend| charts::trend(trend, sheet))) {
        let chart = drawing.chart(&fonts)?;
        write(&format!("charts/{}.svg", chart.name), chart.svg.as_bytes())?;
        write(&format!("charts/{}.png", chart.name), &chart.png)?;
    }
    Ok(written)
}

/// Writes `samples.csv` and `report.md` of imported builds into the directory: they have no sizes to draw.
pub(crate) fn write_observed(record: &Record, dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let files = [("samples.csv", csv::samples_csv(record)), ("report.md", run::markdown(record))];
    let written = files.map(|(name, content)| {
        let path = dir.join(name);
        fsx::write_atomic(&path, content.as_bytes())?;
        Ok(path)
    });
    written.into_iter().collect()
}

/// The history in the directory above `dir`, where `tonnage run` keeps it; none where there is none.
pub fn history_beside(dir: &Path) -> Result<Vec<HistoryLine>, ReportError> {
    let above = std::path::absolute(dir).ok().and_then(|dir| dir.parent().map(Path::to_path_buf));
    match above.map(|above| above.join(trend::HISTORY)) {
        Some(file) if file.is_file() => Ok(trend::read_history(&fsx::read_text(&file)?).0),
        _ => Ok(Vec::new()),
    }
}

/// One file of a report, chosen by the name that it shall have.
pub(crate) fn export(record: &Record, file: &Path, wanted: WantedChart<'_>) -> Result<Vec<u8>, ReportError> {
    match text(file.extension()).as_str() {
        "md" => Ok(run::markdown(record).into_bytes()),
        "html" => Ok(html::html(record)?.into_bytes()),
        "json" => Ok(super::json::json(record).into_bytes()),
        "csv" => match csv::FILES.into_iter().find(|(name, _)| file.ends_with(name)) {
            Some((_, csv)) => Ok(csv(record).into_bytes()),
            None => Err(unknown(file)),
        },
        "svg" | "png" => picture(file, wanted, |sheet| charts::drawings(&RunFacts::of(record), sheet)),
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
    match text(file.extension()).as_str() {
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
    let stem = text(file.file_stem());
    let name = wanted.chart.unwrap_or(&stem);
    if !CHARTS.contains(&name) {
        return Err(unknown(file));
    }
    let fonts = charts::fonts()?;
    let found = draw(charts::Sheet { fonts: &fonts, look: wanted.look }).into_iter().find(|one| one.name() == name);
    let chart = found.ok_or_else(|| ReportError::NothingToDraw { chart: name.to_owned() })?.chart(&fonts)?;
    Ok(if file.extension().is_some_and(|extension| extension == "svg") { chart.svg.into_bytes() } else { chart.png })
}

fn unknown(file: &Path) -> ReportError {
    ReportError::UnknownFile { name: text(file.file_name()) }
}

fn text(part: Option<&std::ffi::OsStr>) -> String {
    part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
}
