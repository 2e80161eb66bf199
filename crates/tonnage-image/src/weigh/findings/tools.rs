//! Compilers, their tools and development files in an image that is to run, not to build.

use std::collections::BTreeMap;

use super::words::{counted, largest, listed};
use crate::bytes::Bytes;
use crate::facts::{Finding, PackageManager};
use crate::merge::Merged;

/// Managers whose packages may be compilers. Packages of languages have such names too, and are something else.
const SYSTEMS: [PackageManager; 3] = [PackageManager::Dpkg, PackageManager::Apk, PackageManager::Rpm];
const TOOLS: [&str; 15] = [
    "autoconf",
    "automake",
    "binutils",
    "build-base",
    "build-essential",
    "clang",
    "cmake",
    "cpp",
    "dpkg-dev",
    "g++",
    "gcc",
    "libtool",
    "make",
    "musl-dev",
    "patch",
];
/// What comes before a version or a target: `gcc-12`, `binutils-x86-64-linux-gnu`.
const FAMILIES: [&str; 5] = ["binutils-", "clang-", "cpp-", "g++-", "gcc-"];

/// One finding for the base's tools and one for each own layer that adds some.
pub(super) fn findings(merged: &Merged<'_>) -> Vec<Finding> {
    // By layer, `None` for the base's; then by package.
    let mut sums: BTreeMap<Option<u32>, BTreeMap<usize, u64>> = BTreeMap::new();
    for inode in merged.visible() {
        let Some(owner) = merged.owner_of(inode) else { continue };
        let found = &merged.packages[owner];
        let size = merged.entry(inode).1.size;
        if size > 0 && SYSTEMS.contains(&found.manager) && is_tool(&found.name) {
            let layer = merged.is_own(inode.layer).then_some(inode.layer);
            *sums.entry(layer).or_default().entry(owner).or_default() += size;
        }
    }
    sums.into_iter()
        .map(|(layer, packages)| {
            let bytes: u64 = packages.values().sum();
            let names =
                largest(packages.into_iter().map(|(owner, bytes)| (bytes, merged.packages[owner].name.as_str())));
            let packages = counted(names.len(), "package", "packages");
            Finding {
                code: "build-tools".into(),
                message: format!(
                    "{} of build tools and development files{} in {packages}: {}",
                    Bytes(bytes),
                    if layer.is_none() { ", from the base image," } else { "" },
                    listed(&names, names.len())
                ),
                instruction: layer.map(|layer| merged.instruction(layer)).unwrap_or_default(),
                size_bytes: Bytes(bytes),
                remedy: if layer.is_none() {
                    "take a base image without them, such as a `-slim` one, and build in a stage of its own".into()
                } else {
                    "build in a stage of its own and copy the result, or remove them in the same RUN".into()
                },
            }
        })
        .collect()
}

fn is_tool(name: &str) -> bool {
    // `gcc-12-base` holds a licence and no compiler.
    TOOLS.contains(&name)
        || (FAMILIES.iter().any(|family| name.starts_with(family)) && !name.ends_with("-base"))
        || name.split('-').skip(1).any(|part| part == "dev" || part == "devel")
}
