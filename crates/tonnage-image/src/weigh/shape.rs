//! The merged tree with its small branches folded together, for a treemap or a listing.

use std::collections::{BinaryHeap, HashSet};

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
    (fold(merged, &sizes, &kept), first_names)
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

/// Builds the kept nodes, children before their folder, so that depth costs no stack.
fn fold(merged: &Merged<'_>, sizes: &[u64], kept: &HashSet<u32>) -> FileNode {
    let mut done: std::collections::HashMap<u32, FileNode> = std::collections::HashMap::new();
    let mut waiting = vec![(ROOT, false)];
    while let Some((node, children_done)) = waiting.pop() {
        let children = merged.tree.shown_children(node);
        if !children_done {
            waiting.push((node, true));
            waiting.extend(children.into_iter().filter(|child| kept.contains(child)).map(|child| (child, false)));
            continue;
        }
        let mut rows = Vec::new();
        let (mut others, mut other_bytes) = (0u64, 0);
        for child in children {
            if let Some(row) = done.remove(&child) {
                rows.push(row);
            } else {
                others += 1;
                other_bytes += sizes[child as usize];
            }
        }
        rows.sort_by(|a, b| b.size_bytes.cmp(&a.size_bytes).then_with(|| a.name.cmp(&b.name)));
        if others > 0 {
            let name = format!("[{others} others]");
            rows.push(FileNode { name, size_bytes: Bytes(other_bytes), children: Vec::new() });
        }
        let name = if node == ROOT { "/".to_owned() } else { from_bytes(merged.tree.nodes[node as usize].name) };
        done.insert(node, FileNode { name, size_bytes: Bytes(sizes[node as usize]), children: rows });
    }
    done.remove(&ROOT).unwrap_or(FileNode { name: "/".into(), size_bytes: Bytes::ZERO, children: Vec::new() })
}
