//! An image's bytes by layer: which packages and which paths are in it there.

use std::collections::{BTreeMap, BTreeSet};

use crate::record::{LayerOrigin, PackageManager, Variant};

/// Identity of a package over versions.
pub(super) type Key<'a> = (PackageManager, &'a str);

/// Packages and paths of an image by layer.
pub(super) struct Located<'a> {
    packages: Vec<BTreeMap<Key<'a>, i128>>,
    paths: Vec<BTreeMap<&'a str, i128>>,
    versions: BTreeMap<Key<'a>, BTreeSet<&'a str>>,
    /// Which layers are the base's; all of them where no base is known.
    in_base: Vec<bool>,
    /// Size of the smallest path listed where the list is cut off; zero where it is complete.
    cut_off: i128,
}

impl<'a> Located<'a> {
    pub(super) fn of(image: &'a Variant) -> Self {
        let mut found = Self {
            packages: vec![BTreeMap::new(); image.layers.len()],
            paths: vec![BTreeMap::new(); image.layers.len()],
            versions: BTreeMap::new(),
            in_base: image.layers.iter().map(|layer| layer.origin == LayerOrigin::Base).collect(),
            cut_off: 0,
        };
        if !found.in_base.contains(&true) {
            found.in_base.fill(true);
        }
        for package in &image.packages {
            let key = (package.manager, package.name.as_str());
            found.versions.entry(key).or_default().insert(package.version.as_str());
            for (layer, bytes) in &package.layers {
                if let Some(packages) = found.packages.get_mut(*layer as usize) {
                    *packages.entry(key).or_default() += i128::from(bytes.0);
                }
            }
        }
        let mut listed: u128 = 0;
        for path in &image.paths {
            listed += u128::from(path.size_bytes.0);
            if let Some(paths) = found.paths.get_mut(path.layer as usize)
                && path.package.is_empty()
            {
                *paths.entry(path.path.as_str()).or_default() += i128::from(path.size_bytes.0);
            }
        }
        let rootfs = image.sizes.as_ref().map_or(0, |sizes| u128::from(sizes.rootfs_bytes.0));
        if listed < rootfs {
            found.cut_off = image.paths.iter().map(|path| i128::from(path.size_bytes.0)).min().unwrap_or(i128::MAX);
        }
        found
    }

    /// Bytes of every package in these layers.
    pub(super) fn packages(&self, layers: &[usize]) -> BTreeMap<Key<'a>, i128> {
        merged(&self.packages, layers)
    }

    /// Bytes of every listed path of no package in these layers.
    pub(super) fn paths(&self, layers: &[usize]) -> BTreeMap<&'a str, i128> {
        merged(&self.paths, layers)
    }

    /// The packages of the image.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key<'a>> {
        self.versions.keys().copied()
    }

    /// The versions of a package, joined where there are several; `None` where the image has none of it.
    pub(super) fn version(&self, key: Key<'a>) -> Option<String> {
        let versions = self.versions.get(&key)?;
        Some(versions.iter().copied().collect::<Vec<_>>().join(", "))
    }

    /// Bytes of a package in the base's layers below `layer`, or in all layers below it where no base is known.
    pub(super) fn below(&self, key: Key<'a>, layer: usize) -> i128 {
        let below = self.packages.iter().zip(&self.in_base).take(layer).filter(|(_, in_base)| **in_base);
        below.filter_map(|(packages, _)| packages.get(&key)).sum()
    }

    /// Whether a path of this size, which is not listed here, can be said to be absent: lists are cut off, and a path
    /// near the end of one may have been just below the end of the other. Twice that size is taken as certain.
    pub(super) fn lacks(&self, bytes: i128) -> bool {
        self.cut_off == 0 || bytes / 2 > self.cut_off
    }
}

fn merged<K: Ord + Copy>(by_layer: &[BTreeMap<K, i128>], layers: &[usize]) -> BTreeMap<K, i128> {
    let mut sum = BTreeMap::new();
    for (key, bytes) in layers.iter().filter_map(|index| by_layer.get(*index)).flatten() {
        *sum.entry(*key).or_default() += bytes;
    }
    sum
}
