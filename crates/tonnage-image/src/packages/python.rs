//! Python distributions: `*.dist-info` with `METADATA` and `RECORD` (PEP 376, PEP 627), and `*.egg-info` as a
//! folder or a file.

use super::{Databases, Found, Inventory, field, lines};
use crate::facts::PackageManager;
use crate::text::from_bytes;

pub(super) fn is_database(path: &[u8]) -> bool {
    let (folder, name) = split(path);
    match name {
        b"RECORD" | b"METADATA" => folder.ends_with(b".dist-info"),
        b"PKG-INFO" | b"installed-files.txt" => folder.ends_with(b".egg-info"),
        name => name.ends_with(b".egg-info"),
    }
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    for (path, content) in databases {
        let (folder, name) = split(path);
        let is_python = match name {
            b"METADATA" => folder.ends_with(b".dist-info"),
            b"PKG-INFO" => folder.ends_with(b".egg-info"),
            name => name.ends_with(b".egg-info"),
        };
        // A distribution that came as a Debian or Alpine package is that package.
        if !is_python || inventory.is_owned(path) {
            continue;
        }
        let Some(found) = distribution(content) else { continue };
        let Some(number) = inventory.package(found) else { return };
        inventory.owns(number, b"", path);
        if let Some(record) = databases.get(&[folder, b"/RECORD"].concat()[..]) {
            let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(*record);
            let mut row = csv::ByteRecord::new();
            while rows.read_byte_record(&mut row).unwrap_or(false) {
                own_relative(inventory, number, split(folder).0, row.get(0).unwrap_or_default());
            }
        }
        let list = [folder, b"/installed-files.txt"].concat();
        if let Some(files) = databases.get(&list[..]) {
            inventory.owns(number, b"", &list);
            for line in lines(files) {
                own_relative(inventory, number, folder, line);
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
    Some(Found {
        manager: PackageManager::Python,
        name: from_bytes(name.filter(|name| !name.is_empty())?),
        version: from_bytes(version.unwrap_or_default()),
    })
}

/// Folder and name of a path.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}
