//! What each image is made of: base, packages, the application, and what can be had back.

use super::Drawing;
use super::font::Fonts;
use super::frame::{self, Key, MOST, PAD};
use super::paint::Caption;
use super::palette::{self, Colour};
use super::scene::{Scene, Type, WIDTH, down};
use crate::record::{LayerOrigin, Record, Variant};
use crate::report::words;
use crate::units::Bytes;

const NAME: &str = "layers";
const PARTS: [(&str, Colour); 5] = [
    ("base", palette::SKY),
    ("site files", palette::GREY),
    ("own packages", palette::GREEN),
    ("application and other", palette::PURPLE),
    ("reclaimable", palette::RUST),
];

/// The bytes of an image by what they are, in the order of `PARTS`; they add up to the layers' sizes.
///
/// Bytes that a later layer hides or deletes are waste wherever they are. What is left of a layer of one's own is
/// packages first, as far as package managers know them.
fn parts(variant: &Variant) -> [Bytes; 5] {
    let mut parts = [Bytes::ZERO; 5];
    for layer in &variant.layers {
        let waste = layer.waste_bytes.min(layer.size_bytes);
        let alive = layer.size_bytes.saturating_sub(waste);
        parts[4] += waste;
        match layer.origin {
            LayerOrigin::Base => parts[0] += alive,
            LayerOrigin::Site => parts[1] += alive,
            LayerOrigin::Own => {
                let packages = layer.package_bytes.min(alive);
                parts[2] += packages;
                parts[3] += alive.saturating_sub(packages);
            }
        }
    }
    parts
}

/// The chart; `None` where no layer is known.
pub(super) fn draw(record: &Record, fonts: &Fonts) -> Option<Drawing> {
    let variants = &record.variants[..record.variants.len().min(MOST)];
    if variants.iter().all(|variant| variant.layers.is_empty()) {
        return None;
    }
    let mut scene = Scene::new(fonts);
    let mut y = frame::heading(
        &mut scene,
        &format!("What the images are made of: {}", words::title(record)),
        "Bytes of the layers. Reclaimable: hidden or deleted by a later layer. Own packages: those that dpkg, apk, and \
         Python know in layers above the base.",
    );
    let all: Vec<[Bytes; 5]> = variants.iter().map(parts).collect();
    let keys: Vec<(Key, &str)> = PARTS
        .iter()
        .enumerate()
        .filter(|(index, _)| all.iter().any(|parts| parts[*index] > Bytes::ZERO))
        .map(|(_, (word, colour))| (Key::Fill(*colour), *word))
        .collect();
    y = frame::legend(&mut scene, y, &keys) + 8;
    let left = PAD + frame::name_room(&scene, variants.iter().map(|variant| variant.name.as_str())).max(90) + 12;
    let total = |parts: &[Bytes; 5]| parts.iter().copied().sum::<Bytes>();
    let value = Type::new(13).bold();
    let bars = all.iter().map(|parts| (total(parts).0 as f64, scene.width_of(&total(parts).to_string(), value) + 12));
    let scale = frame::scale(left, bars.clone());
    let place = |bytes: f64| left + (bytes * scale).round() as i32;
    let most = all.iter().map(|parts| total(parts).0).max().unwrap_or(0);
    let step = 46;
    let bottom = y + 6 + down(variants.len(), step);
    frame::axis(&mut scene, (y, bottom), &frame::ticks(most as f64, 5), place, |value| Bytes(value as u64).to_string());
    for (index, (variant, parts)) in variants.iter().zip(&all).enumerate() {
        row(&mut scene, variant, parts, (left, y + 6 + down(index, step)), &place);
    }
    let sentences = variants.iter().zip(&all).map(|(variant, parts)| {
        let missing = words::missing_short(variant).map(str::to_owned);
        format!("{}: {}.", variant.name, missing.unwrap_or_else(|| in_words(parts)))
    });
    let caption = Caption {
        title: format!("What the images of {} are made of", words::title(record)),
        description: sentences.collect::<Vec<_>>().join(" "),
    };
    Some(frame::finish(scene, record, NAME, bottom + 22, &[], caption))
}

fn row(
    scene: &mut Scene<'_>,
    variant: &Variant,
    parts: &[Bytes; 5],
    (left, top): (i32, i32),
    place: &impl Fn(f64) -> i32,
) {
    scene.text_within(&variant.name, (left - 10, top + 14), Type::new(13).end(), left - 10 - PAD);
    if variant.is_stand_in() {
        scene.text("substitute base image", (left - 10, top + 29), Type::new(11).colour(palette::ORANGE_INK).end());
    }
    if variant.layers.is_empty() {
        let why = words::missing(variant).unwrap_or_else(|| "no layers known".to_owned());
        let style = Type::new(12).colour(palette::VERMILION);
        scene.label(&format!("× {why}"), (left + 7, top + 15), style, WIDTH - PAD - left - 7);
        return;
    }
    let (mut before, mut sum) = (left, Bytes::ZERO);
    for (bytes, (_, colour)) in parts.iter().zip(PARTS) {
        sum += *bytes;
        // At least one pixel for what is there; the ends stay where the sums are.
        let end = place(sum.0 as f64).max(before + i32::from(*bytes > Bytes::ZERO));
        scene.fill((before, top + 2, end - before, 16), colour);
        if before > left && end - before > 2 {
            scene.fill((before, top + 2, 1, 16), palette::CARD);
        }
        before = end;
    }
    scene.label(&sum.to_string(), (before + 7, top + 15), Type::new(13).bold(), WIDTH - PAD - before - 7);
    scene.label(&in_words(parts), (left + 5, top + 33), Type::new(12).quiet(), WIDTH - PAD - left - 5);
}

/// `base 905 MB · own packages 9.9 MB · waste 14.0 MB`.
fn in_words(parts: &[Bytes; 5]) -> String {
    let said = parts.iter().zip(PARTS).filter(|(bytes, _)| **bytes > Bytes::ZERO);
    said.map(|(bytes, (word, _))| format!("{word} {bytes}")).collect::<Vec<_>>().join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn the_parts_add_up_to_the_layers() {
        for variant in fixture::variants() {
            let sum: Bytes = parts(&variant).into_iter().sum();
            assert_eq!(sum, variant.layers.iter().map(|layer| layer.size_bytes).sum(), "{}", variant.name);
        }
    }
}
