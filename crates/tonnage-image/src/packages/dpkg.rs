//! Debian: `status` or `status.d/*` names the packages; `info/*.list`, `info/*.md5sums`, or `status.d/*.md5sums` list
//! their files. The places mix: images without dpkg (distroless) keep some and not others.

use std::collections::BTreeMap;

use super::database::{Databases, Found, Inventory, field, lines};
use crate::facts::PackageManager;

const STATUS: &[u8] = b"var/lib/dpkg/status";
const STATUS_D: &[u8] = b"var/lib/dpkg/status.d/";
const INFO: &[u8] = b"var/lib/dpkg/info/";
const DIVERSIONS: &[u8] = b"var/lib/dpkg/diversions";
const LIST: &[u8] = b".list";
const SUMS: &[u8] = b".md5sums";

/// States of a package (dpkg(1), "Package states") in which its files are unpacked.
const STATES: [&[u8]; 6] =
    [b"installed", b"unpacked", b"half-configured", b"half-installed", b"triggers-awaited", b"triggers-pending"];

pub(super) fn is_database(path: &[u8]) -> bool {
    let is_list = path.ends_with(LIST) || path.ends_with(SUMS);
    path == STATUS || path == DIVERSIONS || path.starts_with(STATUS_D) || (path.starts_with(INFO) && is_list)
}

#[derive(Default)]
struct Paragraph<'a> {
    name: &'a [u8],
    architecture: &'a [u8],
    version: &'a [u8],
}

/// Packages by the names that their lists may have: `package` or, where several architectures may be there,
/// `package:architecture`.
type Numbers = BTreeMap<Vec<u8>, u32>;

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    let mut numbers = Numbers::new();
    let diversions = Diversions::read(databases);
    for paragraph in databases.get(STATUS).into_iter().flat_map(|status| paragraphs(status)) {
        if add(&paragraph, &mut numbers, inventory).is_none() {
            return;
        }
    }
    for (path, content) in databases.range(STATUS_D..) {
        let Some(file) = path.strip_prefix(STATUS_D) else { break };
        if file.ends_with(SUMS) {
            continue;
        }
        for paragraph in paragraphs(content) {
            let Some(number) = add(&paragraph, &mut numbers, inventory) else { return };
            numbers.entry(file.to_vec()).or_insert(number);
            inventory.owns(number, b"", path);
        }
    }
    for (path, content) in databases.range(INFO..) {
        let Some(name) = path.strip_prefix(INFO) else { break };
        if let Some((name, number)) = name.strip_suffix(LIST).and_then(|name| Some((name, *numbers.get(name)?))) {
            lines(content).for_each(|line| diversions.owns(number, name, line, inventory));
        } else if let Some((name, number)) = name.strip_suffix(SUMS).and_then(|name| Some((name, *numbers.get(name)?)))
            && !databases.contains_key(&[INFO, name, LIST].concat()[..])
        {
            sums(content, number, name, &diversions, inventory);
        }
    }
    for (path, content) in databases.range(STATUS_D..) {
        let Some(file) = path.strip_prefix(STATUS_D) else { break };
        if let Some((name, number)) = file.strip_suffix(SUMS).and_then(|name| Some((name, *numbers.get(name)?))) {
            inventory.owns(number, b"", path);
            sums(content, number, name, &diversions, inventory);
        }
    }
}

/// Lines of `digest`, two spaces, path.
fn sums(list: &[u8], number: u32, name: &[u8], diversions: &Diversions<'_>, inventory: &mut dyn Inventory) {
    for line in lines(list) {
        if let Some(space) = line.iter().position(|&byte| byte == b' ') {
            diversions.owns(number, name, line[space..].trim_ascii_start(), inventory);
        }
    }
}

/// Paths that one package, or the administrator, has diverted: files of all other packages lie elsewhere
/// (dpkg-divert(1)).
#[derive(Default)]
struct Diversions<'a>(BTreeMap<&'a [u8], Diversion<'a>>);

struct Diversion<'a> {
    to: &'a [u8],
    /// The package whose own file keeps the name; `:` if there is none.
    by: &'a [u8],
}

impl<'a> Diversions<'a> {
    /// Three lines each: the path, where it went, and the package.
    fn read(databases: &Databases<'a>) -> Self {
        let Some(content) = databases.get(DIVERSIONS) else { return Self::default() };
        let mut lines = lines(content);
        let mut found = BTreeMap::new();
        while let (Some(from), Some(to), Some(by)) = (lines.next(), lines.next(), lines.next()) {
            found.insert(rootless(from), Diversion { to, by });
        }
        Self(found)
    }

    /// The package's list, named `package` or `package:architecture`, has this path.
    fn owns(&self, number: u32, list: &[u8], path: &[u8], inventory: &mut dyn Inventory) {
        let package = list.split(|&byte| byte == b':').next().unwrap_or_default();
        let diverted = self.0.get(rootless(path)).filter(|diversion| diversion.by != package);
        inventory.owns(number, b"", diverted.map_or(path, |diversion| diversion.to));
    }
}

fn rootless(path: &[u8]) -> &[u8] {
    path.strip_prefix(b"./").or_else(|| path.strip_prefix(b"/")).unwrap_or(path)
}

fn add(paragraph: &Paragraph<'_>, numbers: &mut Numbers, inventory: &mut dyn Inventory) -> Option<u32> {
    let number = inventory.package(Found::new(PackageManager::Dpkg, paragraph.name, paragraph.version))?;
    numbers.insert([paragraph.name, b":", paragraph.architecture].concat(), number);
    numbers.entry(paragraph.name.to_vec()).or_insert(number);
    Some(number)
}

/// The installed packages of a control file; a paragraph without `Status` is installed.
fn paragraphs(content: &[u8]) -> impl Iterator<Item = Paragraph<'_>> {
    let mut lines = lines(content).chain([b"".as_slice()]);
    std::iter::from_fn(move || {
        let mut current = Paragraph::default();
        let mut installed = true;
        for line in lines.by_ref() {
            if line.is_empty() {
                let done = std::mem::take(&mut current);
                if std::mem::replace(&mut installed, true) && !done.name.is_empty() {
                    return Some(done);
                }
            } else if let Some(value) = field(line, "Package") {
                current.name = value;
            } else if let Some(value) = field(line, "Architecture") {
                current.architecture = value;
            } else if let Some(value) = field(line, "Version") {
                current.version = value;
            } else if let Some(value) = field(line, "Status") {
                // What is wanted, whether it went well, the state.
                installed = value.split(u8::is_ascii_whitespace).any(|word| STATES.contains(&word));
            }
        }
        None
    })
}
