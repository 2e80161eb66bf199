//! Pure functions from records: statistics, comparison, attribution of bytes.
//!
//! In: a [`Record`](crate::record::Record), or lines of history. Out: plain values that tables, charts and gates
//! draw from: [`summary`] is the one place for the headline figures, [`timings`] for build times. No file is
//! read here, no engine asked and no clock looked at, so an old record can be judged again by a better statistic.
//!
//! [`statistics`] knows numbers only; [`proof`] judges a build while it is measured; [`trend`] looks at many runs.

mod caching;
pub mod compare;
mod decomposition;
mod overhead;
mod paired;
pub mod proof;
mod reproduction;
mod sharing;
pub mod statistics;
mod summary;
mod timing;
pub mod trend;

pub use caching::caching_findings;
pub use decomposition::{Decomposition, Part, StepTime, decomposition};
pub use overhead::{Overhead, overhead};
pub use paired::{NOISY, QUIET, RatioEstimate, UNKNOWN, noise, paired_ratio, unpaired_ratio};
pub use reproduction::{Reproduction, reproduction};
pub use sharing::{Sharing, sharing};
pub use summary::{SummaryTiming, VariantSummary, summary};
pub use timing::{Estimate, Network, PartsMedian, ScenarioTiming, in_statistics, timings};

/// Level of every interval that is printed, unless it says otherwise.
pub const LEVEL: f64 = 0.95;

/// Rounds below which nothing is inferred: no interval, no ratio, no verdict.
pub const ENOUGH_ROUNDS: u32 = 5;
