//! conda: `conda-meta/*.json`, each with the files of a package, in the environment that the directory is in.

use serde::Deserialize;

use super::database::{Databases, Found, Inventory};
use super::json;
use crate::facts::PackageManager;
use crate::path::split;

pub(super) fn is_database(path: &[u8]) -> bool {
    let (folder, name) = split(path);
    name.ends_with(b".json") && split(folder).1 == b"conda-meta"
}

#[derive(Deserialize)]
struct CondaPackage {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    files: Vec<String>,
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    for (path, content) in databases.iter().filter(|(path, _)| is_database(path)) {
        if inventory.is_owned(path) {
            continue;
        }
        let Some(package) = json::read::<CondaPackage>(content, inventory) else { continue };
        if package.name.is_empty() {
            continue;
        }
        let prefix = split(split(path).0).0;
        let found = Found::new(PackageManager::Conda, package.name.as_bytes(), package.version.as_bytes());
        let Some(number) = inventory.package_once(found) else { return };
        inventory.owns(number, b"", path);
        for file in &package.files {
            inventory.owns(number, prefix, file.as_bytes());
        }
        // Where the package was unpacked: files of the environment may be other names of those there.
        if let Some(whole) = split(path).1.strip_suffix(b".json") {
            inventory.owns_below(number, &[prefix, b"/pkgs/", whole].concat());
        }
    }
}
