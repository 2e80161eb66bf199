//! .NET: `APP.deps.json` of a published application, which names the files of each library, and the shared frameworks
//! and kits of an installation (`shared/NAME/VERSION`, `sdk/VERSION`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::database::{Databases, Found, Inventory};
use super::json::{self, Keys};
use crate::facts::PackageManager;
use crate::path::split;

const END: &[u8] = b".deps.json";

pub(super) fn is_database(path: &[u8]) -> bool {
    path.ends_with(END)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Dependencies {
    targets: BTreeMap<String, BTreeMap<String, Files>>,
}

/// Files of a library by what they are for. Those of the first three lie beside the application.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Files {
    runtime: Keys,
    native: Keys,
    resources: BTreeMap<String, Resource>,
    runtime_targets: Keys,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resource {
    locale: String,
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    let free: Vec<_> = databases.iter().filter(|(path, _)| is_database(path) && !inventory.is_owned(path)).collect();
    for (path, content) in free {
        let folder = split(path).0;
        if let Some(found) = installed(folder) {
            let Some(number) = inventory.package_once(found) else { return };
            inventory.owns_below(number, folder);
            continue;
        }
        let Some(found) = json::read::<Dependencies>(content, inventory) else { continue };
        for (library, files) in found.targets.values().flatten() {
            let (name, version) = library.split_once('/').unwrap_or((library, ""));
            if name.is_empty() {
                continue;
            }
            let found = Found::new(PackageManager::Dotnet, name.as_bytes(), version.as_bytes());
            let Some(number) = inventory.package_once(found) else { return };
            for file in files.runtime.0.iter().chain(files.native.0.iter()) {
                inventory.owns(number, folder, split(file.as_bytes()).1);
                // Symbols and documentation of the library.
                if let Some(stem) = file.strip_suffix(".dll") {
                    for end in [".pdb", ".xml"] {
                        inventory.owns(number, folder, split(format!("{stem}{end}").as_bytes()).1);
                    }
                }
            }
            for file in &files.runtime_targets.0 {
                inventory.owns(number, folder, file.as_bytes());
            }
            for (file, resource) in &files.resources {
                let file = [resource.locale.as_bytes(), b"/", split(file.as_bytes()).1].concat();
                inventory.owns(number, folder, &file);
            }
        }
    }
}

/// A framework or kit that lies in this directory.
fn installed(folder: &[u8]) -> Option<Found> {
    let (parent, version) = split(folder);
    let (above, name) = split(parent);
    if split(above).1 == b"shared" && version.first().is_some_and(u8::is_ascii_digit) {
        Some(Found::new(PackageManager::Dotnet, name, version))
    } else if name == b"sdk" && version.first().is_some_and(u8::is_ascii_digit) {
        Some(Found::new(PackageManager::Dotnet, b"dotnet-sdk", version))
    } else {
        None
    }
}
