//! What could be better in an image, with the bytes that it costs, measured on this image.
//!
//! Files count while they are visible; what a later layer hides is counted once, by `rewritten` or `stored-twice`.
//! Leftovers are looked for in the image's own layers: what the base left behind is not the Dockerfile's doing.

mod dead;
mod left;
mod tools;

use super::layer::EntryKind;
use super::lists::shown_path;
use super::tree::Inode;
use super::weigh::Merged;
use crate::bytes::Bytes;
use crate::facts::{Finding, LayerOrigin};
use crate::text::for_people;

/// Names that a message lists.
const NAMED: usize = 5;
/// The setuid bit, and the setgid bit.
const SETUID: u16 = 0o4000;
const SETGID: u16 = 0o2000;
const GROUP_RUNS: u16 = 0o010;

/// All findings, the costliest first.
pub(super) fn all(merged: &Merged<'_>) -> Vec<Finding> {
    let mut findings = left::findings(merged);
    findings.extend(dead::findings(merged));
    findings.extend(tools::findings(merged));
    findings.extend(setuid(merged));
    findings.extend(runs_as_root(merged));
    findings.extend(unread_databases(merged));
    findings.sort_by(|a, b| b.size_bytes.cmp(&a.size_bytes).then_with(|| a.code.cmp(&b.code)));
    findings
}

fn is_own(merged: &Merged<'_>, layer: u32) -> bool {
    merged.origins[layer as usize] == LayerOrigin::Own
}

fn visible<'m>(merged: &'m Merged<'_>) -> impl Iterator<Item = &'m Inode> {
    merged.tree.inodes.iter().filter(|inode| inode.names > 0)
}

fn setuid(merged: &Merged<'_>) -> Option<Finding> {
    let mut paths: Vec<&[u8]> = Vec::new();
    let mut own = None;
    for inode in visible(merged) {
        let (layer, entry) = merged.entry(inode);
        let set = entry.mode & SETUID != 0 || (entry.mode & SETGID != 0 && entry.mode & GROUP_RUNS != 0);
        if entry.kind == EntryKind::File && set {
            paths.push(layer.path(entry));
            if is_own(merged, inode.layer) {
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
        size_bytes: Bytes::ZERO,
        remedy: "take the bits away (`chmod a-s`) where nothing in the container needs them".into(),
    })
}

fn runs_as_root(merged: &Merged<'_>) -> Option<Finding> {
    let user = merged.scan.config.user.split(':').next().unwrap_or_default();
    matches!(user, "" | "0" | "root").then(|| Finding {
        code: "runs-as-root".into(),
        message: "the container's process runs as root".into(),
        instruction: String::new(),
        size_bytes: Bytes::ZERO,
        remedy: "add a user and name it with `USER`, after the last step that needs root".into(),
    })
}

/// Says so where a table of packages is not complete.
fn unread_databases(merged: &Merged<'_>) -> Option<Finding> {
    let count: u64 = merged.layers.iter().map(|layer| layer.databases_left_out).sum();
    let message = match count {
        0 if merged.lists_cut => {
            "there are more packages, or longer lists of their files, than are read: some are missing".to_owned()
        }
        0 => return None,
        1 => "1 file of a package database is too large to read: packages may be missing".to_owned(),
        _ => format!("{count} files of package databases are too large to read: packages may be missing"),
    };
    Some(Finding {
        code: "package-database-unread".into(),
        message,
        instruction: String::new(),
        size_bytes: Bytes::ZERO,
        remedy: "look at the files of the package databases: they are far larger than a distribution's".into(),
    })
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The first names in backticks, and how many more of `count` there are.
fn listed<S: AsRef<str>>(names: &[S], count: usize) -> String {
    let mut text =
        names.iter().take(NAMED).map(|name| format!("`{}`", for_people(name.as_ref()))).collect::<Vec<_>>().join(", ");
    if count > NAMED {
        text = format!("{text} and {} more", count - NAMED);
    }
    text
}
