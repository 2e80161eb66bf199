//! The merged tree as rows: the largest directories and files with those above them, each with a bar.

use std::collections::{BinaryHeap, HashSet};

use super::tables::bar;
use crate::record::{FileNode, Variant};
use crate::report::table::{Cell, Table};
use crate::text::{for_people, shorten};
use crate::units::Bytes;

/// Longest bar, in characters.
const BAR: u64 = 16;
/// Columns of everything but the name.
const BESIDE: usize = 40;
/// Shortest that a name is cut to.
const LEAST: usize = 16;

/// The largest entries of the tree, at most so many rows besides the root; names fit into so many columns.
pub(super) fn directories(image: &Variant, rows: usize, columns: usize) -> Table {
    let mut table = Table::new("Directories and files", "#Size | #Share | Bar | Path");
    let Some(tree) = &image.tree else { return table };
    let kept = largest(tree, rows);
    let mut waiting = vec![(tree, String::new(), String::new(), tree.name.clone())];
    while let Some((node, branch, below, name)) = waiting.pop() {
        let room = columns.saturating_sub(BESIDE + branch.chars().count()).max(LEAST);
        table.push(vec![
            Cell::bytes(node.size_bytes),
            Cell::share(node.size_bytes.0, tree.size_bytes.0),
            Cell::new(bar(node.size_bytes.0, tree.size_bytes.0, BAR)),
            Cell::code(format!("{branch}{}", shorten(&for_people(&name), room))),
        ]);
        let shown: Vec<&FileNode> =
            node.children.iter().filter(|child| kept.contains(&std::ptr::from_ref(*child))).collect();
        for (index, child) in shown.iter().enumerate().rev() {
            let last = index + 1 == shown.len();
            let (turn, bar) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let slash = if child.children.is_empty() { "" } else { "/" };
            waiting.push((child, format!("{below}{turn}"), format!("{below}{bar}"), format!("{}{slash}", child.name)));
        }
    }
    table
}

/// The largest entries: each is below entries that are at least as large, so that their directories are among them.
fn largest(root: &FileNode, rows: usize) -> HashSet<*const FileNode> {
    let mut met: Vec<&FileNode> = root.children.iter().collect();
    let mut queue: BinaryHeap<(Bytes, std::cmp::Reverse<usize>)> =
        met.iter().enumerate().map(|(index, node)| (node.size_bytes, std::cmp::Reverse(index))).collect();
    let mut kept = HashSet::new();
    while let Some((size, std::cmp::Reverse(index))) = queue.pop() {
        let node = met[index];
        if kept.len() == rows || size == Bytes::ZERO {
            break;
        }
        kept.insert(std::ptr::from_ref(node));
        for child in &node.children {
            queue.push((child.size_bytes, std::cmp::Reverse(met.len())));
            met.push(child);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, bytes: u64, children: Vec<FileNode>) -> FileNode {
        FileNode { name: name.to_owned(), size_bytes: Bytes(bytes), children, ..FileNode::default() }
    }

    #[test]
    fn the_largest_rows_hang_on_their_directories() {
        let lib = node("lib", 60, vec![node("big.so", 50, vec![]), node("small.so", 10, vec![])]);
        let usr = node("usr", 70, vec![lib, node("share", 10, vec![])]);
        let tree = node("/", 100, vec![usr, node("opt", 25, vec![]), node("etc", 5, vec![])]);
        let image = Variant { tree: Some(tree), ..Variant::default() };
        let table = directories(&image, 4, 80);
        let names: Vec<&str> = table.rows.iter().map(|row| row[3].text.as_str()).collect();
        assert_eq!(names, ["/", "├─ usr/", "│  └─ lib/", "│     └─ big.so", "└─ opt"]);
        let bars: Vec<usize> = table.rows.iter().map(|row| row[2].text.chars().count()).collect();
        assert_eq!(bars, [16, 11, 9, 8, 4]);
    }

    #[test]
    fn a_tree_as_deep_as_paths_may_be_takes_no_stack() {
        let mut deep = node("x", 1, vec![]);
        for _ in 0..2_000 {
            deep = node("x", 1, vec![deep]);
        }
        let image = Variant { tree: Some(deep), ..Variant::default() };
        assert_eq!(directories(&image, 5, 80).rows.len(), 6);
        // Dropping what is nested takes stack, one level at a time does not.
        let mut rest = image.tree;
        while let Some(mut node) = rest {
            rest = node.children.pop();
        }
    }
}
