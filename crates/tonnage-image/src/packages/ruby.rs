//! Ruby: `specifications/NAME-VERSION.gemspec`, beside it `gems/NAME-VERSION` and what was compiled for it.

use super::database::{Databases, Found, Inventory, lines};
use crate::facts::PackageManager;
use crate::path::split;

pub(super) fn is_database(path: &[u8]) -> bool {
    let (folder, name) = split(path);
    name.ends_with(b".gemspec") && home(folder).is_some()
}

/// The directory that `specifications`, or its `default`, is in.
fn home(folder: &[u8]) -> Option<&[u8]> {
    let (parent, name) = split(folder);
    match name {
        b"specifications" => Some(parent),
        b"default" if split(parent).1 == b"specifications" => Some(split(parent).0),
        _ => None,
    }
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    for (path, content) in databases.iter().filter(|(path, _)| is_database(path)) {
        if inventory.is_owned(path) {
            continue;
        }
        let (folder, file) = split(path);
        let (Some(home), Some(whole)) = (home(folder), file.strip_suffix(b".gemspec")) else { continue };
        let Some((name, version)) = name_and_version(content) else { continue };
        let found = Found::new(PackageManager::Ruby, name, version);
        let Some(number) = inventory.package_once(found) else { return };
        inventory.owns(number, b"", path);
        inventory.owns_below(number, &[home, b"/gems/", whole].concat());
        inventory.owns(number, b"", &[home, b"/cache/", whole, b".gem"].concat());
        // extensions/PLATFORM/ABI/NAME-VERSION
        let extensions = [home, b"/extensions"].concat();
        for platform in inventory.names_in(&extensions) {
            let platform = [&extensions[..], b"/", &platform].concat();
            for abi in inventory.names_in(&platform) {
                inventory.owns_below(number, &[&platform[..], b"/", &abi, b"/", whole].concat());
            }
        }
    }
}

/// `s.name = "rake".freeze` and `s.version = "13.0.6"`, as `gem` writes them.
fn name_and_version(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let quoted = |key: &[u8]| {
        lines(content).map(<[u8]>::trim_ascii).find_map(|line| {
            let value = line.strip_prefix(b"s.")?.strip_prefix(key)?.trim_ascii_start().strip_prefix(b"=")?;
            value.split(|&byte| byte == b'"').nth(1)
        })
    };
    let name = quoted(b"name").filter(|name| !name.is_empty())?;
    Some((name, quoted(b"version").unwrap_or_default()))
}
