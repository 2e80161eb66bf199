//! An image's layers merged, and which package owns what.

use std::collections::BTreeMap;

use super::tree::{Inode, NONE, ROOT, Shown, Tree};
use crate::facts::LayerOrigin;
use crate::packages::{self, Composites, Databases, Found, Inventory};
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
    /// Parts of files that are of other packages than the file: package and bytes, by inode.
    pub parts: BTreeMap<u32, Vec<(u32, u64)>>,
    /// How many package databases are not what their names say.
    pub unreadable: u64,
    /// Whether there were more packages, or longer lists of theirs, than are looked at.
    pub lists_cut: bool,
}

impl<'a> Merged<'a> {
    /// Merges an image above `base`, the diff ids of its base's layers; of those the topmost `site_layers` were put there
    /// for the build.
    pub(crate) fn new(scan: &'a ImageScan, base: &[String], site_layers: usize) -> Self {
        let layers: Vec<&LayerScan> = scan.layers.iter().map(AsRef::as_ref).collect();
        let tree = Tree::merge(layers.iter().copied());
        let (mut databases, mut composites) = (Databases::new(), Composites::new());
        for (index, layer) in layers.iter().enumerate() {
            let is_visible = |entry: u32| {
                let key = (index as u32, entry);
                let found = tree.inodes.binary_search_by_key(&key, |inode| (inode.layer, inode.entry));
                found.is_ok_and(|found| tree.inodes[found].names > 0)
            };
            let path = |entry: u32| layer.path(&layer.entries[entry as usize]);
            let visible = layer.databases.iter().filter(|&(&entry, _)| is_visible(entry));
            databases.extend(visible.map(|(&entry, content)| (path(entry), &**content)));
            let visible = layer.composites.iter().filter(|&(&entry, _)| is_visible(entry));
            composites.extend(visible.map(|(&entry, composite)| (path(entry), composite)));
        }
        let mut owners = Owners {
            owner: vec![NONE; tree.nodes.len()],
            claims: BTreeMap::new(),
            parts: BTreeMap::new(),
            found: Vec::new(),
            once: BTreeMap::new(),
            tree: &tree,
            layers: &layers,
            lookups: LOOKUPS,
            unreadable: 0,
        };
        packages::read(&databases, &composites, &mut owners);
        owners.settle();
        let Owners { owner, parts, found, lookups, unreadable, .. } = owners;
        let lists_cut = lookups == 0;
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
        Self { scan, instructions, layers, origins, tree, packages: found, owner, parts, unreadable, lists_cut }
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
    /// Packages by the directory, or file, whose whole content they claim.
    claims: BTreeMap<u32, u32>,
    parts: BTreeMap<u32, Vec<(u32, u64)>>,
    found: Vec<Found>,
    /// Numbers of the packages that are found in several places.
    once: BTreeMap<Found, u32>,
    tree: &'t Tree<'a>,
    layers: &'t [&'a LayerScan],
    lookups: u64,
    unreadable: u64,
}

impl Owners<'_, '_> {
    /// Gives what no list names to the package of the deepest directory that is claimed.
    fn settle(&mut self) {
        // A file that was hidden has its node still: the children of all nodes, not the visible ones.
        let mut claimed = vec![NONE; self.tree.nodes.len()];
        // A node comes behind its parent.
        for (index, node) in self.tree.nodes.iter().enumerate() {
            let own = self.claims.get(&(index as u32)).copied();
            claimed[index] = own.unwrap_or(if index == ROOT as usize { NONE } else { claimed[node.parent as usize] });
            if self.owner[index] == NONE {
                self.owner[index] = claimed[index];
            }
        }
    }

    fn visible(&self, path: &[u8]) -> Option<u32> {
        let node = self.tree.find(path)?;
        match self.tree.nodes[node as usize].shown {
            Shown::Inode(inode) => Some(inode),
            _ => None,
        }
    }
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

    fn package_once(&mut self, found: Found) -> Option<u32> {
        if let Some(&number) = self.once.get(&found) {
            return Some(number);
        }
        let number = self.package(found.clone())?;
        self.once.insert(found, number);
        Some(number)
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
        // A link that has the place of a directory is the package's; what it points at is somebody's own.
        if let Some(node) = self.tree.find(folder).filter(|&node| node != ROOT) {
            self.claims.entry(node).or_insert(package);
        }
    }

    fn owns_part(&mut self, package: u32, path: &[u8], bytes: u64) {
        let Some(inode) = self.visible(path).filter(|_| bytes > 0) else { return };
        let written = self.tree.inodes[inode as usize];
        let size = self.layers[written.layer as usize].entries[written.entry as usize].size;
        let parts = self.parts.entry(inode).or_default();
        // No more than there is, whatever an archive says of itself.
        let taken: u64 = parts.iter().map(|part| part.1).sum();
        let bytes = bytes.min(size - taken);
        if bytes > 0 {
            parts.push((package, bytes));
        }
    }

    fn is_owned(&self, path: &[u8]) -> bool {
        let Some(mut node) = self.tree.find(path) else { return false };
        if self.owner[node as usize] != NONE {
            return true;
        }
        while node != ROOT {
            if self.claims.contains_key(&node) {
                return true;
            }
            node = self.tree.nodes[node as usize].parent;
        }
        false
    }

    fn names_in(&mut self, folder: &[u8]) -> Vec<Vec<u8>> {
        let Some(node) = self.tree.find(folder) else { return Vec::new() };
        let found = self.tree.shown_children(node);
        self.lookups = self.lookups.saturating_sub(found.len() as u64);
        if self.lookups == 0 {
            return Vec::new();
        }
        found.into_iter().map(|child| self.tree.nodes[child as usize].name.to_vec()).collect()
    }

    fn unreadable(&mut self) {
        self.unreadable += 1;
    }
}
