//! From the layers of an image to its weight, in the words of the record.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::archive::ImageScan;
use super::layer::{EntryKind, LayerEntry, LayerScan};
use super::packages::{self, Databases, Found, Inventory};
use super::tree::{Inode, NONE, Tree};
use super::{findings, label, shape};
use crate::record::{
    Duplicate, FileNode, Finding, Layer, LayerOrigin, Package, PathSize, Reclaimable, Remainder, Sizes, WireKind,
};
use crate::text::from_bytes;
use crate::units::Bytes;

/// Paths listed for one group of equal files.
const DUPLICATE_PATHS: usize = 20;

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
    /// The sizes; what the engine says and what variants share is not known here: `None` and zero.
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

/// An image's layers merged, with what owns each path: what all the lists are made from.
pub(super) struct Merged<'a> {
    pub scan: &'a ImageScan,
    pub layers: Vec<&'a LayerScan>,
    pub instructions: Vec<String>,
    pub origins: Vec<LayerOrigin>,
    pub tree: Tree<'a>,
    pub packages: Vec<Found>,
    /// Package of each node; [`NONE`] where none owns it.
    pub owner: Vec<u32>,
}

impl<'a> Merged<'a> {
    pub(super) fn entry(&self, inode: &Inode) -> (&'a LayerScan, &'a LayerEntry) {
        let layer = self.layers[inode.layer as usize];
        (layer, &layer.entries[inode.entry as usize])
    }

    pub(super) fn owner_of(&self, inode: &Inode) -> Option<usize> {
        let owner = self.owner[inode.node as usize];
        (owner != NONE).then_some(owner as usize)
    }

    pub(super) fn instruction(&self, layer: u32) -> String {
        self.instructions.get(layer as usize).cloned().unwrap_or_default()
    }
}

/// Weighs an image.
pub fn weigh(scan: &ImageScan, options: &ReportOptions<'_>) -> Weight {
    let merged = merge(scan, options);
    let sums = Sums::of(&merged);
    let (duplicates, duplicate_bytes) = duplicates(&merged, options.top);
    let (tree, first_names) = shape::tree(&merged);
    let layers = layers(&merged, &sums);
    let of = |wanted: fn(LayerOrigin) -> bool| -> Bytes {
        layers.iter().filter(|layer| wanted(layer.origin)).map(|layer| layer.size_bytes).sum()
    };
    let size: Bytes = layers.iter().map(|layer| layer.size_bytes).sum();
    let exact = merged.layers.iter().all(|layer| layer.wire_exact);
    let sizes = Sizes {
        size_bytes: size,
        engine_size_bytes: None,
        rootfs_bytes: size.saturating_sub(Bytes(sums.dead)),
        reclaimable_bytes: Bytes(sums.dead),
        duplicate_bytes: Bytes(duplicate_bytes),
        wire_bytes: layers.iter().map(|layer| layer.wire_bytes).sum(),
        wire_kind: if exact { WireKind::Exact } else { WireKind::Estimated },
        base_bytes: of(|origin| origin != LayerOrigin::Own),
        own_bytes: of(|origin| origin == LayerOrigin::Own),
        unique_bytes: Bytes::ZERO,
        shared_bytes: Bytes::ZERO,
    };
    Weight {
        sizes,
        packages: packages(&merged, &sums),
        remainder: remainder(&sums),
        reclaimable: reclaimable(&merged, options.top),
        duplicates,
        paths: paths(&merged, &first_names, options.top),
        tree: Some(tree),
        findings: findings::all(&merged),
        user: scan.config.user.clone(),
        platform: scan.platform.clone(),
        config_digest: scan.config_digest.clone(),
        layers,
    }
}

fn merge<'a>(scan: &'a ImageScan, options: &ReportOptions<'_>) -> Merged<'a> {
    let layers: Vec<&LayerScan> = scan.layers.iter().map(AsRef::as_ref).collect();
    let tree = Tree::merge(layers.iter().copied());
    let mut databases = Databases::new();
    for (index, layer) in layers.iter().enumerate() {
        for (&entry, content) in &layer.databases {
            let key = (index as u32, entry);
            let Ok(found) = tree.inodes.binary_search_by_key(&key, |inode| (inode.layer, inode.entry)) else {
                continue;
            };
            if tree.inodes[found].names > 0 {
                databases.insert(layer.path(&layer.entries[entry as usize]), content);
            }
        }
    }
    let mut owners = Owners { owner: vec![NONE; tree.nodes.len()], found: Vec::new(), tree: &tree, layers: &layers };
    packages::read(&databases, &mut owners);
    let (owner, found) = (owners.owner, owners.found);
    let base = layers.iter().zip(options.base_diff_ids).take_while(|(layer, id)| layer.diff_id == **id).count();
    let site = options.base_diff_ids.len().saturating_sub(options.site_layers);
    let origins = (0..layers.len())
        .map(|index| match index {
            index if index >= base => LayerOrigin::Own,
            index if index >= site => LayerOrigin::Site,
            _ => LayerOrigin::Base,
        })
        .collect();
    Merged { scan, instructions: scan.config.instructions(), layers, origins, tree, packages: found, owner }
}

struct Owners<'t, 'a> {
    owner: Vec<u32>,
    found: Vec<Found>,
    tree: &'t Tree<'a>,
    layers: &'t [&'a LayerScan],
}

impl Inventory for Owners<'_, '_> {
    fn package(&mut self, found: Found) -> u32 {
        self.found.push(found);
        self.found.len() as u32 - 1
    }

    fn owns(&mut self, package: u32, path: &[u8]) {
        if let Some(node) = self.tree.find_through_links(self.layers, path) {
            let owner = &mut self.owner[node as usize];
            if *owner == NONE {
                *owner = package;
            }
        }
    }

    fn is_owned(&self, path: &[u8]) -> bool {
        self.tree.find(path).is_some_and(|node| self.owner[node as usize] != NONE)
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
        for inode in &merged.tree.inodes {
            let (layer, entry) = merged.entry(inode);
            let size = entry.size;
            if size == 0 {
                continue;
            }
            if let Some(owner) = merged.owner_of(inode) {
                *sums.packages[owner].entry(inode.layer).or_default() += size;
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

fn reclaimable(merged: &Merged<'_>, top: usize) -> Vec<Reclaimable> {
    let mut dead: Vec<(u64, &Inode)> = merged
        .tree
        .inodes
        .iter()
        .filter(|inode| inode.names == 0)
        .map(|inode| (merged.entry(inode).1.size, inode))
        .filter(|&(size, _)| size > 0)
        .collect();
    largest(&mut dead, top);
    dead.into_iter()
        .map(|(size, inode)| Reclaimable {
            path: shown_path(&merged.tree.path(inode.node)),
            size_bytes: Bytes(size),
            written_by: merged.instruction(inode.layer),
            removed_by: merged.instruction(inode.removed_by),
        })
        .collect()
}

fn paths(merged: &Merged<'_>, first_names: &[(u32, u32)], top: usize) -> Vec<PathSize> {
    let mut files: Vec<(u64, (u32, &Inode))> = first_names
        .iter()
        .map(|&(node, inode)| (node, &merged.tree.inodes[inode as usize]))
        .map(|(node, inode)| (merged.entry(inode).1.size, (node, inode)))
        .collect();
    largest(&mut files, top);
    files
        .into_iter()
        .map(|(size, (node, inode))| PathSize {
            path: shown_path(&merged.tree.path(node)),
            size_bytes: Bytes(size),
            layer: inode.layer,
            package: merged.owner_of(inode).map(|owner| merged.packages[owner].name.clone()).unwrap_or_default(),
        })
        .collect()
}

/// Keeps the largest; equal ones stay in their order.
fn largest<T>(rows: &mut Vec<(u64, T)>, top: usize) {
    rows.sort_by_key(|row| std::cmp::Reverse(row.0));
    rows.truncate(top);
}

/// The groups of equal visible files, and the bytes beyond the first copies.
fn duplicates(merged: &Merged<'_>, top: usize) -> (Vec<Duplicate>, u64) {
    let mut groups: HashMap<(&[u8; 32], u64), Vec<&Inode>> = HashMap::new();
    for inode in merged.tree.inodes.iter().filter(|inode| inode.names > 0) {
        let (layer, entry) = merged.entry(inode);
        if entry.kind == EntryKind::File
            && entry.size > 0
            && let Some(digest) = layer.digest(entry)
        {
            groups.entry((digest, entry.size)).or_default().push(inode);
        }
    }
    let mut total = 0;
    let mut rows: Vec<(u64, &[u8; 32], u64, Vec<&Inode>)> = Vec::new();
    for ((digest, size), copies) in groups {
        if copies.len() > 1 {
            let beyond = size * (copies.len() as u64 - 1);
            total += beyond;
            rows.push((beyond, digest, size, copies));
        }
    }
    rows.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    rows.truncate(top);
    let rows = rows
        .into_iter()
        .map(|(_, digest, size, copies)| {
            let mut paths: Vec<String> = copies.iter().map(|inode| shown_path(&merged.tree.path(inode.node))).collect();
            paths.sort_unstable();
            paths.truncate(DUPLICATE_PATHS);
            Duplicate {
                digest: super::blob::digest_text(digest),
                size_bytes: Bytes(size),
                paths,
                copies: copies.len() as u64,
            }
        })
        .collect();
    (rows, total)
}

/// A path for the record.
pub(super) fn shown_path(path: &[u8]) -> String {
    format!("/{}", from_bytes(path))
}
