//! Many runs of one suite: lines of history, what changed between them, and growth that no single run shows.
//!
//! In: the text of `history.jsonl`, one line a run. Out: one series a variant, cut where figures are unlike and
//! marked where base, engine or Dockerfile changed. A line that cannot be read is skipped and reported: history
//! outlives versions of the program.

mod creep;
mod history;
mod series;

pub(crate) use creep::Creep;
pub use history::history_line;
pub(crate) use history::{HISTORY, HistoryLine, observed_lines, read_history};
pub(crate) use series::{ChangeKind, Trend, TrendMetric, TrendPoint, TrendUnit, VariantTrend, trend};
