//! Bytes that a later layer hides: files rewritten or deleted, and packages that were upgraded on top of an older
//! copy of themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{counted, largest, listed};
use crate::bytes::Bytes;
use crate::facts::Finding;
use crate::merge::Merged;

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
    for inode in inodes.iter().filter(|inode| inode.names == 0 && merged.is_own(inode.removed_by)) {
        let size = merged.entry(inode).1.size;
        if size == 0 {
            continue;
        }
        match merged.owner_of(inode).filter(|&owner| shown.contains(&(owner, inode.removed_by))) {
            Some(owner) if inode.layer < inode.removed_by => {
                let sum = twice.entry(inode.removed_by).or_default();
                sum.0 += size;
                *sum.1.entry(owner).or_default() += size;
            }
            _ => {
                let sum = rewritten.entry(inode.removed_by).or_default();
                sum.0 += size;
                sum.1 += 1;
                *sum.2.entry(inode.layer).or_default() += size;
            }
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
                    crate::text::shorten(&crate::text::for_people(&writer), 80)
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
