//! Why a path is in an image: which instruction wrote it, which package owns it, what hides it, and who else has it.

use super::tables::largest_sums;
use crate::line::{Line, code, image, plain};
use crate::record::{Duplicate, PathSize, Reclaimable, Variant};
use crate::report::doc::Doc;
use crate::report::terminal::{self, Style};
use crate::report::words;
use crate::units::Bytes;

/// Rows of each list.
const MOST: usize = 5;

/// Whether any of the images has the path or something below it, visible or not. The lists of the images are whole for it.
pub(crate) fn has_path(images: &[Variant]) -> bool {
    images.iter().any(|image| !image.paths.is_empty() || !image.reclaimable.is_empty())
}

/// The reasons on a terminal, image by image.
pub(crate) fn why(path: &str, images: &[Variant], style: Style) -> String {
    let mut doc = Doc::default();
    for (index, image) in images.iter().enumerate() {
        if index > 0 {
            doc.gap();
        }
        one(path, image, images, &mut doc);
    }
    terminal::write(&doc, style)
}

fn one(path: &str, variant: &Variant, images: &[Variant], doc: &mut Doc) {
    let visible: Bytes = variant.paths.iter().map(|file| file.size_bytes).sum();
    let hidden: Bytes = variant.reclaimable.iter().map(|dead| dead.size_bytes).sum();
    let head = code(path).and(" in ").and(image(&variant.name)).and(": ");
    if variant.paths.is_empty() && variant.reclaimable.is_empty() {
        doc.sentence(head.and("not there"));
        return;
    }
    let files = words::count(variant.paths.len(), "file");
    let seen = if variant.paths.is_empty() { "nothing visible".to_owned() } else { format!("{visible} in {files}") };
    let dead = if hidden > Bytes::ZERO { format!(", {hidden} hidden") } else { String::new() };
    doc.sentence(head.and(format!("{seen}{dead}")));
    written(variant, doc);
    owned(&variant.paths, doc);
    hiding(&variant.reclaimable, doc);
    copies(path, &variant.duplicates, doc);
    for other in images.iter().filter(|other| other.name != variant.name) {
        let size: Bytes = other.paths.iter().map(|file| file.size_bytes).sum();
        if !other.paths.is_empty() {
            doc.under(2, plain("also in ").and(image(&other.name)).and(format!(": {size}")));
        }
    }
}

/// The largest sums first, the others in a line.
fn sums<K: Ord + Copy>(parts: impl Iterator<Item = (K, Bytes)>, doc: &mut Doc, said: impl Fn(K) -> Line) {
    let sums = largest_sums(parts);
    for (key, size) in sums.iter().take(MOST) {
        doc.under(2, plain(format!("{size} ")).and(said(*key)));
    }
    if sums.len() > MOST {
        doc.under(2, format!("[{}]", words::count(sums.len() - MOST, "other")));
    }
}

fn written(variant: &Variant, doc: &mut Doc) {
    sums(variant.paths.iter().map(|file| (file.layer, file.size_bytes)), doc, |index| {
        let layer = variant.layers.get(index as usize);
        let origin = layer.map_or("", |layer| words::origin(layer.origin));
        let by = layer.map_or("", |layer| layer.instruction.as_str());
        let by = if by.is_empty() { "an unknown instruction".into() } else { code(by) };
        plain("written by ").and(by).and(format!(" (layer {}, {origin})", index + 1))
    });
}

fn owned(paths: &[PathSize], doc: &mut Doc) {
    sums(paths.iter().map(|file| (file.package.as_str(), file.size_bytes)), doc, |name| match name {
        "" => "belongs to no package".into(),
        name => plain("belongs to package ").and(code(name)),
    });
}

fn hiding(dead: &[Reclaimable], doc: &mut Doc) {
    let pairs = dead.iter().map(|dead| ((dead.written_by.as_str(), dead.removed_by.as_str()), dead.size_bytes));
    let by =
        |instruction: &str| if instruction.is_empty() { "an unknown instruction".into() } else { code(instruction) };
    sums(pairs, doc, |(written, removed)| {
        plain("written by ").and(by(written)).and(" and hidden by ").and(by(removed))
    });
}

fn copies(path: &str, groups: &[Duplicate], doc: &mut Doc) {
    let below = format!("{}/", path.trim_end_matches('/'));
    let is_here = |other: &str| other == path || other.starts_with(&below);
    for group in groups.iter().take(MOST) {
        let elsewhere: Vec<&String> = group.paths.iter().filter(|path| !is_here(path)).collect();
        let Some(first) = elsewhere.first() else { continue };
        let more = if elsewhere.len() > 1 { format!(" and {} more", elsewhere.len() - 1) } else { String::new() };
        doc.under(2, plain(format!("{} with the same content as ", group.size_bytes)).and(code(first)).and(more));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn a_path_is_explained_by_who_wrote_owns_hides_and_copies_it() {
        let mut variant = fixture::record().variants.swap_remove(0);
        let file = |path: &str, size, layer, package: &str| PathSize {
            path: path.to_owned(),
            size_bytes: Bytes(size),
            layer,
            package: package.to_owned(),
        };
        variant.paths = vec![file("/app/a", 5_000_000, 1, "lib"), file("/app/b", 1_000_000, 1, "")];
        variant.reclaimable = vec![Reclaimable {
            path: "/app/a".into(),
            size_bytes: Bytes(5_000_000),
            written_by: "COPY . /app".into(),
            removed_by: "RUN chown -R app /app".into(),
        }];
        variant.duplicates = vec![Duplicate {
            digest: "blake3:00".into(),
            size_bytes: Bytes(1_000_000),
            paths: vec!["/app/b".into(), "/opt/b".into()],
            copies: 2,
        }];
        let text = why("/app", &[variant], Style { colour: false, width: Some(200) });
        for words in [
            "6.00 MB in 2 files, 5.00 MB hidden",
            "  6.00 MB written by `",
            "  5.00 MB belongs to package `lib`",
            "  1.00 MB belongs to no package",
            "  5.00 MB written by `COPY . /app` and hidden by `RUN chown -R app /app`",
            "  1.00 MB with the same content as `/opt/b`",
        ] {
            assert!(text.contains(words), "no `{words}`:\n{text}");
        }
    }
}
