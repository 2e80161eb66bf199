//! Large files of the same content.

use super::words::{counted, listed, share};
use crate::bytes::Bytes;
use crate::facts::Finding;
use crate::merge::Merged;
use crate::merge::tree::Inode;
use crate::weigh::lists::{equal_files, shown_path};

/// Smaller files are not worth a link.
const LARGE: u64 = 1_000_000;

/// One finding for all of them, where an own layer holds one and the copies are 1 % of the image.
pub(super) fn finding(merged: &Merged<'_>) -> Option<Finding> {
    let mut groups: Vec<(u64, usize, &Inode)> = equal_files(merged, LARGE)
        .into_iter()
        .filter(|(_, copies)| copies.iter().any(|copy| merged.is_own(copy.layer)))
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
