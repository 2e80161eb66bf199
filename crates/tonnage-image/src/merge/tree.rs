//! The merged file system: layers applied one over the other as the kernel shows them.
//!
//! Every path is one node, every file that was ever written one inode. Hiding a folder detaches its children, so
//! that each name is taken away once for each time it was put there: the whole is linear in the number of entries.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use crate::path::split;
use crate::read::layer::{EntryKind, LayerEntry, LayerScan};

pub(crate) const NONE: u32 = u32::MAX;
/// The root's node.
pub(crate) const ROOT: u32 = 0;
/// Links followed in one path before it counts as a loop, as the kernel does.
const MAX_LINKS: usize = 40;

/// What a path shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Nothing,
    Folder,
    /// A file, link or device: index of its inode.
    Inode(u32),
}

#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub name: &'a [u8],
    pub parent: u32,
    first_child: u32,
    next_sibling: u32,
    pub shown: Shown,
    linked: bool,
}

/// A file that some layer wrote.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inode {
    pub layer: u32,
    pub entry: u32,
    /// The path that it was written under.
    pub node: u32,
    /// Visible names.
    pub names: u32,
    /// Layer that took the last name away.
    pub removed_by: u32,
}

/// The merged tree of an image.
pub(crate) struct Tree<'a> {
    pub nodes: Vec<Node<'a>>,
    /// In the order of layers and entries.
    pub inodes: Vec<Inode>,
    children: HashMap<(u32, &'a [u8]), u32>,
    layer: u32,
}

impl<'a> Tree<'a> {
    /// Applies the layers, lowest first.
    pub(crate) fn merge<'b: 'a>(layers: impl IntoIterator<Item = &'b LayerScan>) -> Self {
        let root =
            Node { name: b"", parent: ROOT, first_child: NONE, next_sibling: NONE, shown: Shown::Folder, linked: true };
        let mut tree = Self { nodes: vec![root], inodes: Vec::new(), children: HashMap::new(), layer: 0 };
        for layer in layers {
            tree.apply(layer);
            tree.layer += 1;
        }
        tree
    }

    fn apply(&mut self, scan: &'a LayerScan) {
        self.hide_what_is_gone(scan);
        let mut last: Option<(&'a [u8], u32)> = None;
        for (index, entry) in scan.entries.iter().enumerate() {
            let index = index as u32;
            if matches!(entry.kind, EntryKind::Opaque | EntryKind::Whiteout) {
                continue;
            }
            let path = scan.path(entry);
            if path.is_empty() {
                if entry.kind != EntryKind::Directory {
                    // The root stays a folder: what wants to replace it is never seen.
                    self.inodes.push(Inode {
                        layer: self.layer,
                        entry: index,
                        node: ROOT,
                        names: 0,
                        removed_by: self.layer,
                    });
                }
                continue;
            }
            let (folder, name) = split(path);
            let parent = match last {
                Some((known, node)) if known == folder => node,
                _ => self.folders(scan, folder),
            };
            last = Some((folder, parent));
            let node = self.child_or_new(parent, name);
            let was = self.nodes[node as usize].shown;
            self.place(scan, entry, index, node);
            // A folder on the way of the next entry may be gone.
            if was != Shown::Nothing {
                last = None;
            }
        }
    }

    /// Whiteouts speak of lower layers only, wherever they stand in the tar: they come first.
    fn hide_what_is_gone(&mut self, scan: &'a LayerScan) {
        let is = |kind: EntryKind| scan.entries.iter().any(|entry| entry.kind == kind);
        let mut written = Links::default();
        let has_links = is(EntryKind::Symlink) && (is(EntryKind::Whiteout) || is(EntryKind::Opaque));
        for entry in &scan.entries {
            let path = scan.path(entry);
            match entry.kind {
                EntryKind::Opaque => {
                    if let Some(folder) = self.find(&written.through(path)) {
                        self.hide_children(folder);
                    }
                }
                EntryKind::Whiteout => {
                    let (parent, name) = LayerEntry::hidden(path);
                    let hidden = self.find(&written.through(parent)).and_then(|parent| self.child(parent, name));
                    if let Some(hidden) = hidden {
                        self.hide(hidden);
                    }
                }
                _ if has_links => written.write(entry.kind, path, scan.link(entry)),
                _ => {}
            }
        }
    }

    fn place(&mut self, scan: &'a LayerScan, entry: &LayerEntry, index: u32, node: u32) {
        match entry.kind {
            EntryKind::Directory => {
                if let Shown::Inode(_) = self.nodes[node as usize].shown {
                    self.hide(node);
                }
                self.show(node, Shown::Folder);
            }
            EntryKind::HardLink => {
                let target = self.find_written(scan, scan.link(entry)).map(|target| self.nodes[target as usize].shown);
                if let Some(Shown::Inode(inode)) = target {
                    // Its new name counts before the old one goes: they may be the same.
                    self.inodes[inode as usize].names += 1;
                    self.hide(node);
                    self.show(node, Shown::Inode(inode));
                } else {
                    self.write(index, node);
                }
            }
            _ => self.write(index, node),
        }
    }

    fn write(&mut self, entry: u32, node: u32) {
        self.hide(node);
        let inode = self.inodes.len() as u32;
        self.inodes.push(Inode { layer: self.layer, entry, node, names: 1, removed_by: NONE });
        self.show(node, Shown::Inode(inode));
    }

    /// The directory of a path, made on the way; what a lower layer has there instead is hidden by it. A symbolic link
    /// of the same layer is followed: the layer is unpacked on its own, and the link is there when the path is written
    /// (containerd, `archive.applyNaive`).
    fn folders(&mut self, scan: &'a LayerScan, path: &'a [u8]) -> u32 {
        let mut node = ROOT;
        let mut walk = Walk::new(path);
        while let Some(part) = walk.next(&mut node, self) {
            let child = self.child_or_new(node, part);
            match self.nodes[child as usize].shown {
                Shown::Folder => {}
                Shown::Inode(inode) if self.inodes[inode as usize].layer == self.layer => {
                    if let Some(target) = self.written_link(scan, inode)
                        && walk.follow(target, &mut node)
                    {
                        continue;
                    }
                }
                Shown::Inode(_) => {
                    self.hide(child);
                    self.show(child, Shown::Folder);
                }
                Shown::Nothing => self.show(child, Shown::Folder),
            }
            self.link(child);
            node = child;
        }
        node
    }

    /// The node of a path, symbolic links to directories followed if this layer has written them.
    fn find_written(&self, scan: &'a LayerScan, path: &'a [u8]) -> Option<u32> {
        let mut node = ROOT;
        let mut walk = Walk::new(path);
        while let Some(part) = walk.next(&mut node, self) {
            let child = self.child(node, part)?;
            if !walk.waiting.is_empty()
                && let Shown::Inode(inode) = self.nodes[child as usize].shown
                && let Some(target) = self.written_link(scan, inode)
                && walk.follow(target, &mut node)
            {
                continue;
            }
            node = child;
        }
        Some(node)
    }

    /// Where a symbolic link of this layer points.
    fn written_link(&self, scan: &'a LayerScan, inode: u32) -> Option<&'a [u8]> {
        let inode = self.inodes[inode as usize];
        let entry = scan.entries.get(inode.entry as usize).filter(|_| inode.layer == self.layer)?;
        (entry.kind == EntryKind::Symlink).then(|| scan.link(entry))
    }

    fn show(&mut self, node: u32, shown: Shown) {
        self.nodes[node as usize].shown = shown;
        self.link(node);
    }

    fn link(&mut self, node: u32) {
        if self.nodes[node as usize].linked {
            return;
        }
        let parent = self.nodes[node as usize].parent as usize;
        let first = std::mem::replace(&mut self.nodes[parent].first_child, node);
        let node = &mut self.nodes[node as usize];
        node.next_sibling = first;
        node.linked = true;
    }

    fn hide(&mut self, node: u32) {
        if let Shown::Inode(inode) = std::mem::replace(&mut self.nodes[node as usize].shown, Shown::Nothing) {
            self.release(inode);
        }
        self.hide_children(node);
    }

    fn hide_children(&mut self, node: u32) {
        let mut waiting = vec![std::mem::replace(&mut self.nodes[node as usize].first_child, NONE)];
        while let Some(mut child) = waiting.pop() {
            while child != NONE {
                let node = &mut self.nodes[child as usize];
                let shown = std::mem::replace(&mut node.shown, Shown::Nothing);
                let below = std::mem::replace(&mut node.first_child, NONE);
                child = std::mem::replace(&mut node.next_sibling, NONE);
                node.linked = false;
                if let Shown::Inode(inode) = shown {
                    self.release(inode);
                }
                if below != NONE {
                    waiting.push(below);
                }
            }
        }
    }

    fn release(&mut self, inode: u32) {
        let inode = &mut self.inodes[inode as usize];
        inode.names -= 1;
        if inode.names == 0 {
            inode.removed_by = self.layer;
        }
    }

    pub(crate) fn child(&self, parent: u32, name: &[u8]) -> Option<u32> {
        self.children.get(&(parent, name)).copied()
    }

    fn child_or_new(&mut self, parent: u32, name: &'a [u8]) -> u32 {
        *self.children.entry((parent, name)).or_insert_with(|| {
            let node = self.nodes.len() as u32;
            self.nodes.push(Node {
                name,
                parent,
                first_child: NONE,
                next_sibling: NONE,
                shown: Shown::Nothing,
                linked: false,
            });
            node
        })
    }

    /// The node of a path, links not followed.
    pub(crate) fn find(&self, path: &[u8]) -> Option<u32> {
        parts(path).try_fold(ROOT, |node, part| self.child(node, part))
    }

    /// The node of a path below a folder, links to folders followed on the way, as a package's list of files wants it
    /// (`/lib` may be a link to `usr/lib`). Each name that is looked up takes one from `lookups`; where none are left,
    /// nothing is found.
    pub(crate) fn find_through_links(
        &self,
        layers: &[&'a LayerScan],
        [folder, path]: [&[u8]; 2],
        lookups: &mut u64,
    ) -> Option<u32> {
        let mut links = 0;
        let mut node = ROOT;
        // Splitting a long name costs as well.
        *lookups = lookups.saturating_sub((folder.len() + path.len()) as u64 / 64);
        if *lookups == 0 {
            return None;
        }
        let mut waiting = Vec::new();
        push_parts(&mut waiting, path);
        push_parts(&mut waiting, folder);
        while let Some(part) = waiting.pop() {
            *lookups = lookups.checked_sub(1)?;
            if part == b".." {
                node = self.nodes[node as usize].parent;
                continue;
            }
            let child = self.child(node, part);
            let target = child.filter(|_| !waiting.is_empty()).and_then(|child| self.link_target(layers, child));
            if let Some(target) = target {
                links += 1;
                if links > MAX_LINKS {
                    return None;
                }
                if target.starts_with(b"/") {
                    node = ROOT;
                }
                *lookups = lookups.saturating_sub(target.len() as u64 / 64);
                push_parts(&mut waiting, target);
                continue;
            }
            node = child?;
        }
        Some(node)
    }

    fn link_target(&self, layers: &[&'a LayerScan], node: u32) -> Option<&'a [u8]> {
        let Shown::Inode(inode) = self.nodes[node as usize].shown else { return None };
        let inode = self.inodes[inode as usize];
        let layer = layers.get(inode.layer as usize)?;
        let entry = layer.entries.get(inode.entry as usize)?;
        (entry.kind == EntryKind::Symlink).then(|| layer.link(entry))
    }

    /// The visible children of a node, by name.
    pub(crate) fn shown_children(&self, node: u32) -> Vec<u32> {
        let mut found = Vec::new();
        let mut child = self.nodes[node as usize].first_child;
        while child != NONE {
            if self.nodes[child as usize].shown != Shown::Nothing {
                found.push(child);
            }
            child = self.nodes[child as usize].next_sibling;
        }
        found.sort_unstable_by_key(|&child| self.nodes[child as usize].name);
        found
    }

    /// The path of a node, without a leading slash.
    pub(crate) fn path(&self, mut node: u32) -> Vec<u8> {
        let mut parts = Vec::new();
        while node != ROOT {
            parts.push(self.nodes[node as usize].name);
            node = self.nodes[node as usize].parent;
        }
        parts.reverse();
        parts.join(&b'/')
    }
}

/// The parts of a path that are still to be walked, with those of the links on the way.
struct Walk<'a> {
    waiting: Vec<&'a [u8]>,
    links: usize,
}

impl<'a> Walk<'a> {
    fn new(path: &'a [u8]) -> Self {
        let mut waiting = Vec::new();
        push_parts(&mut waiting, path);
        Self { waiting, links: 0 }
    }

    /// The next name below `node`; `..` goes up and never out of the root.
    fn next(&mut self, node: &mut u32, tree: &Tree<'_>) -> Option<&'a [u8]> {
        loop {
            let part = self.waiting.pop()?;
            if part != b".." {
                return Some(part);
            }
            *node = tree.nodes[*node as usize].parent;
        }
    }

    /// Goes on with a link's target; false if there were too many of them.
    fn follow(&mut self, target: &'a [u8], node: &mut u32) -> bool {
        self.links += 1;
        if self.links > MAX_LINKS {
            return false;
        }
        if target.starts_with(b"/") {
            *node = ROOT;
        }
        push_parts(&mut self.waiting, target);
        true
    }
}

/// The symbolic links that a layer has written so far, by the paths where they lie.
#[derive(Default)]
struct Links<'a>(BTreeMap<Vec<u8>, &'a [u8]>);

impl<'a> Links<'a> {
    /// A directory's path with these links resolved.
    fn through<'p>(&self, path: &'p [u8]) -> Cow<'p, [u8]>
    where
        'a: 'p,
    {
        if self.0.is_empty() {
            return Cow::Borrowed(path);
        }
        let mut walked: Vec<u8> = Vec::with_capacity(path.len());
        let mut waiting = Vec::new();
        push_parts(&mut waiting, path);
        let mut followed = 0;
        while let Some(part) = waiting.pop() {
            let parent = walked.len();
            if part == b".." {
                walked.truncate(walked.iter().rposition(|&byte| byte == b'/').unwrap_or(0));
                continue;
            }
            if parent > 0 {
                walked.push(b'/');
            }
            walked.extend_from_slice(part);
            if followed < MAX_LINKS
                && let Some(target) = self.0.get(&walked)
            {
                followed += 1;
                walked.truncate(if target.starts_with(b"/") { 0 } else { parent });
                push_parts(&mut waiting, target);
            }
        }
        Cow::Owned(walked)
    }

    /// Where an entry itself lies.
    fn place(&self, path: &[u8]) -> Vec<u8> {
        let (folder, name) = split(path);
        let folder = self.through(folder);
        if folder.is_empty() { name.to_vec() } else { [&folder[..], b"/", name].concat() }
    }

    /// Takes an entry in: it replaces what was there, and is a link if it is one or another name of one.
    fn write(&mut self, kind: EntryKind, path: &[u8], link: &'a [u8]) {
        let place = self.place(path);
        let target = match kind {
            EntryKind::Symlink => Some(link),
            EntryKind::HardLink => self.0.get(&self.place(link)).copied(),
            _ => None,
        };
        self.0.remove(&place);
        if kind != EntryKind::Directory {
            let below = [&place[..], b"/"].concat();
            let gone: Vec<Vec<u8>> = self
                .0
                .range(below.clone()..)
                .map(|(path, _)| path)
                .take_while(|path| path.starts_with(&below))
                .cloned()
                .collect();
            for path in gone {
                self.0.remove(&path);
            }
        }
        if let Some(target) = target {
            self.0.insert(place, target);
        }
    }
}

/// Puts a path on a stack of parts, its first part on top.
fn push_parts<'a>(waiting: &mut Vec<&'a [u8]>, path: &'a [u8]) {
    let before = waiting.len();
    waiting.extend(parts(path));
    waiting[before..].reverse();
}

fn parts(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|part| !part.is_empty() && *part != b".")
}
