//! Rights that a process in the container has and may not need.

use super::words::{NAMED, counted, listed};
use crate::facts::Finding;
use crate::merge::Merged;
use crate::read::layer::EntryKind;
use crate::weigh::lists::shown_path;

/// The setuid bit, and the setgid bit.
const SETUID: u16 = 0o4000;
const SETGID: u16 = 0o2000;
const GROUP_RUNS: u16 = 0o010;

/// Files that run with the rights of another user.
pub(super) fn setuid(merged: &Merged<'_>) -> Option<Finding> {
    let mut paths: Vec<&[u8]> = Vec::new();
    let mut own = None;
    for inode in merged.visible() {
        let (layer, entry) = merged.entry(inode);
        let set = entry.mode & SETUID != 0 || (entry.mode & SETGID != 0 && entry.mode & GROUP_RUNS != 0);
        if entry.kind == EntryKind::File && set {
            paths.push(layer.path(entry));
            if merged.is_own(inode.layer) {
                own.get_or_insert(inode.layer);
            }
        }
    }
    if paths.is_empty() {
        return None;
    }
    paths.sort_unstable();
    let count = paths.len();
    let paths: Vec<String> = paths.into_iter().take(NAMED).map(shown_path).collect();
    Some(Finding {
        code: "setuid".into(),
        message: format!(
            "{} run with the rights of their owner or group (setuid, setgid): {}",
            counted(count, "file", "files"),
            listed(&paths, count)
        ),
        instruction: own.map(|layer| merged.instruction(layer)).unwrap_or_default(),
        remedy: "take the bits away (`chmod a-s`) where nothing in the container needs them".into(),
        ..Finding::default()
    })
}

/// Says so where nothing takes the rights of root away.
pub(super) fn runs_as_root(merged: &Merged<'_>) -> Option<Finding> {
    let user = merged.scan.config.user.split(':').next().unwrap_or_default();
    matches!(user, "" | "0" | "root").then(|| Finding {
        code: "runs-as-root".into(),
        message: "the container's process runs as root".into(),
        remedy: "add a user and name it with `USER`, after the last step that needs root".into(),
        ..Finding::default()
    })
}
