//! Node: packages that npm, yarn, or pnpm installed (`node_modules/NAME/package.json`, which is where Node itself looks),
//! and the archives of yarn's cache, from which Plug'n'Play runs. npm's hidden lock file says which packages are for
//! development only; where there is none, the project's `package.json` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::database::{Databases, Found, Inventory, Role};
use super::json::{self, Keys};
use crate::facts::PackageManager;
use crate::path::split;

const MODULES: &[u8] = b"node_modules";
const LOCK: &[u8] = b".package-lock.json";
const DESCRIPTION: &[u8] = b"package.json";

pub(super) fn is_database(path: &[u8]) -> bool {
    let (folder, name) = split(path);
    match name {
        DESCRIPTION => installed(folder).is_some() || !has_part(folder, MODULES),
        LOCK => split(folder).1 == MODULES,
        name => is_cached(folder, name),
    }
}

/// The `node_modules` and the name of a package that lies in this directory.
fn installed(folder: &[u8]) -> Option<(&[u8], Vec<u8>)> {
    let (parent, name) = split(folder);
    let (above, scope) = split(parent);
    if scope == MODULES && !name.starts_with(b"@") && !name.starts_with(b".") {
        Some((parent, name.to_vec()))
    } else if scope.starts_with(b"@") && split(above).1 == MODULES {
        Some((above, [scope, b"/", name].concat()))
    } else {
        None
    }
}

fn has_part(path: &[u8], wanted: &[u8]) -> bool {
    path.split(|&byte| byte == b'/').any(|part| part == wanted)
}

/// `.yarn/cache/NAME-npm-VERSION-….zip`.
fn is_cached(folder: &[u8], name: &[u8]) -> bool {
    split(folder).1 == b"cache" && split(split(folder).0).1 == b".yarn" && name.ends_with(b".zip")
}

/// What is wanted of a `package.json`; anything may be in its place.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Description {
    name: Text,
    version: Text,
    dev_dependencies: Keys,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Lock {
    packages: BTreeMap<String, Locked>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Locked {
    dev: bool,
}

/// A text, or something else, which is none.
#[derive(Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Text, A::Error> {
        IgnoredAny.visit_seq(sequence).map(|_| Text::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text, A::Error> {
        IgnoredAny.visit_map(map).map(|_| Text::default())
    }
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    let development = development(databases, inventory);
    // Who is owned must be known before anything is claimed: packages lie within packages.
    let free: Vec<_> = databases
        .iter()
        .filter(|(path, _)| is_database(path) && split(path).1 != LOCK && !inventory.is_owned(path))
        .collect();
    for (path, content) in free {
        let (folder, file) = split(path);
        let (at, found) = if let Some((_, name)) = installed(folder) {
            let Some(description) = json::read::<Description>(content, inventory) else { continue };
            // The directory is the name that a program asks for; an alias has another one in its description.
            let name = if description.name.0.is_empty() { name } else { description.name.0.into_bytes() };
            let mut found = Found::new(PackageManager::Npm, &name, description.version.0.as_bytes());
            found.role = if is_bundled(folder) {
                Role::Bundled
            } else if development.contains(folder) {
                Role::Development
            } else {
                Role::Used
            };
            (folder, found)
        } else if let Some((name, version)) = cached(file) {
            (*path, Found::new(PackageManager::Npm, &name, version))
        } else {
            continue;
        };
        let Some(number) = inventory.package_once(found) else { return };
        inventory.owns_below(number, at);
    }
}

/// Whether a directory is npm's own, or of what it brings.
fn is_bundled(folder: &[u8]) -> bool {
    [b"/node_modules/npm/node_modules/".as_slice(), b"/node_modules/corepack/node_modules/"]
        .iter()
        .any(|own| folder.windows(own.len()).any(|part| part == *own))
}

/// Name and version of yarn's archive: `@scope-name-npm-1.2.3-0123456789-abcdef.zip`.
fn cached(file: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let stem = file.strip_suffix(b".zip")?;
    let mark = stem.windows(5).position(|part| part == b"-npm-")?;
    let (name, rest) = (&stem[..mark], &stem[mark + 5..]);
    // Two sums follow the version, which may have dashes.
    let mut parts = rest.rsplitn(3, |&byte| byte == b'-');
    let version = parts.nth(2).unwrap_or(rest);
    let name = match name.strip_prefix(b"@").and_then(|name| name.iter().position(|&byte| byte == b'-')) {
        Some(dash) => [&name[..=dash], b"/", &name[dash + 2..]].concat(),
        None => name.to_vec(),
    };
    (!name.is_empty()).then_some((name, version))
}

/// Directories of packages that are wanted for development only.
fn development(databases: &Databases<'_>, inventory: &mut dyn Inventory) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for (path, content) in databases {
        let (folder, name) = split(path);
        if name == LOCK && split(folder).1 == MODULES {
            let project = split(folder).0;
            let Some(lock) = json::read::<Lock>(content, inventory) else { continue };
            found.extend(lock.packages.iter().filter(|(_, locked)| locked.dev).map(|(at, _)| below(project, at)));
        } else if name == DESCRIPTION && !has_part(folder, MODULES) {
            let modules = below(folder, "node_modules");
            if databases.contains_key(&[&modules[..], b"/", LOCK].concat()[..]) {
                continue;
            }
            // Other programs have files of this name.
            let Ok(description) = serde_json::from_slice::<Description>(content) else { continue };
            let names = description.dev_dependencies.0;
            found.extend(names.iter().map(|name| [&modules[..], b"/", name.as_bytes()].concat()));
        }
    }
    found
}

fn below(folder: &[u8], path: &str) -> Vec<u8> {
    if folder.is_empty() { path.as_bytes().to_vec() } else { [folder, b"/", path.as_bytes()].concat() }
}
