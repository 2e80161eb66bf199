//! A weighing as CSV: numbers are plain integers, heads are the names of the JSON fields.

use super::WeighSkipped;
use crate::record::csv::{word, write};
use crate::record::{Sizes, Variant, WireKind};
use crate::units::Bytes;

/// What a row of the CSV stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeighRows {
    /// An image.
    Targets,
    /// A layer.
    Layers,
    /// A package, or a label of what no package owns: the sizes of an image's rows add up to its `size`.
    Packages,
    /// A visible file.
    Files,
}

/// Images as CSV.
pub fn weigh_csv(targets: &[Variant], rows: WeighRows, skipped: WeighSkipped) -> String {
    match rows {
        WeighRows::Targets => images(targets, skipped),
        WeighRows::Layers => layers(targets),
        WeighRows::Packages => packages(targets),
        WeighRows::Files => files(targets),
    }
}

fn images(targets: &[Variant], skipped: WeighSkipped) -> String {
    let heads = [
        "target",
        "image_id",
        "config_digest",
        "platform",
        "user",
        "size_bytes",
        "engine_size_bytes",
        "rootfs_bytes",
        "reclaimable_bytes",
        "duplicate_bytes",
        "wire_bytes",
        "wire_kind",
        "base_bytes",
        "own_bytes",
        "unique_bytes",
        "shared_bytes",
        "layers",
    ];
    let rows = targets.iter().map(|image| {
        let sizes = image.sizes.as_ref();
        let bytes = |of: fn(&Sizes) -> Bytes| sizes.map(of).map_or_else(String::new, |bytes| bytes.0.to_string());
        vec![
            image.name.clone(),
            image.image_id.clone(),
            image.config_digest.clone(),
            image.platform.clone(),
            image.user.clone(),
            bytes(|sizes| sizes.size_bytes),
            sizes.and_then(|sizes| sizes.engine_size_bytes).map_or_else(String::new, |bytes| bytes.0.to_string()),
            bytes(|sizes| sizes.rootfs_bytes),
            bytes(|sizes| sizes.reclaimable_bytes),
            if skipped.duplicates { String::new() } else { bytes(|sizes| sizes.duplicate_bytes) },
            sizes
                .filter(|sizes| sizes.wire_kind != WireKind::Unknown)
                .map_or_else(String::new, |sizes| sizes.wire_bytes.0.to_string()),
            sizes.map_or_else(String::new, |sizes| word(&sizes.wire_kind)),
            bytes(|sizes| sizes.base_bytes),
            bytes(|sizes| sizes.own_bytes),
            bytes(|sizes| sizes.unique_bytes),
            bytes(|sizes| sizes.shared_bytes),
            image.layers.len().to_string(),
        ]
    });
    write(&heads, rows)
}

fn layers(targets: &[Variant]) -> String {
    let heads = [
        "target",
        "index",
        "diff_id",
        "size_bytes",
        "wire_bytes",
        "instruction",
        "origin",
        "entries",
        "package_bytes",
        "waste_bytes",
    ];
    let rows = targets.iter().flat_map(|image| {
        image.layers.iter().enumerate().map(|(index, layer)| {
            vec![
                image.name.clone(),
                index.to_string(),
                layer.diff_id.clone(),
                layer.size_bytes.0.to_string(),
                layer.wire_bytes.0.to_string(),
                layer.instruction.clone(),
                word(&layer.origin),
                layer.entries.to_string(),
                layer.package_bytes.0.to_string(),
                layer.waste_bytes.0.to_string(),
            ]
        })
    });
    write(&heads, rows)
}

fn packages(targets: &[Variant]) -> String {
    let rows = targets.iter().flat_map(|image| {
        let packages = image.packages.iter().map(|package| {
            let (name, version) = (package.name.clone(), package.version.clone());
            vec![image.name.clone(), word(&package.manager), name, version, package.size_bytes.0.to_string()]
        });
        let rest = image.remainder.iter().map(|rest| {
            let size = rest.size_bytes.0.to_string();
            vec![image.name.clone(), String::new(), rest.label.clone(), String::new(), size]
        });
        packages.chain(rest)
    });
    write(&["target", "manager", "name", "version", "size_bytes"], rows)
}

fn files(targets: &[Variant]) -> String {
    let rows = targets.iter().flat_map(|image| {
        image.paths.iter().map(|file| {
            let (size, layer) = (file.size_bytes.0.to_string(), file.layer.to_string());
            vec![image.name.clone(), file.path.clone(), size, layer, file.package.clone()]
        })
    });
    write(&["target", "path", "size_bytes", "layer", "package"], rows)
}
