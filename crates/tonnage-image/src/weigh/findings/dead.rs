//! Bytes that a later layer hides: files rewritten or deleted, and packages that were upgraded on top of an older
//! copy of themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{NAMED, add, counted, largest, listed};
use crate::bytes::Bytes;
use crate::facts::Finding;
use crate::merge::Merged;
use crate::merge::tree::{Inode, Shown};
use crate::text::{for_people, shorten};
use crate::weigh::lists::shown_path;

/// Less than this for one instruction is what every package manager's bookkeeping costs.
const WORTH_SAYING: u64 = 10_000;

/// One finding for each kind and the layer that hides.
pub(super) fn findings(merged: &Merged<'_>) -> Vec<Finding> {
    let inodes = &merged.tree.inodes;
    // Packages that have something to show in a layer: there, a dead file of theirs below was replaced.
    let mut shown: BTreeSet<(usize, u32)> = BTreeSet::new();
    for inode in inodes.iter().filter(|inode| inode.names > 0 && merged.entry(inode).1.size > 0) {
        if let Some(owner) = merged.owner_of(inode) {
            shown.insert((owner, inode.layer));
        }
    }
    let mut twice: BTreeMap<u32, (u64, BTreeMap<usize, u64>)> = BTreeMap::new();
    let mut rewritten: BTreeMap<u32, (u64, usize, BTreeMap<u32, u64>)> = BTreeMap::new();
    // By the layer that hides and the one that wrote.
    let mut again: BTreeMap<(u32, u32), (usize, u64)> = BTreeMap::new();
    let mut removed: BTreeMap<(u32, u32), (u64, Vec<u32>)> = BTreeMap::new();
    for inode in inodes.iter().filter(|inode| inode.names == 0 && merged.is_own(inode.removed_by)) {
        let size = merged.entry(inode).1.size;
        if size == 0 {
            continue;
        }
        let layers = (inode.removed_by, inode.layer);
        let owner = merged.owner_of(inode).filter(|&owner| shown.contains(&(owner, inode.removed_by)));
        if is_only_changed(merged, inode) {
            add(&mut again, layers, size);
        } else if let Some(owner) = owner.filter(|_| inode.layer < inode.removed_by) {
            let sum = twice.entry(inode.removed_by).or_default();
            sum.0 += size;
            *sum.1.entry(owner).or_default() += size;
        } else if is_copied_and_removed(merged, inode) {
            let sum = removed.entry(layers).or_default();
            sum.0 += size;
            sum.1.push(inode.node);
        } else {
            let sum = rewritten.entry(inode.removed_by).or_default();
            sum.0 += size;
            sum.1 += 1;
            *sum.2.entry(inode.layer).or_default() += size;
        }
    }
    let mut findings = Vec::new();
    for (layer, (bytes, owners)) in twice {
        let names = largest(owners.into_iter().map(|(owner, bytes)| (bytes, merged.packages[owner].name.as_str())));
        findings.push(Finding {
            code: "stored-twice".into(),
            message: format!(
                "{} stored twice, {} of older copies below: {}",
                if names.len() == 1 { "1 package is".into() } else { format!("{} packages are", names.len()) },
                Bytes(bytes),
                listed(&names, names.len())
            ),
            instruction: merged.instruction(layer),
            size_bytes: Bytes(bytes),
            remedy: "take a base image that has the newer version, and do not upgrade on top of it".into(),
        });
    }
    findings.extend(again.into_iter().filter(|(_, (_, bytes))| *bytes >= WORTH_SAYING).map(
        |((layer, writer), (files, bytes))| Finding {
            code: "owner-changed".into(),
            message: format!(
                "{} in {} are stored again because their owner or mode changed",
                Bytes(bytes),
                counted(files, "file", "files")
            ),
            instruction: merged.instruction(layer),
            size_bytes: Bytes(bytes),
            remedy: copy_with_owner(&merged.instruction(layer), &merged.instruction(writer)),
        },
    ));
    findings.extend(removed.into_iter().filter(|(_, (bytes, _))| *bytes >= WORTH_SAYING).map(
        |((layer, writer), (bytes, nodes))| {
            let count = nodes.len();
            let nodes = nodes.into_iter().take(NAMED);
            let paths: Vec<String> = nodes.map(|node| shown_path(&merged.tree.path(node))).collect();
            Finding {
                code: "copied-and-removed".into(),
                message: format!(
                    "{} that `{}` copies are deleted by a later layer, and stay stored: {}",
                    Bytes(bytes),
                    shorten(&for_people(&merged.instruction(writer)), 80),
                    listed(&paths, count)
                ),
                instruction: merged.instruction(layer),
                size_bytes: Bytes(bytes),
                remedy: "mount it for the RUN that needs it instead: `RUN --mount=type=bind,from=IMAGE_OR_STAGE,source=PATH,\
                         target=PATH …` (without `from`: from the build context)"
                    .into(),
            }
        },
    ));
    for (layer, (bytes, files, writers)) in rewritten {
        if bytes < WORTH_SAYING {
            continue;
        }
        let writer = writers.iter().max_by_key(|&(&layer, &bytes)| (bytes, std::cmp::Reverse(layer)));
        let same = writers.keys().all(|&writer| writer == layer);
        let writer = writer.map(|(&layer, _)| merged.instruction(layer)).unwrap_or_default();
        findings.push(Finding {
            code: "rewritten".into(),
            message: if same {
                format!("{} in {} are in the layer's tar more than once", Bytes(bytes), counted(files, "file", "files"))
            } else {
                format!(
                    "{} in {} that earlier layers hold are rewritten or deleted; most were written by `{}`",
                    Bytes(bytes),
                    counted(files, "file", "files"),
                    shorten(&for_people(&writer), 80)
                )
            },
            instruction: merged.instruction(layer),
            size_bytes: Bytes(bytes),
            remedy: "write and delete in one RUN, set modes and owners with `COPY --chmod` and `--chown`, or build in \
                     another stage"
                .into(),
        });
    }
    findings
}

/// Commands that change owner and mode.
const CHANGES: [&str; 3] = ["chown", "chmod", "chgrp"];

/// Whether the layer that hides a file has it again with the same content, by an instruction that changes owners.
fn is_only_changed(merged: &Merged<'_>, inode: &Inode) -> bool {
    let instruction = &merged.instructions[inode.removed_by as usize];
    if inode.layer == inode.removed_by || !CHANGES.iter().any(|command| instruction.contains(command)) {
        return false;
    }
    let Shown::Inode(now) = merged.tree.nodes[inode.node as usize].shown else { return false };
    let now = &merged.tree.inodes[now as usize];
    let ((below, before), (above, after)) = (merged.entry(inode), merged.entry(now));
    // Without hashes, the size has to do.
    let equal = match (below.digest(before), above.digest(after)) {
        (Some(before), Some(after)) => before == after,
        _ => true,
    };
    now.layer == inode.removed_by && before.kind == after.kind && before.size == after.size && equal
}

fn is_copied_and_removed(merged: &Merged<'_>, inode: &Inode) -> bool {
    let writer = &merged.instructions[inode.layer as usize];
    let is_gone = merged.tree.nodes[inode.node as usize].shown == Shown::Nothing;
    let is_copy = writer.starts_with("COPY ") || writer.starts_with("ADD ");
    is_gone && is_copy && inode.layer < inode.removed_by && merged.is_own(inode.layer)
}

/// What to write instead of a `chown -R` or `chmod -R` behind a COPY.
fn copy_with_owner(change: &str, writer: &str) -> String {
    let flags: Vec<String> = [("chown", "--chown"), ("chmod", "--chmod")]
        .into_iter()
        .filter_map(|(command, flag)| Some(format!("{flag}={}", argument(change, command)?)))
        .collect();
    match writer.split_once(' ') {
        Some((copy @ ("COPY" | "ADD"), rest)) if !flags.is_empty() => {
            let line = format!("{copy} {} {rest}", flags.join(" "));
            format!("write `{}`, and no command that changes it later", shorten(&for_people(&line), 160))
        }
        _ => "change owner and mode in the RUN that writes the files, or with `COPY --chown=USER:GROUP --chmod=MODE`"
            .into(),
    }
}

/// The first argument of a shell's command that is not an option: an owner or a mode.
fn argument<'a>(instruction: &'a str, command: &str) -> Option<&'a str> {
    let mut words = instruction.split_whitespace().skip_while(|word| word.rsplit('/').next() != Some(command)).skip(1);
    let word = words.find(|word| !word.starts_with('-'))?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_.:+=,-${}".contains(letter);
    word.chars().all(is_plain).then_some(word)
}
