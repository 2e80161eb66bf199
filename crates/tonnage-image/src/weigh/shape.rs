//! The merged tree with its small branches folded together, for a treemap or a listing.

use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use crate::bytes::Bytes;
use crate::facts::FileNode;
use crate::merge::Merged;
use crate::merge::tree::{ROOT, Shown};
use crate::text::from_bytes;

/// Nodes that a tree may have.
const MAX_NODES: usize = 300;

/// The folded tree, and the first visible name of every visible file as (node, inode), in the order of paths.
pub(crate) fn tree(merged: &Merged<'_>) -> (FileNode, Vec<(u32, u32)>) {
    let tree = &merged.tree;
    let mut sizes = vec![0u64; tree.nodes.len()];
    let mut seen = vec![false; tree.inodes.len()];
    let mut first_names = Vec::new();
    let mut order = Vec::new();
    let mut waiting = vec![ROOT];
    while let Some(node) = waiting.pop() {
        order.push(node);
        if let Shown::Inode(inode) = tree.nodes[node as usize].shown
            && !std::mem::replace(&mut seen[inode as usize], true)
        {
            sizes[node as usize] += merged.entry(&tree.inodes[inode as usize]).1.size;
            first_names.push((node, inode));
        }
        let mut children = tree.shown_children(node);
        children.reverse();
        waiting.extend(children);
    }
    // Children stand behind their folder.
    for &node in order.iter().rev().filter(|&&node| node != ROOT) {
        sizes[tree.nodes[node as usize].parent as usize] += sizes[node as usize];
    }
    let kept = keep(merged, &sizes);
    let held = hold(merged, &kept, &first_names);
    (fold(merged, &sizes, &kept, held), first_names)
}

/// Bytes by layer, and by package or by none.
#[derive(Default)]
struct Held {
    layers: BTreeMap<u32, u64>,
    packages: BTreeMap<Option<usize>, u64>,
}

impl Held {
    fn add(&mut self, other: &Self) {
        for (layer, bytes) in &other.layers {
            *self.layers.entry(*layer).or_default() += bytes;
        }
        for (package, bytes) in &other.packages {
            *self.packages.entry(*package).or_default() += bytes;
        }
    }

    /// The tree's node for these bytes.
    fn node(&self, merged: &Merged<'_>, name: String, bytes: u64, children: Vec<FileNode>) -> FileNode {
        let package = most(&self.packages).flatten().map(|package| merged.packages[package].name.clone());
        FileNode {
            name,
            size_bytes: Bytes(bytes),
            children,
            layer: most(&self.layers),
            package: package.unwrap_or_default(),
        }
    }
}

/// The key with the most bytes, the first of equal ones.
fn most<K: Copy>(sums: &BTreeMap<K, u64>) -> Option<K> {
    sums.iter().rev().max_by_key(|(_, bytes)| **bytes).map(|(key, _)| *key)
}

/// What each kept node holds itself (`true`: what is folded in it), by layer and package.
fn hold(merged: &Merged<'_>, kept: &HashSet<u32>, first_names: &[(u32, u32)]) -> HashMap<(u32, bool), Held> {
    let tree = &merged.tree;
    let mut rows: HashMap<(u32, bool), Held> = HashMap::new();
    for &(name, inode) in first_names {
        let inode = &tree.inodes[inode as usize];
        let bytes = merged.entry(inode).1.size;
        if bytes == 0 {
            continue;
        }
        let mut node = name;
        while node != ROOT && !kept.contains(&node) {
            node = tree.nodes[node as usize].parent;
        }
        let held = rows.entry((node, node != name)).or_default();
        *held.layers.entry(inode.layer).or_default() += bytes;
        *held.packages.entry(merged.owner_of(inode)).or_default() += bytes;
    }
    rows
}

/// The largest nodes whose folders are kept too.
fn keep(merged: &Merged<'_>, sizes: &[u64]) -> HashSet<u32> {
    let mut kept = HashSet::new();
    let mut nodes = 0;
    let mut largest = BinaryHeap::from([(sizes[ROOT as usize], std::cmp::Reverse(ROOT))]);
    while let Some((size, std::cmp::Reverse(node))) = largest.pop() {
        let children = merged.tree.shown_children(node);
        // A folder may need a row for what is folded in it.
        let cost = 1 + usize::from(!children.is_empty());
        if nodes + cost > MAX_NODES || (size == 0 && node != ROOT) {
            break;
        }
        nodes += cost;
        kept.insert(node);
        largest.extend(children.into_iter().map(|child| (sizes[child as usize], std::cmp::Reverse(child))));
    }
    kept
}

/// Builds the kept nodes, children before their directory, so that depth costs no stack.
fn fold(merged: &Merged<'_>, sizes: &[u64], kept: &HashSet<u32>, mut held: HashMap<(u32, bool), Held>) -> FileNode {
    let mut done: HashMap<u32, FileNode> = HashMap::new();
    let mut waiting = vec![(ROOT, false)];
    while let Some((node, children_done)) = waiting.pop() {
        let children = merged.tree.shown_children(node);
        if !children_done {
            waiting.push((node, true));
            waiting.extend(children.into_iter().filter(|child| kept.contains(child)).map(|child| (child, false)));
            continue;
        }
        let mut own = held.remove(&(node, false)).unwrap_or_default();
        let mut rows = Vec::new();
        let (mut others, mut other_bytes) = (0u64, 0);
        for child in children {
            if let Some(row) = done.remove(&child) {
                own.add(&held.remove(&(child, false)).unwrap_or_default());
                rows.push(row);
            } else {
                others += 1;
                other_bytes += sizes[child as usize];
            }
        }
        rows.sort_by(|a, b| b.size_bytes.cmp(&a.size_bytes).then_with(|| a.name.cmp(&b.name)));
        if others > 0 {
            let folded = held.remove(&(node, true)).unwrap_or_default();
            rows.push(folded.node(merged, format!("[{others} others]"), other_bytes, Vec::new()));
            own.add(&folded);
        }
        let name = if node == ROOT { "/".to_owned() } else { from_bytes(merged.tree.nodes[node as usize].name) };
        done.insert(node, own.node(merged, name, sizes[node as usize], rows));
        // For the directory above.
        held.insert((node, false), own);
    }
    done.remove(&ROOT).unwrap_or_else(|| FileNode { name: "/".into(), ..FileNode::default() })
}
