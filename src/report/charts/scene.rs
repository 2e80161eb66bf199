//! A chart as a list of marks in pixels of a README, before it becomes SVG or PNG.
//!
//! Every chart is laid out once, here, and painted twice by [`super::paint`], so the two files show the same.

use super::appearance::{Appearance, Sheet};
use super::font::{Fonts, Weight};
use super::palette::{self, Colour};

/// Which end of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// One thing to paint.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// A filled box.
    Box {
        /// Left, top, width, height.
        at: (i32, i32, i32, i32),
        /// Its colour.
        fill: Colour,
    },
    /// A line.
    Line {
        /// Where it begins.
        from: (i32, i32),
        /// Where it ends.
        to: (i32, i32),
        /// Its colour.
        colour: Colour,
        /// How thick.
        width: u32,
    },
    /// A disc.
    Disc {
        /// Its middle.
        at: (i32, i32),
        /// Its radius.
        radius: u32,
        /// Its colour.
        fill: Colour,
        /// What an SVG says of it where it is pointed at; empty for nothing.
        says: String,
    },
    /// A line of text.
    Text {
        /// Its parts, one after the other.
        spans: Vec<TextSpan>,
        /// Where, on the base line.
        at: (i32, i32),
        /// Which end stands there.
        anchor: Anchor,
    },
}

/// A part of a line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextSpan {
    /// What it says.
    pub text: String,
    /// Pixels to the em.
    pub size: u32,
    /// Regular or bold.
    pub weight: Weight,
    /// Its colour.
    pub colour: Colour,
}

impl Shape {
    /// Its colours.
    pub(super) fn colours(&self) -> Vec<Colour> {
        match self {
            Self::Box { fill, .. } | Self::Disc { fill, .. } => vec![*fill],
            Self::Line { colour, .. } => vec![*colour],
            Self::Text { spans, .. } => spans.iter().map(|span| span.colour).collect(),
        }
    }
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Type {
    size: u32,
    weight: Weight,
    colour: Colour,
    anchor: Anchor,
}

impl Type {
    /// Text of the given size in ink.
    pub(super) const fn new(size: u32) -> Self {
        Self { size, weight: Weight::Regular, colour: palette::INK, anchor: Anchor::Start }
    }

    /// Pixels to the em.
    pub(super) const fn height(self) -> i32 {
        self.size.cast_signed()
    }

    /// The same, bold.
    #[must_use]
    pub(super) const fn bold(self) -> Self {
        Self { weight: Weight::Bold, ..self }
    }

    /// The same in another colour.
    #[must_use]
    pub(super) const fn colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// The same in the colour for lesser things.
    #[must_use]
    pub(super) const fn quiet(self) -> Self {
        self.colour(palette::QUIET)
    }

    /// The same, ending at its place.
    #[must_use]
    pub(super) const fn end(self) -> Self {
        Self { anchor: Anchor::End, ..self }
    }

    /// The same, centred on its place.
    #[must_use]
    pub(super) const fn middle(self) -> Self {
        Self { anchor: Anchor::Middle, ..self }
    }
}

/// A chart being laid out.
pub(super) struct Scene<'a> {
    /// For measuring text.
    pub fonts: &'a Fonts,
    /// How it is to look.
    pub look: &'a Appearance,
    /// What was put on it so far, lowest first.
    pub marks: Vec<Shape>,
    /// Pixels from one slanted line of a hatched bar to the next.
    hatch_step: i32,
}

/// What is between a value and the note behind it.
const GAP: &str = "  ";
/// A note that has less room than this is left out.
const LEAST_NOTE: i32 = 40;

/// How much wider than in the font of the layout text is in `DejaVu Sans`, the widest common substitute: programs that
/// ignore `textLength` (librsvg) draw with it where none of the fonts of the chart is installed.
fn widest(weight: Weight) -> f64 {
    match weight {
        Weight::Regular => 1.17,
        Weight::Bold => 1.26,
    }
}

impl<'a> Scene<'a> {
    /// An empty one.
    pub(super) fn new(sheet: Sheet<'a>) -> Self {
        Self { fonts: sheet.fonts, look: sheet.look, marks: Vec::new(), hatch_step: 8 }
    }

    /// Its width in pixels.
    pub(super) fn width(&self) -> i32 {
        self.look.width
    }

    /// Whether names go above their bars, because there is no room beside them.
    pub(super) fn narrow(&self) -> bool {
        self.look.width < 560
    }

    /// The same for a chart of so many variants: many hatched bars get fewer lines each, or they would be most of it.
    #[must_use]
    pub(super) fn of_many(self, variants: usize) -> Self {
        Self { hatch_step: if variants > 12 { 32 } else { 8 }, ..self }
    }

    /// Width in pixels that is reserved for a text, rounded up.
    pub(super) fn width_of(&self, text: &str, style: Type) -> i32 {
        (self.fonts.width(&clean(text), f64::from(style.size), style.weight) * widest(style.weight)).ceil() as i32
    }

    fn fit(&self, text: &str, style: Type, room: i32) -> String {
        self.fonts.fit(text, f64::from(style.size), style.weight, f64::from(room) / widest(style.weight))
    }

    /// A line of text with its base line at `at`.
    pub(super) fn text(&mut self, text: &str, at: (i32, i32), style: Type) {
        self.spans(&[(text, style)], at);
    }

    /// A line of text in several styles with its base line at `at`; the first says which end is there.
    fn spans(&mut self, parts: &[(&str, Type)], at: (i32, i32)) {
        let spans = parts.iter().map(|(text, style)| {
            let Type { size, weight, colour, .. } = *style;
            TextSpan { text: clean(text), size, weight, colour }
        });
        let spans: Vec<TextSpan> = spans.filter(|span| !span.text.trim().is_empty()).collect();
        if let (false, Some((_, style))) = (spans.is_empty(), parts.first()) {
            self.marks.push(Shape::Text { spans, at, anchor: style.anchor });
        }
    }

    /// The text, its middle left out until it fits into `room`.
    pub(super) fn shortened(&self, text: &str, style: Type, room: i32) -> String {
        self.fit(&clean(text), style, room)
    }

    /// A line of text that is shortened in the middle until it fits into `room`; gives the width it took.
    pub(super) fn text_within(&mut self, text: &str, at: (i32, i32), style: Type, room: i32) -> i32 {
        let short = self.shortened(text, style, room);
        self.text(&short, at, style);
        self.width_of(&short, style)
    }

    /// As [`Self::text_within`], on a patch of card, so that no grid line runs through it.
    pub(super) fn label(&mut self, text: &str, at: (i32, i32), style: Type, room: i32) -> i32 {
        self.noted((text, style), ("", style), at, room)
    }

    /// A value and a note behind it as one line on a patch of card, each shortened until both fit into `room`; gives the
    /// width they took. As one line they keep their distance in every font.
    pub(super) fn noted(&mut self, value: (&str, Type), note: (&str, Type), at: (i32, i32), room: i32) -> i32 {
        let parts = self.fitting(value, note, room);
        let width = parts.iter().map(|(text, style)| self.width_of(text, *style)).sum::<i32>();
        let size = value.1.size.max(note.1.size).cast_signed();
        if width > 0 {
            self.fill((at.0 - 3, at.1 - size + 1, width + 6, size + 2), palette::CARD);
        }
        self.spans(&parts.each_ref().map(|(text, style)| (text.as_str(), *style)), at);
        width
    }

    /// The same without a patch.
    pub(super) fn title(&mut self, value: (&str, Type), note: (&str, Type), at: (i32, i32), room: i32) {
        let parts = self.fitting(value, note, room);
        self.spans(&parts.each_ref().map(|(text, style)| (text.as_str(), *style)), at);
    }

    fn fitting(&self, value: (&str, Type), note: (&str, Type), room: i32) -> [(String, Type); 2] {
        let first = self.shortened(value.0, value.1, room);
        let left = room - self.width_of(&first, value.1);
        let note_text = if note.0.trim().is_empty() { String::new() } else { format!("{GAP}{}", note.0) };
        let second = if left < LEAST_NOTE { String::new() } else { self.shortened(&note_text, note.1, left) };
        [(first, value.1), (second, note.1)]
    }

    /// Width that is reserved for a value and a note behind it.
    pub(super) fn noted_width(&self, value: (&str, Type), note: (&str, Type)) -> i32 {
        let note_width = if note.0.trim().is_empty() { 0 } else { self.width_of(&format!("{GAP}{}", note.0), note.1) };
        self.width_of(value.0, value.1) + note_width
    }

    /// A text broken at spaces into lines of at most `room`, at most `most` of them; gives the lines.
    pub(super) fn wrap(&self, text: &str, style: Type, room: i32, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in clean(text).split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if !line.is_empty() && self.width_of(&longer, style) > room {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
            }
        }
        lines.push(line);
        if lines.len() > most {
            let rest = lines.split_off(most.saturating_sub(1)).join(" ");
            lines.push(rest);
        }
        lines.into_iter().map(|line| self.fit(&line, style, room)).collect()
    }

    /// A filled box: left, top, width, height. Nothing where there is no area.
    pub(super) fn fill(&mut self, at: (i32, i32, i32, i32), fill: Colour) {
        if at.2 > 0 && at.3 > 0 {
            self.marks.push(Shape::Box { at, fill });
        }
    }

    /// A box of rim colour `rim`, filled with `fill`, so that it differs from a filled one in shape too.
    pub(super) fn outlined(&mut self, (x, y, w, h): (i32, i32, i32, i32), rim: Colour, fill: Colour) {
        self.fill((x, y, w, h), rim);
        self.fill((x + 2, y + 2, w - 4, h - 4), fill);
    }

    /// Thin slanted lines over a box: for what is to be told apart without colour.
    pub(super) fn hatch(&mut self, (x, y, w, h): (i32, i32, i32, i32)) {
        let colour = palette::HATCH;
        // However small the box (a short bar, the legend), it gets at least two lines.
        let step = self.hatch_step.min((w + h) / 3).max(3);
        let mut start = x - h + step / 2;
        while start < x + w {
            // Clipped to the box on both sides.
            let (left, right) = (start.max(x), (start + h).min(x + w));
            if right > left {
                let (from, to) = ((left, y + h - (left - start)), (right, y + h - (right - start)));
                self.marks.push(Shape::Line { from, to, colour, width: 1 });
            }
            start += step;
        }
    }

    /// A line.
    pub(super) fn line(&mut self, from: (i32, i32), to: (i32, i32), colour: Colour, width: u32) {
        self.marks.push(Shape::Line { from, to, colour, width });
    }

    /// A disc, and what an SVG says of it where it is pointed at.
    pub(super) fn disc(&mut self, at: (i32, i32), radius: u32, fill: Colour, says: String) {
        self.marks.push(Shape::Disc { at, radius, fill, says });
    }

    /// The whisker of a horizontal interval: a line with two ends.
    pub(super) fn whisker(&mut self, (low, high): (i32, i32), y: i32, half: i32) {
        self.line((low, y), (high, y), palette::INK, 2);
        for x in [low, high] {
            self.line((x, y - half), (x, y + half), palette::INK, 2);
        }
    }
}

/// Pixels from the first to the row of this index, rows being `step` apart.
pub(super) fn down(index: usize, step: i32) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX).saturating_mul(step)
}

/// Text without what a browser, a parser or an eye could stumble over.
fn clean(text: &str) -> String {
    crate::text::for_people(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_the_smallest_hatched_box_shows_it() {
        let fonts = Fonts::embedded().unwrap();
        let look = Appearance::default();
        for (variants, width) in [(4, 14), (40, 14), (40, 3), (40, 500)] {
            let mut scene = Scene::new(Sheet { fonts: &fonts, look: &look }).of_many(variants);
            scene.hatch((100, 10, width, 15));
            assert!(scene.marks.len() >= 2, "{variants} variants, {width} px");
            for mark in &scene.marks {
                let Shape::Line { from, to, .. } = mark else { continue };
                assert!(from.0 >= 100 && to.0 <= 100 + width && from.1 <= 25 && to.1 >= 10, "{mark:?} sticks out");
            }
        }
    }
}
