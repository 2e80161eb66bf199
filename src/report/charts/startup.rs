//! How long each variant takes to serve, and the memory it holds then.

use super::Drawing;
use super::bars::{self, Bar, Unit};
use super::font::Fonts;
use super::frame::{self, Key, MOST, PAD};
use super::paint::Caption;
use super::palette;
use super::scene::Scene;
use crate::analyse::{Estimate, ready};
use crate::record::{Record, Serve, ServeState, Variant};
use crate::report::words;

const NAME: &str = "start-up";

/// The chart; `None` where nothing was asked to serve.
pub(super) fn draw(record: &Record, fonts: &Fonts) -> Option<Drawing> {
    let variants: Vec<(&Variant, Option<&Serve>)> =
        record.variants.iter().take(MOST).map(|variant| (variant, variant.serve.as_ref())).collect();
    if variants.iter().all(|(_, serve)| serve.is_none()) {
        return None;
    }
    let mut scene = Scene::new(fonts).of_many(record.variants.len());
    let mut y = frame::heading(
        &mut scene,
        &format!("Startup: {}", words::title(record)),
        "From starting the container to the first expected answer, and the memory used then, without page cache.",
    );
    let mut keys = Vec::new();
    if variants.iter().any(|(variant, serve)| serve.is_some() && !variant.is_stand_in()) {
        keys.push((Key::Fill(palette::BLUE), "median"));
    }
    if variants.iter().any(|(variant, serve)| serve.is_some() && variant.is_stand_in()) {
        keys.push((Key::Hatched(palette::BLUE), "median, on a substitute base image"));
    }
    let estimates: Vec<Option<Estimate>> = variants.iter().map(|(_, serve)| serve.and_then(ready)).collect();
    if estimates.iter().flatten().any(|estimate| estimate.low.is_some()) {
        keys.push((Key::Whisker, "95 % interval of the median"));
    }
    y = frame::legend(&mut scene, y, &keys) + 4;
    let left = PAD + frame::name_room(&scene, variants.iter().map(|(variant, _)| variant.name.as_str())) + 12;
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
    y = bars::panel(&mut scene, ("startup", "time to the first expected answer"), &times, (left, y), None, Unit::Time);
    let memory: Vec<Bar<'_>> = variants
        .iter()
        .map(|(variant, serve)| {
            let held = serve.filter(|serve| serve.state == ServeState::Answered).map(|serve| serve.memory_bytes);
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
    y = bars::panel(&mut scene, ("memory", "used at that moment"), &memory, (left, y), None, Unit::Size);
    let notes: Vec<String> = words::too_few(estimates.iter().flatten().copied(), "start").into_iter().collect();
    let sentences = times
        .iter()
        .zip(&memory)
        .map(|(time, memory)| format!("{}: ready {} ({}), memory {}.", time.name, time.text, time.rest, memory.text));
    let caption = Caption {
        title: format!("Startup of the variants of {}", words::title(record)),
        description: sentences.collect::<Vec<_>>().join(" "),
    };
    Some(frame::finish(scene, record, NAME, y, &notes, caption))
}

fn why_not(variant: &Variant, serve: Option<&Serve>) -> String {
    match (words::missing_short(variant), serve) {
        (Some(word), _) => word.to_owned(),
        (None, Some(serve)) if serve.state == ServeState::Failed => format!("does not start: {}", serve.detail),
        _ => "not asked".to_owned(),
    }
}
