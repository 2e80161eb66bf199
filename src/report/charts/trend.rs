//! One metric of a suite over its recorded runs.

use super::Drawing;
use super::appearance::Sheet;
use super::frame::{self, LegendKey, PAD};
use super::paint::Caption;
use super::palette::{self, Colour};
use super::scatter::Axis;
use super::scene::{Scene, Type};
use crate::analyse::trend::{Trend, TrendMetric, TrendPoint, VariantTrend};
use crate::report::words;
use crate::units::{Ratio, count};

/// Most lines; the table has all.
const MOST: usize = 7;
const HEIGHT: i32 = 300;
const DOT: u32 = 4;

/// The chart; `None` with fewer than two runs or without a value.
pub(crate) fn draw(trend: &Trend, sheet: Sheet<'_>) -> Option<Drawing> {
    let variants: Vec<&VariantTrend> = trend.variants.iter().filter(|variant| !variant.points.is_empty()).collect();
    if trend.runs.len() < 2 || variants.is_empty() {
        return None;
    }
    let shown = &variants[..variants.len().min(MOST)];
    let mut scene = Scene::new(sheet);
    let (day, last) =
        (|run: usize| trend.runs[run].get(..10).unwrap_or(&trend.runs[run]).to_owned(), trend.runs.len() - 1);
    let metric = format!(
        "{} over {}, oldest left. A line is broken where what it joins is unlike: other definitions, platform, substitute base \
         image, or for times another host or engine. A tick above a dot marks a change of base, engine or Dockerfile.",
        trend.metric,
        count(trend.runs.len(), "run")
    );
    let mut y = frame::heading(&mut scene, &finding(trend, &variants), &trend.suite, &metric);
    let keys: Vec<(LegendKey, &str)> = shown
        .iter()
        .enumerate()
        .map(|(index, variant)| (LegendKey::Dot(colour(index)), variant.variant.as_str()))
        .collect();
    y = frame::legend(&mut scene, y, &keys) + 10;
    let values = shown.iter().flat_map(|variant| &variant.points).map(|point| point.value as f64);
    let (left, right) = (PAD + 70, scene.width() - PAD - 100);
    let axis = Axis::over(values, (y + HEIGHT, y + 16));
    let x = |run: usize| left + (run as f64 / last as f64 * f64::from(right - left)).round() as i32;
    let height = |value: f64| axis.place(value);
    for tick in &axis.ticks {
        let at = height(*tick);
        scene.line((left, at), (right, at), if *tick > 0.0 { palette::GRID } else { palette::AXIS }, 1);
        let word = frame::plain(&trend.metric.show(*tick as u64));
        scene.text(&word, (left - 10, at + 4), Type::new(11).quiet().end());
    }
    if axis.logarithmic {
        scene.text("logarithmic", (left, y + 8), Type::new(11).quiet());
    }
    let mut free = i32::MIN;
    for run in 0..=last {
        let half = scene.width_of(&day(run), Type::new(11)) / 2;
        let fits = x(run) - half > free && x(run) + half + 14 < x(last) - half;
        if fits || run == last {
            scene.text(&day(run), (x(run), y + HEIGHT + 16), Type::new(11).quiet().middle());
            free = x(run) + half + 14;
        }
    }
    let mut ends: Vec<(i32, usize)> = Vec::new();
    for (index, variant) in shown.iter().enumerate() {
        let places: Vec<(i32, i32)> =
            variant.points.iter().map(|point| (x(point.run), height(point.value as f64))).collect();
        line(&mut scene, &variant.points, &places, colour(index));
        dots(&mut scene, trend, variant, &places, colour(index));
        if let Some(place) = places.last() {
            ends.push((place.1, index));
        }
    }
    values_at_the_end(&mut scene, trend, shown, ends, right);
    let notes: Vec<String> = shown
        .iter()
        .filter_map(|variant| Some(format!("Creep of {}: {}.", variant.variant, words::creep(variant.creep.as_ref()?))))
        .chain(crate::report::trend::stand_ins(trend))
        .chain((variants.len() > MOST).then(|| format!("The first {MOST} of {} variants.", variants.len())))
        .collect();
    let title = format!("{} of the variants of {} over {}", trend.metric, trend.suite, count(trend.runs.len(), "run"));
    let caption = Caption::new(title, shown.iter().map(|variant| sentence(trend, variant)));
    let source = format!("tonnage · {} to {}", day(0), day(last));
    let name = format!("trend-{}", trend.metric);
    Some(frame::finish_with(scene, &name, y + HEIGHT + 22, &notes, (None, source), caption))
}

/// How much the size that changed most did, since its last break; of times, only what creeps is beyond doubt.
fn finding(trend: &Trend, variants: &[&VariantTrend]) -> String {
    let runs = count(trend.runs.len(), "run");
    let creeping = variants.iter().filter_map(|variant| Some((variant, variant.creep.as_ref()?)));
    let most = creeping.max_by(|a, b| a.1.growth.0.total_cmp(&b.1.growth.0));
    if let Some((variant, creep)) = most {
        return format!("{} crept up by {} in {}", variant.variant, creep.growth.as_change(), count(creep.runs, "run"));
    }
    if trend.metric.is_time() {
        return format!("{} time over {runs}", trend.metric);
    }
    let changes = variants.iter().filter_map(|variant| {
        let stretch = variant.last_stretch();
        let ratio = Ratio::of(stretch.last()?.value, stretch.first()?.value)?;
        (stretch.len() > 1).then_some((variant, ratio, stretch.len()))
    });
    let far = |ratio: Ratio| (ratio.0.max(f64::MIN_POSITIVE)).ln().abs();
    match changes.max_by(|a, b| far(a.1).total_cmp(&far(b.1))) {
        Some((variant, ratio, points)) if far(ratio) >= 0.0005 => {
            let verb = if ratio.0 > 1.0 { "grew" } else { "shrank" };
            format!("{} {verb} by {} over {}", variant.variant, ratio.as_change(), count(points, "comparable run"))
        }
        Some(_) => {
            format!("No {} changed over {runs}", if trend.metric == TrendMetric::Size { "size" } else { "figure" })
        }
        None => format!("{} over {runs}", trend.metric),
    }
}

fn colour(index: usize) -> Colour {
    palette::SERIES[index % palette::SERIES.len()]
}

fn line(scene: &mut Scene<'_>, points: &[TrendPoint], places: &[(i32, i32)], colour: Colour) {
    for index in 1..points.len() {
        if points[index].joined {
            scene.line(places[index - 1], places[index], colour, 2);
        }
    }
}

fn dots(scene: &mut Scene<'_>, trend: &Trend, variant: &VariantTrend, places: &[(i32, i32)], colour: Colour) {
    for (point, place) in variant.points.iter().zip(places) {
        let says = crate::report::trend::run_of(trend, variant, point);
        scene.disc(*place, DOT, colour, says);
        if !point.changes.is_empty() {
            scene.line((place.0, place.1 - 14), (place.0, place.1 - 6), palette::INK, 2);
        }
    }
}

/// The last value of each line to its right, moved apart where they would touch.
fn values_at_the_end(
    scene: &mut Scene<'_>,
    trend: &Trend,
    shown: &[&VariantTrend],
    mut ends: Vec<(i32, usize)>,
    right: i32,
) {
    ends.sort_unstable();
    let mut free = i32::MIN;
    for (y, index) in ends {
        let y = y.max(free);
        free = y + 16;
        if let Some(point) = shown[index].points.last() {
            scene.disc((right + 16, y), DOT, colour(index), String::new());
            scene.text_within(
                &trend.metric.show(point.value),
                (right + 26, y + 4),
                Type::new(12).bold(),
                scene.width() - PAD - right - 26,
            );
        }
    }
}

fn sentence(trend: &Trend, variant: &VariantTrend) -> String {
    let (Some(first), Some(last)) = (variant.points.first(), variant.points.last()) else { return String::new() };
    let change = Ratio::of(last.value, first.value).map_or_else(String::new, Ratio::as_change);
    let name = &variant.variant;
    format!("{name}: {} at first, {} at last, {change}.", trend.metric.show(first.value), trend.metric.show(last.value))
}
