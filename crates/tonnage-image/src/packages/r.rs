//! R: `LIBRARY/NAME/DESCRIPTION` of an installed package, which has `Built`.

use super::database::{Databases, Found, Inventory, field, lines};
use crate::facts::PackageManager;
use crate::path::split;

pub(super) fn is_database(path: &[u8]) -> bool {
    split(path).1 == b"DESCRIPTION"
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    let free: Vec<_> = databases.iter().filter(|(path, _)| is_database(path) && !inventory.is_owned(path)).collect();
    for (path, content) in free {
        let of = |name: &str| lines(content).find_map(|line| field(line, name)).filter(|value| !value.is_empty());
        let folder = split(path).0;
        // The sources of a package have the file too.
        let (Some(name), Some(_)) = (of("Package"), of("Built")) else { continue };
        if split(folder).1 != name {
            continue;
        }
        let found = Found::new(PackageManager::R, name, of("Version").unwrap_or_default());
        let Some(number) = inventory.package_once(found) else { return };
        inventory.owns_below(number, folder);
    }
}
