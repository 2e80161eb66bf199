//! Python distributions: `*.dist-info` with `METADATA` and `RECORD` (PEP 376, PEP 627), `*.egg-info` as a directory or
//! a file, and eggs, directories of their own with an `EGG-INFO`.

use std::collections::BTreeMap;

use super::database::{Databases, Found, Inventory, field, lines};
use crate::facts::PackageManager;
use crate::path::split;

pub(super) fn is_database(path: &[u8]) -> bool {
    let (folder, name) = split(path);
    match name {
        b"METADATA" | b"PKG-INFO" => is_info(folder),
        b"RECORD" => folder.ends_with(b".dist-info") || folder.ends_with(b".egg-info"),
        b"installed-files.txt" => folder.ends_with(b".egg-info"),
        name => name.ends_with(b".egg-info"),
    }
}

/// Whether a directory describes a distribution.
fn is_info(folder: &[u8]) -> bool {
    folder.ends_with(b".dist-info") || folder.ends_with(b".egg-info") || egg(folder).is_some()
}

/// The egg whose `EGG-INFO` a directory is.
fn egg(folder: &[u8]) -> Option<&[u8]> {
    folder.strip_suffix(b"/EGG-INFO").filter(|egg| egg.ends_with(b".egg"))
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    // Where a distribution is described, which may be a single file, and the file that does it.
    let mut described: BTreeMap<&[u8], &[u8]> = BTreeMap::new();
    for path in databases.keys() {
        match split(path) {
            (folder, b"METADATA") if is_info(folder) => drop(described.insert(folder, path)),
            (folder, b"PKG-INFO") if is_info(folder) => drop(described.entry(folder).or_insert(path)),
            (_, name) if name.ends_with(b".egg-info") => drop(described.insert(path, path)),
            _ => {}
        }
    }
    let mut described: Vec<(&[u8], &[u8])> = described.into_iter().collect();
    // A distribution that is vendored in another one lies deeper than that, and is part of it.
    described.sort_by_key(|(info, _)| split(egg(info).unwrap_or(info)).0.split(|&byte| byte == b'/').count());
    for (info, path) in described {
        // A distribution that came as a Debian or Alpine package is that package.
        if inventory.is_owned(path) {
            continue;
        }
        let Some(found) = databases.get(path).and_then(|content| distribution(content)) else { continue };
        let Some(number) = inventory.package(found) else { return };
        inventory.owns(number, b"", path);
        if let Some(egg) = egg(info) {
            inventory.owns_below(number, egg);
            continue;
        }
        if let Some(record) = databases.get(&[info, b"/RECORD"].concat()[..]) {
            let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(*record);
            let mut row = csv::ByteRecord::new();
            while rows.read_byte_record(&mut row).unwrap_or(false) {
                own_relative(inventory, number, split(info).0, row.get(0).unwrap_or_default());
            }
        }
        let list = [info, b"/installed-files.txt"].concat();
        if let Some(files) = databases.get(&list[..]) {
            inventory.owns(number, b"", &list);
            for line in lines(files) {
                own_relative(inventory, number, info, line);
            }
        }
    }
}

fn own_relative(inventory: &mut dyn Inventory, number: u32, folder: &[u8], path: &[u8]) {
    if !path.is_empty() {
        inventory.owns(number, if path.starts_with(b"/") { b"" } else { folder }, path);
    }
}

fn distribution(metadata: &[u8]) -> Option<Found> {
    let mut name = None;
    let mut version = None;
    // Headers end at the first empty line.
    for line in lines(metadata).take_while(|line| !line.is_empty()) {
        name = name.or_else(|| field(line, "Name"));
        version = version.or_else(|| field(line, "Version"));
    }
    let name = name.filter(|name| !name.is_empty())?;
    Some(Found::new(PackageManager::Python, name, version.unwrap_or_default()))
}
