//! Sizes of the variants, with the claims of the suite beside them.

use std::collections::BTreeSet;

use super::Drawing;
use super::appearance::Sheet;
use super::bars::PanelUnit;
use super::findings;
use super::font::Weight;
use super::frame::{self, LegendKey, MOST, Rows};
use super::paint::Caption;
use super::palette::{self, CLAIM_INSIDE};
use super::scene::{Scene, Type, down};
use crate::analyse::{VariantSummary, summary_of_images};
use crate::record::{ServeState, Variant};
use crate::report::facts::RunFacts;
use crate::report::words;
use crate::units::Bytes;

pub(super) const NAME: &str = "sizes";
const VALUE: Type = Type::new(13).bold();
const REST: Type = Type::new(12).quiet();

/// What the chart is of.
struct Weighed<'a> {
    variants: &'a [Variant],
    summary: &'a [VariantSummary],
    /// What they are variants of.
    title: &'a str,
    /// Where the published figures are from.
    source: &'a str,
    /// What one of them is called, and where all are listed.
    kind: &'a str,
    list: &'a str,
    /// What must be said below the chart, and what made it.
    below: (Option<String>, String),
}

/// The chart of a run.
pub(super) fn draw(facts: &RunFacts<'_>, sheet: Sheet<'_>) -> Drawing {
    let record = facts.record;
    let weighed = Weighed {
        variants: &record.variants,
        summary: &facts.summary,
        title: words::title(record),
        source: &record.suite.source,
        kind: "variant",
        list: "sizes.csv",
        below: frame::below(record),
    };
    draw_weighed(&weighed, sheet)
}

/// The chart of images that were weighed side by side.
pub(in crate::report) fn draw_images(images: &[Variant], sheet: Sheet<'_>) -> Drawing {
    let platforms: BTreeSet<&str> = images.iter().map(|image| image.platform.as_str()).collect();
    let platforms = platforms.into_iter().filter(|platform| !platform.is_empty()).collect::<Vec<_>>().join(", ");
    let made = concat!("tonnage ", env!("CARGO_PKG_VERSION"));
    let weighed = Weighed {
        variants: images,
        summary: &summary_of_images(images),
        title: &words::count(images.len(), "image"),
        source: "",
        kind: "image",
        list: "the table",
        below: (None, if platforms.is_empty() { made.to_owned() } else { format!("{made} · {platforms}") }),
    };
    draw_weighed(&weighed, sheet)
}

fn draw_weighed(weighed: &Weighed<'_>, sheet: Sheet<'_>) -> Drawing {
    let all = weighed.variants;
    let mut scene = Scene::new(sheet).of_many(all.len());
    let variants = &all[..all.len().min(MOST)];
    let metric = "image size: regular files and symlink targets, summed over the layers. Smaller is better.";
    let mut y = frame::heading(&mut scene, &findings::size(weighed.summary), weighed.title, metric);
    // In a picture a title in another script would be a row of boxes; the tables have it.
    let claim = match weighed.source {
        "" => "published figure".to_owned(),
        source if sheet.fonts.covers(source, Weight::Regular) => format!("published: {source}"),
        _ => "published figure".to_owned(),
    };
    let stand_ins = variants.iter().filter(|variant| variant.sizes.is_some()).map(Variant::is_stand_in);
    let mut keys = frame::bar_keys(stand_ins, "measured", "measured on a substitute base image");
    if variants.iter().any(|variant| variant.reference.is_some()) {
        keys.push((LegendKey::Outline(palette::ORANGE, CLAIM_INSIDE), claim.as_str()));
    }
    y = frame::legend(&mut scene, y, &keys) + 8;

    let first = all.iter().find_map(Variant::size);
    let smallest = all.iter().filter_map(serving_size).min();
    let rows = Rows::of(&scene, variants.iter().map(|variant| variant.name.as_str()));
    let words_of: Vec<(String, String)> =
        variants.iter().map(|variant| value_words(variant, first, smallest)).collect();
    let labels =
        variants.iter().zip(&words_of).filter(|(variant, _)| variant.sizes.is_some()).map(|(variant, words)| {
            let rest = if rows.above > 0 { "" } else { words.1.as_str() };
            (variant.size().unwrap_or_default().0 as f64, scene.noted_width((&words.0, VALUE), (rest, REST)) + 10)
        });
    let claims = variants.iter().filter_map(|variant| variant.reference.as_ref()).map(|claim| {
        let width = scene.width_of(&claim_words(&claim.claim), Type::new(12)) + 10;
        (middle(claim.low_bytes, claim.high_bytes), width)
    });
    let left = rows.left;
    let scale = frame::scale((left, Rows::right(&scene)), labels.chain(claims));
    let place = |bytes: f64| left + (bytes * scale).round() as i32;
    let most = variants.iter().map(reach).max().unwrap_or_default();

    let step = height(variants, rows);
    let bottom = y + 6 + down(variants.len(), step);
    let ticks = frame::ticks(most.0 as f64, 5);
    frame::axis(&mut scene, (y, bottom), &ticks, place, |value| PanelUnit::Size.word(value));
    for (index, (variant, (value, rest))) in variants.iter().zip(&words_of).enumerate() {
        row(&mut scene, variant, (rows, y + 6 + down(index, step) + rows.above), (value, rest), &place);
    }
    let mut notes = Vec::new();
    if all.len() > variants.len() {
        notes.push(format!(
            "The first {} of {}; all are in {}.",
            variants.len(),
            words::count(all.len(), weighed.kind),
            weighed.list
        ));
    }
    frame::finish_with(scene, NAME, bottom + 22, &notes, weighed.below.clone(), caption(weighed.title, variants))
}

fn row(
    scene: &mut Scene<'_>,
    variant: &Variant,
    (rows, top): (Rows, i32),
    (value, rest): (&str, &str),
    place: &impl Fn(f64) -> i32,
) {
    let (left, right) = (rows.left, Rows::right(scene));
    rows.name(scene, &variant.name, variant.is_stand_in(), top + 14);
    if let Some(sizes) = &variant.sizes {
        // One pixel is the least that can be seen; nothing is drawn for nothing.
        let end = place(sizes.size_bytes.0 as f64).max(left + i32::from(sizes.size_bytes > Bytes::ZERO));
        let bar = (left, top + 2, end - left, 16);
        scene.fill(bar, palette::BLUE);
        if variant.is_stand_in() {
            scene.hatch(bar);
        }
        if rows.above > 0 {
            scene.label(value, (end + 7, top + 15), VALUE, right - end - 7);
            scene.label(rest, (left, below(variant, top)), REST, right - left);
        } else {
            scene.noted((value, VALUE), (rest, REST), (end + 7, top + 15), right - end - 7);
        }
    } else {
        let style = Type::new(12).colour(palette::VERMILION);
        scene.label(&format!("× {value}"), (left + 7, top + 15), style, right - left - 7);
    }
    if let Some(reference) = &variant.reference {
        let end = place(middle(reference.low_bytes, reference.high_bytes)).max(left + 4);
        scene.outlined((left, top + 22, end - left, 11), palette::ORANGE, CLAIM_INSIDE);
        let style = Type::new(12).colour(palette::ORANGE_INK);
        scene.label(&claim_words(&reference.claim), (end + 7, top + 32), style, right - end - 7);
    }
}

/// The smallest counts only among the variants that serve, or were not asked to.
fn serving_size(variant: &Variant) -> Option<Bytes> {
    let serves = variant.serve.as_ref().is_none_or(|serve| serve.state != ServeState::Failed);
    variant.size().filter(|_| serves)
}

/// The value and what stands behind it; for a variant without an image why there is none.
fn value_words(variant: &Variant, first: Option<Bytes>, smallest: Option<Bytes>) -> (String, String) {
    let Some(sizes) = &variant.sizes else {
        return (words::missing(variant).unwrap_or_else(|| "not weighed".to_owned()), String::new());
    };
    let mut rest = match first {
        Some(first) if first != sizes.size_bytes => words::against(sizes.size_bytes, first),
        _ => String::new(),
    };
    if variant.serve.as_ref().is_some_and(|serve| serve.state == ServeState::Failed) {
        rest.push_str("  does not start");
    } else if smallest == Some(sizes.size_bytes) && first != smallest {
        rest.push_str("  smallest");
    }
    (sizes.size_bytes.to_string(), rest)
}

fn claim_words(claim: &str) -> String {
    format!("published {}", crate::text::shorten(claim, 24))
}

/// Base line of what is below the bar, and below the published figure where there is one.
fn below(variant: &Variant, top: i32) -> i32 {
    if variant.reference.is_some() { top + 50 } else { top + 32 }
}

/// Height of every row: alike, so that the eye finds its way.
fn height(variants: &[Variant], rows: Rows) -> i32 {
    let below = if rows.above > 0 { rows.above + 17 } else { 0 };
    below
        + if variants.iter().any(|variant| variant.reference.is_some()) {
            48
        } else if variants.iter().any(Variant::is_stand_in) {
            40
        } else {
            27
        }
}

fn middle(low: Bytes, high: Bytes) -> f64 {
    f64::midpoint(low.0 as f64, high.0 as f64)
}

/// How far to the right a variant reaches.
fn reach(variant: &Variant) -> Bytes {
    let claim = variant.reference.as_ref().map_or(0.0, |claim| middle(claim.low_bytes, claim.high_bytes));
    variant.size().unwrap_or_default().max(Bytes(claim as u64))
}

fn caption(title: &str, variants: &[Variant]) -> Caption {
    let sentences = variants.iter().map(|variant| {
        let size = match &variant.sizes {
            Some(sizes) => sizes.size_bytes.to_string(),
            None => words::missing(variant).unwrap_or_default(),
        };
        let stand_in = if variant.is_stand_in() { " on a substitute base image" } else { "" };
        let claim = variant.reference.as_ref().map_or_else(String::new, |claim| format!(", published {}", claim.claim));
        format!("{}: {size}{stand_in}{claim}.", variant.name)
    });
    Caption::new(format!("Image sizes: {title}"), sentences)
}
