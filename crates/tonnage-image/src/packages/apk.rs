//! Alpine: `installed`, paragraphs of one-letter fields; `F:` names a folder, each `R:` after it a file in it.

use super::database::{Databases, Found, Inventory, lines};
use crate::facts::PackageManager;

const INSTALLED: [&[u8]; 2] = [b"lib/apk/db/installed", b"usr/lib/apk/db/installed"];

pub(super) fn is_database(path: &[u8]) -> bool {
    INSTALLED.contains(&path)
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    // Where both are there, they are one file seen through `lib`, or an old one left behind.
    let Some(content) = INSTALLED.iter().find_map(|path| databases.get(path)) else { return };
    let mut name: &[u8] = b"";
    let mut version: &[u8] = b"";
    let mut folder: &[u8] = b"";
    let mut number: Option<u32> = None;
    for line in lines(content).chain([b"".as_slice()]) {
        let Some((key, value)) = line.split_first_chunk::<2>() else {
            if number.is_none() && !name.is_empty() {
                let _ = add(name, version, inventory);
            }
            (name, version, folder, number) = (b"", b"", b"", None);
            continue;
        };
        match key {
            b"P:" => name = value,
            b"V:" => version = value,
            b"F:" => folder = value,
            b"R:" if !name.is_empty() => {
                number = number.or_else(|| add(name, version, inventory));
                let Some(number) = number else { return };
                inventory.owns(number, folder, value);
            }
            _ => {}
        }
    }
}

fn add(name: &[u8], version: &[u8], inventory: &mut dyn Inventory) -> Option<u32> {
    inventory.package(Found::new(PackageManager::Apk, name, version))
}
