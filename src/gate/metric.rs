//! What a budget can limit, and how much of it an image has.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

use super::limit::Unit;
use crate::record::{FileNode, Scenario, Variant};

/// What a budget limits. Its word in messages and in `tonnage check --format json`: `size`, `path /usr/share/doc/**`.
#[derive(Debug, Clone, PartialEq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Metric {
    /// Classic unpacked size.
    Size,
    /// Bytes in the variant's own layers.
    Own,
    /// Bytes in the base's layers.
    Base,
    /// What a registry transfers.
    Compressed,
    /// Bytes visible in the merged file system.
    Rootfs,
    /// Bytes shadowed or deleted in a later layer.
    Reclaimable,
    /// Bytes beyond the first copy of equal files.
    Duplicates,
    /// Number of layers.
    Layers,
    /// What a registry transfers for the layer for which that is most.
    LayerCompressed,
    /// Number of packages.
    Packages,
    /// Bytes of all packages.
    PackageBytes,
    /// Unpacked bytes to pull after an edit: `src`, `deps`.
    #[strum(to_string = "update.{0}")]
    Update(Scenario),
    /// Bytes of the packages whose name (or `manager:name`) matches.
    #[strum(to_string = "package {0}")]
    Package(Pattern),
    /// Visible bytes of the files whose path matches.
    #[strum(to_string = "path {0}")]
    Path(Pattern),
}

/// Why a metric is not known of an image whose layers were not read.
pub(crate) const ONLY_THE_MANIFEST: &str = "only the manifest was read";

/// A glob and the text it was made from.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

/// How much of a metric an image has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// This much.
    Exact(u64),
    /// At least and at most this much: the record lists only the largest files.
    Between(u64, u64),
    /// Not known, and why.
    Unknown(&'static str),
}

impl Pattern {
    /// A glob as shells know it: `*` stays within a folder where `separated`, `**` goes across.
    pub(crate) fn new(text: &str, separated: bool) -> Result<Self, String> {
        let glob =
            GlobBuilder::new(text).literal_separator(separated).build().map_err(|error| error.kind().to_string())?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    /// As written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn matches(&self, text: &str) -> bool {
        self.matcher.is_match(text)
    }

    /// Whether everything below a folder matches, as far as two unlikely names can tell.
    fn covers(&self, folder: &str) -> bool {
        let folder = folder.trim_end_matches('/');
        self.matches(&format!("{folder}/\u{1}\u{2}")) && self.matches(&format!("{folder}/\u{1}/\u{2}.\u{3}/\u{4}"))
    }

    /// The pattern up to its first wildcard.
    fn fixed(&self) -> &str {
        self.text.split(['*', '?', '[', '{', '\\']).next().unwrap_or_default()
    }

    /// The only name inside a folder that can match or lead to a match, where the pattern says it.
    fn next(&self, folder: &str) -> Option<&str> {
        let rest = self.fixed().strip_prefix(folder)?.strip_prefix('/')?;
        let whole = self.fixed().len() == self.text.len();
        match rest.split_once('/') {
            Some((name, _)) => Some(name),
            None => whole.then_some(rest),
        }
    }

    /// Whether anything below a folder can match: the pattern up to its first wildcard must agree with the folder.
    fn reaches(&self, folder: &str) -> bool {
        let fixed = self.fixed();
        let folder = format!("{}/", folder.trim_end_matches('/'));
        fixed.starts_with(&folder) || folder.starts_with(fixed)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Metric {
    /// Those without a pattern.
    #[cfg(test)]
    pub(crate) fn plain() -> [Self; 14] {
        [
            Self::Size,
            Self::Own,
            Self::Base,
            Self::Compressed,
            Self::Rootfs,
            Self::Reclaimable,
            Self::Duplicates,
            Self::Layers,
            Self::LayerCompressed,
            Self::Packages,
            Self::PackageBytes,
            Self::Update(Scenario::Src),
            Self::Update(Scenario::Deps),
            Self::Update(Scenario::Base),
        ]
    }

    /// What it counts.
    pub(crate) fn unit(&self) -> Unit {
        match self {
            Self::Layers | Self::Packages => Unit::Count,
            _ => Unit::Bytes,
        }
    }

    /// How much of it an image has.
    pub(crate) fn of(&self, variant: &Variant) -> Value {
        let compressed = |value: u64| match variant.compressed() {
            Some(_) => Value::Exact(value),
            None => Value::Unknown("the layers were not compressed"),
        };
        let Some(sizes) = &variant.sizes else {
            let Some(manifest) = &variant.manifest else { return Value::Unknown("there is no image") };
            return match self {
                Self::Compressed => Value::Exact(manifest.compressed_bytes.0),
                Self::Layers => Value::Exact(manifest.layers.len() as u64),
                Self::LayerCompressed => Value::Exact(largest(&variant.compressed_layers())),
                _ => Value::Unknown(ONLY_THE_MANIFEST),
            };
        };
        match self {
            Self::Size => Value::Exact(sizes.size_bytes.0),
            Self::Own => Value::Exact(sizes.own_bytes.0),
            Self::Base => Value::Exact(sizes.base_bytes.0),
            Self::Compressed => compressed(sizes.wire_bytes.0),
            Self::Rootfs => Value::Exact(sizes.rootfs_bytes.0),
            Self::Reclaimable => Value::Exact(sizes.reclaimable_bytes.0),
            Self::Duplicates => Value::Exact(sizes.duplicate_bytes.0),
            Self::Layers => Value::Exact(variant.layers.len() as u64),
            Self::LayerCompressed => compressed(largest(&variant.compressed_layers())),
            Self::Packages => Value::Exact(variant.packages.len() as u64),
            Self::Update(edit) => match variant.update.of(*edit) {
                Some(update) => Value::Exact(update.most_bytes().0),
                None => Value::Unknown("no edit was built and weighed"),
            },
            Self::PackageBytes => sum(variant.packages.iter().map(|package| package.size_bytes.0)),
            Self::Package(pattern) => sum(variant
                .packages
                .iter()
                .filter(|package| {
                    pattern.matches(&package.name) || pattern.matches(&format!("{}:{}", package.manager, package.name))
                })
                .map(|package| package.size_bytes.0)),
            Self::Path(pattern) => path_bytes(pattern, variant),
        }
    }
}

fn largest(layers: &[crate::units::Bytes]) -> u64 {
    layers.iter().map(|bytes| bytes.0).max().unwrap_or(0)
}

fn sum(values: impl Iterator<Item = u64>) -> Value {
    Value::Exact(values.fold(0, u64::saturating_add))
}

/// Visible bytes under a glob. The merged tree of a record has small branches folded together, and its list of paths
/// ends somewhere, so what is known may be an interval.
fn path_bytes(pattern: &Pattern, variant: &Variant) -> Value {
    let mut found = (0_u64, 0_u64);
    if let Some(tree) = &variant.tree {
        // Deeper than any real path; a made-up record must not exhaust the stack.
        walk(pattern, tree, "", 0, &mut found);
    } else {
        let rootfs = variant.sizes.as_ref().map_or(0, |sizes| sizes.rootfs_bytes.0);
        let listed = variant.paths.iter().fold(0_u64, |sum, path| sum.saturating_add(path.size_bytes.0));
        let matching = variant.paths.iter().filter(|path| pattern.matches(&path.path));
        found.0 = matching.fold(0, |sum, path| sum.saturating_add(path.size_bytes.0));
        found.1 = rootfs.saturating_sub(listed);
    }
    match found {
        (exact, 0) => Value::Exact(exact),
        (low, more) => Value::Between(low, low.saturating_add(more)),
    }
}

/// Deepest folder that is walked into.
const DEEPEST: usize = 256;

/// Adds the bytes that match to the first sum and those that may match to the second.
fn walk(pattern: &Pattern, node: &FileNode, parent: &str, depth: usize, found: &mut (u64, u64)) {
    let path = match node.name.as_str() {
        "/" => String::new(),
        name => format!("{parent}/{name}"),
    };
    let bytes = node.size_bytes.0;
    if (!path.is_empty() && pattern.matches(&path) && node.children.is_empty()) || pattern.covers(&path) {
        found.0 = found.0.saturating_add(bytes);
        return;
    }
    if depth >= DEEPEST {
        found.1 = found.1.saturating_add(bytes);
        return;
    }
    // What is listed here by name cannot be among what was folded together.
    let elsewhere = pattern.next(&path).is_some_and(|next| node.children.iter().any(|child| child.name == next));
    for child in &node.children {
        if !folded(&child.name) {
            walk(pattern, child, &path, depth + 1, found);
        } else if pattern.reaches(&path) && !elsewhere {
            found.1 = found.1.saturating_add(child.size_bytes.0);
        }
    }
}

/// Whether a node stands for branches that were folded together: `[12 others]`.
fn folded(name: &str) -> bool {
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(" others]"));
    inner.is_some_and(|count| !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;
    use crate::units::Bytes;

    fn node(name: &str, bytes: u64, children: Vec<FileNode>) -> FileNode {
        FileNode { name: name.into(), size_bytes: Bytes(bytes), children, ..FileNode::default() }
    }

    fn image() -> Variant {
        let mut variant = fixture::variants().swap_remove(1);
        variant.tree = Some(node(
            "/",
            1000,
            vec![
                node(
                    "usr",
                    700,
                    vec![
                        node("share", 500, vec![node("doc", 300, vec![]), node("[4 others]", 200, vec![])]),
                        node("lib", 200, vec![node("a.pyc", 150, vec![]), node("[2 others]", 50, vec![])]),
                    ],
                ),
                node("[3 others]", 300, vec![]),
            ],
        ));
        variant
    }

    #[test]
    fn bytes_under_a_glob_are_exact_where_the_record_knows_and_an_interval_where_it_does_not() {
        for (glob, value) in [
            ("/usr/share/**", Value::Exact(500)),
            ("/usr/share/doc/**", Value::Exact(300)),
            ("/usr/share/doc", Value::Exact(300)),
            ("/usr/share/man/**", Value::Between(0, 200)),
            ("**/*.pyc", Value::Between(150, 700)),
            ("/usr/lib/*", Value::Between(150, 200)),
            ("/**", Value::Exact(1000)),
            ("/srv/**", Value::Between(0, 300)),
        ] {
            let metric = Metric::Path(Pattern::new(glob, true).unwrap());
            assert_eq!(metric.of(&image()), value, "{glob}");
        }
    }

    #[test]
    fn without_a_tree_the_list_of_paths_bounds_the_value() {
        let mut image = image();
        image.tree = None;
        let listed: u64 = image.paths.iter().map(|path| path.size_bytes.0).sum();
        let rootfs = image.sizes.as_ref().unwrap().rootfs_bytes.0;
        let metric = Metric::Path(Pattern::new("/usr/local/lib/*.so.*", true).unwrap());
        assert_eq!(metric.of(&image), Value::Between(4_211_000, 4_211_000 + rootfs - listed));
        image.sizes.as_mut().unwrap().rootfs_bytes = Bytes(listed);
        assert_eq!(metric.of(&image), Value::Exact(4_211_000));
    }

    #[test]
    fn packages_are_found_by_name_and_by_manager() {
        let of = |glob: &str| Metric::Package(Pattern::new(glob, false).unwrap()).of(&image());
        assert_eq!(of("lib*"), Value::Exact(12_411_200));
        assert_eq!(of("python:*"), Value::Exact(8_380_300 + 1_210_220 + 540_118));
        assert_eq!(of("gcc*"), Value::Exact(0));
        assert_eq!(Metric::Packages.of(&image()), Value::Exact(5));
    }

    #[test]
    fn an_image_that_was_not_built_has_no_values() {
        let mut image = image();
        image.sizes = None;
        for metric in Metric::plain() {
            assert!(matches!(metric.of(&image), Value::Unknown(_)), "{metric}");
        }
    }

    #[test]
    fn a_tree_of_any_depth_does_not_exhaust_the_stack() {
        let mut tree = node("leaf", 1, vec![]);
        for _ in 0..3_000 {
            tree = node("d", 1, vec![tree]);
        }
        let mut image = image();
        image.tree = Some(node("/", 1, vec![tree]));
        let metric = Metric::Path(Pattern::new("**/leaf", true).unwrap());
        assert_eq!(metric.of(&image), Value::Between(0, 1));
    }
}
