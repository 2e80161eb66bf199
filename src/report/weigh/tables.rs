//! The tables of a weighing.

use super::{WeighSection, WeighShown, push_filled};
use crate::analyse::sharing_of;
use crate::record::{LayerOrigin, Variant, WireKind};
use crate::report::table::{Cell, Table, Tone};
use crate::report::tables::{matrix, sharing};
use crate::report::words;
use crate::text::{for_people, shorten};
use crate::units::{Bytes, Ratio};

/// Longest bar, in characters.
const BAR: u64 = 20;
/// Longest instruction in a cell that holds two.
const INSTRUCTION: usize = 60;
/// Paths named of a group of equal files, and how long each may be.
const COPIES: usize = 3;
const COPY: usize = 58;

/// Everything that is shown, in its order.
pub(super) fn all(targets: &[Variant], shown: WeighShown<'_>) -> Vec<Table> {
    let mut tables = Vec::new();
    let wants = |section| shown.sections.contains(&section);
    push_filled(&mut tables, if let [image] = targets { figures(image, shown) } else { sizes(targets, shown) });
    if targets.len() > 1 {
        let shared = sharing_of(targets);
        push_filled(&mut tables, sharing(&shared, "Image"));
        push_filled(&mut tables, matrix(&shared, "Image"));
    }
    for image in targets {
        let title = |what: &str| match targets {
            [_] => what.to_owned(),
            _ => format!("{what} of {}", shorten(&for_people(&image.name), 100)),
        };
        if wants(WeighSection::Layers) {
            push_filled(&mut tables, layers(image, &title("Layers")));
        }
        if wants(WeighSection::Packages) {
            push_filled(&mut tables, packages(image, &title("Packages"), shown.top));
        }
        if wants(WeighSection::Files) {
            push_filled(&mut tables, reclaimable(image, &title("Reclaimable"), shown.top));
            push_filled(&mut tables, files(image, &title("Largest files"), shown.top));
            push_filled(&mut tables, duplicates(image, &title("Duplicates"), shown.top));
        }
        if wants(WeighSection::Findings) {
            push_filled(&mut tables, findings(image, &title("Findings")));
        }
    }
    tables
}

/// The headline of a single image: one row a figure.
fn figures(image: &Variant, shown: WeighShown<'_>) -> Table {
    let mut table = Table::new("Sizes", &["Figure", "#Size", "#Exactly", "#Share", "?What it is"]);
    let Some(sizes) = &image.sizes else { return table };
    let mut row = |name: &str, value: Bytes, meaning: &str| {
        let part = share(value, sizes.size_bytes);
        table.push(vec![Cell::new(name), bytes(value), exactly(value), part, Cell::new(meaning)]);
    };
    row("size", sizes.size_bytes, "unpacked, all layers: files and symlink targets, the same on every engine");
    row("root file system", sizes.rootfs_bytes, "what a container sees of it");
    row("reclaimable", sizes.reclaimable_bytes, "stored, but replaced or deleted by a later layer");
    if !shown.skipped.duplicates {
        row("duplicates", sizes.duplicate_bytes, "equal files, beyond the first of each");
    }
    match sizes.wire_kind {
        WireKind::Exact => row("on the wire", sizes.wire_bytes, "the compressed layers, as they are stored"),
        WireKind::Estimated => {
            row(
                "on the wire ≈",
                sizes.wire_bytes,
                "compressed here at a fixed gzip level; a real push is within 2–4 %",
            );
        }
        WireKind::Unknown => {}
    }
    if sizes.base_bytes != Bytes::ZERO {
        row("base", sizes.base_bytes, "in layers of the base image");
        row("own", sizes.own_bytes, "in layers above it");
    }
    if let Some(engine) = sizes.engine_size_bytes {
        row("engine says", engine, "by a definition of its own");
    }
    let layers = words::count(image.layers.len(), "layer");
    let user = if image.user.is_empty() { "root" } else { &image.user };
    // A back-tick in the name would end the code that it is.
    let name = image.name.replace('`', "'");
    table.note(format!("`{name}`: {layers}, {}, runs as {user}. MB = 10^6 bytes.", image.platform));
    table
}

/// The headline of several: one row an image.
fn sizes(targets: &[Variant], shown: WeighShown<'_>) -> Table {
    let heads = [
        "Image",
        "#Size",
        "#Exactly",
        "#Root file system",
        "#Reclaimable",
        "?#Duplicates",
        "?#On the wire",
        "?#Base",
        "?#Own",
        "?#Engine says",
        "?#Layers",
        "?Platform",
        "?User",
    ];
    let mut table = Table::new("Sizes", &heads);
    let based = targets.iter().filter_map(|image| image.sizes.as_ref()).any(|sizes| sizes.base_bytes != Bytes::ZERO);
    let mut estimated = false;
    for image in targets {
        let Some(sizes) = &image.sizes else { continue };
        estimated |= sizes.wire_kind == WireKind::Estimated;
        let wire = match sizes.wire_kind {
            WireKind::Exact => sizes.wire_bytes.to_string(),
            WireKind::Estimated => format!("≈ {}", sizes.wire_bytes),
            WireKind::Unknown => String::new(),
        };
        let part = |value: Bytes| if based { bytes(value) } else { Cell::default() };
        table.push(vec![
            Cell::new(&image.name),
            bytes(sizes.size_bytes),
            exactly(sizes.size_bytes),
            bytes(sizes.rootfs_bytes),
            bytes(sizes.reclaimable_bytes),
            if shown.skipped.duplicates { Cell::default() } else { bytes(sizes.duplicate_bytes) },
            Cell::number(wire, sizes.wire_bytes.0 as f64),
            part(sizes.base_bytes),
            part(sizes.own_bytes),
            sizes.engine_size_bytes.map_or_else(Cell::default, bytes),
            Cell::number(image.layers.len().to_string(), image.layers.len() as f64),
            Cell::new(&image.platform),
            Cell::new(if image.user.is_empty() { "root" } else { &image.user }),
        ]);
    }
    table.note(
        "Size: unpacked, regular files and symlink targets summed over the layers, the same on every engine. MB = 10^6 \
         bytes.",
    );
    if estimated {
        table.note("≈: compressed here at a fixed gzip level; a real push is within 2–4 % of it.");
    }
    table.without_empty_columns()
}

/// The layers, lowest first, each with its bar.
fn layers(image: &Variant, title: &str) -> Table {
    let heads = ["#Layer", "#Size", "#Share", "Bar", "?Origin", "?#Waste", "Instruction"];
    let mut table = Table::new(title, &heads);
    let whole = size(image);
    let largest = image.layers.iter().map(|layer| layer.size_bytes.0).max().unwrap_or(0);
    let based = image.layers.iter().any(|layer| layer.origin != LayerOrigin::Own);
    for (index, layer) in image.layers.iter().enumerate() {
        let origin = match layer.origin {
            _ if !based => "",
            LayerOrigin::Base => "base",
            LayerOrigin::Site => "site",
            LayerOrigin::Own => "own",
        };
        table.push(vec![
            Cell::number((index + 1).to_string(), index as f64),
            bytes(layer.size_bytes),
            share(layer.size_bytes, whole),
            Cell::new(bar(layer.size_bytes.0, largest)),
            Cell::new(origin),
            unless_zero(layer.waste_bytes),
            Cell::code(&layer.instruction),
        ]);
    }
    table.without_empty_columns()
}

/// The largest packages, the others in one row, what no package owns, and the sum: `size`, to the byte.
fn packages(image: &Variant, title: &str, top: usize) -> Table {
    let mut table = Table::new(title, &["#Size", "#Exactly", "#Share", "Package", "?Version", "?Manager"]);
    let whole = size(image);
    let mut total = Bytes::ZERO;
    let mut row = |size: Bytes, rest: Vec<Cell>| {
        total += size;
        let mut cells = vec![bytes(size), exactly(size), share(size, whole)];
        cells.extend(rest);
        table.push(cells);
    };
    let (shown, others) = image.packages.split_at(top.min(image.packages.len()));
    for package in shown {
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
    row(Bytes::ZERO, vec![Cell::new("TOTAL").tone(Tone::Best)]);
    if let Some(last) = table.rows.last_mut() {
        last[0] = bytes(total);
        last[1] = exactly(total);
        last[2] = share(total, whole);
    }
    table.without_empty_columns()
}

/// The largest paths that are in the image but cannot be seen.
fn reclaimable(image: &Variant, title: &str, top: usize) -> Table {
    let mut table = Table::new(title, &["#Size", "Path", "Written by → removed by"]);
    for dead in image.reclaimable.iter().take(top) {
        let by = |instruction: &str| match instruction {
            "" => "?".to_owned(),
            text => shorten(&for_people(text), INSTRUCTION),
        };
        let how = format!("{} → {}", by(&dead.written_by), by(&dead.removed_by));
        table.push(vec![bytes(dead.size_bytes), Cell::code(&dead.path), Cell::code(how)]);
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
    let mut table = Table::new(title, &["#Size", "Path", "?#Layer", "?Package"]);
    for file in image.paths.iter().take(top) {
        table.push(vec![
            bytes(file.size_bytes),
            Cell::code(&file.path),
            Cell::number((u64::from(file.layer) + 1).to_string(), f64::from(file.layer)),
            Cell::new(&file.package),
        ]);
    }
    table.without_empty_columns()
}

/// The costliest groups of equal files.
fn duplicates(image: &Variant, title: &str, top: usize) -> Table {
    let mut table = Table::new(title, &["#Too much", "#Copies", "#Size of one", "Paths"]);
    for group in image.duplicates.iter().take(top) {
        let shown = group.paths.iter().take(COPIES).map(|path| shorten(&for_people(path), COPY));
        let mut paths = shown.collect::<Vec<_>>().join(", ");
        let more = usize::try_from(group.copies).unwrap_or(usize::MAX).saturating_sub(group.paths.len().min(COPIES));
        if more > 0 {
            paths = format!("{paths} and {more} more");
        }
        table.push(vec![
            bytes(Bytes(group.size_bytes.0.saturating_mul(group.copies.saturating_sub(1)))),
            Cell::number(group.copies.to_string(), group.copies as f64),
            bytes(group.size_bytes),
            Cell::code(paths),
        ]);
    }
    table
}

/// What could be better, and what to do.
fn findings(image: &Variant, title: &str) -> Table {
    let mut table = Table::new(title, &["#Cost", "Finding", "?Instruction", "Remedy"]);
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

fn size(image: &Variant) -> Bytes {
    image.sizes.as_ref().map_or(Bytes::ZERO, |sizes| sizes.size_bytes)
}

fn bytes(value: Bytes) -> Cell {
    Cell::number(value.to_string(), value.0 as f64)
}

fn exactly(value: Bytes) -> Cell {
    Cell::number(value.exact(), value.0 as f64)
}

fn unless_zero(value: Bytes) -> Cell {
    if value == Bytes::ZERO { Cell::number("", 0.0) } else { bytes(value) }
}

fn share(part: Bytes, whole: Bytes) -> Cell {
    Ratio::of(part.0, whole.0).map_or_else(Cell::default, |share| Cell::number(share.as_percent(), share.0))
}

/// A bar as long as its part of the largest, at least one mark where there is anything.
fn bar(value: u64, largest: u64) -> String {
    let marks = (u128::from(value) * u128::from(BAR)).checked_div(u128::from(largest)).unwrap_or(0) as usize;
    "█".repeat(marks.max(usize::from(value > 0)))
}
