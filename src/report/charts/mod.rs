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
mod trend;

pub(super) use font::Fonts;
pub(super) use trend::draw as trend;

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

/// A chart that is laid out and not painted yet.
pub(super) struct Drawing {
    name: String,
    marks: Vec<scene::Mark>,
    size: (i32, i32),
    caption: paint::Caption,
}

impl Drawing {
    /// Its name, as its files are named.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// As SVG.
    pub(super) fn svg(&self, fonts: &Fonts) -> Result<String, ReportError> {
        let wrap = |reason| ReportError::Draw { chart: self.name.clone(), reason };
        paint::svg(&self.marks, self.size, &self.name, fonts, &self.caption).map_err(wrap)
    }

    /// As both.
    pub(super) fn chart(&self, fonts: &Fonts) -> Result<Chart, ReportError> {
        let wrap = |reason| ReportError::Draw { chart: self.name.clone(), reason };
        let png = paint::png(&self.marks, self.size, fonts).map_err(wrap)?;
        Ok(Chart { name: self.name.clone(), svg: self.svg(fonts)?, png })
    }
}

/// Every chart that the record has figures for.
pub fn charts(record: &Record) -> Result<Vec<Chart>, ReportError> {
    let fonts = fonts()?;
    drawings(&Facts::of(record), &fonts).iter().map(|drawing| drawing.chart(&fonts)).collect()
}

/// The same, laid out only.
pub(super) fn drawings(facts: &Facts<'_>, fonts: &Fonts) -> Vec<Drawing> {
    let record = facts.record;
    let mut drawings = vec![sizes::draw(record, fonts)];
    drawings.extend(layers::draw(record, fonts));
    drawings.extend(build_time::draw(facts, fonts));
    drawings.extend(steps::draw(record, &facts.decompositions, fonts));
    drawings.extend(scatter::draw(record, &facts.timings, fonts));
    drawings.extend(startup::draw(record, fonts));
    drawings
}

/// The embedded fonts.
pub(super) fn fonts() -> Result<Fonts, ReportError> {
    let broken = || ReportError::Draw { chart: "any".to_owned(), reason: "the embedded font is broken".to_owned() };
    Fonts::embedded().ok_or_else(broken)
}

/// Round steps and their words, for plots outside this directory.
pub(super) mod axis {
    pub(crate) use super::frame::{plain, ticks};
}
