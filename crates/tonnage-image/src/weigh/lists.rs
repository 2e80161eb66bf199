//! The lists of a weight: the largest dead files, the largest visible ones, and the costliest groups of equal ones.
//!
//! In: the merged image, how many rows are wanted, and which paths. Out: rows of [`facts`](crate::facts); a path is made only for
//! rows that may be kept, so that lists take memory for what they show.

use std::collections::{BTreeSet, HashMap};

use crate::bytes::Bytes;
use crate::facts::{Duplicate, PathSize, Reclaimable};
use crate::merge::Merged;
use crate::merge::tree::Inode;
use crate::read::layer::EntryKind;
use crate::text::from_bytes;

/// Paths listed for one group of equal files.
const DUPLICATE_PATHS: usize = 20;

/// The largest files that are stored and cannot be seen.
pub(crate) fn reclaimable(merged: &Merged<'_>, top: usize, listed: &dyn Fn(&str) -> bool) -> Vec<Reclaimable> {
    let dead = merged.tree.inodes.iter().filter(|inode| inode.names == 0);
    let sized = dead.map(|inode| (merged.entry(inode).1.size, inode)).filter(|&(size, _)| size > 0);
    largest(sized, top, |size, inode| {
        let path = shown_path(&merged.tree.path(inode.node));
        listed(&path).then(|| Reclaimable {
            path,
            size_bytes: Bytes(size),
            written_by: merged.instruction(inode.layer),
            removed_by: merged.instruction(inode.removed_by),
        })
    })
}

/// The largest visible files.
pub(crate) fn paths(
    merged: &Merged<'_>,
    first_names: &[(u32, u32)],
    top: usize,
    listed: &dyn Fn(&str) -> bool,
) -> Vec<PathSize> {
    let files = first_names.iter().map(|&(node, inode)| (node, &merged.tree.inodes[inode as usize]));
    let sized = files.map(|(node, inode)| (merged.entry(inode).1.size, (node, inode)));
    largest(sized, top, |size, (node, inode)| {
        let path = shown_path(&merged.tree.path(node));
        listed(&path).then(|| PathSize {
            path,
            size_bytes: Bytes(size),
            layer: inode.layer,
            package: merged.owner_of(inode).map(|owner| merged.packages[owner].name.clone()).unwrap_or_default(),
        })
    })
}

/// The first `top` rows of what is sized, the largest first; equal ones stay in their order.
fn largest<T, R>(sized: impl Iterator<Item = (u64, T)>, top: usize, row: impl Fn(u64, T) -> Option<R>) -> Vec<R> {
    let mut sized: Vec<(u64, T)> = sized.collect();
    sized.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    sized.into_iter().filter_map(|(size, item)| row(size, item)).take(top).collect()
}

/// Visible files of at least so many bytes that have the content of another one, by digest and size.
pub(crate) fn equal_files<'m>(merged: &'m Merged<'_>, least: u64) -> HashMap<(&'m [u8; 32], u64), Vec<&'m Inode>> {
    let mut groups: HashMap<(&[u8; 32], u64), Vec<&Inode>> = HashMap::new();
    for inode in merged.visible() {
        let (layer, entry) = merged.entry(inode);
        if entry.kind == EntryKind::File
            && entry.size >= least
            && let Some(digest) = layer.digest(entry)
        {
            groups.entry((digest, entry.size)).or_default().push(inode);
        }
    }
    groups.retain(|_, copies| copies.len() > 1);
    groups
}

/// The groups of equal visible files, and the bytes beyond the first copies.
pub(crate) fn duplicates(merged: &Merged<'_>, top: usize, listed: &dyn Fn(&str) -> bool) -> (Vec<Duplicate>, u64) {
    let mut total = 0;
    let mut rows: Vec<(u64, &[u8; 32], u64, Vec<&Inode>)> = Vec::new();
    for ((digest, size), copies) in equal_files(merged, 1) {
        let beyond = size * (copies.len() as u64 - 1);
        total += beyond;
        rows.push((beyond, digest, size, copies));
    }
    rows.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    let rows = rows
        .into_iter()
        .filter_map(|(_, digest, size, copies)| {
            let mut first = BTreeSet::new();
            let mut wanted = false;
            for inode in &copies {
                let path = shown_path(&merged.tree.path(inode.node));
                wanted |= listed(&path);
                first.insert(path);
                if first.len() > DUPLICATE_PATHS {
                    first.pop_last();
                }
            }
            wanted.then(|| Duplicate {
                digest: format!("blake3:{}", hex::encode(digest)),
                size_bytes: Bytes(size),
                paths: first.into_iter().collect(),
                copies: copies.len() as u64,
            })
        })
        .take(top)
        .collect();
    (rows, total)
}

/// A path as it is listed.
pub(crate) fn shown_path(path: &[u8]) -> String {
    format!("/{}", from_bytes(path))
}
