//! Package databases found in an image: which package owns which path.
//!
//! In: the text of the databases as the merged tree shows them. Out: packages, each with the paths it lists, handed
//! over one at a time, so that a hostile list costs no memory.

mod apk;
mod database;
mod dpkg;
mod python;

pub(crate) use database::{Databases, Found, Inventory};

/// Whether a path is part of a package database whose text is wanted.
pub(crate) fn is_database(path: &[u8]) -> bool {
    dpkg::is_database(path) || apk::is_database(path) || python::is_database(path)
}

/// Reads all databases: dpkg, apk, then Python, so that a path belongs to the first of them.
pub(crate) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    dpkg::read(databases, inventory);
    apk::read(databases, inventory);
    python::read(databases, inventory);
}
