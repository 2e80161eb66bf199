//! A panel of horizontal bars with values, intervals and remarks: what most charts are made of.

use super::frame::{self, PAD, Rows};
use super::palette;
use super::scene::{Scene, Type, down};
use crate::analyse::Estimate;
use crate::record::Variant;
use crate::units::{Bytes, Nanos};

/// One bar.
#[derive(Debug, Clone)]
pub(super) struct Bar<'a> {
    /// What it is about, left of it.
    pub name: &'a str,
    /// The value; `None` draws no bar.
    pub value: Option<f64>,
    /// Its interval, where there is one.
    pub interval: Option<(f64, f64)>,
    /// The value in words; where there is none, why.
    pub text: String,
    /// What stands behind it.
    pub rest: String,
    /// Whether it was measured on a substitute.
    pub hatched: bool,
}

impl<'a> Bar<'a> {
    /// A value of a variant, and that value in words or why there is none.
    pub(super) fn of(variant: &'a Variant, value: Option<f64>, text: String) -> Self {
        let hatched = variant.is_stand_in();
        Self { name: &variant.name, value, interval: None, text, rest: String::new(), hatched }
    }

    /// The same of a time, with its interval.
    pub(super) fn of_time(variant: &'a Variant, estimate: Option<Estimate>, text: String) -> Self {
        let interval = estimate.and_then(|estimate| Some((estimate.low?.0 as f64, estimate.high?.0 as f64)));
        Self { interval, ..Self::of(variant, estimate.map(|estimate| estimate.median.0 as f64), text) }
    }

    fn reach(&self) -> f64 {
        let high = self.interval.map_or(0.0, |interval| interval.1);
        self.value.map_or(0.0, |value| value.max(high))
    }
}

const ROW: i32 = 23;
const VALUE: Type = Type::new(13).bold();
const REST: Type = Type::new(12).quiet();

/// What the values of a panel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PanelUnit {
    /// Times in nanoseconds.
    Time,
    /// Sizes in bytes.
    Size,
}

impl PanelUnit {
    pub(super) fn ticks(self, most: f64) -> Vec<f64> {
        match self {
            Self::Time => frame::time_ticks(most, 4),
            Self::Size => frame::ticks(most, 4),
        }
    }

    pub(super) fn word(self, value: f64) -> String {
        match self {
            Self::Time => Nanos(value as u64).to_string(),
            Self::Size => Bytes(value as u64).to_string(),
        }
    }
}

/// Draws heading, bars and axis from `y` on; gives the height used.
pub(super) fn panel(
    scene: &mut Scene<'_>,
    (title, subtitle): (&str, &str),
    bars: &[Bar<'_>],
    (rows, y): (Rows, i32),
    unit: PanelUnit,
) -> i32 {
    let room = scene.width() - 2 * PAD;
    scene.title((title, Type::new(14).bold()), (subtitle, REST), (PAD, y + 20), room);
    // Where names are above the bars, notes go below them.
    let below = if rows.above > 0 { 17 } else { 0 };
    let (top, step) = (y + 30, ROW + rows.above + below);
    let bottom = top + down(bars.len(), step);
    let pixels = fitting(scene, bars, rows);
    let most = bars.iter().map(Bar::reach).fold(0.0, f64::max);
    let place = |value: f64| rows.left + (value * pixels).round() as i32;
    frame::axis(scene, (top - 2, bottom), &unit.ticks(most), place, |value| unit.word(value));
    for (index, bar) in bars.iter().enumerate() {
        let line = top + down(index, step) + 15 + rows.above;
        rows.name(scene, bar.name, false, line);
        draw(scene, bar, (rows, line), &place);
    }
    bottom + 26
}

/// Pixels to a unit at which all bars fit with their words.
fn fitting(scene: &Scene<'_>, bars: &[Bar<'_>], rows: Rows) -> f64 {
    let widths = bars.iter().filter(|bar| bar.value.is_some()).map(|bar| {
        let rest = if rows.above > 0 { "" } else { bar.rest.as_str() };
        (bar.reach(), scene.noted_width((&bar.text, VALUE), (rest, REST)) + 12)
    });
    frame::scale((rows.left, Rows::right(scene)), widths)
}

fn draw(scene: &mut Scene<'_>, bar: &Bar<'_>, (rows, line): (Rows, i32), place: &impl Fn(f64) -> i32) {
    let (left, right) = (rows.left, Rows::right(scene));
    let Some(value) = bar.value else {
        let style = Type::new(12).colour(palette::VERMILION);
        scene.label(&format!("× {}", bar.text), (left + 7, line), style, right - left - 7);
        return;
    };
    // One pixel is the least that can be seen; nothing is drawn for nothing.
    let end = place(value).max(left + i32::from(value > 0.0));
    let at = (left, line - 12, end - left, 15);
    scene.fill(at, palette::BLUE);
    if bar.hatched {
        scene.hatch(at);
    }
    let mut after = end;
    if let Some((low, high)) = bar.interval {
        let ends = (place(low), place(high));
        scene.whisker(ends, line - 5, 4);
        after = after.max(ends.1);
    }
    if rows.above > 0 {
        scene.label(&bar.text, (after + 8, line), VALUE, right - after - 8);
        scene.label(&bar.rest, (left, line + 17), REST, right - left);
    } else {
        scene.noted((&bar.text, VALUE), (&bar.rest, REST), (after + 8, line), right - after - 8);
    }
}
