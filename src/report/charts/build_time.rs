//! Build time of each variant, one panel a scenario, with intervals and the proof beside each bar.

use super::Chart;
use super::font::Fonts;
use super::frame::{self, Key, MOST, PAD};
use super::paint::Caption;
use super::palette;
use super::scene::{Scene, Type, WIDTH};
use crate::analyse::ScenarioTiming;
use crate::record::{Record, Scenario, Variant};
use crate::report::{ReportError, words};
use crate::units::Nanos;

const NAME: &str = "build-time";
const ROW: i32 = 23;

/// The chart; `None` where nothing was timed.
pub fn draw(record: &Record, timings: &[ScenarioTiming], fonts: &Fonts) -> Result<Option<Chart>, ReportError> {
    let scenarios: Vec<Scenario> = Scenario::ALL
        .into_iter()
        .filter(|scenario| timings.iter().any(|timing| timing.scenario == *scenario))
        .collect();
    if scenarios.is_empty() {
        return Ok(None);
    }
    let mut scene = Scene::new(fonts);
    let variants = &record.variants[..record.variants.len().min(MOST)];
    let mut y = frame::heading(
        &mut scene,
        &format!("Build time by scenario: {}", record.suite.name),
        "Median wall time of a build, base images present. Each panel has its own scale. Beside each bar: interval of \
         the median, rounds (n), and the instructions that came from cache of those that can.",
    );
    let mut keys = Vec::new();
    if variants.iter().any(|variant| !words::on_stand_in(variant)) {
        keys.push((Key::Fill(palette::BLUE), "median"));
    }
    if variants.iter().any(words::on_stand_in) {
        keys.push((Key::Hatched(palette::BLUE), "median, on a stand-in base"));
    }
    if timings.iter().filter_map(|timing| timing.estimate).any(|estimate| estimate.low.is_some()) {
        keys.push((Key::Whisker, "95 % interval of the median"));
    }
    y = frame::legend(&mut scene, y, &keys) + 4;
    let left = PAD + frame::name_room(&scene, variants.iter().map(|variant| variant.name.as_str())) + 12;
    for scenario in &scenarios {
        y = panel(&mut scene, *scenario, variants, timings, left, y);
    }
    let mut notes = Vec::new();
    if timings.iter().filter_map(|timing| timing.estimate).any(|estimate| estimate.low.is_none()) {
        notes.push(format!("Fewer than {} rounds: {}.", crate::analyse::ENOUGH_ROUNDS, words::NO_INFERENCE));
    }
    if let Some(noise) = &record.environment.noise {
        notes.push(words::noise(noise));
    }
    if record.variants.len() > variants.len() {
        notes.push(format!("The first {} of {} variants.", variants.len(), record.variants.len()));
    }
    frame::finish(scene, record, NAME, y, &notes, &caption(record, timings)).map(Some)
}

fn panel(
    scene: &mut Scene<'_>,
    scenario: Scenario,
    variants: &[Variant],
    timings: &[ScenarioTiming],
    left: i32,
    y: i32,
) -> i32 {
    let of =
        |variant: &Variant| timings.iter().find(|timing| timing.scenario == scenario && timing.variant == variant.name);
    scene.text(scenario.word(), (PAD, y + 20), Type::new(14).bold());
    let width = scene.width_of(scenario.word(), Type::new(14).bold());
    scene.text(words::scenario(scenario), (PAD + width + 10, y + 20), Type::new(12).quiet());
    let top = y + 30;
    let bottom = top + ROW * variants.len() as i32;

    let labels: Vec<(String, String)> = variants.iter().map(|variant| label(variant, of(variant))).collect();
    let bars = labels.iter().zip(variants).filter_map(|((value, rest), variant)| {
        let estimate = of(variant)?.estimate?;
        let width = scene.width_of(value, Type::new(13).bold()) + scene.width_of(rest, Type::new(12)) + 20;
        Some((reach(estimate).0 as f64, width))
    });
    let scale = frame::scale(left, bars);
    let place = |ns: f64| left + (ns * scale).round() as i32;
    let most = variants.iter().filter_map(of).filter_map(|timing| timing.estimate).map(reach).max().unwrap_or_default();
    let ticks = frame::ticks(most.0 as f64, 4);
    frame::axis(scene, (top - 2, bottom), &ticks, place, |value| Nanos(value as u64).to_string());
    for (index, (variant, (value, rest))) in variants.iter().zip(&labels).enumerate() {
        let line = top + ROW * index as i32 + 15;
        scene.text_within(&variant.name, (left - 10, line), Type::new(13).end(), left - 10 - PAD);
        let Some(estimate) = of(variant).and_then(|timing| timing.estimate) else {
            let style = Type::new(12).colour(palette::VERMILION);
            scene.label(&format!("× {value}"), (left + 7, line), style, WIDTH - PAD - left - 7);
            continue;
        };
        let end = place(estimate.median.0 as f64).max(left + 1);
        let bar = (left, line - 12, end - left, 15);
        scene.fill(bar, palette::BLUE);
        if words::on_stand_in(variant) {
            scene.hatch(bar);
        }
        let mut after = end;
        if let (Some(low), Some(high)) = (estimate.low, estimate.high) {
            let ends = (place(low.0 as f64), place(high.0 as f64));
            scene.whisker(ends, line - 5, 4);
            after = after.max(ends.1);
        }
        let width = scene.label(value, (after + 8, line), Type::new(13).bold(), WIDTH - PAD - after - 8);
        scene.label(rest, (after + 16 + width, line), Type::new(12).quiet(), WIDTH - PAD - after - 16 - width);
    }
    bottom + 26
}

/// The value and what stands behind it; for a variant without a figure why there is none.
fn label(variant: &Variant, timing: Option<&ScenarioTiming>) -> (String, String) {
    let Some(timing) = timing else {
        return (words::missing_short(variant).unwrap_or("not measured").to_owned(), String::new());
    };
    match timing.estimate {
        Some(estimate) => {
            (estimate.median.to_string(), format!("{} · {}", words::interval(estimate), words::cached(timing)))
        }
        None => (words::no_valid_sample(timing), String::new()),
    }
}

fn reach(estimate: crate::analyse::Estimate) -> Nanos {
    estimate.median.max(estimate.high.unwrap_or_default())
}

fn caption(record: &Record, timings: &[ScenarioTiming]) -> Caption {
    let sentences = timings.iter().map(|timing| match timing.estimate {
        Some(estimate) => format!(
            "{}, {}: {}, {}, {}.",
            timing.variant,
            timing.scenario,
            estimate.median,
            words::interval(estimate),
            words::cached(timing)
        ),
        None => format!("{}, {}: {}.", timing.variant, timing.scenario, words::no_valid_sample(timing)),
    });
    Caption {
        title: format!("Build time of the variants of {} by scenario", record.suite.name),
        description: sentences.collect::<Vec<_>>().join(" "),
    }
}
