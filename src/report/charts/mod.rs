//! Charts of a record, as SVG and PNG, laid out once and painted twice.
//!
//! In: a record and what `analyse` makes of it. Out: bytes that are equal for equal records. Every chart names its
//! engine, its day and its substitute base images, carries the values as text, and reads on light and dark pages.

mod appearance;
mod bars;
mod build_time;
mod findings;
mod font;
mod frame;
mod layers;
mod paint;
mod palette;
mod scatter;
mod scene;
mod sizes;
mod stack;
mod startup;
mod steps;
mod trend;
mod updates;
mod waterfall;

pub use appearance::Appearance;
pub(super) use appearance::Sheet;
pub(crate) use appearance::Theme;
pub(super) use font::Fonts;
pub(super) use sizes::draw_images as of_images;
pub(super) use trend::draw as trend;

use super::ReportError;
use super::facts::RunFacts;
#[cfg(any(test, feature = "testing"))]
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

/// Which chart a picture's name stands for, and how it is to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantedChart<'a> {
    /// The chart, where it is not the one that the file is named for.
    pub chart: Option<&'a str>,
    pub look: &'a Appearance,
}

/// A chart that is laid out and not painted yet.
pub(super) struct Drawing {
    name: String,
    theme: Theme,
    marks: Vec<scene::Shape>,
    size: (i32, i32),
    caption: paint::Caption,
}

impl Drawing {
    /// Its name, as its files are named.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// As SVG for a page, whose style has [`page_style`].
    pub(super) fn inline(&self, fonts: &Fonts, suffix: &str) -> Result<String, ReportError> {
        self.painted(&format!("{}{suffix}", self.name), fonts, paint::SvgPlace::Page)
    }

    fn painted(&self, name: &str, fonts: &Fonts, place: paint::SvgPlace) -> Result<String, ReportError> {
        let wrap = |reason| ReportError::Draw { chart: self.name.clone(), reason };
        paint::svg(&self.marks, self.size, name, (fonts, &self.caption), (self.theme, place)).map_err(wrap)
    }

    /// As both.
    pub(super) fn chart(&self, fonts: &Fonts) -> Result<Chart, ReportError> {
        let wrap = |reason| ReportError::Draw { chart: self.name.clone(), reason };
        let png = paint::png(&self.marks, self.size, fonts, self.theme).map_err(wrap)?;
        Ok(Chart { name: self.name.clone(), svg: self.painted(&self.name, fonts, paint::SvgPlace::File)?, png })
    }
}

/// CSS for the charts of a page: what they look like where the reader prefers dark.
pub(super) fn page_style() -> String {
    palette::dark_rules(".chart svg ")
}

/// Every chart that the record has figures for.
#[cfg(any(test, feature = "testing"))]
pub fn charts(record: &Record) -> Result<Vec<Chart>, ReportError> {
    charts_like(record, &Appearance::default())
}

/// The names of the charts.
pub(crate) const CHARTS: [&str; 8] = [
    sizes::NAME,
    layers::NAME,
    build_time::NAME,
    steps::NAME,
    scatter::NAME,
    updates::NAME,
    startup::NAME,
    waterfall::NAME,
];

/// Every chart that the record has figures for, as a user wants them.
#[cfg(any(test, feature = "testing"))]
pub fn charts_like(record: &Record, look: &Appearance) -> Result<Vec<Chart>, ReportError> {
    let fonts = fonts()?;
    let drawings = drawings(&RunFacts::of(record), Sheet { fonts: &fonts, look });
    drawings.iter().map(|drawing| drawing.chart(&fonts)).collect()
}

/// The same, laid out only.
pub(super) fn drawings(facts: &RunFacts<'_>, sheet: Sheet<'_>) -> Vec<Drawing> {
    let record = facts.record;
    let mut drawings = vec![sizes::draw(facts, sheet)];
    drawings.extend(layers::draw(record, sheet));
    drawings.extend(build_time::draw(facts, sheet));
    drawings.extend(steps::draw(record, &facts.decompositions, sheet));
    drawings.extend(scatter::draw(record, &facts.timings, sheet));
    drawings.extend(updates::draw(record, sheet));
    drawings.extend(startup::draw(record, sheet));
    drawings.extend(waterfall::draw(record, sheet));
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
