//! Files that are packages made of packages: Go programs and Java archives. They are read while they pass, and only
//! the names of what they are made of are kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::database::{Found, Inventory, Role};
use super::go::GoStream;
use super::java::{JarStream, is_archive};
use crate::facts::PackageManager;

/// What a file is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Composite {
    pub manager: PackageManager,
    /// The file's own package.
    pub main: Component,
    /// Packages in it.
    pub parts: Vec<Component>,
}

/// A package in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Component {
    pub name: String,
    pub version: String,
    /// Bytes of the file that are its own, where they can be told.
    pub bytes: u64,
}

/// Composites by path.
pub(crate) type Composites<'a> = BTreeMap<&'a [u8], &'a Composite>;

impl Composite {
    /// Memory that it takes, about.
    pub(crate) fn memory(&self) -> u64 {
        let of = |part: &Component| (part.name.len() + part.version.len() + size_of::<Component>()) as u64;
        of(&self.main) + self.parts.iter().map(of).sum::<u64>()
    }
}

/// A file that is looked at while it passes.
pub(crate) enum Capture {
    Go(GoStream),
    Jar(JarStream),
}

impl Capture {
    /// What to make of a file that begins so; `None` for an ordinary one. No more than `memory` is taken.
    pub(crate) fn of(path: &[u8], start: &[u8], size: u64, memory: u64) -> Option<Self> {
        if is_archive(path) {
            Some(Self::Jar(JarStream::new(path, size, memory)))
        } else if start.starts_with(b"\x7fELF") {
            Some(Self::Go(GoStream::new(memory)))
        } else {
            None
        }
    }

    /// Takes what follows.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        match self {
            Self::Go(stream) => stream.take(bytes),
            Self::Jar(stream) => stream.take(bytes),
        }
    }

    /// What it was.
    pub(crate) fn finish(self) -> Option<Composite> {
        match self {
            Self::Go(stream) => stream.finish(),
            Self::Jar(stream) => stream.finish(),
        }
    }
}

pub(super) fn read(composites: &Composites<'_>, inventory: &mut dyn Inventory) {
    for (path, composite) in composites {
        // A program that came with another package is that package.
        if inventory.is_owned(path) {
            continue;
        }
        let number = |part: &Component, inventory: &mut dyn Inventory| {
            let (name, version) = (part.name.clone(), part.version.clone());
            inventory.package_once(Found { manager: composite.manager, name, version, role: Role::Used })
        };
        let Some(main) = number(&composite.main, inventory) else { return };
        inventory.owns(main, b"", path);
        for part in &composite.parts {
            let Some(part_number) = number(part, inventory) else { return };
            inventory.owns_part(part_number, path, part.bytes);
        }
    }
}
