//! How long each variant takes to serve, and the memory it holds then.

use super::Drawing;
use super::appearance::Sheet;
use super::bars::{self, Bar, PanelUnit};
use super::findings;
use super::frame::{self, LegendKey, MOST, Rows};
use super::paint::Caption;
use super::scene::Scene;
use crate::analyse::{Estimate, cpu_until_ready, ready};
use crate::record::{Record, Serve, ServeState, Variant};
use crate::report::words;
use crate::units::Bytes;

pub(super) const NAME: &str = "start-up";
/// Memory that differs by no more than this factor gets no panel of its own.
const ALIKE: f64 = 1.1;

/// The chart; `None` where nothing was asked to serve.
pub(super) fn draw(record: &Record, sheet: Sheet<'_>) -> Option<Drawing> {
    let variants: Vec<&Variant> = record.variants.iter().take(MOST).collect();
    if variants.iter().all(|variant| variant.serve.is_none()) {
        return None;
    }
    let over_starts = |of: fn(&Serve) -> Option<Estimate>| -> Vec<Option<Estimate>> {
        variants.iter().map(|variant| variant.serve.as_ref().and_then(of)).collect()
    };
    let mut scene = Scene::new(sheet).of_many(record.variants.len());
    let estimates = over_starts(ready);
    let named = variants.iter().zip(&estimates);
    let started: Vec<(&str, Estimate)> =
        named.filter_map(|(variant, estimate)| Some((variant.name.as_str(), (*estimate)?))).collect();
    let metric = "startup time: from starting the container to the first expected answer.";
    let mut y = frame::heading(&mut scene, &findings::startup(&started), words::title(record), metric);
    let asked = variants.iter().filter(|variant| variant.serve.is_some());
    let stand_ins = asked.map(|variant| variant.is_stand_in());
    let mut keys = frame::bar_keys(stand_ins, "median", "median, on a substitute base image");
    if estimates.iter().flatten().any(|estimate| estimate.low.is_some()) {
        keys.push((LegendKey::Whisker, "95 % confidence interval"));
    }
    y = frame::legend(&mut scene, y, &keys) + 4;
    let rows = Rows::of(&scene, variants.iter().map(|variant| variant.name.as_str()));
    let median = |variant: &Variant, estimate: Option<Estimate>| {
        estimate.map_or_else(|| why_not(variant), |estimate| estimate.median.to_string())
    };
    let times = variants.iter().zip(&estimates).map(|(variant, estimate)| Bar {
        rest: estimate.map_or_else(String::new, words::interval),
        ..Bar::of_time(variant, *estimate, median(variant, *estimate))
    });
    let times: Vec<Bar<'_>> = times.collect();
    y = bars::panel(&mut scene, ("startup", "time to the first expected answer"), &times, (rows, y), PanelUnit::Time);
    let spent = over_starts(cpu_until_ready);
    if spent.iter().any(Option::is_some) {
        let cpu = variants
            .iter()
            .zip(&spent)
            .map(|(variant, spent)| Bar { interval: None, ..Bar::of_time(variant, *spent, median(variant, *spent)) });
        let heading = ("CPU time", "of all its processes until then");
        y = bars::panel(&mut scene, heading, &cpu.collect::<Vec<_>>(), (rows, y), PanelUnit::Time);
    }
    let memory = variants.iter().map(|variant| {
        let held = held(variant);
        let text = held.map_or_else(|| why_not(variant), |held| held.to_string());
        Bar::of(variant, held.map(|held| held.0 as f64), text)
    });
    let memory: Vec<Bar<'_>> = memory.collect();
    let held: Vec<Bytes> = variants.iter().filter_map(|variant| held(variant)).collect();
    let (least, most) = (held.iter().min().copied(), held.iter().max().copied());
    let alike = |(least, most): (Bytes, Bytes)| most.0 as f64 <= least.0 as f64 * ALIKE;
    let memory_note = match least.zip(most) {
        Some(ends) if alike(ends) => Some(format!("Memory used then, without page cache: {}.", range(ends))),
        Some(_) => {
            let heading = ("memory", "used at that moment, without page cache");
            y = bars::panel(&mut scene, heading, &memory, (rows, y), PanelUnit::Size);
            None
        }
        None => None,
    };
    let mut notes: Vec<String> = words::too_few(estimates.iter().flatten().copied(), "start").into_iter().collect();
    notes.extend(memory_note);
    let sentences = times
        .iter()
        .zip(&memory)
        .map(|(time, memory)| format!("{}: startup {} ({}), memory {}.", time.name, time.text, time.rest, memory.text));
    let caption = Caption::new(format!("Startup of the variants of {}", words::title(record)), sentences);
    Some(frame::finish(scene, record, NAME, y, &notes, caption))
}

fn held(variant: &Variant) -> Option<Bytes> {
    variant.serve.as_ref().filter(|serve| serve.state == ServeState::Answered).map(|serve| serve.memory_bytes)
}

fn range((least, most): (Bytes, Bytes)) -> String {
    if least.to_string() == most.to_string() { most.to_string() } else { format!("{least} to {most}") }
}

fn why_not(variant: &Variant) -> String {
    match (words::missing_short(variant), &variant.serve) {
        (Some(word), _) => word.to_owned(),
        (None, Some(serve)) if serve.state == ServeState::Failed => format!("does not start: {}", serve.detail),
        // It answered, and the engine did not say.
        (None, Some(serve)) if serve.state == ServeState::Answered => "not known".to_owned(),
        _ => "not asked".to_owned(),
    }
}
