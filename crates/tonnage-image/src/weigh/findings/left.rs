//! Files that a build step left behind: lists and caches of package managers, byte code.

use std::collections::BTreeMap;

use super::words::counted;
use crate::bytes::Bytes;
use crate::facts::{Finding, LayerOrigin};
use crate::merge::Merged;
use crate::merge::tree::{ROOT, Shown};
use crate::weigh::label::is_below;

/// What is left behind, and how it is told.
struct Leftover {
    code: &'static str,
    what: &'static str,
    remedy: &'static str,
    is_it: fn(&[u8]) -> bool,
}

const LEFTOVERS: [Leftover; 4] = [
    Leftover {
        code: "apt-lists-left",
        what: "package lists of apt",
        remedy: "end the same RUN with `rm -rf /var/lib/apt/lists/*`",
        is_it: |path| is_below(path, b"var/lib/apt/lists"),
    },
    Leftover {
        code: "apt-cache-left",
        what: "apt's cache",
        remedy: "end the same RUN with `apt-get clean` and `rm -f /var/cache/apt/*.bin`",
        is_it: |path| is_below(path, b"var/cache/apt"),
    },
    Leftover {
        code: "apk-cache-left",
        what: "apk's cache",
        remedy: "use `apk add --no-cache`",
        is_it: |path| is_below(path, b"var/cache/apk") || is_below(path, b"etc/apk/cache"),
    },
    Leftover {
        code: "pip-cache-left",
        what: "pip's cache",
        remedy: "use `pip install --no-cache-dir`, or a cache mount",
        is_it: |path| path.starts_with(b".cache/pip/") || path.windows(12).any(|part| part == b"/.cache/pip/"),
    },
];

const BYTE_CODE: Leftover = Leftover {
    code: "byte-code-left",
    what: "byte code of modules that the base image has",
    remedy: "set `PYTHONDONTWRITEBYTECODE=1` for that RUN: running pip compiles pip and the standard library",
    is_it: |_| false,
};

/// One finding for each kind and layer.
pub(super) fn findings(merged: &Merged<'_>) -> Vec<Finding> {
    let mut sums: BTreeMap<(usize, u32), (usize, u64)> = BTreeMap::new();
    for inode in merged.visible().filter(|inode| merged.is_own(inode.layer)) {
        let (layer, entry) = merged.entry(inode);
        let path = layer.path(entry);
        if entry.size == 0 {
            continue;
        }
        let kind = LEFTOVERS.iter().position(|kind| (kind.is_it)(path));
        let kind = kind.or_else(|| is_byte_code_of_base(merged, inode.node).then_some(LEFTOVERS.len()));
        if let Some(kind) = kind {
            let sum = sums.entry((kind, inode.layer)).or_default();
            sum.0 += 1;
            sum.1 += entry.size;
        }
    }
    sums.into_iter()
        .map(|((kind, layer), (files, bytes))| {
            let kind = LEFTOVERS.get(kind).unwrap_or(&BYTE_CODE);
            Finding {
                code: kind.code.into(),
                message: format!(
                    "left behind: {} of {}, in {}",
                    Bytes(bytes),
                    kind.what,
                    counted(files, "file", "files")
                ),
                instruction: merged.instruction(layer),
                size_bytes: Bytes(bytes),
                remedy: kind.remedy.into(),
            }
        })
        .collect()
}

/// Whether a node is `…/__pycache__/x.cpython-39.pyc` and the base has `…/x.py`.
fn is_byte_code_of_base(merged: &Merged<'_>, node: u32) -> bool {
    let nodes = &merged.tree.nodes;
    let file = &nodes[node as usize];
    let cache = &nodes[file.parent as usize];
    if !file.name.ends_with(b".pyc") || cache.name != b"__pycache__" || file.parent == ROOT {
        return false;
    }
    let stem = file.name.split(|&byte| byte == b'.').next().unwrap_or_default();
    let source = merged.tree.child(cache.parent, &[stem, b".py"].concat());
    let Some(Shown::Inode(source)) = source.map(|source| nodes[source as usize].shown) else { return false };
    merged.origins[merged.tree.inodes[source as usize].layer as usize] != LayerOrigin::Own
}
