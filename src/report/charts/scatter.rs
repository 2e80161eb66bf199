//! Size against rebuild time: which variants are good at both.

use super::Drawing;
use super::appearance::Sheet;
use super::bars::PanelUnit;
use super::findings;
use super::frame::{self, LegendKey, PAD};
use super::paint::Caption;
use super::palette;
use super::scene::{Scene, Type};
use crate::analyse::{Estimate, ScenarioTiming};
use crate::record::{Record, Scenario};
use crate::report::words;
use crate::units::{Bytes, Nanos};

pub(super) const NAME: &str = "size-and-rebuild";
/// Most points that are named on the spot and listed below.
const MOST: usize = 40;
/// Points up to which each has its name beside it, not its number alone.
const FEW: usize = 8;
const LABEL: Type = Type::new(12).bold();
/// Numbers of many points.
const NUMBER: Type = Type::new(10).bold();
const TOP_ROOM: i32 = 330;

type Rect = (i32, i32, i32, i32);

struct ScatterPoint<'a> {
    name: &'a str,
    size: Bytes,
    estimate: Estimate,
    proof: String,
    stand_in: bool,
}

/// The chart, of the `src` scenario or else of `warm`; `None` with fewer than two variants that have both figures.
pub(super) fn draw(record: &Record, timings: &[ScenarioTiming], sheet: Sheet<'_>) -> Option<Drawing> {
    let of = |scenario: Scenario| -> Vec<ScatterPoint<'_>> {
        let variants = record.variants.iter().take(MOST);
        variants
            .filter_map(|variant| {
                let timing =
                    timings.iter().find(|other| other.variant == variant.name && other.scenario == scenario)?;
                Some(ScatterPoint {
                    name: &variant.name,
                    size: variant.sizes.as_ref()?.size_bytes,
                    estimate: timing.estimate?,
                    proof: words::cached(timing),
                    stand_in: variant.is_stand_in(),
                })
            })
            .collect()
    };
    let found = [Scenario::Src, Scenario::Warm].map(|scenario| (scenario, of(scenario)));
    let (scenario, points) = found.into_iter().find(|(_, points)| points.len() >= 2)?;
    let mut scene = Scene::new(sheet);
    let figures: Vec<(&str, Bytes, Estimate)> =
        points.iter().map(|point| (point.name, point.size, point.estimate)).collect();
    let metric = format!(
        "image size, and median time of a rebuild ({scenario}: {}). Lower left is better. The numbers are those of the list \
         below.",
        words::scenario(scenario)
    );
    let mut y = frame::heading(&mut scene, &findings::size_and_time(&figures), words::title(record), &metric);
    let mut keys = Vec::new();
    if points.iter().any(|point| !point.stand_in) {
        keys.push((LegendKey::Dot(palette::BLUE), "measured"));
    }
    if points.iter().any(|point| point.stand_in) {
        keys.push((LegendKey::Dot(palette::PURPLE), "measured on a substitute base image"));
    }
    y = frame::legend(&mut scene, y, &keys) + 10;
    let sizes = Axis::over(points.iter().map(|point| point.size.0 as f64), (PAD + 78, scene.width() - PAD - 24));
    let times = points.iter().flat_map(|point| {
        let estimate = point.estimate;
        [estimate.median, estimate.low.unwrap_or(estimate.median), estimate.high.unwrap_or(estimate.median)]
    });
    let times = Axis::over(times.map(|time| time.0 as f64), (y + TOP_ROOM - 20, y + 12));
    grid(&mut scene, &sizes, &times, (y, y + TOP_ROOM));
    plot(&mut scene, &points, &sizes, &times, (y, y + TOP_ROOM - 20));
    y += TOP_ROOM + 24;
    y = list(&mut scene, &points, y);
    let sentences = points.iter().map(|point| {
        let Estimate { median, .. } = point.estimate;
        format!("{}: {}, {median}, {}, {}.", point.name, point.size, words::interval(point.estimate), point.proof)
    });
    let title = format!("Size against rebuild time of the variants of {}", words::title(record));
    let mut notes: Vec<String> =
        words::too_few(points.iter().map(|point| point.estimate), "round").into_iter().collect();
    if record.variants.len() > MOST {
        notes.push(format!("The first {MOST} of {} variants.", record.variants.len()));
    }
    Some(frame::finish(scene, record, NAME, y, &notes, Caption::new(title, sentences)))
}

/// One axis: from where to where in pixels, and of what values.
pub(super) struct Axis {
    ends: (i32, i32),
    range: (f64, f64),
    /// Whether equal distances are equal factors.
    pub logarithmic: bool,
    /// Where to draw grid lines.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// From zero, or logarithmic where the largest value is more than eight times the smallest.
    pub(super) fn over(values: impl Iterator<Item = f64> + Clone, ends: (i32, i32)) -> Self {
        let most = values.clone().fold(0.0, f64::max).max(1.0);
        let least = values.filter(|value| *value > 0.0).fold(most, f64::min);
        let logarithmic = most / least > 8.0;
        if !logarithmic {
            return Self { ends, range: (0.0, most * 1.08), logarithmic, ticks: frame::ticks(most * 1.08, 5) };
        }
        let (low, high) = (least / 1.5, most * 1.5);
        let steps = |factors: &'static [f64]| {
            let powers = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
            let ticks = powers.flat_map(move |power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
            ticks.filter(|tick| (low..=high).contains(tick)).collect::<Vec<f64>>()
        };
        // As many steps as there is room for.
        let finer = [[1.0, 2.0, 5.0].as_slice(), &[1.0, 3.0]].into_iter().map(steps).find(|ticks| ticks.len() <= 7);
        let ticks = finer.unwrap_or_else(|| steps(&[1.0]));
        Self { ends, range: (low, high), logarithmic, ticks }
    }

    /// The pixel of a value.
    pub(super) fn place(&self, value: f64) -> i32 {
        let (low, high) = self.range;
        let share = if self.logarithmic {
            (value.max(low) / low).ln() / (high / low).ln()
        } else {
            (value - low) / (high - low)
        };
        let (from, to) = (f64::from(self.ends.0), f64::from(self.ends.1));
        (from + share.clamp(0.0, 1.0) * (to - from)).round() as i32
    }

    fn title(&self, word: &str) -> String {
        if self.logarithmic { format!("{word} (logarithmic)") } else { word.to_owned() }
    }
}

fn grid(scene: &mut Scene<'_>, sizes: &Axis, times: &Axis, (top, bottom): (i32, i32)) {
    let right = scene.width() - PAD;
    let floor = bottom - 20;
    for tick in &times.ticks {
        let y = times.place(*tick);
        scene.line((sizes.ends.0, y), (right, y), palette::GRID, 1);
        let text = frame::plain(&Nanos(*tick as u64).to_string());
        scene.text(&text, (sizes.ends.0 - 8, y + 4), Type::new(11).quiet().end());
    }
    let word = |value| PanelUnit::Size.word(value);
    frame::axis(scene, (top + 6, floor), &sizes.ticks, |value| sizes.place(value), word);
    scene.line((sizes.ends.0, floor), (right, floor), palette::AXIS, 1);
    scene.line((sizes.ends.0, top + 6), (sizes.ends.0, floor), palette::AXIS, 1);
    let style = Type::new(12).quiet();
    scene.text(&sizes.title("image size"), (right, floor + 32), style.end());
    scene.text(&times.title("rebuild time"), (PAD, top - 2), style);
}

fn plot(scene: &mut Scene<'_>, points: &[ScatterPoint<'_>], sizes: &Axis, times: &Axis, ends: (i32, i32)) {
    for point in points {
        if let (Some(low), Some(high)) = (point.estimate.low, point.estimate.high) {
            let x = sizes.place(point.size.0 as f64);
            let ends = (times.place(low.0 as f64), times.place(high.0 as f64));
            scene.line((x, ends.0), (x, ends.1), palette::AXIS, 2);
            for y in [ends.0, ends.1] {
                scene.line((x - 4, y), (x + 4, y), palette::AXIS, 2);
            }
        }
    }
    let places: Vec<(i32, i32)> = points
        .iter()
        .map(|point| (sizes.place(point.size.0 as f64), times.place(point.estimate.median.0 as f64)))
        .collect();
    for (point, at) in points.iter().zip(&places) {
        let fill = if point.stand_in { palette::PURPLE } else { palette::BLUE };
        scene.disc(*at, 6, palette::CARD, String::new());
        scene.disc(*at, 5, fill, String::new());
    }
    // Where text may not go: left, top, right, bottom.
    let mut taken: Vec<Rect> = places.iter().map(|(x, y)| (x - 5, y - 5, x + 5, y + 5)).collect();
    let style = if points.len() <= FEW { LABEL } else { NUMBER };
    for (index, (point, at)) in points.iter().zip(&places).enumerate() {
        let number = (index + 1).to_string();
        let named = scene.shortened(&format!("{number} {}", point.name), style, 230);
        // Where a name has no room its number may have some; the list says whose it is.
        let texts = if points.len() <= FEW { vec![named, number] } else { vec![number] };
        for text in texts {
            let size = (scene.width_of(&text, style), style.height());
            if let Some((x, y)) = room_for(*at, size, (ends, scene.width() - PAD), &taken) {
                taken.push(around((x, y), size));
                scene.text(&text, (x, y), style);
                break;
            }
        }
    }
}

/// The box of a text of this width and height that begins at the place on its base line.
fn around((x, y): (i32, i32), (width, height): (i32, i32)) -> Rect {
    (x - 1, y - height + 2, x + width + 1, y + 2)
}

/// A place for a text beside the dot that touches nothing and is inside of the plot; `None` where there is none.
fn room_for(
    (x, y): (i32, i32),
    size: (i32, i32),
    (ends, right_end): ((i32, i32), i32),
    taken: &[Rect],
) -> Option<(i32, i32)> {
    let (width, height) = size;
    let right = [(9, -5), (9, 13), (10, 4), (7, -3), (7, height)].map(|(dx, dy)| (x + dx, y + dy));
    let left = [(9, -5), (9, 13), (10, 4), (7, -3), (7, height)].map(|(dx, dy)| (x - dx - width, y + dy));
    // A short text right above or below its dot belongs to no other.
    let middle = [-9, 6 + height].map(|dy| (x - width / 2, y + dy));
    let further = [(9, -20), (9, 28), (26, 4), (44, 4)].map(|(dx, dy)| (x + dx, y + dy));
    let short = width < 2 * height;
    let first = middle.into_iter().filter(|_| short && height > NUMBER.height());
    first.chain(right).chain(left).chain(middle).chain(further).find(|at| {
        let own = around(*at, size);
        own.0 > PAD + 78
            && own.2 < right_end
            && own.1 > ends.0 - 8
            && own.3 < ends.1
            && taken.iter().all(|other| own.2 < other.0 || other.2 < own.0 || own.3 < other.1 || other.3 < own.1)
    })
}

fn list(scene: &mut Scene<'_>, points: &[ScatterPoint<'_>], mut y: i32) -> i32 {
    for (index, point) in points.iter().enumerate() {
        y += 18;
        scene.text(&(index + 1).to_string(), (PAD + 18, y), Type::new(12).bold().end());
        let words = format!(
            "{} · {} ({} · {}){}",
            point.size,
            point.estimate.median,
            words::interval(point.estimate),
            point.proof,
            if point.stand_in { " · substitute base image" } else { "" }
        );
        let (name, rest) = (Type::new(12), Type::new(12).quiet());
        let room = scene.width() - 2 * PAD - 28;
        if scene.narrow() {
            scene.text_within(point.name, (PAD + 28, y), name, room);
            y += 16;
            scene.text_within(&words, (PAD + 28, y), rest, room);
        } else {
            let short = scene.shortened(point.name, name, 300);
            scene.title((&short, name), (&words, rest), (PAD + 28, y), room);
        }
    }
    y + 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_hold_every_value_and_few_ticks() {
        for values in [vec![49e6, 918e6], vec![50e6, 60e6], vec![3e6, 3e9], vec![1.0, 1e15], vec![5.0, 5.0]] {
            let axis = Axis::over(values.iter().copied(), (100, 800));
            for value in &values {
                assert!((100..=800).contains(&axis.place(*value)), "{values:?}");
            }
            assert!((1..=17).contains(&axis.ticks.len()), "{values:?}: {:?}", axis.ticks);
            assert_eq!(axis.logarithmic, values[1] / values[0] > 8.0);
        }
    }
}
