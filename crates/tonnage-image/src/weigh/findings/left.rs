//! Files that a build step left behind: lists and caches of package managers, version control, documentation, byte code.

use std::collections::{BTreeMap, HashMap};

use super::words::{add, counted, share};
use crate::bytes::Bytes;
use crate::facts::{Finding, LayerOrigin};
use crate::merge::Merged;
use crate::merge::tree::{NONE, ROOT, Shown};

/// What is left behind, and how it is said.
struct Leftover {
    code: &'static str,
    what: &'static str,
    remedy: &'static str,
    /// Directories, or files; with a slash in front only from the root.
    places: &'static [&'static str],
    /// What lies beside such a directory; empty where any counts.
    beside: &'static str,
    /// Percents of the image below which it is not worth saying.
    least: u64,
}

/// An ordinary one.
const ANY: Leftover = Leftover { code: "", what: "", remedy: "", places: &[], beside: "", least: 0 };

const LEFTOVERS: [Leftover; 22] = [
    Leftover {
        code: "apt-lists-left",
        what: "package lists of apt",
        remedy: "end the same RUN with `rm -rf /var/lib/apt/lists/*`",
        places: &["/var/lib/apt/lists"],
        ..ANY
    },
    Leftover {
        code: "apt-cache-left",
        what: "apt's cache",
        remedy: "end the same RUN with `apt-get clean` and `rm -f /var/cache/apt/*.bin`",
        places: &["/var/cache/apt"],
        ..ANY
    },
    Leftover {
        code: "apk-cache-left",
        what: "apk's cache",
        remedy: "use `apk add --no-cache`",
        places: &["/var/cache/apk", "/etc/apk/cache"],
        ..ANY
    },
    Leftover {
        code: "dnf-cache-left",
        what: "dnf's cache",
        remedy: "end the same RUN with `dnf clean all`",
        places: &["/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5", "/var/cache/zypp"],
        ..ANY
    },
    Leftover {
        code: "pip-cache-left",
        what: "pip's cache",
        remedy: "use `pip install --no-cache-dir`, or a cache mount",
        places: &[".cache/pip"],
        ..ANY
    },
    Leftover {
        code: "uv-cache-left",
        what: "uv's cache",
        remedy: "use `uv --no-cache`, or `RUN --mount=type=cache,target=/root/.cache/uv uv sync`",
        places: &[".cache/uv"],
        ..ANY
    },
    Leftover {
        code: "conda-cache-left",
        what: "conda's cache",
        remedy: "end the same RUN with `conda clean -afy`",
        places: &["pkgs"],
        beside: "conda-meta",
        ..ANY
    },
    Leftover {
        code: "npm-cache-left",
        what: "npm's cache",
        remedy: "use `RUN --mount=type=cache,target=/root/.npm npm ci`, or end the same RUN with `npm cache clean --force`",
        places: &[".npm/_cacache"],
        ..ANY
    },
    Leftover {
        code: "yarn-cache-left",
        what: "yarn's cache",
        remedy: "use `RUN --mount=type=cache,target=/usr/local/share/.cache/yarn yarn install`, or end the same RUN with \
                 `yarn cache clean`",
        places: &[".cache/yarn", ".yarn/berry/cache"],
        ..ANY
    },
    Leftover {
        code: "pnpm-store-left",
        what: "pnpm's store",
        remedy: "use `RUN --mount=type=cache,target=/pnpm/store pnpm install --store-dir /pnpm/store`",
        places: &[".local/share/pnpm/store", ".pnpm-store"],
        ..ANY
    },
    Leftover {
        code: "go-cache-left",
        what: "Go's caches",
        remedy: "build in a stage of its own, or use `RUN --mount=type=cache,target=/root/.cache/go-build \
                 --mount=type=cache,target=/go/pkg/mod go build`",
        places: &[".cache/go-build", "go/pkg/mod"],
        ..ANY
    },
    Leftover {
        code: "cargo-cache-left",
        what: "cargo's registry",
        remedy: "build in a stage of its own, or use `RUN --mount=type=cache,target=/usr/local/cargo/registry cargo build`",
        places: &[".cargo/registry", ".cargo/git", "cargo/registry", "cargo/git"],
        ..ANY
    },
    Leftover {
        code: "maven-cache-left",
        what: "Maven's repository",
        remedy: "build in a stage of its own, or use `RUN --mount=type=cache,target=/root/.m2 mvn package`",
        places: &[".m2/repository"],
        ..ANY
    },
    Leftover {
        code: "gradle-cache-left",
        what: "Gradle's caches",
        remedy: "build in a stage of its own, or use `RUN --mount=type=cache,target=/root/.gradle gradle build`",
        places: &[".gradle/caches", ".gradle/wrapper/dists"],
        ..ANY
    },
    Leftover {
        code: "gem-cache-left",
        what: "downloaded gems",
        remedy: "end the same RUN with `rm -rf \"$(gem env gemdir)\"/cache/*.gem`",
        places: &["cache"],
        beside: "specifications",
        ..ANY
    },
    Leftover {
        code: "bundler-cache-left",
        what: "Bundler's cache",
        remedy: "end the same RUN with `rm -rf ~/.bundle/cache`",
        places: &[".bundle/cache"],
        ..ANY
    },
    Leftover {
        code: "composer-cache-left",
        what: "Composer's cache",
        remedy: "use `RUN --mount=type=cache,target=/tmp/cache COMPOSER_CACHE_DIR=/tmp/cache composer install`",
        places: &[".composer/cache", ".cache/composer"],
        ..ANY
    },
    Leftover {
        code: "nuget-cache-left",
        what: "NuGet's packages",
        remedy: "build in a stage of its own and copy what `dotnet publish` wrote",
        places: &[".nuget/packages", ".local/share/NuGet"],
        ..ANY
    },
    Leftover {
        code: "version-control-left",
        what: "version control data",
        remedy: "add `.git` to `.dockerignore`, or delete it in the RUN that clones: `rm -rf .git`",
        places: &[".git", ".hg", ".svn", ".bzr", "_darcs", ".jj"],
        ..ANY
    },
    Leftover {
        code: "sboms-left",
        what: "SBOMs of what wheels contain",
        remedy: "unless a scanner reads them, end the same RUN with `find / -xdev -path '*.dist-info/sboms' -prune -exec rm \
                 -rf {} +`",
        places: &["sboms"],
        beside: "WHEEL",
        ..ANY
    },
    Leftover {
        code: "locales-left",
        what: "translated messages",
        remedy: "before `apt-get install`, write `path-exclude=/usr/share/locale/*` to /etc/dpkg/dpkg.cfg.d/excludes; on \
                 Alpine, install no `-lang` packages",
        places: &["/usr/share/locale", "/usr/share/i18n"],
        least: 1,
        ..ANY
    },
    Leftover {
        code: "docs-left",
        what: "documentation",
        remedy: "before `apt-get install`, write `path-exclude=/usr/share/doc/*` and `path-exclude=/usr/share/man/*` to \
                 /etc/dpkg/dpkg.cfg.d/excludes; on Alpine, install no `-doc` packages",
        places: &["/usr/share/doc", "/usr/share/man", "/usr/share/info"],
        least: 1,
        ..ANY
    },
];

const BYTE_CODE: Leftover = Leftover {
    code: "byte-code-left",
    what: "byte code of modules that the base image has",
    remedy: "running pip compiled pip and the standard library: set `PYTHONDONTWRITEBYTECODE=1` for that RUN, or keep it for \
             faster starts, each of which compiles what it imports otherwise",
    ..ANY
};

/// One finding for each kind and layer.
pub(super) fn findings(merged: &Merged<'_>) -> Vec<Finding> {
    let kinds = kinds(merged);
    let mut sums: BTreeMap<(usize, u32), (usize, u64)> = BTreeMap::new();
    // A file that has another name may stay when one goes.
    for inode in merged.visible().filter(|inode| inode.names == 1 && merged.is_own(inode.layer)) {
        let size = merged.entry(inode).1.size;
        if size == 0 {
            continue;
        }
        let kind = Some(kinds[inode.node as usize]).filter(|&kind| kind != NONE).map(|kind| kind as usize);
        let kind = kind.or_else(|| is_byte_code_of_base(merged, inode.node).then_some(LEFTOVERS.len()));
        if let Some(kind) = kind {
            add(&mut sums, (kind, inode.layer), size);
        }
    }
    sums.into_iter()
        .map(|((kind, layer), sum)| (LEFTOVERS.get(kind).unwrap_or(&BYTE_CODE), layer, sum))
        .filter(|(kind, _, (_, bytes))| share(merged, kind.least) <= *bytes)
        .map(|(kind, layer, (files, bytes))| Finding {
            code: kind.code.into(),
            message: format!("left behind: {} of {}, in {}", Bytes(bytes), kind.what, counted(files, "file", "files")),
            instruction: merged.instruction(layer),
            size_bytes: Bytes(bytes),
            remedy: kind.remedy.into(),
        })
        .collect()
}

/// A directory of a leftover.
struct LeftoverDirectory {
    /// Names of the directories above it, the nearest first.
    above: Vec<&'static [u8]>,
    kind: u32,
}

/// Which leftover each node is, or is part of; [`NONE`] for the others.
fn kinds(merged: &Merged<'_>) -> Vec<u32> {
    let tree = &merged.tree;
    // By the last part of a place.
    let mut places: HashMap<&[u8], Vec<LeftoverDirectory>> = HashMap::new();
    for (kind, leftover) in LEFTOVERS.iter().enumerate() {
        for place in leftover.places {
            let mut parts: Vec<&[u8]> = place.split('/').rev().map(str::as_bytes).collect();
            let last = parts.remove(0);
            places.entry(last).or_default().push(LeftoverDirectory { above: parts, kind: kind as u32 });
        }
    }
    let mut kinds = vec![NONE; tree.nodes.len()];
    // A node comes behind its parent.
    for index in 1..tree.nodes.len() {
        let node = &tree.nodes[index];
        let above = kinds[node.parent as usize];
        kinds[index] = if above == NONE {
            let is_place = |place: &&LeftoverDirectory| {
                lies_below(merged, node.parent, &place.above)
                    && has_beside(merged, node.parent, LEFTOVERS[place.kind as usize].beside)
            };
            places.get(node.name).and_then(|places| places.iter().find(is_place)).map_or(NONE, |place| place.kind)
        } else {
            above
        };
    }
    kinds
}

/// Whether a directory and those above it have these names; an empty one is the root's.
fn lies_below(merged: &Merged<'_>, mut node: u32, names: &[&[u8]]) -> bool {
    for name in names {
        if merged.tree.nodes[node as usize].name != *name {
            return false;
        }
        node = merged.tree.nodes[node as usize].parent;
    }
    true
}

fn has_beside(merged: &Merged<'_>, folder: u32, name: &str) -> bool {
    let child = || merged.tree.child(folder, name.as_bytes());
    name.is_empty() || child().is_some_and(|child| merged.tree.nodes[child as usize].shown != Shown::Nothing)
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
