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
mod read;
pub(crate) mod timing;

pub(crate) use crate::suite::manifest::{TimingMode, Vanished};
pub(crate) use baseline::{Accepting, Baseline, Change, accept};
pub(crate) use budget::{Budgets, Level};
pub(crate) use differences::{Differences, differences};
pub(crate) use error::GateError;
pub(crate) use judge::{Input, Judgement, RuleResult, State, VariantResult, Verdict, judge, line_of};
pub(crate) use measured::{Measured, MeasuredKind};
pub(crate) use read::newest_record;
