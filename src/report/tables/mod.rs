//! The tables of a report, each made once for terminal, Markdown and page.

mod builds;
mod headline;
mod images;
mod machines;
mod sharing;
mod surroundings;
mod trials;
mod updates;
mod verdicts;

pub(crate) use builds::{decomposition, times};
pub(crate) use headline::{MOST_LINES, comparison, headline, overview, verdict};
pub(crate) use images::{definitions, layers, serving, sizes, unless_zero, wire};
pub(crate) use machines::{classes, machines};
pub(crate) use sharing::{matrix, sharing};
pub(crate) use surroundings::{bases, environment, invalid};
pub(crate) use trials::{kept_trials, rejected_trials, trial_ends, unverified_trials};
pub(crate) use updates::updates;
pub(crate) use verdicts::{cost, failed, failures, failures_with_logs, figures, findings, reproduction};

/// Most rows of the longer tables; a note says what was left out and where it is.
const MOST_ROWS: usize = 400;
