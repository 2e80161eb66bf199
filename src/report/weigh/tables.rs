//! The tables of a weighing.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::screen::path_sum;
use super::{WeighSection, WeighShown, manifest, tree};
use crate::analyse::sharing_of;
use crate::line::{Line, code};
use crate::record::{LayerOrigin, Variant, WireKind};
use crate::report::doc::Doc;
use crate::report::table::{Cell, Table, Tone};
use crate::report::tables::{definitions, matrix, sharing, unless_zero, wire};
use crate::report::words;
use crate::text::{for_people, shorten};
use crate::units::{Bytes, Ratio};

/// Longest bar, in characters.
pub(super) const BAR: u64 = 20;
/// Rows of the tree.
const DIRECTORIES: usize = 30;
/// Longest instruction in a cell that holds two.
const INSTRUCTION: usize = 60;
/// Paths named of a group of equal files, and how long each may be.
const COPIES: usize = 3;
const COPY: usize = 58;

/// Everything that is shown, in its order: the answer, what could be better, and the details.
pub(super) fn document(targets: &[Variant], shown: WeighShown<'_>) -> Doc {
    if targets.iter().any(|image| image.manifest.is_some()) {
        return manifest::document(targets, shown);
    }
    let mut doc = Doc::default();
    let wants = |section| shown.sections.contains(&section);
    if let [image] = targets {
        head(image, &mut doc);
    } else {
        doc.section(sizes(targets, shown));
        let shared = sharing_of(targets);
        doc.section(sharing(&shared, "Image"));
        doc.section(matrix(&shared, "Image"));
    }
    for (index, image) in targets.iter().enumerate() {
        let title = |what: &str| table_title(what, image, targets.len());
        if wants(WeighSection::Findings) {
            doc.section(findings(image, &title("Findings")));
        }
        if wants(WeighSection::Files) {
            let rows = DIRECTORIES.min(shown.top.saturating_mul(3));
            let tree = tree::directories(image, rows, usize::MAX);
            doc.section(Table { title: title(&tree.title), ..tree });
            for sum in shown.sums.get(index).into_iter().flatten() {
                doc.sentence(path_sum(sum));
            }
        }
        if wants(WeighSection::Layers) {
            doc.section(layers(image, &title("Layers")));
        }
        if wants(WeighSection::Packages) {
            doc.section(packages(image, &title("Packages"), shown));
        }
        if wants(WeighSection::Files) {
            doc.section(reclaimable(image, &title("Reclaimable"), shown.top));
            doc.section(files(image, &title("Largest files"), shown.top));
            doc.section(duplicates(image, &title("Duplicates"), shown.top));
        }
    }
    if let [image] = targets {
        doc.section(figures(image, shown));
    }
    doc
}

/// What is said first of an image: the answer, what it is, and what is stored besides.
pub(super) fn head(image: &Variant, doc: &mut Doc) {
    doc.sentence(answer(image)).sentence(facts(image));
    if let Some(also) = manifest::also_stored(image) {
        doc.sentence(also);
    }
    doc.gap();
}

/// The title of a table of one of so many images.
pub(super) fn table_title(what: &str, image: &Variant, images: usize) -> String {
    match images {
        1 => what.to_owned(),
        _ => format!("{what} of {}", shorten(&for_people(&image.name), 100)),
    }
}

/// `app: 1.33 GB; 186 MB reclaimable (rewritten 99.0 MB, stored twice 87.0 MB); 424 MB worth checking (build tools 255 MB,
/// apt cache 169 MB).` No byte is in two of the parts.
pub(super) fn answer(image: &Variant) -> Line {
    let name = code(&image.name);
    let Some(sizes) = &image.sizes else { return name };
    let mut text = format!(": {}", sizes.size_bytes);
    let found = parts(image, reclaims);
    // What the base hides itself, and bookkeeping, have no finding.
    let named: Bytes = found.iter().map(|(_, size)| *size).sum();
    let split = if named <= sizes.reclaimable_bytes { listed(&found) } else { String::new() };
    let _ = write!(text, "; {} reclaimable{split}", sizes.reclaimable_bytes);
    let found = parts(image, worth_checking);
    let total: Bytes = found.iter().map(|(_, size)| *size).sum();
    if total > Bytes::ZERO {
        let _ = write!(text, "; {total} worth checking{}", listed(&found));
    }
    name.and(text).and(".")
}

/// The bytes that the answer is about.
pub(super) fn answered_bytes(image: &Variant) -> Bytes {
    let reclaimable = image.sizes.as_ref().map_or(Bytes::ZERO, |sizes| sizes.reclaimable_bytes);
    reclaimable + parts(image, worth_checking).into_iter().map(|(_, size)| size).sum::<Bytes>()
}

/// ` (build tools 255 MB, apt cache 169 MB)`; nothing for no parts.
fn listed(parts: &[(String, Bytes)]) -> String {
    let said: Vec<String> = parts.iter().map(|(word, size)| format!("{word} {size}")).collect();
    if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) }
}

/// What findings are about in two words, with their bytes, the largest first.
fn parts(image: &Variant, word: fn(&str) -> Option<String>) -> Vec<(String, Bytes)> {
    let costly = image.findings.iter().filter(|finding| finding.size_bytes > Bytes::ZERO);
    largest_sums(costly.filter_map(|finding| Some((word(&finding.code)?, finding.size_bytes))))
}

/// The bytes of each key, the largest first.
pub(super) fn largest_sums<K: Ord>(parts: impl Iterator<Item = (K, Bytes)>) -> Vec<(K, Bytes)> {
    let mut sums: BTreeMap<K, Bytes> = BTreeMap::new();
    for (key, size) in parts {
        let sum = sums.entry(key).or_default();
        *sum += size;
    }
    let mut sums: Vec<(K, Bytes)> = sums.into_iter().collect();
    // Equal ones stay in the order of their keys.
    sums.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    sums
}

/// Findings about bytes that a later layer hides; each is about other bytes.
fn reclaims(code: &str) -> Option<String> {
    match code {
        "stored-twice" => Some("stored twice".to_owned()),
        "rewritten" => Some("rewritten or deleted files".to_owned()),
        "owner-changed" => Some("chown or chmod".to_owned()),
        "copied-and-removed" => Some("copied and removed".to_owned()),
        _ => None,
    }
}

/// Findings about visible bytes of which no two are about the same byte: a leftover is of one kind, and the files of a
/// package are none. Others may be about the same files again (documentation and locales may belong to build tools), and
/// are in the list of findings only.
fn worth_checking(code: &str) -> Option<String> {
    match code {
        "build-tools" | "development-dependencies" => Some(code.replace('-', " ")),
        "credentials-left" | "docs-left" | "locales-left" => None,
        code => code.strip_suffix("-left").map(|what| what.replace('-', " ")),
    }
}

/// `≈ 424 MB compressed, 12 layers, linux/amd64, runs as root.`
fn facts(image: &Variant) -> Line {
    let compressed = image.sizes.as_ref().and_then(|sizes| words::compressed(sizes.wire_bytes, sizes.wire_kind));
    let compressed = compressed.map_or_else(String::new, |compressed| format!("{compressed} compressed, "));
    let layers = words::count(image.layers.len(), "layer");
    format!("{compressed}{layers}, {}, runs as {}.", for_people(&image.platform), words::user(&image.user)).into()
}

/// All sizes of a single image, one per row.
fn figures(image: &Variant, shown: WeighShown<'_>) -> Table {
    let mut table = Table::new("Sizes", "Figure | #Size | #Exactly | #Share | ?What it is");
    let Some(sizes) = &image.sizes else { return table };
    let mut row = |name: &str, value: Bytes, meaning: &str| {
        let part = Cell::share(value.0, sizes.size_bytes.0);
        table.push(vec![Cell::new(name), Cell::bytes(value), exactly(shown, value), part, Cell::new(meaning)]);
    };
    row("size", sizes.size_bytes, "unpacked, all layers: files and symlink targets, the same on every engine");
    row("root file system", sizes.rootfs_bytes, "what a container sees of it");
    row("reclaimable", sizes.reclaimable_bytes, "stored, but hidden by a later layer");
    if !shown.skipped.duplicates {
        row("duplicates", sizes.duplicate_bytes, "duplicate files, beyond the first of each");
    }
    match sizes.wire_kind {
        WireKind::Exact => row("compressed", sizes.wire_bytes, "the compressed layers, as they are stored"),
        WireKind::Estimated => {
            row("compressed ≈", sizes.wire_bytes, "estimated at a fixed gzip level; a real push is within 2–4 %");
        }
        WireKind::Unknown => {}
    }
    if sizes.base_bytes != Bytes::ZERO {
        row("base", sizes.base_bytes, "in layers of the base image");
        row("own", sizes.own_bytes, "in layers above it");
    }
    if let Some(engine) = sizes.engine_size_bytes {
        row("reported by the engine", engine, "by a definition of its own");
    }
    table.note("MB = 10^6 bytes.");
    table.without_empty_columns()
}

/// The sizes of several images, one image per row.
pub(super) fn sizes(targets: &[Variant], shown: WeighShown<'_>) -> Table {
    let heads = "Image | #Size | #Exactly | #Root file system | #Reclaimable | ?#Duplicates | ?#Compressed | ?#Base | \
                 ?#Own | ?#Reported by engine | ?#Layers | ?Platform | ?User";
    let mut table = Table::new("Sizes", heads);
    let based = targets.iter().filter_map(|image| image.sizes.as_ref()).any(|sizes| sizes.base_bytes != Bytes::ZERO);
    let mut estimated = false;
    for image in targets {
        let Some(sizes) = &image.sizes else { continue };
        estimated |= sizes.wire_kind == WireKind::Estimated;
        let part = |value: Bytes| if based { Cell::bytes(value) } else { Cell::default() };
        table.push(vec![
            Cell::new(&image.name),
            Cell::bytes(sizes.size_bytes),
            exactly(shown, sizes.size_bytes),
            Cell::bytes(sizes.rootfs_bytes),
            Cell::bytes(sizes.reclaimable_bytes),
            if shown.skipped.duplicates { Cell::default() } else { Cell::bytes(sizes.duplicate_bytes) },
            wire(sizes),
            part(sizes.base_bytes),
            part(sizes.own_bytes),
            sizes.engine_size_bytes.map_or_else(Cell::default, Cell::bytes),
            Cell::count(image.layers.len()),
            Cell::new(&image.platform),
            Cell::new(words::user(&image.user)),
        ]);
    }
    definitions(&mut table, estimated);
    table.without_empty_columns()
}

/// The layers, lowest first, each with its bar.
fn layers(image: &Variant, title: &str) -> Table {
    let mut table = Table::new(title, "#Layer | #Size | #Share | Bar | ?Origin | ?#Reclaimable | Instruction");
    let whole = size(image);
    let largest = image.layers.iter().map(|layer| layer.size_bytes.0).max().unwrap_or(0);
    let based = image.layers.iter().any(|layer| layer.origin != LayerOrigin::Own);
    for (index, layer) in image.layers.iter().enumerate() {
        table.push(vec![
            Cell::number((index + 1).to_string(), index as f64),
            Cell::bytes(layer.size_bytes),
            Cell::share(layer.size_bytes.0, whole.0),
            Cell::new(bar(layer.size_bytes.0, largest, BAR)),
            Cell::new(if based { words::origin(layer.origin) } else { "" }),
            unless_zero(layer.waste_bytes),
            Cell::code(&layer.instruction),
        ]);
    }
    table.without_empty_columns()
}

/// The largest packages, the others in one row, what no package owns, and the sum: `size`, to the byte.
fn packages(image: &Variant, title: &str, shown: WeighShown<'_>) -> Table {
    let mut table = Table::new(title, "#Size | #Exactly | #Share | Package | ?Version | ?Manager");
    let whole = size(image);
    let mut row = |size: Bytes, rest: Vec<Cell>| {
        let mut cells = vec![Cell::bytes(size), exactly(shown, size), Cell::share(size.0, whole.0)];
        cells.extend(rest);
        table.push(cells);
    };
    let (largest, others) = image.packages.split_at(shown.top.min(image.packages.len()));
    for package in largest {
        let manager = Cell::new(package.manager.to_string());
        row(package.size_bytes, vec![Cell::new(&package.name), Cell::new(&package.version), manager]);
    }
    if !others.is_empty() {
        let size = others.iter().map(|package| package.size_bytes).sum();
        row(size, vec![Cell::new(format!("[{}]", words::count(others.len(), "other")))]);
    }
    for rest in &image.remainder {
        row(rest.size_bytes, vec![Cell::new(format!("no package: {}", rest.label))]);
    }
    let packages = image.packages.iter().map(|package| package.size_bytes);
    let total = packages.chain(image.remainder.iter().map(|rest| rest.size_bytes)).sum();
    row(total, vec![Cell::new("TOTAL").tone(Tone::Best)]);
    table.without_empty_columns()
}

/// The largest paths that are in the image but cannot be seen.
fn reclaimable(image: &Variant, title: &str, top: usize) -> Table {
    let mut table = Table::new(title, "#Size | Path | Written by → removed by");
    for dead in image.reclaimable.iter().take(top) {
        let by = |instruction: &str| match instruction {
            "" => "?".to_owned(),
            text => shorten(&for_people(text), INSTRUCTION),
        };
        let how = format!("{} → {}", by(&dead.written_by), by(&dead.removed_by));
        table.push(vec![Cell::bytes(dead.size_bytes), Cell::code(&dead.path), Cell::code(how)]);
    }
    if let Some(sizes) = &image.sizes {
        table.note(format!(
            "{} in all are stored, but replaced or deleted by a later layer: {} of the image.",
            sizes.reclaimable_bytes.exact(),
            Ratio::of(sizes.reclaimable_bytes.0, sizes.size_bytes.0).map_or("nothing".to_owned(), Ratio::as_percent)
        ));
    }
    table
}

/// The largest visible files.
fn files(image: &Variant, title: &str, top: usize) -> Table {
    let mut table = Table::new(title, "#Size | Path | ?#Layer | ?Package");
    for file in image.paths.iter().take(top) {
        table.push(vec![
            Cell::bytes(file.size_bytes),
            Cell::code(&file.path),
            Cell::number((u64::from(file.layer) + 1).to_string(), f64::from(file.layer)),
            Cell::new(&file.package),
        ]);
    }
    table.without_empty_columns()
}

/// The costliest groups of equal files.
fn duplicates(image: &Variant, title: &str, top: usize) -> Table {
    let mut table = Table::new(title, "#Too much | #Copies | #Size of one | Paths");
    for group in image.duplicates.iter().take(top) {
        let shown = group.paths.iter().take(COPIES).map(|path| shorten(&for_people(path), COPY));
        let mut paths = shown.collect::<Vec<_>>().join(", ");
        let more = usize::try_from(group.copies).unwrap_or(usize::MAX).saturating_sub(group.paths.len().min(COPIES));
        if more > 0 {
            paths = format!("{paths} and {more} more");
        }
        table.push(vec![
            Cell::bytes(Bytes(group.size_bytes.0.saturating_mul(group.copies.saturating_sub(1)))),
            Cell::count(group.copies),
            Cell::bytes(group.size_bytes),
            Cell::code(paths),
        ]);
    }
    table
}

/// What could be better, and what to do.
fn findings(image: &Variant, title: &str) -> Table {
    let mut table = Table::new(title, "#Cost | Finding | ?Instruction | Remedy");
    for finding in &image.findings {
        table.push(vec![
            unless_zero(finding.size_bytes),
            Cell::new(&finding.message),
            Cell::code(&finding.instruction),
            Cell::new(&finding.remedy),
        ]);
    }
    table.without_empty_columns()
}

pub(super) fn size(image: &Variant) -> Bytes {
    image.size().unwrap_or_default()
}

pub(super) fn exactly(shown: WeighShown<'_>, value: Bytes) -> Cell {
    if !shown.bytes {
        return Cell::default();
    }
    Cell::number(value.exact(), value.0 as f64)
}

/// A bar as long as its part of the largest, at least one mark where there is anything.
pub(super) fn bar(value: u64, largest: u64, longest: u64) -> String {
    let marks = (u128::from(value) * u128::from(longest)).checked_div(u128::from(largest)).unwrap_or(0) as usize;
    "█".repeat(marks.max(usize::from(value > 0)))
}
