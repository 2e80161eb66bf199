//! What each image is made of: base, packages, the application, and what can be had back.

use super::Drawing;
use super::appearance::Sheet;
use super::bars::PanelUnit;
use super::findings;
use super::frame::{self, LegendKey, MOST, Rows};
use super::paint::Caption;
use super::palette::{self, Colour};
use super::scene::Scene;
use super::stack::{self, Stack};
use crate::record::{LayerOrigin, Record, Variant};
use crate::report::words;
use crate::units::Bytes;

pub(super) const NAME: &str = "layers";
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
fn parts(variant: &Variant, counts: impl Fn(LayerOrigin) -> bool) -> [Bytes; 5] {
    let mut parts = [Bytes::ZERO; 5];
    for layer in variant.layers.iter().filter(|layer| counts(layer.origin)) {
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
pub(super) fn draw(record: &Record, sheet: Sheet<'_>) -> Option<Drawing> {
    let variants = &record.variants[..record.variants.len().min(MOST)];
    if variants.iter().all(|variant| variant.layers.is_empty()) {
        return None;
    }
    let mut scene = Scene::new(sheet);
    let all: Vec<[Bytes; 5]> = variants.iter().map(|variant| parts(variant, |_| true)).collect();
    let own: Vec<[Bytes; 5]> =
        variants.iter().map(|variant| parts(variant, |origin| origin != LayerOrigin::Base)).collect();
    let weighed = variants.iter().zip(&all).filter(|(variant, _)| !variant.layers.is_empty());
    let shares: Vec<(&str, Bytes, Bytes)> =
        weighed.map(|(variant, parts)| (variant.name.as_str(), base_bytes(variant), total(parts))).collect();
    let metric = "bytes of the layers. Reclaimable: hidden or deleted by a later layer. Own packages: those of package \
                  managers in layers above the base.";
    let title = findings::layers(&shares, variants.iter().any(Variant::is_stand_in));
    let mut y = frame::heading(&mut scene, &title, words::title(record), metric);
    let keys: Vec<(LegendKey, &str)> = PARTS
        .iter()
        .enumerate()
        .filter(|(index, _)| all.iter().any(|parts| parts[*index] > Bytes::ZERO))
        .map(|(_, (word, colour))| (LegendKey::Fill(*colour), *word))
        .collect();
    y = frame::legend(&mut scene, y, &keys);
    let rows = Rows::of(&scene, variants.iter().map(|variant| variant.name.as_str()));
    let heading = ("whole image", "all layers");
    y = stack::panel(&mut scene, heading, &stacks(variants, &all), (rows, y), PanelUnit::Size);
    if shares.iter().any(|(_, base, _)| *base > Bytes::ZERO) {
        let heading = ("own part", "layers above the base image, at a scale of their own");
        y = stack::panel(&mut scene, heading, &stacks(variants, &own), (rows, y), PanelUnit::Size);
    }
    let sentences = variants.iter().zip(&all).map(|(variant, parts)| {
        let missing = words::missing_short(variant).map(str::to_owned);
        format!("{}: {}.", variant.name, missing.unwrap_or_else(|| in_words(parts)))
    });
    let caption = Caption::new(format!("What the images of {} are made of", words::title(record)), sentences);
    Some(frame::finish(scene, record, NAME, y, &[], caption))
}

fn base_bytes(variant: &Variant) -> Bytes {
    let base = variant.layers.iter().filter(|layer| layer.origin == LayerOrigin::Base);
    base.map(|layer| layer.size_bytes).sum()
}

fn total(parts: &[Bytes; 5]) -> Bytes {
    parts.iter().copied().sum()
}

fn stacks<'r>(variants: &'r [Variant], parts: &[[Bytes; 5]]) -> Vec<Stack<'r>> {
    let each = variants.iter().zip(parts).map(|(variant, parts)| {
        let known = !variant.layers.is_empty();
        Stack {
            name: &variant.name,
            stand_in: variant.is_stand_in(),
            parts: if known {
                PARTS.iter().zip(parts).map(|((_, colour), bytes)| (*colour, bytes.0)).collect()
            } else {
                Vec::new()
            },
            whole: if known {
                total(parts).to_string()
            } else {
                words::missing(variant).unwrap_or_else(|| "no layers known".to_owned())
            },
            words: in_words(parts),
        }
    });
    each.collect()
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
            let sum: Bytes = parts(&variant, |_| true).into_iter().sum();
            assert_eq!(sum, variant.layers.iter().map(|layer| layer.size_bytes).sum(), "{}", variant.name);
        }
    }
}
