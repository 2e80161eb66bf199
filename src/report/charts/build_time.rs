//! Build time of each variant, one panel a scenario, with intervals and the proof beside each bar.

use std::collections::BTreeSet;

use super::Drawing;
use super::bars::{self, Bar, Unit};
use super::font::Fonts;
use super::frame::{self, Key, MOST, PAD};
use super::paint::Caption;
use super::palette;
use super::scene::Scene;
use crate::analyse::ScenarioTiming;
use crate::record::{Record, Scenario, Variant};
use crate::report::facts::Facts;
use crate::report::words;

const NAME: &str = "build-time";

/// The chart; `None` where nothing was timed.
pub(super) fn draw(facts: &Facts<'_>, fonts: &Fonts) -> Option<Drawing> {
    let (record, timings) = (facts.record, &facts.timings);
    let scenarios: Vec<Scenario> = Scenario::ALL
        .into_iter()
        .filter(|scenario| timings.iter().any(|timing| timing.scenario == *scenario))
        .collect();
    if scenarios.is_empty() {
        return None;
    }
    let mut scene = Scene::new(fonts).of_many(record.variants.len());
    let variants = &record.variants[..record.variants.len().min(MOST)];
    let mut y = frame::heading(
        &mut scene,
        &format!("Build time by scenario: {}", words::title(record)),
        "Median wall time of a build, base images present. Each panel has its own scale. Beside each bar: interval of \
         the median, rounds (n), and the instructions that came from cache of those that can.",
    );
    let mut keys = Vec::new();
    if variants.iter().any(|variant| !variant.is_stand_in()) {
        keys.push((Key::Fill(palette::BLUE), "median"));
    }
    if variants.iter().any(Variant::is_stand_in) {
        keys.push((Key::Hatched(palette::BLUE), "median, on a substitute base image"));
    }
    if timings.iter().filter_map(|timing| timing.estimate).any(|estimate| estimate.low.is_some()) {
        keys.push((Key::Whisker, "95 % interval of the median"));
    }
    y = frame::legend(&mut scene, y, &keys) + 4;
    let left = PAD + frame::name_room(&scene, variants.iter().map(|variant| variant.name.as_str())) + 12;
    for scenario in &scenarios {
        let of = |variant: &Variant| {
            timings.iter().find(|timing| timing.scenario == *scenario && timing.variant == variant.name)
        };
        let bars: Vec<Bar<'_>> = variants.iter().map(|variant| bar(variant, of(variant))).collect();
        let heading = (scenario.word(), words::scenario(*scenario));
        y = bars::panel(&mut scene, heading, &bars, (left, y), None, Unit::Time);
    }
    let estimates = timings.iter().filter_map(|timing| timing.estimate);
    let mut notes: Vec<String> = words::too_few(estimates, "round").into_iter().collect();
    if let Some(noise) = &facts.noise {
        notes.push(words::noise(noise));
    }
    notes.extend(words::layer_step_line(record));
    if record.variants.len() > variants.len() {
        notes.push(format!("The first {} of {} variants.", variants.len(), record.variants.len()));
    }
    Some(frame::finish(scene, record, NAME, y, &notes, caption(record, variants, timings)))
}

fn bar<'a>(variant: &'a Variant, timing: Option<&ScenarioTiming>) -> Bar<'a> {
    let estimate = timing.and_then(|timing| timing.estimate);
    let (text, rest) = label(variant, timing);
    Bar {
        name: &variant.name,
        value: estimate.map(|estimate| estimate.median.0 as f64),
        interval: estimate.and_then(|estimate| Some((estimate.low?.0 as f64, estimate.high?.0 as f64))),
        text,
        rest,
        colour: palette::BLUE,
        hatched: variant.is_stand_in(),
    }
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

/// Says what is drawn, and no more: a page holds the caption of every chart.
fn caption(record: &Record, variants: &[Variant], timings: &[ScenarioTiming]) -> Caption {
    let names: BTreeSet<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
    let drawn = timings.iter().filter(|timing| names.contains(timing.variant.as_str()));
    let sentences = drawn.map(|timing| match timing.estimate {
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
        title: format!("Build time of the variants of {} by scenario", words::title(record)),
        description: sentences.collect::<Vec<_>>().join(" "),
    }
}
