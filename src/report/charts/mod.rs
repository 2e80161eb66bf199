//! Charts of a record, as SVG and PNG, laid out once and painted twice.
//!
//! In: a record and what `analyse` makes of it. Out: bytes that are equal for equal records. Every chart names its
//! engine, its day and its stand-ins, carries the values as text, and reads on light and dark pages.

mod bars;
mod build_time;
mod font;
mod frame;
mod layers;
mod paint;
mod palette;
mod scatter;
mod scene;
mod sizes;
mod startup;
mod steps;

use super::ReportError;
use super::facts::Facts;
use crate::record::Record;

/// A chart, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Its name, as its files are named: `sizes`.
    pub name: String,
    /// SVG with text as text.
    pub svg: String,
    /// PNG of double density.
    pub png: Vec<u8>,
}

/// Every chart that the record has figures for.
pub fn charts(record: &Record) -> Result<Vec<Chart>, ReportError> {
    let fonts = frame::fonts("sizes")?;
    let facts = Facts::of(record);
    let mut charts = vec![sizes::draw(record, &fonts)?];
    charts.extend(layers::draw(record, &fonts)?);
    charts.extend(build_time::draw(record, &facts.timings, &fonts)?);
    charts.extend(steps::draw(record, &facts.decompositions, &fonts)?);
    charts.extend(scatter::draw(record, &facts.timings, &fonts)?);
    charts.extend(startup::draw(record, &fonts)?);
    Ok(charts)
}

/// Round steps and their words, for plots outside of this folder.
pub(super) mod axis {
    pub use super::frame::{plain, ticks};
}
