//! Debian: `status` and `info/*.list`, or `status.d` with `*.md5sums` where there is no dpkg (distroless).

use std::collections::BTreeMap;

use super::{Databases, Found, Inventory, field, lines};
use crate::facts::PackageManager;
use crate::text::from_bytes;

const STATUS: &[u8] = b"var/lib/dpkg/status";
const STATUS_D: &[u8] = b"var/lib/dpkg/status.d/";
const INFO: &[u8] = b"var/lib/dpkg/info/";

pub(super) fn is_database(path: &[u8]) -> bool {
    path == STATUS || path.starts_with(STATUS_D) || (path.starts_with(INFO) && path.ends_with(b".list"))
}

#[derive(Default)]
struct Paragraph<'a> {
    name: &'a [u8],
    architecture: &'a [u8],
    version: &'a [u8],
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    if let Some(status) = databases.get(STATUS) {
        // Lists are named `package` or, where several architectures may be there, `package:architecture`.
        let mut numbers: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        for paragraph in paragraphs(status) {
            let Some(number) = add(&paragraph, inventory) else { break };
            numbers.insert([paragraph.name, b":", paragraph.architecture].concat(), number);
            numbers.entry(paragraph.name.to_vec()).or_insert(number);
        }
        for (path, content) in databases.range(INFO..) {
            let Some(name) = path.strip_prefix(INFO) else { break };
            let Some(&number) = name.strip_suffix(b".list").and_then(|name| numbers.get(name)) else { continue };
            for line in lines(content) {
                inventory.owns(number, b"", line);
            }
        }
    }
    for (path, content) in databases.range(STATUS_D..) {
        let Some(name) = path.strip_prefix(STATUS_D) else { break };
        if name.ends_with(b".md5sums") {
            continue;
        }
        for paragraph in paragraphs(content) {
            let Some(number) = add(&paragraph, inventory) else { return };
            inventory.owns(number, b"", path);
            let sums = [path, b".md5sums".as_slice()].concat();
            let by_name = [STATUS_D, paragraph.name, b".md5sums"].concat();
            let Some((sums, list)) =
                databases.get_key_value(&sums[..]).or_else(|| databases.get_key_value(&by_name[..]))
            else {
                continue;
            };
            inventory.owns(number, b"", sums);
            for line in lines(list) {
                // `digest`, two spaces, path.
                if let Some(space) = line.iter().position(|&byte| byte == b' ') {
                    inventory.owns(number, b"", line[space..].trim_ascii_start());
                }
            }
        }
    }
}

fn add(paragraph: &Paragraph<'_>, inventory: &mut dyn Inventory) -> Option<u32> {
    inventory.package(Found {
        manager: PackageManager::Dpkg,
        name: from_bytes(paragraph.name),
        version: from_bytes(paragraph.version),
    })
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
                installed = value.split(|&byte| byte == b' ').any(|word| word == b"installed");
            }
        }
        None
    })
}
