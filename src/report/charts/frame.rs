//! What all charts have in common: heading, legend, axis, and the lines that say where the figures come from.

use super::Drawing;
use super::paint::Caption;
use super::palette::{self, Colour};
use super::scene::{Scene, Type};
use crate::record::Record;
use crate::report::words;

/// Free space between the card's rim and everything on it.
pub(super) const PAD: i32 = 22;
/// Most variants on one chart; the tables and CSV files have all of them.
pub(super) const MOST: usize = 40;

/// What a legend shows beside a word.
#[derive(Debug, Clone, Copy)]
pub(super) enum LegendKey {
    /// A filled box.
    Fill(Colour),
    /// A filled box with slanted lines.
    Hatched(Colour),
    /// An outlined box, pale inside.
    Outline(Colour, Colour),
    /// A dot.
    Dot(Colour),
    /// An interval.
    Whisker,
}

/// What a legend says of blue bars: hatched ones were measured on a substitute.
pub(super) fn bar_keys<'w>(
    stand_ins: impl Iterator<Item = bool>,
    on_own: &'w str,
    on_substitute: &'w str,
) -> Vec<(LegendKey, &'w str)> {
    let stand_ins: Vec<bool> = stand_ins.collect();
    let own = stand_ins.contains(&false).then_some((LegendKey::Fill(palette::BLUE), on_own));
    let substitute = stand_ins.contains(&true).then_some((LegendKey::Hatched(palette::BLUE), on_substitute));
    own.into_iter().chain(substitute).collect()
}

/// Writes what was found and, below, of what suite and by which metric; gives the height used.
pub(super) fn heading(scene: &mut Scene<'_>, finding: &str, suite: &str, metric: &str) -> i32 {
    let room = scene.width() - 2 * PAD;
    let title = scene.look.title.clone().unwrap_or_else(|| finding.to_owned());
    let style = if scene.narrow() { Type::new(16).bold() } else { Type::new(19).bold() };
    let mut y = 38 - style.height() - 5;
    for line in scene.wrap(&title, style, room, 3) {
        y += style.height() + 5;
        scene.text(&line, (PAD, y), style);
    }
    y += 4;
    let subtitle = format!("{suite} · {metric}");
    for line in scene.wrap(&subtitle, Type::new(12), room, if scene.narrow() { 8 } else { 3 }) {
        y += 17;
        scene.text(&line, (PAD, y), Type::new(12).quiet());
    }
    y + 10
}

/// Writes a legend from `y` on, in as many lines as it needs; gives the height used so far.
pub(super) fn legend(scene: &mut Scene<'_>, y: i32, keys: &[(LegendKey, &str)]) -> i32 {
    let style = Type::new(12);
    let wide = scene.width();
    let (mut x, mut line) = (PAD, y + 14);
    for (key, word) in keys {
        let width = 20 + scene.width_of(word, style).min(wide - 2 * PAD - 20);
        if x > PAD && x + width > wide - PAD {
            (x, line) = (PAD, line + 20);
        }
        let at = (x, line - 10, 14, 11);
        match key {
            LegendKey::Fill(colour) => scene.fill(at, *colour),
            LegendKey::Hatched(colour) => {
                scene.fill(at, *colour);
                scene.hatch(at);
            }
            LegendKey::Outline(rim, fill) => scene.outlined(at, *rim, *fill),
            LegendKey::Dot(colour) => scene.disc((x + 7, line - 4), 4, *colour, String::new()),
            LegendKey::Whisker => scene.whisker((x, x + 14), line - 4, 4),
        }
        scene.text_within(word, (x + 20, line), style, wide - PAD - x - 20);
        x += width + 22;
    }
    if keys.is_empty() { y } else { line + 12 }
}

/// Round steps from 0 to at most `most`, about `wanted` of them: 1, 2, 2.5 or 5 times a power of ten.
pub(crate) fn ticks(most: f64, wanted: u32) -> Vec<f64> {
    if !most.is_finite() || most <= 0.0 {
        return vec![0.0];
    }
    let rough = most / f64::from(wanted.max(1));
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power);
    (0..=(most / step).floor() as u32).map(|index| f64::from(index) * step).collect()
}

/// The same for times in nanoseconds: from two minutes on in steps of round minutes and hours.
pub(super) fn time_ticks(most: f64, wanted: u32) -> Vec<f64> {
    const SECOND: f64 = 1e9;
    const STEPS: [f64; 14] = [
        30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0,
        604_800.0,
    ];
    let step = STEPS.iter().map(|step| step * SECOND).find(|step| *step >= most / f64::from(wanted.max(1)));
    match step {
        Some(step) if most >= 120.0 * SECOND && most.is_finite() => {
            (0..=(most / step).floor() as u32).map(|index| f64::from(index) * step).collect()
        }
        _ => ticks(most, wanted),
    }
}

/// Grid lines and their values for a horizontal axis that begins at `left`; `place` turns a value into pixels.
pub(super) fn axis(
    scene: &mut Scene<'_>,
    (top, bottom): (i32, i32),
    values: &[f64],
    place: impl Fn(f64) -> i32,
    word: impl Fn(f64) -> String,
) {
    let style = Type::new(11).quiet().middle();
    let mut free = i32::MIN;
    for value in values {
        let x = place(*value);
        scene.line((x, top), (x, bottom), if *value <= 0.0 { palette::AXIS } else { palette::GRID }, 1);
        let text = plain(&word(*value));
        let half = scene.width_of(&text, style) / 2;
        if x - half > free && x + half < scene.width() - 4 {
            scene.text(&text, (x, bottom + 15), style);
            free = x + half + 8;
        }
    }
}

/// A value without the zeros that say nothing on an axis: `5.00 s` is `5 s`, `0 B` is `0`.
pub(crate) fn plain(text: &str) -> String {
    if let Some(whole) = text.strip_suffix(" 00 s").or_else(|| text.strip_suffix(" 00 min")) {
        return whole.to_owned();
    }
    match text.split_once(' ') {
        Some(("0", _)) => "0".to_owned(),
        Some((value, unit)) if value.contains('.') => {
            format!("{} {unit}", value.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text.to_owned(),
    }
}

/// Pixels to a unit of value such that every bar fits between `left` and the right pad with its label behind it; bars
/// never shrink below a third of the room, labels are cut instead.
pub(super) fn scale((left, right): (i32, i32), bars: impl Iterator<Item = (f64, i32)> + Clone) -> f64 {
    let room = f64::from(right - left);
    let most = bars.clone().map(|(value, _)| value).fold(0.0, f64::max);
    if most <= 0.0 {
        return 0.0;
    }
    let fits = bars.filter(|(value, _)| *value > 0.0).map(|(value, label)| (room - f64::from(label)) / value);
    fits.fold(room / most, f64::min).max(room / 3.0 / most)
}

/// Writes notes and where the record was made below `y`.
pub(super) fn finish(
    scene: Scene<'_>,
    record: &Record,
    name: &str,
    y: i32,
    notes: &[String],
    caption: Caption,
) -> Drawing {
    finish_with(scene, name, y, notes, below(record), caption)
}

/// What must be said below a chart of a record, and where it was made.
pub(super) fn below(record: &Record) -> (Option<String>, String) {
    (words::stand_in_line(record).map(|line| format!("Note: {line}")), words::source_line(record))
}

/// Writes notes, a warning and a source below `y`.
pub(super) fn finish_with(
    mut scene: Scene<'_>,
    name: &str,
    mut y: i32,
    notes: &[String],
    (warning, source): (Option<String>, String),
    caption: Caption,
) -> Drawing {
    let room = scene.width() - 2 * PAD;
    let most = if scene.narrow() { 6 } else { 2 };
    let small = Type::new(11);
    y += 8;
    let notes = notes.iter().map(|note| (note, palette::QUIET));
    for (line, colour) in notes.chain(warning.iter().map(|line| (line, palette::ORANGE_INK))) {
        for part in scene.wrap(line, small, room, most) {
            y += 15;
            scene.text(&part, (PAD, y), small.colour(colour));
        }
    }
    y += 2;
    for part in scene.wrap(&source, small, room, most) {
        y += 15;
        scene.text(&part, (PAD, y), small.quiet());
    }
    let size = (scene.width(), y + 16);
    Drawing { name: name.to_owned(), theme: scene.look.theme, marks: scene.marks, size, caption }
}

/// Where the rows of a chart begin: beside the names of the variants, or below them where there is no room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// Where bars begin.
    pub left: i32,
    /// Height above each bar for its name.
    pub above: i32,
}

impl Rows {
    /// For rows of these names.
    pub(super) fn of<'n>(scene: &Scene<'_>, names: impl Iterator<Item = &'n str>) -> Self {
        if scene.narrow() {
            return Self { left: PAD, above: 19 };
        }
        let room = names.map(|name| scene.width_of(name, NAME)).max().unwrap_or(0);
        Self { left: PAD + room.clamp(90, scene.width() * 3 / 10) + 12, above: 0 }
    }

    /// Writes the name of the row whose bar has its base line at `line`, and that it is of a substitute.
    pub(super) fn name(self, scene: &mut Scene<'_>, name: &str, stand_in: bool, line: i32) {
        let remark = if stand_in { SUBSTITUTE } else { "" };
        let style = Type::new(11).colour(palette::ORANGE_INK);
        if self.above > 0 {
            let room = scene.width() - 2 * PAD;
            scene.title((name, NAME), (remark, style), (PAD, line - self.above), room);
            return;
        }
        scene.text_within(name, (self.left - 10, line), NAME.end(), self.left - 10 - PAD);
        scene.text(remark, (self.left - 10, line + 15), style.end());
    }

    /// Bar labels end here.
    pub(super) fn right(scene: &Scene<'_>) -> i32 {
        scene.width() - PAD
    }
}

const NAME: Type = Type::new(13);
const SUBSTITUTE: &str = "substitute base image";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_fits_with_its_label() {
        let bars = [(1000.0, 120), (950.0, 300), (1.0, 400)];
        let scale = scale((200, 808), bars.into_iter());
        for (value, label) in bars {
            assert!(200.0 + value * scale + f64::from(label) <= 808.0, "{value}");
        }
        assert!(super::scale((200, 808), [(0.0, 10)].into_iter()).abs() < f64::EPSILON, "nothing to draw");
    }

    #[test]
    fn ticks_are_round_and_never_beyond_the_range() {
        assert_eq!(ticks(856.0, 5), [0.0, 200.0, 400.0, 600.0, 800.0]);
        assert_eq!(ticks(9.6, 4), [0.0, 2.5, 5.0, 7.5]);
        assert_eq!(ticks(0.0, 4), [0.0]);
        assert_eq!(ticks(f64::NAN, 4), [0.0]);
        assert_eq!(
            ["5.00 s", "20.0 ms", "0 B", "200 MB", "2.50 GB"].map(plain),
            ["5 s", "20 ms", "0", "200 MB", "2.5 GB"]
        );
        assert!(ticks(u64::MAX as f64, 5).len() <= 12);
        let minutes: Vec<f64> = time_ticks(5_400e9, 4).iter().map(|tick| tick / 60e9).collect();
        assert_eq!(minutes, [0.0, 30.0, 60.0, 90.0]);
        assert_eq!(time_ticks(9.6e9, 4), ticks(9.6e9, 4));
        assert!(time_ticks(u64::MAX as f64, 5).len() <= 12 && time_ticks(f64::NAN, 4) == [0.0]);
        assert_eq!(["10 min 00 s", "1 min 40 s"].map(plain), ["10 min", "1 min 40 s"]);
    }
}
