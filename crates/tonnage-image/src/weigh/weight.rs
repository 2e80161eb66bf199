//! From the layers of an image to its weight, in the types of [`facts`](crate::facts).

use std::collections::{BTreeMap, HashSet};

use super::{findings, label, lists, shape};
use crate::bytes::Bytes;
use crate::facts::{
    Duplicate, FileNode, Finding, Layer, LayerOrigin, Package, PathSize, Reclaimable, Remainder, Sizes, WireKind,
};
use crate::merge::Merged;
use crate::read::ImageScan;

/// What an image is weighed against, and how much of the detail is kept.
#[derive(Debug, Clone, Copy)]
pub struct ReportOptions<'a> {
    /// Diff ids of the final stage's base, lowest first, site layers included; empty where there is none.
    pub base_diff_ids: &'a [String],
    /// How many of them, from the top, were put there for the build (extra CA files).
    pub site_layers: usize,
    /// Rows kept of each list that is bounded.
    pub top: usize,
}

/// Everything that is known of an image's bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Weight {
    /// The sizes; what an engine reports and what images share is not known here: `None` and zero.
    pub sizes: Sizes,
    /// The layers, lowest first.
    pub layers: Vec<Layer>,
    /// The packages, largest first.
    pub packages: Vec<Package>,
    /// What no package owns, largest first; with the packages it adds up to `size`.
    pub remainder: Vec<Remainder>,
    /// The largest dead files.
    pub reclaimable: Vec<Reclaimable>,
    /// The largest groups of equal files.
    pub duplicates: Vec<Duplicate>,
    /// The largest visible files.
    pub paths: Vec<PathSize>,
    /// The merged tree, small branches folded.
    pub tree: Option<FileNode>,
    /// What could be better.
    pub findings: Vec<Finding>,
    /// User of the config; empty means root.
    pub user: String,
    /// `os/arch[/variant]`.
    pub platform: String,
    /// `sha256:` of the config.
    pub config_digest: String,
}

/// Weighs an image.
pub fn weigh(scan: &ImageScan, options: &ReportOptions<'_>) -> Weight {
    weigh_listed(scan, options, &|_| true)
}

/// Weighs an image and lists only paths that `listed` accepts: reclaimable ones, visible files, and groups of equal
/// files with such a path. Sums are those of the whole image.
pub fn weigh_listed(scan: &ImageScan, options: &ReportOptions<'_>, listed: &dyn Fn(&str) -> bool) -> Weight {
    let merged = Merged::new(scan, options.base_diff_ids, options.site_layers);
    let sums = Sums::of(&merged);
    let (duplicates, duplicate_bytes) = lists::duplicates(&merged, options.top, listed);
    let (tree, first_names) = shape::tree(&merged);
    let layers = layers(&merged, &sums);
    let of = |wanted: fn(LayerOrigin) -> bool| -> Bytes {
        layers.iter().filter(|layer| wanted(layer.origin)).map(|layer| layer.size_bytes).sum()
    };
    let size: Bytes = layers.iter().map(|layer| layer.size_bytes).sum();
    let wire_kind = if merged.layers.iter().all(|layer| layer.wire_exact) {
        WireKind::Exact
    } else if merged.layers.iter().all(|layer| layer.wire_bytes > 0) {
        WireKind::Estimated
    } else {
        WireKind::Unknown
    };
    let sizes = Sizes {
        size_bytes: size,
        engine_size_bytes: None,
        rootfs_bytes: size.saturating_sub(Bytes(sums.dead)),
        reclaimable_bytes: Bytes(sums.dead),
        duplicate_bytes: Bytes(duplicate_bytes),
        wire_bytes: layers.iter().map(|layer| layer.wire_bytes).sum(),
        wire_kind,
        base_bytes: of(|origin| origin != LayerOrigin::Own),
        own_bytes: of(|origin| origin == LayerOrigin::Own),
        unique_bytes: Bytes::ZERO,
        shared_bytes: Bytes::ZERO,
    };
    Weight {
        sizes,
        packages: packages(&merged, &sums),
        remainder: remainder(&sums),
        reclaimable: lists::reclaimable(&merged, options.top, listed),
        duplicates,
        paths: lists::paths(&merged, &first_names, options.top, listed),
        tree: Some(tree),
        findings: findings::all(&merged),
        user: scan.config.user.clone(),
        platform: scan.platform.clone(),
        config_digest: scan.config_digest.clone(),
        layers,
    }
}

/// Bytes by package, label and layer.
struct Sums {
    packages: Vec<BTreeMap<u32, u64>>,
    labels: BTreeMap<&'static str, u64>,
    layer_packages: Vec<u64>,
    layer_waste: Vec<u64>,
    dead: u64,
}

impl Sums {
    fn of(merged: &Merged<'_>) -> Self {
        let mut sums = Self {
            packages: vec![BTreeMap::new(); merged.packages.len()],
            labels: BTreeMap::new(),
            layer_packages: vec![0; merged.layers.len()],
            layer_waste: vec![0; merged.layers.len()],
            dead: 0,
        };
        for (index, inode) in merged.tree.inodes.iter().enumerate() {
            let (layer, entry) = merged.entry(inode);
            let size = entry.size;
            if size == 0 {
                continue;
            }
            if let Some(owner) = merged.owner_of(inode) {
                let mut rest = size;
                for &(part, bytes) in merged.parts.get(&(index as u32)).into_iter().flatten() {
                    *sums.packages[part as usize].entry(inode.layer).or_default() += bytes;
                    rest -= bytes;
                }
                *sums.packages[owner].entry(inode.layer).or_default() += rest;
                sums.layer_packages[inode.layer as usize] += size;
            } else {
                let origin = merged.origins[inode.layer as usize];
                let label = label::of(layer.path(entry), origin, &merged.scan.config.working_dir);
                *sums.labels.entry(label).or_default() += size;
            }
            if inode.names == 0 {
                sums.layer_waste[inode.layer as usize] += size;
                sums.dead += size;
            }
        }
        sums
    }
}

fn layers(merged: &Merged<'_>, sums: &Sums) -> Vec<Layer> {
    let mut seen = HashSet::new();
    merged
        .layers
        .iter()
        .enumerate()
        .map(|(index, layer)| Layer {
            diff_id: layer.diff_id.clone(),
            size_bytes: Bytes(layer.size_bytes),
            // A layer that is listed twice travels once.
            wire_bytes: Bytes(if seen.insert(&layer.diff_id) { layer.wire_bytes } else { 0 }),
            instruction: merged.instruction(index as u32),
            origin: merged.origins[index],
            entries: layer.entry_count(),
            package_bytes: Bytes(sums.layer_packages[index]),
            waste_bytes: Bytes(sums.layer_waste[index]),
        })
        .collect()
}

fn packages(merged: &Merged<'_>, sums: &Sums) -> Vec<Package> {
    let mut packages: Vec<Package> = merged
        .packages
        .iter()
        .zip(&sums.packages)
        .map(|(found, layers)| Package {
            manager: found.manager,
            name: found.name.clone(),
            version: found.version.clone(),
            size_bytes: Bytes(layers.values().sum()),
            layers: layers.iter().map(|(&layer, &size)| (layer, Bytes(size))).collect(),
        })
        .collect();
    packages.sort_by(|a, b| {
        (b.size_bytes, a.manager, &a.name, &a.version).cmp(&(a.size_bytes, b.manager, &b.name, &b.version))
    });
    packages
}

fn remainder(sums: &Sums) -> Vec<Remainder> {
    let mut rows: Vec<Remainder> = sums
        .labels
        .iter()
        .map(|(&label, &size)| Remainder { label: label.to_owned(), size_bytes: Bytes(size) })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.size_bytes));
    rows
}
