//! Java: archives (`.jar`, `.war`, `.ear`) by their central directory, with the libraries in them, and runtimes by
//! their `release` file.

use std::collections::BTreeMap;

use super::composite::{Component, Composite};
use super::database::{Databases, Found, Inventory, lines, name_and_version};
use super::zip::{Member, Zip};
use crate::facts::PackageManager;
use crate::path::split;
use crate::text::from_bytes;

/// Bytes kept of the end of an archive: its directory, and of smaller ones all.
const KEPT: u64 = 16 << 20;
/// Bytes of a file of properties that are read.
const PROPERTIES: u64 = 64 << 10;
/// Archives in an archive that are looked into; of more, only the names are.
const MOST_OPENED: usize = 2000;
/// Files that say what an archive is made of.
const MOST_POMS: usize = 1000;

/// The end of an archive on its way.
pub(crate) struct JarStream {
    path: Vec<u8>,
    /// Bytes before the part that is kept.
    skip: u64,
    kept: Vec<u8>,
}

impl JarStream {
    pub(super) fn new(path: &[u8], size: u64, memory: u64) -> Self {
        let kept = size.min(KEPT).min(memory);
        Self { path: path.to_vec(), skip: size - kept, kept: Vec::with_capacity(kept as usize) }
    }

    pub(super) fn take(&mut self, bytes: &[u8]) {
        let skipped = self.skip.min(bytes.len() as u64);
        self.skip -= skipped;
        self.kept.extend_from_slice(&bytes[skipped as usize..]);
    }

    pub(super) fn finish(self) -> Option<Composite> {
        let zip = Zip::open(&self.kept)?;
        let (main, mut parts) = (component(&self.path, &zip, 0), Vec::new());
        // Members that overlap could be many times as long as the archive.
        let (mut left, mut opened) = (self.kept.len(), 0);
        for member in zip.members().filter(|member| is_archive(member.name)) {
            let inner = zip.plain(&member).filter(|inner| {
                let enough = left.checked_sub(inner.len()).filter(|_| opened < MOST_OPENED);
                left = enough.unwrap_or(0);
                opened += 1;
                enough.is_some()
            });
            let inner = inner.and_then(Zip::open);
            parts.push(match inner {
                Some(inner) => component(member.name, &inner, member.stored_bytes),
                None => by_name(member.name, member.stored_bytes),
            });
        }
        Some(Composite { manager: PackageManager::Java, main, parts })
    }
}

/// Whether a path is that of an archive.
pub(super) fn is_archive(path: &[u8]) -> bool {
    [b".jar".as_slice(), b".war", b".ear"].iter().any(|end| path.ends_with(end))
}

/// What an archive says of itself: the properties that Maven puts into it, if of one project only, else its name and
/// its manifest.
fn component(path: &[u8], zip: &Zip<'_>, bytes: u64) -> Component {
    let named = by_name(path, bytes);
    let poms: Vec<Member<'_>> = zip
        .members()
        .filter(|member| member.name.starts_with(b"META-INF/maven/") && member.name.ends_with(b"/pom.properties"))
        .take(MOST_POMS)
        .collect();
    // An archive that holds the classes of others holds their properties too: its own are those it is named for.
    let own = |pom: &&Member<'_>| {
        let project = pom.name.split(|&byte| byte == b'/').nth(3).unwrap_or_default();
        poms.len() == 1 || from_bytes(project) == named.name
    };
    if let Some(pom) = poms.iter().find(own) {
        let mut parts = pom.name.split(|&byte| byte == b'/').skip(2);
        let (group, project) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let content = zip.content(pom, PROPERTIES).unwrap_or_default();
        let version = value(&content, b"version=").map_or_else(|| named.version.clone(), from_bytes);
        return Component { name: from_bytes(&[group, b":", project].concat()), version, bytes };
    }
    if named.version.is_empty()
        && let Some(manifest) = zip.members().find(|member| member.name == b"META-INF/MANIFEST.MF")
    {
        let content = zip.content(&manifest, PROPERTIES).unwrap_or_default();
        let version = value(&content, b"Implementation-Version: ").or_else(|| value(&content, b"Bundle-Version: "));
        return Component { version: version.map(from_bytes).unwrap_or_default(), ..named };
    }
    named
}

/// `spring-core-6.1.2.jar`.
fn by_name(path: &[u8], bytes: u64) -> Component {
    let file = split(path).1;
    let stem = &file[..file.len().saturating_sub(4)];
    let (name, version) = name_and_version(stem);
    let name = if name.is_empty() { file } else { name };
    Component { name: from_bytes(name), version: from_bytes(version), bytes }
}

fn value<'a>(content: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    lines(content).find_map(|line| line.strip_prefix(key)).map(<[u8]>::trim_ascii)
}

/// `release` of a runtime: it is in the same directory as `bin` and `lib`.
pub(super) fn is_database(path: &[u8]) -> bool {
    split(path).1 == b"release"
}

/// Runtimes that no other package brought.
pub(super) fn read(databases: &Databases<'_>, inventory: &mut dyn Inventory) {
    let mut found: BTreeMap<&[u8], Found> = BTreeMap::new();
    for (path, content) in databases.iter().filter(|(path, _)| is_database(path)) {
        let Some(version) = value(content, b"JAVA_VERSION=") else { continue };
        let version = version.strip_prefix(b"\"").unwrap_or(version);
        let version = version.strip_suffix(b"\"").unwrap_or(version);
        let folder = split(path).0;
        if !folder.is_empty() && !inventory.is_owned(path) {
            found.insert(folder, Found::new(PackageManager::Java, b"java-runtime", version));
        }
    }
    for (folder, found) in found {
        let Some(number) = inventory.package(found) else { return };
        inventory.owns_below(number, folder);
    }
}
