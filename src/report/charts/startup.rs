//! How long each variant takes to serve, and the memory it holds then.

use super::Drawing;
use super::appearance::Sheet;
use super::bars::{self, Bar, PanelUnit};
use super::findings;
use super::frame::{self, LegendKey, MOST, Rows};
use super::paint::Caption;
use super::palette;
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
    let variants: Vec<(&Variant, Option<&Serve>)> =
        record.variants.iter().take(MOST).map(|variant| (variant, variant.serve.as_ref())).collect();
    if variants.iter().all(|(_, serve)| serve.is_none()) {
        return None;
    }
    let mut scene = Scene::new(sheet).of_many(record.variants.len());
    let estimates: Vec<Option<Estimate>> = variants.iter().map(|(_, serve)| serve.and_then(ready)).collect();
    let named = variants.iter().zip(&estimates);
    let started: Vec<(&str, Estimate)> =
        named.filter_map(|((variant, _), estimate)| Some((variant.name.as_str(), (*estimate)?))).collect();
    let metric = "startup time: from starting the container to the first expected answer.";
    let mut y = frame::heading(&mut scene, &findings::startup(&started), words::title(record), metric);
    let mut keys = Vec::new();
    if variants.iter().any(|(variant, serve)| serve.is_some() && !variant.is_stand_in()) {
        keys.push((LegendKey::Fill(palette::BLUE), "median"));
    }
    if variants.iter().any(|(variant, serve)| serve.is_some() && variant.is_stand_in()) {
        keys.push((LegendKey::Hatched(palette::BLUE), "median, on a substitute base image"));
    }
    if estimates.iter().flatten().any(|estimate| estimate.low.is_some()) {
        keys.push((LegendKey::Whisker, "95 % confidence interval"));
    }
    y = frame::legend(&mut scene, y, &keys) + 4;
    let rows = Rows::of(&scene, variants.iter().map(|(variant, _)| variant.name.as_str()));
    let times: Vec<Bar<'_>> = variants
        .iter()
        .zip(&estimates)
        .map(|((variant, serve), estimate)| Bar {
            name: &variant.name,
            value: estimate.map(|estimate| estimate.median.0 as f64),
            interval: estimate.and_then(|estimate| Some((estimate.low?.0 as f64, estimate.high?.0 as f64))),
            text: estimate.map_or_else(|| why_not(variant, *serve), |estimate| estimate.median.to_string()),
            rest: estimate.map_or_else(String::new, words::interval),
            colour: palette::BLUE,
            hatched: variant.is_stand_in(),
        })
        .collect();
    y = bars::panel(&mut scene, ("startup", "time to the first expected answer"), &times, (rows, y), PanelUnit::Time);
    let spent: Vec<Option<Estimate>> = variants.iter().map(|(_, serve)| serve.and_then(cpu_until_ready)).collect();
    if spent.iter().any(Option::is_some) {
        let cpu: Vec<Bar<'_>> = variants
            .iter()
            .zip(&spent)
            .map(|((variant, serve), spent)| Bar {
                name: &variant.name,
                value: spent.map(|spent| spent.median.0 as f64),
                interval: None,
                text: spent.map_or_else(|| why_not(variant, *serve), |spent| spent.median.to_string()),
                rest: String::new(),
                colour: palette::BLUE,
                hatched: variant.is_stand_in(),
            })
            .collect();
        y = bars::panel(&mut scene, ("CPU time", "of all its processes until then"), &cpu, (rows, y), PanelUnit::Time);
    }
    let memory: Vec<Bar<'_>> = variants
        .iter()
        .map(|(variant, serve)| {
            let held = held(*serve);
            Bar {
                name: &variant.name,
                value: held.map(|held| held.0 as f64),
                interval: None,
                text: held.map_or_else(|| why_not(variant, *serve), |held| held.to_string()),
                rest: String::new(),
                colour: palette::BLUE,
                hatched: variant.is_stand_in(),
            }
        })
        .collect();
    let held: Vec<Bytes> = variants.iter().filter_map(|(_, serve)| held(*serve)).collect();
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
    let caption = Caption {
        title: format!("Startup of the variants of {}", words::title(record)),
        description: sentences.collect::<Vec<_>>().join(" "),
    };
    Some(frame::finish(scene, record, NAME, y, &notes, caption))
}

fn held(serve: Option<&Serve>) -> Option<Bytes> {
    serve.filter(|serve| serve.state == ServeState::Answered).map(|serve| serve.memory_bytes)
}

fn range((least, most): (Bytes, Bytes)) -> String {
    if least.to_string() == most.to_string() { most.to_string() } else { format!("{least} to {most}") }
}

fn why_not(variant: &Variant, serve: Option<&Serve>) -> String {
    match (words::missing_short(variant), serve) {
        (Some(word), _) => word.to_owned(),
        (None, Some(serve)) if serve.state == ServeState::Failed => format!("does not start: {}", serve.detail),
        // It answered, and the engine did not say.
        (None, Some(serve)) if serve.state == ServeState::Answered => "not known".to_owned(),
        _ => "not asked".to_owned(),
    }
}
