//! All files of a report, written one by one, each whole or not at all.

use std::path::{Path, PathBuf};

use super::{ReportError, charts, markdown};
use crate::fsx;
use crate::record::{Record, csv};

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The files, in the order of writing.
    pub files: Vec<PathBuf>,
}

/// Writes `sizes.csv`, `samples.csv`, `layers.csv`, `report.md`, and `charts/*.{svg,png}` into the folder. Equal
/// records give equal bytes.
pub fn write_all(record: &Record, dir: &Path) -> Result<Written, ReportError> {
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
    write("report.md", markdown::markdown(record).as_bytes())?;
    for chart in charts::charts(record)? {
        write(&format!("charts/{}.svg", chart.name), chart.svg.as_bytes())?;
        write(&format!("charts/{}.png", chart.name), &chart.png)?;
    }
    Ok(written)
}
