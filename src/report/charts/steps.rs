//! Where the time of a cold build goes: one panel a variant, one bar an instruction or part, one scale for all.

use super::Drawing;
use super::bars::{self, Bar, Scale, Unit};
use super::font::Fonts;
use super::frame::{self, Key, PAD};
use super::paint::Caption;
use super::palette;
use super::scene::{Scene, Type};
use crate::analyse::{Decomposition, Part, StepTime};
use crate::record::{Record, Scenario, Variant};
use crate::report::words;
use crate::units::{Nanos, Ratio};

const NAME: &str = "cold-build";
/// Most panels, and most bars of one; the table has all.
const MOST_PANELS: usize = 12;
const MOST_BARS: usize = 8;

/// What a bar is called, its time, and whether it is an instruction.
type Row = (String, Nanos, bool);

/// The chart; `None` where no cold build was measured.
pub(super) fn draw(record: &Record, builds: &[Decomposition], fonts: &Fonts) -> Option<Drawing> {
    let builds: Vec<&Decomposition> =
        builds.iter().filter(|build| build.scenario == Scenario::Cold && !build.parts.is_empty()).collect();
    if builds.is_empty() {
        return None;
    }
    let mut scene = Scene::new(fonts);
    let mut y = frame::heading(
        &mut scene,
        &format!("Where a cold build's time goes: {}", words::title(record)),
        "Median time of each part of a build with nothing from cache. All panels have one scale.",
    );
    let keys = [(Key::Fill(palette::BLUE), "instruction"), (Key::Fill(palette::GREY), "everything around them")];
    y = frame::legend(&mut scene, y, &keys) + 4;
    let shown = &builds[..builds.len().min(MOST_PANELS)];
    let panels: Vec<(&Decomposition, Vec<Row>)> = shown.iter().map(|build| (*build, rows(build))).collect();
    let names = panels.iter().flat_map(|(_, rows)| rows.iter().map(|(name, ..)| name.as_str()));
    let left = PAD + names.map(|name| scene.width_of(name, Type::new(13))).max().unwrap_or(0).clamp(60, 330) + 12;
    let drawn: Vec<Vec<Bar<'_>>> =
        panels.iter().map(|(build, rows)| rows.iter().map(|row| bar(build, row)).collect()).collect();
    let scale = Scale::shared(&scene, &drawn, left);
    for ((build, _), bars) in panels.iter().zip(&drawn) {
        let stand_in = variant_of(record, build).is_some_and(Variant::is_stand_in);
        let subtitle = format!("{} in all{}", build.wall, if stand_in { ", on a substitute base image" } else { "" });
        y = bars::panel(&mut scene, (&build.variant, &subtitle), bars, (left, y), Some(scale), Unit::Time);
    }
    let mut notes = vec!["Medians of parts add to about the median of the whole.".to_owned()];
    if shown.iter().any(|build| build.client_side) {
        notes.push("The classic builder sends no times: stamped by tonnage as the lines arrived.".to_owned());
    }
    if builds.len() > shown.len() {
        notes.push(format!("The first {} of {} variants; report.md has all.", shown.len(), builds.len()));
    }
    let sentences = panels.iter().map(|(build, rows)| {
        let parts: Vec<String> = rows.iter().map(|(name, time, _)| format!("{name} {time}")).collect();
        format!("{}: {}.", build.variant, parts.join(", "))
    });
    let caption = Caption {
        title: format!("Where the time of a cold build of the variants of {} goes", words::title(record)),
        description: sentences.collect::<Vec<_>>().join(" "),
    };
    Some(frame::finish(scene, record, NAME, y, &notes, caption))
}

fn variant_of<'r>(record: &'r Record, build: &Decomposition) -> Option<&'r Variant> {
    record.variants.iter().find(|variant| variant.name == build.variant)
}

/// The longest parts in the order of the build, the others in one; whether each is an instruction.
fn rows(build: &Decomposition) -> Vec<Row> {
    let mut longest: Vec<&StepTime> = build.parts.iter().filter(|part| part.median > Nanos::ZERO).collect();
    longest.sort_by_key(|part| std::cmp::Reverse(part.median));
    let least = longest.get(MOST_BARS - 1).map_or(Nanos::ZERO, |part| part.median);
    let (mut rows, mut rest) = (Vec::new(), Vec::new());
    for part in build.parts.iter().filter(|part| part.median > Nanos::ZERO) {
        if part.median >= least && rows.len() < MOST_BARS {
            rows.push((words::part(part), part.median, part.part == Part::Instruction));
        } else {
            rest.push(part.median);
        }
    }
    if !rest.is_empty() {
        rows.push((words::count(rest.len(), "shorter part"), rest.into_iter().sum(), false));
    }
    rows
}

fn bar<'a>(build: &Decomposition, (name, time, instruction): &'a Row) -> Bar<'a> {
    Bar {
        name,
        value: Some(time.0 as f64),
        interval: None,
        text: time.to_string(),
        rest: Ratio::of(time.0, build.wall.0).map_or_else(String::new, Ratio::as_percent),
        colour: if *instruction { palette::BLUE } else { palette::GREY },
        hatched: false,
    }
}
