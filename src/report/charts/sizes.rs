//! Sizes of the variants, with the claims of the suite beside them.

use super::Drawing;
use super::font::{Fonts, Weight};
use super::frame::{self, Key, MOST, PAD};
use super::paint::Caption;
use super::palette;
use super::scene::{Scene, Type, WIDTH, down};
use crate::record::{Record, ServeState, Variant};
use crate::report::words;
use crate::units::Bytes;

const NAME: &str = "sizes";
const CLAIM_INSIDE: palette::Colour = (0xff, 0xf4, 0xdc);

/// The chart.
pub(super) fn draw(record: &Record, fonts: &Fonts) -> Drawing {
    let mut scene = Scene::new(fonts).of_many(record.variants.len());
    let variants = &record.variants[..record.variants.len().min(MOST)];
    let title = words::title(record);
    let mut y = frame::heading(
        &mut scene,
        &format!("Image size: {title}"),
        "Unpacked: regular files and symlink targets, summed over the layers. 1 MB = 1,000,000 bytes. Smaller is better.",
    );
    let claimed = variants.iter().any(|variant| variant.reference.is_some());
    let measured = variants.iter().any(|variant| variant.sizes.is_some() && !variant.is_stand_in());
    let stand_in = variants.iter().any(|variant| variant.sizes.is_some() && variant.is_stand_in());
    let source = &record.suite.source;
    // In a picture a title in another script would be a row of boxes; the tables have it.
    let claim = match source.as_str() {
        "" => "published figure".to_owned(),
        source if fonts.covers(source, Weight::Regular) => format!("published: {source}"),
        _ => "published figure".to_owned(),
    };
    let mut keys = Vec::new();
    if measured {
        keys.push((Key::Fill(palette::BLUE), "measured"));
    }
    if stand_in {
        keys.push((Key::Hatched(palette::BLUE), "measured on a substitute base image"));
    }
    if claimed {
        keys.push((Key::Outline(palette::ORANGE, CLAIM_INSIDE), claim.as_str()));
    }
    y = frame::legend(&mut scene, y, &keys) + 8;

    let first = record.variants.iter().find_map(|variant| variant.sizes.as_ref()).map(|sizes| sizes.size_bytes);
    let smallest = record.variants.iter().filter_map(serving_size).min();
    let left = PAD + frame::name_room(&scene, variants.iter().map(|variant| variant.name.as_str())).max(90) + 12;
    let words_of: Vec<(String, String)> =
        variants.iter().map(|variant| value_words(variant, first, smallest)).collect();
    let labels =
        variants.iter().zip(&words_of).filter(|(variant, _)| variant.sizes.is_some()).map(|(variant, words)| {
            let width = scene.width_of(&words.0, Type::new(13).bold()) + scene.width_of(&words.1, Type::new(12)) + 17;
            (size_of(variant).0 as f64, width)
        });
    let claims = variants.iter().filter_map(|variant| variant.reference.as_ref()).map(|claim| {
        let width = scene.width_of(&claim_words(&claim.claim), Type::new(12)) + 10;
        (middle(claim.low_bytes, claim.high_bytes), width)
    });
    let scale = frame::scale(left, labels.chain(claims));
    let place = |bytes: f64| left + (bytes * scale).round() as i32;
    let most = variants.iter().map(reach).max().unwrap_or_default();

    let step = height(variants);
    let bottom = y + 6 + down(variants.len(), step);
    frame::axis(&mut scene, (y, bottom), &frame::ticks(most.0 as f64, 5), place, |value| {
        Bytes(value as u64).to_string()
    });
    for (index, (variant, (value, rest))) in variants.iter().zip(&words_of).enumerate() {
        row(&mut scene, variant, (left, y + 6 + down(index, step)), (value, rest), &place);
    }
    let mut notes = Vec::new();
    if record.variants.len() > variants.len() {
        notes.push(format!(
            "The first {} of {}; all are in sizes.csv.",
            variants.len(),
            words::count(record.variants.len(), "variant")
        ));
    }
    frame::finish(scene, record, NAME, bottom + 22, &notes, caption(record, variants))
}

fn row(
    scene: &mut Scene<'_>,
    variant: &Variant,
    (left, top): (i32, i32),
    (value, rest): (&str, &str),
    place: &impl Fn(f64) -> i32,
) {
    let name = Type::new(13).end();
    scene.text_within(&variant.name, (left - 10, top + 14), name, left - 10 - PAD);
    if variant.is_stand_in() {
        scene.text("substitute base image", (left - 10, top + 29), Type::new(11).colour(palette::ORANGE_INK).end());
    }
    if let Some(sizes) = &variant.sizes {
        // One pixel is the least that can be seen; nothing is drawn for nothing.
        let end = place(sizes.size_bytes.0 as f64).max(left + i32::from(sizes.size_bytes > Bytes::ZERO));
        let bar = (left, top + 2, end - left, 16);
        scene.fill(bar, palette::BLUE);
        if variant.is_stand_in() {
            scene.hatch(bar);
        }
        let width = scene.label(value, (end + 7, top + 15), Type::new(13).bold(), WIDTH - PAD - end - 7);
        scene.label(rest, (end + 14 + width, top + 15), Type::new(12).quiet(), WIDTH - PAD - end - 14 - width);
    } else {
        let style = Type::new(12).colour(palette::VERMILION);
        scene.label(&format!("× {value}"), (left + 7, top + 15), style, WIDTH - PAD - left - 7);
    }
    if let Some(reference) = &variant.reference {
        let end = place(middle(reference.low_bytes, reference.high_bytes)).max(left + 4);
        scene.outlined((left, top + 22, end - left, 11), palette::ORANGE, CLAIM_INSIDE);
        let style = Type::new(12).colour(palette::ORANGE_INK);
        scene.label(&claim_words(&reference.claim), (end + 7, top + 32), style, WIDTH - PAD - end - 7);
    }
}

/// The smallest counts only among the variants that serve, or were not asked to.
fn serving_size(variant: &Variant) -> Option<Bytes> {
    let serves = variant.serve.as_ref().is_none_or(|serve| serve.state != ServeState::Failed);
    variant.sizes.as_ref().filter(|_| serves).map(|sizes| sizes.size_bytes)
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

/// Height of every row: alike, so that the eye finds its way.
fn height(variants: &[Variant]) -> i32 {
    if variants.iter().any(|variant| variant.reference.is_some()) {
        48
    } else if variants.iter().any(Variant::is_stand_in) {
        40
    } else {
        27
    }
}

fn size_of(variant: &Variant) -> Bytes {
    variant.sizes.as_ref().map_or(Bytes::ZERO, |sizes| sizes.size_bytes)
}

fn middle(low: Bytes, high: Bytes) -> f64 {
    f64::midpoint(low.0 as f64, high.0 as f64)
}

/// How far to the right a variant reaches.
fn reach(variant: &Variant) -> Bytes {
    let claim = variant.reference.as_ref().map_or(0.0, |claim| middle(claim.low_bytes, claim.high_bytes));
    size_of(variant).max(Bytes(claim as u64))
}

fn caption(record: &Record, variants: &[Variant]) -> Caption {
    let sentences = variants.iter().map(|variant| {
        let size = match &variant.sizes {
            Some(sizes) => sizes.size_bytes.to_string(),
            None => words::missing(variant).unwrap_or_default(),
        };
        let stand_in = if variant.is_stand_in() { " on a substitute base image" } else { "" };
        let claim = variant.reference.as_ref().map_or_else(String::new, |claim| format!(", published {}", claim.claim));
        format!("{}: {size}{stand_in}{claim}.", variant.name)
    });
    Caption {
        title: format!("Image size of the variants of {}", words::title(record)),
        description: sentences.collect::<Vec<_>>().join(" "),
    }
}
