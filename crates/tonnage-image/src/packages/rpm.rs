//! rpm: headers of the installed packages (rpm, `docs/manual/format_header.md`) in `rpmdb.sqlite` or `Packages.db`. The
//! older Berkeley database is not read.

use std::collections::BTreeMap;

use super::database::{Databases, Found, Inventory};
use super::numbers::big_endian;
use super::{ndb, sqlite};
use crate::facts::PackageManager;
use crate::path::split;

const HOMES: [&[u8]; 2] = [b"usr/lib/sysimage/rpm", b"var/lib/rpm"];
const SQLITE: &[u8] = b"rpmdb.sqlite";
const NDB: &[u8] = b"Packages.db";
/// Berkeley databases.
pub(crate) const UNREAD: [&[u8]; 2] = [b"var/lib/rpm/Packages", b"usr/lib/sysimage/rpm/Packages"];

pub(super) fn is_database(path: &[u8]) -> bool {
    let (folder, name) = split(path);
    HOMES.contains(&folder) && (name == SQLITE || name == NDB)
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    // Where both directories have one, they are one seen through a link, or an old one left behind.
    for home in HOMES {
        let find = |name: &[u8]| databases.get(&[home, b"/", name].concat()[..]).copied();
        let whole = if let Some(database) = find(SQLITE) {
            sqlite::blobs(database, b"Packages", |header| package(header, inventory))
        } else if let Some(database) = find(NDB) {
            ndb::headers(database).is_some_and(|mut headers| headers.all(|header| package(header, inventory)))
        } else {
            continue;
        };
        if !whole {
            inventory.unreadable();
        }
        return;
    }
}

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const OLD_FILE_NAMES: u32 = 1027;
const FILE_STATES: u32 = 1029;
const DIRECTORY_INDEXES: u32 = 1116;
const BASE_NAMES: u32 = 1117;
const DIRECTORY_NAMES: u32 = 1118;
/// Directories of one package that are looked at.
const MOST_FOLDERS: usize = 1 << 20;
/// Names of keys that were imported, which have no files.
const KEY: &[u8] = b"gpg-pubkey";

/// Hands a package over; false where no more are taken or the header is none.
fn package(header: &[u8], inventory: &mut dyn Inventory) -> bool {
    let Some(header) = Header::read(header) else { return false };
    let Some(name) = header.text(NAME).filter(|name| !name.is_empty()) else { return false };
    let mut version =
        [header.text(VERSION).unwrap_or_default(), b"-", header.text(RELEASE).unwrap_or_default()].concat();
    if let Some(epoch) = header.numbers(EPOCH).next() {
        version = [format!("{epoch}:").as_bytes(), &version].concat();
    }
    let Some(number) = inventory.package(Found::new(PackageManager::Rpm, name, &version)) else { return false };
    if name == KEY {
        return true;
    }
    let folders: Vec<&[u8]> = header.texts(DIRECTORY_NAMES).take(MOST_FOLDERS).collect();
    let mut states = header.bytes(FILE_STATES).iter();
    let mut is_there = || states.next().is_none_or(|&state| state == 0);
    for (base, index) in header.texts(BASE_NAMES).zip(header.numbers(DIRECTORY_INDEXES)) {
        // Not installed (documentation, other languages), replaced by another package, or of the other colour.
        if let (true, Some(folder)) = (is_there(), folders.get(index as usize)) {
            inventory.owns(number, folder, base);
        }
    }
    for path in header.texts(OLD_FILE_NAMES) {
        inventory.owns(number, b"", path);
    }
    true
}

/// Tags with where their values are.
struct Header<'a> {
    tags: BTreeMap<u32, (usize, usize)>,
    values: &'a [u8],
}

impl<'a> Header<'a> {
    /// Two numbers, index entries of 16 bytes (tag, type, offset, count), and the values; all big-endian.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        const ENTRY: usize = 16;
        let count = number(bytes, 0)? as usize;
        let length = number(bytes, 4)? as usize;
        let index = bytes.get(8..count.checked_mul(ENTRY)?.checked_add(8)?)?;
        let start = 8 + index.len();
        let values = bytes.get(start..start.checked_add(length)?)?;
        let tags = index
            .chunks_exact(ENTRY)
            .filter_map(|entry| Some((number(entry, 0)?, (number(entry, 8)? as usize, number(entry, 12)? as usize))));
        Some(Self { tags: tags.collect(), values })
    }

    /// The bytes from the values of a tag on, and how many values it has.
    fn values(&self, tag: u32) -> (&'a [u8], usize) {
        let (offset, count) = self.tags.get(&tag).copied().unwrap_or_default();
        (self.values.get(offset..).unwrap_or_default(), count)
    }

    /// Texts, each with a zero behind it.
    fn texts(&self, tag: u32) -> impl Iterator<Item = &'a [u8]> {
        let (values, count) = self.values(tag);
        let values = values.rsplitn(2, |&byte| byte == 0).nth(1).unwrap_or_default();
        values.split(|&byte| byte == 0).take(count)
    }

    fn text(&self, tag: u32) -> Option<&'a [u8]> {
        self.texts(tag).next()
    }

    fn numbers(&self, tag: u32) -> impl Iterator<Item = u32> {
        let (values, count) = self.values(tag);
        values.chunks_exact(4).take(count).filter_map(|value| number(value, 0))
    }

    fn bytes(&self, tag: u32) -> &'a [u8] {
        let (values, count) = self.values(tag);
        &values[..values.len().min(count)]
    }
}

/// A number as headers have it.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    big_endian(bytes, at, 4).map(|number| number as u32)
}
