//! What every node pulls after an edit, and after the base images moved.

use super::Drawing;
use super::appearance::Sheet;
use super::bars::{self, Bar, PanelUnit};
use super::findings;
use super::frame::{self, MOST, Rows};
use super::paint::Caption;
use super::scene::Scene;
use crate::record::{Record, Scenario, Update, Updates, Variant};
use crate::report::words;
use crate::units::Bytes;

pub(super) const NAME: &str = "to-pull";

/// The chart; `None` where no edit was weighed.
pub(super) fn draw(record: &Record, sheet: Sheet<'_>) -> Option<Drawing> {
    let variants: Vec<&Variant> = record.variants.iter().take(MOST).collect();
    let weighed = |edit: Scenario| variants.iter().any(|variant| variant.update.of(edit).is_some());
    let edits: Vec<Scenario> = Updates::EDITS.into_iter().filter(|edit| weighed(*edit)).collect();
    let first = *edits.first()?;
    let of_first: Vec<(&str, Bytes)> = variants
        .iter()
        .filter_map(|variant| Some((variant.name.as_str(), variant.update.of(first)?.most_bytes())))
        .collect();
    let mut scene = Scene::new(sheet).of_many(record.variants.len());
    let metric = "to pull: unpacked bytes in layers that a node with the image before does not have.";
    let mut y = frame::heading(&mut scene, &findings::updates(first, &of_first), words::title(record), metric);
    let stand_ins = variants.iter().map(|variant| variant.is_stand_in());
    let keys = frame::bar_keys(stand_ins, "to pull", "to pull, on a substitute base image");
    y = frame::legend(&mut scene, y, &keys) + 4;
    let rows = Rows::of(&scene, variants.iter().map(|variant| variant.name.as_str()));
    let mut sentences = Vec::new();
    for edit in edits {
        let bars: Vec<Bar<'_>> = variants.iter().map(|variant| bar(variant, edit)).collect();
        y = bars::panel(&mut scene, (edit.word(), words::scenario(edit)), &bars, (rows, y), PanelUnit::Size);
        sentences.extend(bars.iter().map(|bar| format!("{}, {edit}: {}.", bar.name, bar.text)));
    }
    let title = format!("What nodes pull after an edit of {}", words::title(record));
    let caption = Caption::new(title, sentences.into_iter());
    Some(frame::finish(scene, record, NAME, y, &[], caption))
}

fn bar(variant: &Variant, edit: Scenario) -> Bar<'_> {
    let update = variant.update.of(edit);
    let bytes = update.map(Update::most_bytes);
    let compressed =
        update.and_then(|update| words::compressed(update.most_compressed_bytes(), update.compressed_kind));
    let text = bytes.map_or_else(|| "not weighed".to_owned(), |bytes| bytes.to_string());
    let rest = compressed.map_or_else(String::new, |compressed| format!("{compressed} compressed"));
    Bar { rest, ..Bar::of(variant, bytes.map(|bytes| bytes.0 as f64), text) }
}
