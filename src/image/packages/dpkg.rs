//! Debian: `status` and `info/*.list`, or `status.d` with `*.md5sums` where there is no dpkg (distroless).

use std::collections::BTreeMap;

use super::{Databases, Found, Inventory, field, lines};
use crate::record::PackageManager;
use crate::text::from_bytes;

const STATUS: &[u8] = b"var/lib/dpkg/status";
const STATUS_D: &[u8] = b"var/lib/dpkg/status.d/";
const INFO: &[u8] = b"var/lib/dpkg/info/";

pub(super) fn is_database(path: &[u8]) -> bool {
    path == STATUS || path.starts_with(STATUS_D) || (path.starts_with(INFO) && path.ends_with(b".list"))
}

struct Paragraph {
    name: Vec<u8>,
    architecture: Vec<u8>,
    version: Vec<u8>,
}

pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    if let Some(status) = databases.get(STATUS) {
        // Lists are named `package` or, where several architectures may be there, `package:architecture`.
        let mut numbers: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        for paragraph in paragraphs(status) {
            let number = add(&paragraph, inventory);
            numbers.insert([paragraph.name.as_slice(), b":", &paragraph.architecture].concat(), number);
            numbers.entry(paragraph.name).or_insert(number);
        }
        for (path, content) in databases.range(INFO..) {
            let Some(name) = path.strip_prefix(INFO) else { break };
            let Some(&number) = name.strip_suffix(b".list").and_then(|name| numbers.get(name)) else { continue };
            for line in lines(content) {
                inventory.owns(number, line);
            }
        }
    }
    for (path, content) in databases.range(STATUS_D..) {
        let Some(name) = path.strip_prefix(STATUS_D) else { break };
        if name.ends_with(b".md5sums") {
            continue;
        }
        for paragraph in paragraphs(content) {
            let number = add(&paragraph, inventory);
            inventory.owns(number, path);
            let sums = [path, b".md5sums".as_slice()].concat();
            let by_name = [STATUS_D, &paragraph.name, b".md5sums"].concat();
            let Some((sums, list)) =
                databases.get_key_value(&sums[..]).or_else(|| databases.get_key_value(&by_name[..]))
            else {
                continue;
            };
            inventory.owns(number, sums);
            for line in lines(list) {
                // `digest`, two spaces, path.
                if let Some(space) = line.iter().position(|&byte| byte == b' ') {
                    inventory.owns(number, line[space..].trim_ascii_start());
                }
            }
        }
    }
}

fn add(paragraph: &Paragraph, inventory: &mut dyn Inventory) -> u32 {
    inventory.package(Found {
        manager: PackageManager::Dpkg,
        name: from_bytes(&paragraph.name),
        version: from_bytes(&paragraph.version),
    })
}

/// The installed packages of a control file; a paragraph without `Status` is installed.
fn paragraphs(content: &[u8]) -> Vec<Paragraph> {
    let mut found = Vec::new();
    let mut current = Paragraph { name: Vec::new(), architecture: Vec::new(), version: Vec::new() };
    let mut installed = true;
    for line in lines(content).chain([b"".as_slice()]) {
        if line.is_empty() {
            let done = std::mem::replace(
                &mut current,
                Paragraph { name: Vec::new(), architecture: Vec::new(), version: Vec::new() },
            );
            if !done.name.is_empty() && std::mem::replace(&mut installed, true) {
                found.push(done);
            }
            installed = true;
        } else if let Some(value) = field(line, "Package") {
            current.name = value.to_vec();
        } else if let Some(value) = field(line, "Architecture") {
            current.architecture = value.to_vec();
        } else if let Some(value) = field(line, "Version") {
            current.version = value.to_vec();
        } else if let Some(value) = field(line, "Status") {
            installed = value.split(|&byte| byte == b' ').any(|word| word == b"installed");
        }
    }
    found
}
