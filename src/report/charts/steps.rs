//! Where the time of a cold build goes: one stacked bar a variant, the small parts merged.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Drawing;
use super::appearance::Sheet;
use super::bars::PanelUnit;
use super::findings;
use super::frame::{self, LegendKey, MOST, Rows};
use super::paint::Caption;
use super::palette::{self, Colour};
use super::scene::Scene;
use super::stack::{self, Stack};
use crate::analyse::{Decomposition, Part};
use crate::record::{ImageStore, Record, Scenario, Variant};
use crate::report::words;
use crate::text::shorten;
use crate::units::Nanos;

pub(super) const NAME: &str = "cold-build";
/// Most parts with a colour of their own.
const MOST_PARTS: usize = 6;
/// A part that is nowhere more than this share is among the others.
const LEAST_SHARE: f64 = 0.03;
/// Longest name of a part.
const LONGEST: usize = 56;
const OTHERS: &str = "other parts";

/// The chart; `None` where no cold build was measured.
pub(super) fn draw(record: &Record, builds: &[Decomposition], sheet: Sheet<'_>) -> Option<Drawing> {
    let builds: Vec<&Decomposition> =
        builds.iter().filter(|build| build.scenario == Scenario::Cold && !build.parts.is_empty()).collect();
    if builds.is_empty() {
        return None;
    }
    let mut scene = Scene::new(sheet);
    let metric = "median time of each part of a build with nothing from cache.";
    let mut y = frame::heading(&mut scene, &findings::cold(&builds), words::title(record), metric);
    let shown = &builds[..builds.len().min(MOST)];
    let largest = largest(shown);
    let merged: Vec<Vec<(String, Nanos)>> = shown.iter().map(|build| merged(build, &largest)).collect();
    let is_there = |name: &str| merged.iter().flatten().any(|(other, time)| other == name && *time > Nanos::ZERO);
    let names = largest.iter().map(String::as_str).chain([OTHERS]).filter(|name| is_there(name));
    let keys: Vec<(LegendKey, &str)> = names.map(|name| (LegendKey::Fill(colour(name, &largest)), name)).collect();
    y = frame::legend(&mut scene, y, &keys);
    let rows = Rows::of(&scene, shown.iter().map(|build| build.variant.as_str()));
    let stacks = shown.iter().zip(&merged).map(|(build, parts)| Stack {
        name: &build.variant,
        stand_in: record.variant(&build.variant).is_some_and(Variant::is_stand_in),
        parts: parts.iter().map(|(name, time)| (colour(name, &largest), time.0)).collect(),
        whole: build.wall.to_string(),
        words: in_words(parts),
    });
    let stacks: Vec<Stack<'_>> = stacks.collect();
    y = stack::panel(&mut scene, ("cold", words::scenario(Scenario::Cold)), &stacks, (rows, y), PanelUnit::Time);
    let mut notes = vec!["Medians of parts add to about the median of the whole.".to_owned()];
    if shown.iter().flat_map(|build| &build.parts).any(|part| part.part == Part::Export && part.median > Nanos::ZERO) {
        notes.push(writing(record));
    }
    if shown.iter().any(|build| build.client_side) {
        notes.push("The classic builder sends no times: stamped by tonnage as the lines arrived.".to_owned());
    }
    if builds.len() > shown.len() {
        notes.push(format!("The first {} of {} variants; report.md has all.", shown.len(), builds.len()));
    }
    let sentences = shown.iter().zip(&merged).map(|(build, parts)| format!("{}: {}.", build.variant, in_words(parts)));
    let title = format!("Where the time of a cold build of the variants of {} goes", words::title(record));
    Some(frame::finish(scene, record, NAME, y, &notes, Caption::new(title, sentences)))
}

/// What "writing the image" is where this engine stores images.
fn writing(record: &Record) -> String {
    let engine = &record.environment.engine;
    let what = match engine.image_store {
        ImageStore::Containerd => "compressing the layers into the content store and unpacking them",
        ImageStore::Graphdriver if engine.layer_step_ns > Nanos::ZERO => {
            "comparing and storing the files of the layers made; this storage driver compares whole trees"
        }
        ImageStore::Graphdriver | ImageStore::ContainersStorage | ImageStore::Unknown => {
            "storing the layers made and the image's config"
        }
    };
    format!("Writing the image ({}, {}): {what}.", engine.storage_driver, engine.image_store)
}

/// The names of the parts that take most anywhere, largest first.
fn largest(builds: &[&Decomposition]) -> Vec<String> {
    let mut most: BTreeMap<String, (Nanos, f64)> = BTreeMap::new();
    for build in builds {
        for part in &build.parts {
            let share = part.median.0 as f64 / build.wall.0.max(1) as f64;
            let entry = most.entry(shorten(&words::part(part), LONGEST)).or_default();
            *entry = (entry.0.max(part.median), entry.1.max(share));
        }
    }
    let mut ranked: Vec<(String, Nanos)> = most
        .into_iter()
        .filter(|(_, (_, share))| *share >= LEAST_SHARE)
        .map(|(name, (time, _))| (name, time))
        .collect();
    ranked.sort_by_key(|(name, time)| (Reverse(*time), name.clone()));
    ranked.into_iter().take(MOST_PARTS).map(|(name, _)| name).collect()
}

/// The parts of a build in their order, those without a colour of their own as one at the end.
fn merged(build: &Decomposition, largest: &[String]) -> Vec<(String, Nanos)> {
    let (mut parts, mut others): (Vec<(String, Nanos)>, Nanos) = (Vec::new(), Nanos::ZERO);
    for part in build.parts.iter().filter(|part| part.median > Nanos::ZERO) {
        let name = shorten(&words::part(part), LONGEST);
        if !largest.contains(&name) {
            others += part.median;
        } else if let Some((_, time)) = parts.iter_mut().find(|(other, _)| *other == name) {
            *time += part.median;
        } else {
            parts.push((name, part.median));
        }
    }
    if others > Nanos::ZERO {
        parts.push((OTHERS.to_owned(), others));
    }
    parts
}

fn colour(name: &str, largest: &[String]) -> Colour {
    let at = largest.iter().position(|other| other == name);
    at.and_then(|at| palette::SERIES.get(at)).copied().unwrap_or(palette::GREY)
}

/// `RUN pip install … 21.0 s · other parts 1.20 s`.
fn in_words(parts: &[(String, Nanos)]) -> String {
    let said = parts.iter().map(|(name, time)| format!("{} {time}", shorten(name, 34)));
    said.collect::<Vec<_>>().join(" · ")
}
