//! All files of a report, written one by one, each whole or not at all.

use std::path::{Path, PathBuf};

use super::charts::Appearance;
use super::facts::Facts;
use super::{ReportError, charts, html, run};
use crate::analyse::trend::{self, HistoryLine, TrendMetric};
use crate::fsx;
use crate::record::{Record, Scenario, csv};

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The files, in the order of writing.
    pub files: Vec<PathBuf>,
}

/// Writes `sizes.csv`, `samples.csv`, `layers.csv`, `report.md`, `report.html` and `charts/*.{svg,png}` into the folder. Equal
/// records and histories give equal bytes. The trend is drawn where `history` has two runs or more.
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
    // Computed and laid out once for all of them.
    let (facts, fonts) = (Facts::of(record), charts::fonts()?);
    let look = charts::Appearance::default();
    let drawings = charts::drawings(&facts, charts::Sheet { fonts: &fonts, look: &look });
    let painted = drawings.iter().map(|drawing| drawing.chart(&fonts)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&str> = painted.iter().map(|chart| chart.name.as_str()).collect();
    write("report.md", run::document(&facts, &names).as_bytes())?;
    write("report.html", html::page(&facts, &fonts)?.as_bytes())?;
    for chart in painted {
        write(&format!("charts/{}.svg", chart.name), chart.svg.as_bytes())?;
        write(&format!("charts/{}.png", chart.name), &chart.png)?;
    }
    for metric in [TrendMetric::Size, TrendMetric::Build(Scenario::Src)] {
        if let Some(chart) = super::trend_chart(&trend::trend(history, metric))? {
            write(&format!("charts/{}.svg", chart.name), chart.svg.as_bytes())?;
            write(&format!("charts/{}.png", chart.name), &chart.png)?;
        }
    }
    Ok(written)
}

/// The history in the folder above `dir`, where `tonnage run` keeps it; none where there is none.
pub fn history_beside(dir: &Path) -> Result<Vec<HistoryLine>, ReportError> {
    let above = std::path::absolute(dir).ok().and_then(|dir| dir.parent().map(Path::to_path_buf));
    match above.map(|above| above.join("history.jsonl")) {
        Some(file) if file.is_file() => Ok(trend::read_history(&fsx::read_text(&file)?).0),
        _ => Ok(Vec::new()),
    }
}

/// The names of the charts.
pub(crate) const CHARTS: [&str; 6] = ["sizes", "layers", "build-time", "cold-build", "size-and-rebuild", "start-up"];

/// One file of a report, chosen by the name that it shall have; a picture of the chart named, or else of that of its name.
pub(crate) fn export(
    record: &Record,
    file: &Path,
    (chart, look): (Option<&str>, &Appearance),
) -> Result<Vec<u8>, ReportError> {
    let part =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default();
    let (stem, extension) = (part(file.file_stem()), part(file.extension()));
    let unknown = || ReportError::UnknownFile { name: part(file.file_name()) };
    match (stem.as_str(), extension.as_str()) {
        (_, "md") => Ok(run::markdown(record).into_bytes()),
        (_, "html") => Ok(html::html(record)?.into_bytes()),
        (_, "json") => Ok(super::json::json(record).into_bytes()),
        ("sizes", "csv") => Ok(csv::sizes_csv(record).into_bytes()),
        ("samples", "csv") => Ok(csv::samples_csv(record).into_bytes()),
        ("layers", "csv") => Ok(csv::layers_csv(record).into_bytes()),
        (name, "svg" | "png") => {
            let name = chart.unwrap_or(name);
            if !CHARTS.contains(&name) {
                return Err(unknown());
            }
            let found = charts::charts_like(record, look)?.into_iter().find(|chart| chart.name == name);
            let chart = found.ok_or_else(|| ReportError::NothingToDraw { chart: name.to_owned() })?;
            Ok(if extension == "svg" { chart.svg.into_bytes() } else { chart.png })
        }
        _ => Err(unknown()),
    }
}
