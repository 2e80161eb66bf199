//! Package databases found in an image: which package owns which path.
//!
//! In: the text of the databases as the merged tree shows them, and what was read of programs and archives while they
//! passed. Out: packages, each with the paths it lists, handed over one at a time, so that a hostile list costs no
//! memory.

mod apk;
mod chisel;
mod composite;
mod conda;
mod database;
mod dotnet;
mod dpkg;
mod go;
mod java;
mod json;
mod ndb;
mod nix;
mod npm;
mod php;
mod python;
mod r;
mod rpm;
mod ruby;
mod sqlite;
mod zip;

pub(crate) use composite::{Capture, Composite, Composites};
pub(crate) use database::{Databases, Found, Inventory, Role};
pub(crate) use rpm::UNREAD as UNREAD_RPM;

/// Whether a path is part of a package database whose text is wanted.
pub(crate) fn is_database(path: &[u8]) -> bool {
    dpkg::is_database(path)
        || apk::is_database(path)
        || rpm::is_database(path)
        || path == chisel::MANIFEST
        || python::is_database(path)
        || conda::is_database(path)
        || npm::is_database(path)
        || ruby::is_database(path)
        || php::is_database(path)
        || dotnet::is_database(path)
        || r::is_database(path)
        || java::is_database(path)
}

/// Reads all databases, those of systems first, then those of languages: a path belongs to the first that lists it,
/// else to the deepest directory above it that a package owns.
pub(crate) fn read(databases: &Databases<'_>, composites: &Composites<'_>, inventory: &mut dyn Inventory) {
    dpkg::read(databases, inventory);
    apk::read(databases, inventory);
    rpm::read(databases, inventory);
    chisel::read(databases, inventory);
    nix::read(inventory);
    conda::read(databases, inventory);
    python::read(databases, inventory);
    npm::read(databases, inventory);
    ruby::read(databases, inventory);
    php::read(databases, inventory);
    dotnet::read(databases, inventory);
    r::read(databases, inventory);
    java::read(databases, inventory);
    composite::read(composites, inventory);
}
