//! What packages bring along that nothing needs to run, and byte code that they do not bring.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::words::{add, counted, share};
use crate::bytes::Bytes;
use crate::facts::{Finding, PackageManager};
use crate::merge::Merged;
use crate::merge::tree::{ROOT, Shown};

/// Where packages of languages are installed.
const LIBRARIES: [&[u8]; 5] = [b"site-packages", b"dist-packages", b"node_modules", b"gems", b"vendor"];
/// Directories of tests, documentation, and examples inside a package.
const NOT_RUN: [&[u8]; 8] = [b"test", b"tests", b"__tests__", b"doc", b"docs", b"example", b"examples", b"benchmarks"];
const LANGUAGES: [PackageManager; 4] =
    [PackageManager::Python, PackageManager::Npm, PackageManager::Ruby, PackageManager::Php];
/// Source without byte code that starting hardly notices.
const LITTLE_SOURCE: u64 = 100_000;

/// Tests and documentation in packages of languages, in each own layer where they are 1 % of the image.
pub(super) fn tests_and_docs(merged: &Merged<'_>) -> Vec<Finding> {
    let mut sums: BTreeMap<u32, (usize, u64)> = BTreeMap::new();
    for inode in merged.visible().filter(|inode| merged.is_own(inode.layer)) {
        let (layer, entry) = merged.entry(inode);
        let is_languages = |owner: usize| LANGUAGES.contains(&merged.packages[owner].manager);
        if entry.size > 0 && merged.owner_of(inode).is_some_and(is_languages) && is_not_run(layer.path(entry)) {
            add(&mut sums, inode.layer, entry.size);
        }
    }
    sums.retain(|_, (_, bytes)| *bytes >= share(merged, 1));
    let finding = |(layer, (files, bytes)): (u32, (usize, u64))| Finding {
        code: "tests-and-docs".into(),
        message: format!(
            "{} of tests, documentation, and examples inside installed packages, in {}",
            Bytes(bytes),
            counted(files, "file", "files")
        ),
        instruction: merged.instruction(layer),
        size_bytes: Bytes(bytes),
        remedy:
            "if the application runs without them, end the same RUN with `find DIRECTORY -type d \\( -name tests -o \
                 -name docs \\) -prune -exec rm -rf {} +`"
                .into(),
    };
    sums.into_iter().map(finding).collect()
}

/// `…/site-packages/numpy/core/tests/x.py`; a package may itself have such a name.
fn is_not_run(path: &[u8]) -> bool {
    let mut parts = path.split(|&byte| byte == b'/');
    // The file's own name is not a directory.
    parts.next_back();
    let mut inside = None;
    for part in parts {
        if LIBRARIES.contains(&part) {
            inside = Some(0);
        } else if let Some(depth) = &mut inside {
            *depth += 1;
            // `node_modules/@scope/NAME` and `vendor/OWNER/NAME` are one deeper.
            if *depth > 1 && NOT_RUN.contains(&part) {
                return true;
            }
        }
    }
    false
}

/// Modules of packages without byte code, in each own layer: they are compiled at every start, for a container forgets
/// what it wrote.
pub(super) fn byte_code_missing(merged: &Merged<'_>) -> Vec<Finding> {
    let tree = &merged.tree;
    let mut compiled: HashMap<u32, HashSet<&[u8]>> = HashMap::new();
    let mut sums: BTreeMap<u32, (usize, u64)> = BTreeMap::new();
    for inode in merged.visible().filter(|inode| merged.is_own(inode.layer)) {
        let size = merged.entry(inode).1.size;
        let node = &tree.nodes[inode.node as usize];
        let Some(stem) = node.name.strip_suffix(b".py").filter(|_| size > 0 && node.parent != ROOT) else { continue };
        if merged.owner_of(inode).is_none_or(|owner| merged.packages[owner].manager != PackageManager::Python) {
            continue;
        }
        let stems = compiled.entry(node.parent).or_insert_with(|| {
            let cache = tree.child(node.parent, b"__pycache__");
            let names = cache.map(|cache| tree.shown_children(cache)).unwrap_or_default().into_iter();
            let names = names.map(|name| tree.nodes[name as usize].name).filter(|name| name.ends_with(b".pyc"));
            names.filter_map(|name| name.split(|&byte| byte == b'.').next()).collect()
        });
        // Byte code may also lie in the place of the source.
        let beside = || {
            tree.child(node.parent, &[stem, b".pyc"].concat())
                .is_some_and(|at| tree.nodes[at as usize].shown != Shown::Nothing)
        };
        if !stems.contains(stem) && !beside() {
            add(&mut sums, inode.layer, size);
        }
    }
    sums.retain(|_, (_, bytes)| *bytes >= LITTLE_SOURCE);
    let finding = |(layer, (modules, bytes)): (u32, (usize, u64))| Finding {
        code: "byte-code-missing".into(),
        message: format!(
            "{} without byte code, {} of source: each start compiles those that it imports",
            counted(modules, "Python module", "Python modules"),
            Bytes(bytes)
        ),
        instruction: merged.instruction(layer),
        // It costs time, not bytes.
        size_bytes: Bytes::ZERO,
        remedy: "compile in the same RUN: without `PYTHONDONTWRITEBYTECODE` and `pip install --no-compile`, with \
                 `UV_COMPILE_BYTECODE=1` for uv, or with `python -m compileall -q DIRECTORY`"
            .into(),
    };
    sums.into_iter().map(finding).collect()
}
