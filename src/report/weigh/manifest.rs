//! What manifests say of images in registries whose layers were not read.

use super::WeighShown;
use super::tables::{BAR, bar, exactly, table_title};
use crate::line::{Line, code, plain};
use crate::record::{ManifestFacts, Variant};
use crate::report::doc::Doc;
use crate::report::table::{Cell, Table};
use crate::report::words;
use crate::text::for_people;
use crate::units::Bytes;

/// All that is shown: one image with its layers, several one per row.
pub(super) fn document(targets: &[Variant], shown: WeighShown<'_>) -> Doc {
    let mut doc = Doc::default();
    let read: Vec<(&Variant, &ManifestFacts)> =
        targets.iter().filter_map(|image| Some((image, image.manifest.as_ref()?))).collect();
    if let [(image, manifest)] = read.as_slice() {
        doc.sentence(answer(image, manifest)).sentence(starts(manifest));
        if let Some(also) = also_stored(image) {
            doc.sentence(also);
        }
        doc.gap();
    } else {
        doc.section(images(&read, shown));
    }
    for (image, manifest) in &read {
        doc.section(layers(manifest, &table_title("Layers", image, read.len()), shown));
    }
    doc
}

/// `app: 45.2 MB compressed, 7 layers, linux/amd64, runs as root.`
fn answer(image: &Variant, manifest: &ManifestFacts) -> Line {
    let layers = words::count(manifest.layers.len(), "layer");
    let (compressed, platform) = (manifest.compressed_bytes, for_people(&image.platform));
    let user = for_people(words::user(&image.user));
    code(&image.name).and(format!(": {compressed} compressed, {layers}, {platform}, runs as {user}."))
}

fn starts(manifest: &ManifestFacts) -> Line {
    let command: Vec<&String> = manifest.entrypoint.iter().chain(&manifest.cmd).collect();
    if command.is_empty() {
        return "It names no command to start.".into();
    }
    plain("It starts ").and(code(&crate::json::line(&command))).and(".")
}

/// `Also stored, not part of the size: 12.3 kB of attestations, signatures, and other referrers.`
pub(super) fn also_stored(image: &Variant) -> Option<Line> {
    let bytes = image.also_stored_bytes.filter(|bytes| *bytes > Bytes::ZERO)?;
    Some(format!("Also stored, not part of the size: {bytes} of attestations, signatures, and other referrers.").into())
}

fn images(read: &[(&Variant, &ManifestFacts)], shown: WeighShown<'_>) -> Table {
    let heads =
        "Image | #Compressed | #Exactly | #Layers | #Largest layer | ?Platform | ?User | ?Starts | ?#Also stored";
    let mut table = Table::new("Images", heads);
    for (image, manifest) in read {
        let command: Vec<&String> = manifest.entrypoint.iter().chain(&manifest.cmd).collect();
        let largest = manifest.layers.iter().map(|layer| layer.compressed_bytes).max().unwrap_or_default();
        let also = image.also_stored_bytes.filter(|bytes| *bytes > Bytes::ZERO);
        table.push(vec![
            Cell::new(&image.name),
            Cell::bytes(manifest.compressed_bytes),
            exactly(shown, manifest.compressed_bytes),
            Cell::count(manifest.layers.len()),
            Cell::bytes(largest),
            Cell::new(&image.platform),
            Cell::new(words::user(&image.user)),
            Cell::code(if command.is_empty() { String::new() } else { crate::json::line(&command) }),
            also.map_or_else(Cell::default, Cell::bytes),
        ]);
    }
    table.note("Compressed sizes are those of the layers as the registry stores them. MB = 10^6 bytes.");
    table.without_empty_columns()
}

/// The layers, lowest first, each with its bar.
fn layers(manifest: &ManifestFacts, title: &str, shown: WeighShown<'_>) -> Table {
    let mut table = Table::new(title, "#Layer | #Compressed | #Exactly | #Share | Bar | Instruction");
    let largest = manifest.layers.iter().map(|layer| layer.compressed_bytes.0).max().unwrap_or(0);
    for (index, layer) in manifest.layers.iter().enumerate() {
        table.push(vec![
            Cell::number((index + 1).to_string(), index as f64),
            Cell::bytes(layer.compressed_bytes),
            exactly(shown, layer.compressed_bytes),
            Cell::share(layer.compressed_bytes.0, manifest.compressed_bytes.0),
            Cell::new(bar(layer.compressed_bytes.0, largest, BAR)),
            Cell::code(&layer.instruction),
        ]);
    }
    table.without_empty_columns()
}
