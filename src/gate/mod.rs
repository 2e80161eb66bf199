//! Budgets and a baseline held against what was measured: the gate for CI.
//!
//! In: a record or a weighing ([`Measured`]), the budgets of `tonnage.toml` ([`Budgets`]) and what was accepted before
//! ([`Baseline`]). Out: a [`Judgement`] with a verdict for every rule and the reason for every grown byte, or
//! [`Differences`]: data, of which `report` makes text. It measures nothing and asks no engine.

mod baseline;
mod budget;
mod differences;
mod error;
mod judge;
mod limit;
mod measured;
mod metric;
pub mod timing;

pub use baseline::{Accepted, Accepting, BASELINE_VERSION, Baseline, Change, Entry, accept};
pub use budget::{Budgets, Level, Options, Rule, Rules, Structure, Vanished};
pub use differences::{Differences, TimingDifference, differences};
pub use error::GateError;
pub use judge::{Alike, Input, Judgement, RuleKind, RuleResult, State, VariantResult, Verdict, alike, judge};
pub use limit::{Limit, LimitError, LimitKind, Percent, Unit};
pub use measured::{Kind, Measured, MeasuredBy, newest_record};
pub use metric::{Metric, Pattern, Value};
