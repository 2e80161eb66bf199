//! A panel of horizontal bars with values, intervals and remarks: what most charts are made of.

use super::frame::{self, PAD};
use super::palette::{self, Colour};
use super::scene::{Scene, Type, WIDTH, down};
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
    /// Its colour.
    pub colour: Colour,
    /// Whether it was measured on a stand-in.
    pub hatched: bool,
}

impl Bar<'_> {
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
pub(super) enum Unit {
    /// Times in nanoseconds.
    Time,
    /// Sizes in bytes.
    Size,
}

impl Unit {
    fn ticks(self, most: f64) -> Vec<f64> {
        match self {
            Self::Time => frame::time_ticks(most, 4),
            Self::Size => frame::ticks(most, 4),
        }
    }

    fn word(self, value: f64) -> String {
        match self {
            Self::Time => Nanos(value as u64).to_string(),
            Self::Size => Bytes(value as u64).to_string(),
        }
    }
}

/// A scale that several panels share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    /// Pixels to a unit.
    pub pixels: f64,
    /// The largest value.
    pub most: f64,
}

impl Scale {
    /// The one at which all bars of all panels fit with their words.
    pub(super) fn shared(scene: &Scene<'_>, panels: &[Vec<Bar<'_>>], left: i32) -> Self {
        let pixels = panels.iter().map(|bars| fitting(scene, bars, left)).filter(|pixels| *pixels > 0.0);
        let most = panels.iter().flatten().map(Bar::reach).fold(0.0, f64::max);
        Self { pixels: pixels.fold(f64::MAX, f64::min), most }
    }
}

/// Draws heading, bars and axis from `y` on; gives the height used. Without a shared scale the bars fill the room.
pub(super) fn panel(
    scene: &mut Scene<'_>,
    (title, subtitle): (&str, &str),
    bars: &[Bar<'_>],
    (left, y): (i32, i32),
    scale: Option<Scale>,
    unit: Unit,
) -> i32 {
    let title_width = scene.text_within(title, (PAD, y + 20), Type::new(14).bold(), 420);
    let after = PAD + title_width + 10;
    scene.text_within(subtitle, (after, y + 20), REST, WIDTH - PAD - after);
    let top = y + 30;
    let bottom = top + down(bars.len(), ROW);
    let own = || Scale { pixels: fitting(scene, bars, left), most: bars.iter().map(Bar::reach).fold(0.0, f64::max) };
    let scale = scale.unwrap_or_else(own);
    let place = |value: f64| left + (value * scale.pixels).round() as i32;
    frame::axis(scene, (top - 2, bottom), &unit.ticks(scale.most), place, |value| unit.word(value));
    for (index, bar) in bars.iter().enumerate() {
        let line = top + down(index, ROW) + 15;
        scene.text_within(bar.name, (left - 10, line), Type::new(13).end(), left - 10 - PAD);
        draw(scene, bar, (left, line), &place);
    }
    bottom + 26
}

/// Pixels to a unit at which all bars fit with their words.
fn fitting(scene: &Scene<'_>, bars: &[Bar<'_>], left: i32) -> f64 {
    let widths = bars.iter().filter(|bar| bar.value.is_some()).map(|bar| {
        let words = scene.width_of(&bar.text, VALUE) + scene.width_of(&bar.rest, REST) + 20;
        (bar.reach(), words)
    });
    frame::scale(left, widths)
}

fn draw(scene: &mut Scene<'_>, bar: &Bar<'_>, (left, line): (i32, i32), place: &impl Fn(f64) -> i32) {
    let Some(value) = bar.value else {
        let style = Type::new(12).colour(palette::VERMILION);
        scene.label(&format!("× {}", bar.text), (left + 7, line), style, WIDTH - PAD - left - 7);
        return;
    };
    // One pixel is the least that can be seen; nothing is drawn for nothing.
    let end = place(value).max(left + i32::from(value > 0.0));
    let at = (left, line - 12, end - left, 15);
    scene.fill(at, bar.colour);
    if bar.hatched {
        scene.hatch(at);
    }
    let mut after = end;
    if let Some((low, high)) = bar.interval {
        let ends = (place(low), place(high));
        scene.whisker(ends, line - 5, 4);
        after = after.max(ends.1);
    }
    let width = scene.label(&bar.text, (after + 8, line), VALUE, WIDTH - PAD - after - 8);
    scene.label(&bar.rest, (after + 16 + width, line), REST, WIDTH - PAD - after - 16 - width);
}
