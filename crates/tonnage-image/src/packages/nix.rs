//! Nix: `/nix/store/HASH-NAME-VERSION`, a directory or a file.

use super::database::{Found, Inventory, name_and_version};
use crate::facts::PackageManager;

const STORE: &[u8] = b"nix/store";
/// Characters of a hash, and the dash behind it.
const HASH: usize = 33;

pub(super) fn read(inventory: &mut dyn Inventory) {
    for entry in inventory.names_in(STORE) {
        let Some(whole) = entry.get(HASH..).filter(|whole| !whole.is_empty() && entry[HASH - 1] == b'-') else {
            continue;
        };
        let (name, version) = name_and_version(whole);
        let found = Found::new(PackageManager::Nix, if name.is_empty() { whole } else { name }, version);
        let Some(number) = inventory.package_once(found) else { return };
        inventory.owns_below(number, &[STORE, b"/", &entry].concat());
    }
}
