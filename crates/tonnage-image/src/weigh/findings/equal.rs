//! Large files of the same content.

use std::collections::HashMap;

use super::words::{counted, listed, share};
use crate::bytes::Bytes;
use crate::facts::Finding;
use crate::merge::Merged;
use crate::merge::tree::Inode;
use crate::read::layer::EntryKind;
use crate::weigh::lists::shown_path;

/// Smaller files are not worth a link.
const LARGE: u64 = 1_000_000;

/// One finding for all of them, where an own layer holds one and the copies are 1 % of the image.
pub(super) fn finding(merged: &Merged<'_>) -> Option<Finding> {
    let mut groups: HashMap<(&[u8; 32], u64), Vec<&Inode>> = HashMap::new();
    for inode in merged.visible() {
        let (layer, entry) = merged.entry(inode);
        if entry.kind == EntryKind::File
            && entry.size >= LARGE
            && let Some(digest) = layer.digest(entry)
        {
            groups.entry((digest, entry.size)).or_default().push(inode);
        }
    }
    groups.retain(|_, copies| copies.len() > 1 && copies.iter().any(|copy| merged.is_own(copy.layer)));
    let mut groups: Vec<(u64, usize, &Inode)> = groups
        .into_iter()
        .filter_map(|((_, size), mut copies)| {
            copies.sort_by_key(|copy| (copy.layer, copy.entry));
            Some((size * (copies.len() as u64 - 1), copies.len(), *copies.last()?))
        })
        .collect();
    groups.sort_by_key(|&(bytes, _, last)| (std::cmp::Reverse(bytes), last.layer, last.entry));
    let bytes: u64 = groups.iter().map(|group| group.0).sum();
    let layer = groups.first()?.2.layer;
    if bytes < share(merged, 1) {
        return None;
    }
    let files: usize = groups.iter().map(|group| group.1).sum();
    let paths: Vec<String> = groups.iter().map(|group| shown_path(&merged.tree.path(group.2.node))).collect();
    Some(Finding {
        code: "equal-files".into(),
        message: format!(
            "{} of at least {} have the content of another one, {} beyond the first copies: {}",
            counted(files - groups.len(), "file", "files"),
            Bytes(LARGE),
            Bytes(bytes),
            listed(&paths, paths.len())
        ),
        instruction: merged.instruction(layer),
        size_bytes: Bytes(bytes),
        remedy: "keep one and make the others links: `ln -sf FIRST COPY` in the RUN that writes the copy".into(),
    })
}
