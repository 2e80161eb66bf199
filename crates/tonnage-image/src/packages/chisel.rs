//! Chisel: a manifest of JSON lines in a zstd frame, with the slices that each path belongs to.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};

use serde::Deserialize;

use super::database::{Databases, Found, Inventory};
use crate::facts::PackageManager;

/// Where Chisel's guide and Ubuntu's images have it.
const MANIFEST: &[u8] = b"var/lib/chisel/manifest.wall";
/// A manifest unpacks to no more; Ubuntu's images have some hundred kilobytes.
const MOST: u64 = 64 << 20;
/// The window of a frame, as a power of two.
const WINDOW: u32 = 23;

pub(super) fn is_database(path: &[u8]) -> bool {
    path == MANIFEST
}

#[derive(Deserialize)]
struct ManifestLine {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    slices: Vec<String>,
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    let Some(content) = databases.get(MANIFEST) else { return };
    if read_all(content, inventory).is_none() {
        inventory.unreadable();
    }
}

fn read_all(content: &[u8], inventory: &mut dyn Inventory) -> Option<()> {
    let mut decoder = zstd::stream::Decoder::new(content).ok()?;
    decoder.window_log_max(WINDOW).ok()?;
    let mut numbers: BTreeMap<String, u32> = BTreeMap::new();
    // Lines are sorted as text: packages come before paths.
    for line in BufReader::new(decoder.take(MOST)).split(b'\n') {
        let Ok(line) = serde_json::from_slice::<ManifestLine>(&line.ok()?) else { continue };
        match line.kind.as_str() {
            "package" if !line.name.is_empty() => {
                let found = Found::new(PackageManager::Chisel, line.name.as_bytes(), line.version.as_bytes());
                numbers.insert(line.name, inventory.package(found)?);
            }
            "path" => {
                let mut packages = line.slices.iter().filter_map(|slice| slice.rsplit_once('_'));
                if let Some(&number) = packages.find_map(|(package, _)| numbers.get(package)) {
                    inventory.owns(number, b"", line.path.as_bytes());
                }
            }
            _ => {}
        }
    }
    Some(())
}
