//! Build time of each variant, one panel a scenario, with intervals and the proof beside each bar.

use std::collections::BTreeSet;

use super::Drawing;
use super::appearance::Sheet;
use super::bars::{self, Bar, PanelUnit};
use super::findings;
use super::frame::{self, LegendKey, MOST, Rows};
use super::paint::Caption;
use super::scene::Scene;
use crate::analyse::ScenarioTiming;
use crate::record::{Record, Scenario, Variant};
use crate::report::facts::RunFacts;
use crate::report::words;

pub(super) const NAME: &str = "build-time";

/// What matters most: a build from nothing, and one after an edit of the source.
const DEFAULT: [Scenario; 2] = [Scenario::Cold, Scenario::Src];

/// The chart, of the scenarios asked for; `None` where none of them was timed.
pub(super) fn draw(facts: &RunFacts<'_>, sheet: Sheet<'_>) -> Option<Drawing> {
    let (record, timings) = (facts.record, &facts.timings);
    let measured = |scenario: &Scenario| timings.iter().any(|timing| timing.scenario == *scenario);
    let of = |wanted: &[Scenario]| -> Vec<Scenario> {
        Scenario::ALL.into_iter().filter(|scenario| wanted.contains(scenario) && measured(scenario)).collect()
    };
    let asked = &sheet.look.scenarios;
    let mut scenarios = if asked.is_empty() { of(&DEFAULT) } else { of(asked) };
    if scenarios.is_empty() && asked.is_empty() {
        scenarios = of(&Scenario::ALL);
    }
    let about = scenarios.iter().find(|scenario| **scenario == Scenario::Src).or(scenarios.first())?;
    let mut scene = Scene::new(sheet).of_many(record.variants.len());
    let variants = sorted(&record.variants[..record.variants.len().min(MOST)], timings, *about);
    let metric = "median wall time of a build, base images present. Each panel has its own scale. Beside each bar: \
                  confidence interval of the median, rounds (n), and cached/cacheable instructions.";
    let mut y = frame::heading(&mut scene, &findings::time(facts, *about), words::title(record), metric);
    let stand_ins = variants.iter().map(|variant| variant.is_stand_in());
    let mut keys = frame::bar_keys(stand_ins, "median", "median, on a substitute base image");
    let drawn = timings.iter().filter(|timing| scenarios.contains(&timing.scenario));
    let estimates = drawn.filter_map(|timing| timing.estimate);
    if estimates.clone().any(|estimate| estimate.low.is_some()) {
        keys.push((LegendKey::Whisker, "95 % confidence interval"));
    }
    y = frame::legend(&mut scene, y, &keys) + 4;
    let rows = Rows::of(&scene, variants.iter().map(|variant| variant.name.as_str()));
    for scenario in &scenarios {
        let of = |variant: &Variant| {
            timings.iter().find(|timing| timing.scenario == *scenario && timing.variant == variant.name)
        };
        let bars: Vec<Bar<'_>> = variants.iter().map(|variant| bar(variant, of(variant))).collect();
        let heading = (scenario.word(), words::scenario(*scenario));
        y = bars::panel(&mut scene, heading, &bars, (rows, y), PanelUnit::Time);
    }
    let mut notes: Vec<String> = words::too_few(estimates, "round").into_iter().collect();
    if let Some(noise) = &facts.noise {
        notes.push(words::noise(noise));
    }
    notes.extend(words::layer_step_line(record));
    let hidden: Vec<Scenario> = of(&Scenario::ALL).into_iter().filter(|one| !scenarios.contains(one)).collect();
    if !hidden.is_empty() {
        let names: Vec<String> = hidden.iter().map(ToString::to_string).collect();
        notes.push(format!("Also measured: {} (tables; `--scenarios`).", names.join(", ")));
    }
    if record.variants.len() > variants.len() {
        notes.push(format!("The first {} of {} variants.", variants.len(), record.variants.len()));
    }
    Some(frame::finish(scene, record, NAME, y, &notes, caption(record, &variants, &scenarios, timings)))
}

/// The variants, those that take least first, so that all panels have one order; those without a figure last.
fn sorted<'r>(variants: &'r [Variant], timings: &[ScenarioTiming], by: Scenario) -> Vec<&'r Variant> {
    let mut sorted: Vec<&Variant> = variants.iter().collect();
    sorted.sort_by_key(|variant| {
        let of = |timing: &&ScenarioTiming| timing.scenario == by && timing.variant == variant.name;
        let median = timings.iter().find(of).and_then(|timing| timing.estimate).map(|estimate| estimate.median);
        (median.is_none(), median)
    });
    sorted
}

fn bar<'a>(variant: &'a Variant, timing: Option<&ScenarioTiming>) -> Bar<'a> {
    let estimate = timing.and_then(|timing| timing.estimate);
    let (text, rest) = label(variant, timing);
    Bar { rest, ..Bar::of_time(variant, estimate, text) }
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
fn caption(record: &Record, variants: &[&Variant], scenarios: &[Scenario], timings: &[ScenarioTiming]) -> Caption {
    let names: BTreeSet<&str> = variants.iter().map(|variant| variant.name.as_str()).collect();
    let drawn =
        timings.iter().filter(|timing| names.contains(timing.variant.as_str()) && scenarios.contains(&timing.scenario));
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
    Caption::new(format!("Build time of the variants of {} by scenario", words::title(record)), sentences)
}
