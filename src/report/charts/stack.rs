//! A panel of stacked bars: what each whole is made of, in words below it.

use super::frame::{self, PAD, Rows};
use super::palette::{self, Colour};
use super::scene::{Scene, Type, down};

use super::bars::PanelUnit;

/// One stacked bar.
#[derive(Debug, Clone)]
pub(super) struct Stack<'a> {
    /// What it is about.
    pub name: &'a str,
    /// Whether it was measured on a substitute base image.
    pub stand_in: bool,
    /// The parts in their order.
    pub parts: Vec<(Colour, u64)>,
    /// The whole in words; where there are no parts, why.
    pub whole: String,
    /// The parts in words.
    pub words: String,
}

impl Stack<'_> {
    fn sum(&self) -> u64 {
        self.parts.iter().map(|part| part.1).sum()
    }
}

const HEIGHT: i32 = 46;
const LINE: i32 = 16;
const WHOLE: Type = Type::new(13).bold();
const WORDS: Type = Type::new(12).quiet();

/// Draws heading, bars and axis from `y` on; gives the height used.
pub(super) fn panel(
    scene: &mut Scene<'_>,
    (title, subtitle): (&str, &str),
    stacks: &[Stack<'_>],
    (rows, y): (Rows, i32),
    unit: PanelUnit,
) -> i32 {
    let (left, right) = (rows.left, Rows::right(scene));
    scene.title((title, Type::new(14).bold()), (subtitle, WORDS), (PAD, y + 20), right - PAD);
    let lines = if rows.above > 0 { 2 } else { 1 };
    let (top, step) = (y + 36, HEIGHT + rows.above + LINE * (lines - 1));
    let bottom = top + down(stacks.len(), step);
    let widths = stacks.iter().map(|stack| (stack.sum() as f64, scene.width_of(&stack.whole, WHOLE) + 12));
    let scale = frame::scale((left, right), widths);
    let place = |value: f64| left + (value * scale).round() as i32;
    let most = stacks.iter().map(Stack::sum).max().unwrap_or(0);
    frame::axis(scene, (top - 6, bottom), &unit.ticks(most as f64), place, |value| unit.word(value));
    for (index, stack) in stacks.iter().enumerate() {
        let bar = top + down(index, step) + rows.above;
        rows.name(scene, stack.name, stack.stand_in, bar + 12);
        if stack.parts.is_empty() {
            let style = Type::new(12).colour(palette::VERMILION);
            scene.label(&format!("× {}", stack.whole), (left + 7, bar + 13), style, right - left - 7);
            continue;
        }
        let (mut before, mut sum) = (left, 0_u64);
        for (colour, value) in &stack.parts {
            sum += value;
            // At least one pixel for what is there; the ends stay where the sums are.
            let end = place(sum as f64).max(before + i32::from(*value > 0));
            scene.fill((before, bar, end - before, 16), *colour);
            if before > left && end - before > 2 {
                scene.fill((before, bar, 1, 16), palette::CARD);
            }
            before = end;
        }
        scene.label(&stack.whole, (before + 7, bar + 13), WHOLE, right - before - 7);
        let wrapped = scene.wrap(&stack.words, WORDS, right - left - 5, lines as usize);
        for (line, words) in wrapped.iter().enumerate() {
            scene.label(words, (left + 5, bar + 31 + down(line, LINE)), WORDS, right - left - 5);
        }
    }
    bottom + 26
}
