//! PHP: `vendor/composer/installed.json` (Composer 2: an object with `packages`; Composer 1: a list).

use std::collections::BTreeSet;

use serde::Deserialize;

use super::database::{Databases, Found, Inventory, Role};
use super::json;
use crate::facts::PackageManager;
use crate::path::split;

pub(super) fn is_database(path: &[u8]) -> bool {
    let (folder, name) = split(path);
    name == b"installed.json" && split(folder).1 == b"composer"
}

#[derive(Deserialize)]
struct Installed {
    packages: Vec<ComposerPackage>,
    #[serde(default, rename = "dev-package-names")]
    development: BTreeSet<String>,
}

#[derive(Deserialize)]
struct ComposerPackage {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default, rename = "install-path")]
    path: Option<String>,
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    for (path, content) in databases.iter().filter(|(path, _)| is_database(path)) {
        if inventory.is_owned(path) {
            continue;
        }
        let composer = split(path).0;
        let installed = if content.trim_ascii_start().starts_with(b"[") {
            json::read(content, inventory).map(|packages| Installed { packages, development: BTreeSet::new() })
        } else {
            json::read(content, inventory)
        };
        let Some(Installed { packages, development }) = installed else { continue };
        for package in packages.into_iter().filter(|package| !package.name.is_empty()) {
            let mut found = Found::new(PackageManager::Php, package.name.as_bytes(), package.version.as_bytes());
            if development.contains(&package.name) {
                found.role = Role::Development;
            }
            let Some(number) = inventory.package_once(found) else { return };
            let at = package.path.unwrap_or_else(|| format!("../{}", package.name));
            if let Some(at) = resolved(composer, at.as_bytes()) {
                inventory.owns_below(number, &at);
            }
        }
    }
}

/// A path from a directory; `None` where it leads to that directory itself, above it all, or anywhere by its root.
fn resolved(folder: &[u8], path: &[u8]) -> Option<Vec<u8>> {
    if path.starts_with(b"/") {
        return None;
    }
    let mut parts: Vec<&[u8]> = folder.split(|&byte| byte == b'/').collect();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    let found = parts.join(&b'/');
    let holds_the_database = folder == found || folder.starts_with(&[&found[..], b"/"].concat());
    (!found.is_empty() && !holds_the_database).then_some(found)
}
