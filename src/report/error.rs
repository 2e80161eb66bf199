//! What can go wrong while presenting a record.

use crate::error::Diagnose;
use crate::exit::Exit;
use crate::fsx::FileError;

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of the report could not be written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A chart could not be drawn.
    #[error("failed to draw the chart `{chart}`: {reason}")]
    Draw {
        /// Name of the chart.
        chart: String,
        /// What the drawing library said.
        reason: String,
    },
    /// A chart for which the record has no figures.
    #[error("there are no figures for the chart `{chart}`")]
    NothingToDraw {
        /// Name of the chart.
        chart: String,
    },
    /// A name that stands for no part of a report.
    #[error("cannot infer the format of `{name}` from its name")]
    UnknownFile {
        /// The name.
        name: String,
    },
    /// The file to put the tables into has no place marked for them.
    #[error("failed to find the line `{marker}`")]
    MarkerMissing {
        /// The marker.
        marker: &'static str,
    },
    /// There is more than one such place, or the two markers stand the wrong way round.
    #[error("failed to find one block between `{begin}` and `{end}`")]
    MarkersAmbiguous {
        /// The marker before the block.
        begin: &'static str,
        /// The marker after the block.
        end: &'static str,
    },
}

impl Diagnose for ReportError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Draw { .. } => Some("the record and the tables are complete; report this as a bug".to_owned()),
            Self::NothingToDraw { .. } => {
                Some("use `--chart sizes`, or measure with `tonnage run` what it shows".to_owned())
            }
            Self::UnknownFile { .. } => Some(
                "use `*.md`, `*.html`, `*.json`, `sizes.csv`, `samples.csv`, `layers.csv`, `starts.csv`, the name of a chart such as \
                 `sizes.svg` or `build-time.png`, or any `*.svg` or `*.png` with `--chart sizes`"
                    .to_owned(),
            ),
            Self::MarkerMissing { .. } | Self::MarkersAmbiguous { .. } => Some(format!(
                "add the lines `{}` and `{}` where the tables go, once each and in this order",
                super::BLOCK_BEGIN,
                super::BLOCK_END
            )),
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Draw { .. } => Exit::Bug,
            Self::UnknownFile { .. } => Exit::Usage,
            _ => Exit::Unreadable,
        }
    }
}
