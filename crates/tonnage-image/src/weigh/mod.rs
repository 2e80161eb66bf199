//! From a merged image to its weight: sizes, lists, packages, findings.

mod findings;
mod label;
mod lists;
mod shape;
mod weight;

pub use weight::{ReportOptions, Weight, weigh, weigh_listed};
