//! An image's layers merged, and which package owns what.

use super::tree::{Inode, NONE, Tree};
use crate::facts::LayerOrigin;
use crate::packages::{self, Databases, Found, Inventory};
use crate::read::ImageScan;
use crate::read::layer::{LayerEntry, LayerScan};

/// Names looked up for the lists of packages: some seconds' worth. A full Debian takes two millions.
const LOOKUPS: u64 = 100_000_000;
/// Packages that an image may have. All of Debian is less.
const PACKAGES: usize = 100_000;

/// An image's layers merged, with what owns each path: what all the lists are made from.
pub(crate) struct Merged<'a> {
    pub scan: &'a ImageScan,
    pub layers: Vec<&'a LayerScan>,
    pub instructions: Vec<String>,
    pub origins: Vec<LayerOrigin>,
    pub tree: Tree<'a>,
    pub packages: Vec<Found>,
    /// Package of each node; [`NONE`] where none owns it.
    pub owner: Vec<u32>,
    /// Whether there were more packages, or longer lists of theirs, than are looked at.
    pub lists_cut: bool,
}

impl<'a> Merged<'a> {
    /// Merges an image above `base`, the diff ids of its base's layers; of those the topmost `site_layers` were put there
    /// for the build.
    pub(crate) fn new(scan: &'a ImageScan, base: &[String], site_layers: usize) -> Self {
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
        let mut owners = Owners {
            owner: vec![NONE; tree.nodes.len()],
            found: Vec::new(),
            tree: &tree,
            layers: &layers,
            lookups: LOOKUPS,
        };
        packages::read(&databases, &mut owners);
        let (owner, found, lists_cut) = (owners.owner, owners.found, owners.lookups == 0);
        let own = layers.iter().zip(base).take_while(|(layer, id)| layer.diff_id == **id).count();
        let site = base.len().saturating_sub(site_layers);
        let origins = (0..layers.len())
            .map(|index| match index {
                index if index >= own => LayerOrigin::Own,
                index if index >= site => LayerOrigin::Site,
                _ => LayerOrigin::Base,
            })
            .collect();
        let instructions = scan.config.instructions();
        Self { scan, instructions, layers, origins, tree, packages: found, owner, lists_cut }
    }

    pub(crate) fn entry(&self, inode: &Inode) -> (&'a LayerScan, &'a LayerEntry) {
        let layer = self.layers[inode.layer as usize];
        (layer, &layer.entries[inode.entry as usize])
    }

    pub(crate) fn owner_of(&self, inode: &Inode) -> Option<usize> {
        let owner = self.owner[inode.node as usize];
        (owner != NONE).then_some(owner as usize)
    }

    pub(crate) fn instruction(&self, layer: u32) -> String {
        self.instructions.get(layer as usize).cloned().unwrap_or_default()
    }

    /// Whether a layer is not the base's.
    pub(crate) fn is_own(&self, layer: u32) -> bool {
        self.origins[layer as usize] == LayerOrigin::Own
    }

    /// Files that can be seen.
    pub(crate) fn visible(&self) -> impl Iterator<Item = &Inode> {
        self.tree.inodes.iter().filter(|inode| inode.names > 0)
    }
}

struct Owners<'t, 'a> {
    owner: Vec<u32>,
    found: Vec<Found>,
    tree: &'t Tree<'a>,
    layers: &'t [&'a LayerScan],
    lookups: u64,
}

impl Inventory for Owners<'_, '_> {
    fn package(&mut self, found: Found) -> Option<u32> {
        if self.found.len() == PACKAGES {
            self.lookups = 0;
            return None;
        }
        self.found.push(found);
        Some(self.found.len() as u32 - 1)
    }

    fn owns(&mut self, package: u32, folder: &[u8], path: &[u8]) {
        if let Some(node) = self.tree.find_through_links(self.layers, [folder, path], &mut self.lookups) {
            let owner = &mut self.owner[node as usize];
            if *owner == NONE {
                *owner = package;
            }
        }
    }

    fn owns_below(&mut self, package: u32, folder: &[u8]) {
        let mut waiting = Vec::from_iter(self.tree.find(folder));
        while let Some(node) = waiting.pop() {
            let Some(left) = self.lookups.checked_sub(1) else { return };
            self.lookups = left;
            let owner = &mut self.owner[node as usize];
            if *owner == NONE {
                *owner = package;
            }
            waiting.extend(self.tree.shown_children(node));
        }
    }

    fn is_owned(&self, path: &[u8]) -> bool {
        self.tree.find(path).is_some_and(|node| self.owner[node as usize] != NONE)
    }
}
