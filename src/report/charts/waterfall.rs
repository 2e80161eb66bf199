//! What each remedy saves: the size as it was, a falling step per remedy, and the size that is left.

use super::Drawing;
use super::appearance::Sheet;
use super::bars::PanelUnit;
use super::frame::{self, LegendKey, Rows};
use super::paint::Caption;
use super::palette::{self, Colour};
use super::scene::{Scene, Type, down};
use crate::record::{Record, Trial, Variant};
use crate::report::words;
use crate::units::{Bytes, Ratio};

pub(super) const NAME: &str = "waterfall";
const STEP: i32 = 27;
const VALUE: Type = Type::new(13).bold();
const REST: Type = Type::new(12).quiet();

/// A bar from one size to another.
struct Fall<'a> {
    name: &'a str,
    from: Bytes,
    to: Bytes,
    value: String,
    rest: String,
    colour: Colour,
}

/// The chart; `None` where no remedy was kept.
pub(super) fn draw(record: &Record, sheet: Sheet<'_>) -> Option<Drawing> {
    let steps: Vec<&Trial> = record.trials.iter().filter(|trial| trial.is_kept_step()).collect();
    let (first, last) = (steps.first()?.before.size_bytes, steps.last()?.after.as_ref()?.size_bytes);
    let mut falls = vec![whole("as it is", first, palette::GREY, String::new())];
    for trial in &steps {
        let Some(after) = &trial.after else { continue };
        let (from, to) = (trial.before.size_bytes, after.size_bytes);
        let colour = if to > from { palette::VERMILION } else { palette::GREEN };
        let value = to.since(from);
        let sign = if value.0 > 0 { "+" } else { "−" };
        falls.push(Fall {
            name: &trial.remedy,
            from,
            to,
            value: format!("{sign}{}", value.magnitude()),
            rest: format!("  {to} left"),
            colour,
        });
    }
    let change = Ratio::of(last.0, first.0).map(|ratio| format!("  {}", ratio.as_change()));
    falls.push(whole("improved", last, palette::BLUE, change.unwrap_or_default()));

    let mut scene = Scene::new(sheet).of_many(falls.len());
    let kept = words::count(steps.len(), "kept remedy");
    let finding = format!("{kept}: {first} → {last}");
    let metric = "image size after each remedy, built and weighed on top of those above it. Smaller is better.";
    let y = frame::heading(&mut scene, &finding, words::title(record), metric);
    let mut keys = vec![(LegendKey::Fill(palette::GREEN), "saved")];
    if falls.iter().any(|fall| fall.colour == palette::VERMILION) {
        keys.push((LegendKey::Fill(palette::VERMILION), "added"));
    }
    let y = frame::legend(&mut scene, y, &keys) + 8;
    let rows = Rows::of(&scene, falls.iter().map(|fall| fall.name));
    let (left, step) = (rows.left, STEP + rows.above);
    let labels = falls.iter().map(|fall| {
        let width = scene.noted_width((&fall.value, VALUE), (&fall.rest, REST)) + 12;
        (fall.from.max(fall.to).0 as f64, width)
    });
    let scale = frame::scale((left, Rows::right(&scene)), labels);
    let place = |bytes: f64| left + (bytes * scale).round() as i32;
    let bottom = y + 6 + down(falls.len(), step);
    let ticks = frame::ticks(first.max(last).0 as f64, 5);
    frame::axis(&mut scene, (y, bottom), &ticks, place, |value| PanelUnit::Size.word(value));
    let hatched = record.variants.iter().any(Variant::is_stand_in);
    for (index, fall) in falls.iter().enumerate() {
        let line = y + 6 + down(index, step) + rows.above + 14;
        rows.name(&mut scene, fall.name, false, line);
        let (low, high) = (place(fall.from.min(fall.to).0 as f64), place(fall.from.max(fall.to).0 as f64));
        let bar = (low, line - 12, (high - low).max(1), 16);
        scene.fill(bar, fall.colour);
        if hatched && fall.colour == palette::BLUE {
            scene.hatch(bar);
        }
        let right = Rows::right(&scene);
        scene.noted((&fall.value, VALUE), (&fall.rest, REST), (high + 7, line), right - high - 7);
    }
    let sentences = falls.iter().map(|fall| format!("{}: {}{}.", fall.name, fall.value, fall.rest));
    let caption = Caption::new(format!("What each remedy saves in {}", words::title(record)), sentences);
    Some(frame::finish(scene, record, NAME, bottom + 22, &[], caption))
}

fn whole(name: &str, size: Bytes, colour: Colour, rest: String) -> Fall<'_> {
    Fall { name, from: Bytes::ZERO, to: size, value: size.to_string(), rest, colour }
}
