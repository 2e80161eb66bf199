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
mod numbers;
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

/// Whether a path is part of a database, and what reads all databases of the kind.
type PackageReader = (fn(&[u8]) -> bool, fn(&Databases<'_>, &mut dyn Inventory));

/// Readers of systems' databases first, then those of languages': a path belongs to the first that lists it, else to the
/// deepest directory above it that a package owns.
const READERS: [PackageReader; 13] = [
    (dpkg::is_database, dpkg::read),
    (apk::is_database, apk::read),
    (rpm::is_database, rpm::read),
    (chisel::is_database, chisel::read),
    // Its packages are told by their directories.
    (|_| false, |_, inventory| nix::read(inventory)),
    (conda::is_database, conda::read),
    (python::is_database, python::read),
    (npm::is_database, npm::read),
    (ruby::is_database, ruby::read),
    (php::is_database, php::read),
    (dotnet::is_database, dotnet::read),
    (r::is_database, r::read),
    (java::is_database, java::read),
];

/// Whether a path is part of a package database whose text is wanted.
pub(crate) fn is_database(path: &[u8]) -> bool {
    READERS.iter().any(|(is_database, _)| is_database(path))
}

/// Reads all databases, then what programs and archives are made of.
pub(crate) fn read(databases: &Databases<'_>, composites: &Composites<'_>, inventory: &mut dyn Inventory) {
    for (_, read) in READERS {
        read(databases, inventory);
    }
    composite::read(composites, inventory);
}
