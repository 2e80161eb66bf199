//! One layer, read once: its entries, sizes, content digests and the package databases in it.
//!
//! In: the unpacked tar as a stream. Out: a [`LayerScan`], which holds 32 bytes an entry, its path, 32 bytes for
//! the BLAKE3 digest of a file's content where files are hashed (it only tells equal files, no engine knows it, and it
//! takes less than half of SHA-256's time), and the text of package databases (bounded).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::BufRead;

use serde::{Deserialize, Serialize};

use super::tar::{self, Fault, Kind, TarError, TarReader};
use crate::Limits;
use crate::credentials;
use crate::packages::{Capture, Composite, is_database};
use crate::path::{normalise, split};
use crate::text::from_bytes;

/// Sizes of one layer may not add up to more than this (1 PiB), so that no sum overflows.
pub(crate) const MAX_LAYER: u64 = 1 << 50;
const NONE: u32 = u32::MAX;

/// What a name in a layer stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EntryKind {
    File,
    HardLink,
    Symlink,
    Directory,
    Other,
    /// Hides the path (`.wh.` is taken out of it).
    Whiteout,
    /// Hides what lower layers have in the folder.
    Opaque,
}

/// One entry of a layer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerEntry {
    pub(super) path_start: u32,
    pub(super) path_len: u32,
    pub(super) link_start: u32,
    pub(super) link_len: u32,
    /// Its part of `size`.
    pub size: u64,
    pub(super) digest: u32,
    pub mode: u16,
    pub kind: EntryKind,
}

/// A layer as it was read.
#[derive(Debug, Default)]
pub struct LayerScan {
    /// `sha256:` of the unpacked tar.
    pub diff_id: String,
    /// Length of the unpacked tar.
    pub tar_bytes: u64,
    /// Its part of `size`.
    pub size_bytes: u64,
    /// What a registry transfers for it; zero where that was not asked for.
    pub wire_bytes: u64,
    /// Whether `wire_bytes` is the length of a real compressed blob.
    pub wire_exact: bool,
    pub(crate) entries: Vec<LayerEntry>,
    pub(crate) names: Vec<u8>,
    pub(crate) digests: Vec<[u8; 32]>,
    /// Content of package databases, by index of the entry.
    pub(crate) databases: BTreeMap<u32, Box<[u8]>>,
    /// Programs and archives made of packages, by index of the entry.
    pub(crate) composites: BTreeMap<u32, Composite>,
    /// Entries that hold private keys or credentials.
    pub(crate) credentials: BTreeSet<u32>,
    /// Package databases that were too large to keep.
    pub(crate) databases_left_out: u64,
}

impl LayerScan {
    /// How many entries its tar has.
    pub fn entry_count(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Its files and links with their part of `size`, in the order of its tar.
    pub fn sized_paths(&self) -> impl Iterator<Item = (String, u64)> {
        let sized = self.entries.iter().filter(|entry| entry.size > 0);
        sized.map(|entry| (from_bytes(self.path(entry)), entry.size))
    }

    /// Sizes of the files that are not empty.
    #[cfg(feature = "docker-store")]
    pub(crate) fn file_sizes(&self) -> impl Iterator<Item = u64> {
        self.files().map(|entry| entry.size)
    }

    /// Whether each file of one of these sizes has the digest of its content.
    #[cfg(feature = "docker-store")]
    pub(crate) fn is_hashed(&self, sizes: &HashSet<u64>) -> bool {
        self.files().all(|entry| entry.digest != NONE || !sizes.contains(&entry.size))
    }

    /// How many files have no digest of their content.
    pub(crate) fn unhashed(&self) -> usize {
        self.files().filter(|entry| entry.digest == NONE).count()
    }

    fn files(&self) -> impl Iterator<Item = &LayerEntry> {
        self.entries.iter().filter(|entry| entry.kind == EntryKind::File && entry.size > 0)
    }

    pub(crate) fn path(&self, entry: &LayerEntry) -> &[u8] {
        slice(&self.names, entry.path_start, entry.path_len)
    }

    pub(crate) fn link(&self, entry: &LayerEntry) -> &[u8] {
        slice(&self.names, entry.link_start, entry.link_len)
    }

    pub(crate) fn digest(&self, entry: &LayerEntry) -> Option<&[u8; 32]> {
        self.digests.get(entry.digest as usize)
    }
}

fn slice(names: &[u8], start: u32, len: u32) -> &[u8] {
    names.get(start as usize..start as usize + len as usize).unwrap_or_default()
}

/// What may still be read, over all layers of a weigher.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub entries: u64,
    pub name_bytes: u64,
    pub database_bytes: u64,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { entries: limits.entries, name_bytes: limits.name_bytes, database_bytes: limits.database_bytes }
    }
}

/// Whether files' content is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileHashes<'a> {
    Yes,
    No,
    /// Of files of these sizes; content of another size equals no other.
    #[cfg_attr(not(feature = "docker-store"), expect(dead_code, reason = "only a store knows the sizes beforehand"))]
    OfSizes(&'a HashSet<u64>),
}

impl FileHashes<'_> {
    fn wants(self, size: u64) -> bool {
        match self {
            Self::Yes => true,
            Self::No => false,
            Self::OfSizes(sizes) => sizes.contains(&size),
        }
    }
}

/// Reads a layer's tar up to its end mark. Digest, length and wire size are the caller's to fill in.
pub(crate) fn scan(
    input: &mut dyn BufRead,
    hashes: FileHashes<'_>,
    limits: &Limits,
    budget: &mut Budget,
) -> Result<LayerScan, TarError> {
    let mut scan = LayerScan::default();
    let mut tar = TarReader::new(input);
    let mut before = Vec::new();
    while let Some(entry) = tar.next_entry()? {
        let whole = normalise(&entry.path);
        let at = entry.offset;
        let (kind, path) = classify(&whole, entry.kind);
        let size = match kind {
            EntryKind::File => entry.size,
            EntryKind::Symlink => entry.link.len() as u64,
            _ => 0,
        };
        scan.size_bytes = scan.size_bytes.saturating_add(size);
        if scan.size_bytes > MAX_LAYER {
            return Err(too_much(at, "its files have more than a pebibyte"));
        }
        let link = match kind {
            EntryKind::HardLink => normalise(&entry.link),
            EntryKind::Symlink => entry.link.clone(),
            _ => Vec::new(),
        };
        let names = new_names(&before, path);
        budget.entries = budget.entries.checked_sub(names).ok_or_else(|| too_much(at, "too many entries"))?;
        budget.name_bytes = budget
            .name_bytes
            .checked_sub((path.len() + link.len()) as u64)
            .ok_or_else(|| too_much(at, "names too long in all"))?;
        let index = u32::try_from(scan.entries.len()).ok().filter(|&index| index != NONE);
        let index = index.ok_or_else(|| too_much(at, "too many entries"))?;
        let (path_start, path_len) =
            keep(&mut scan.names, path).ok_or_else(|| too_much(at, "names too long in all"))?;
        let (link_start, link_len) =
            keep(&mut scan.names, &link).ok_or_else(|| too_much(at, "names too long in all"))?;
        let mut digest = NONE;
        if kind == EntryKind::File && size > 0 {
            let wanted = is_database(path) && !entry.sparse;
            let room = limits.database_file_bytes.min(budget.database_bytes);
            let mut content = (wanted && size <= room).then(Vec::new);
            scan.databases_left_out += u64::from(wanted && content.is_none());
            let suspect = !wanted && !entry.sparse && credentials::is_candidate(path, size);
            if suspect {
                content = Some(Vec::new());
            }
            let mut hash = (hashes.wants(size) && !entry.sparse).then(blake3::Hasher::new);
            let mut capture = if entry.sparse || wanted {
                None
            } else {
                Capture::of(path, start_of(&mut tar)?, size, budget.database_bytes)
            };
            if hash.is_some() || content.is_some() || capture.is_some() {
                read_data(&mut tar, hash.as_mut(), content.as_mut(), capture.as_mut())?;
            }
            if let Some(hash) = hash {
                digest = scan.digests.len() as u32;
                scan.digests.push(hash.finalize().into());
            }
            if suspect {
                if content.is_some_and(|content| credentials::holds_any(path, &content)) {
                    scan.credentials.insert(index);
                }
            } else if let Some(content) = content {
                budget.database_bytes -= content.len() as u64;
                scan.databases.insert(index, content.into_boxed_slice());
            }
            if let Some(composite) = capture.and_then(Capture::finish) {
                match budget.database_bytes.checked_sub(composite.memory()) {
                    Some(left) => {
                        budget.database_bytes = left;
                        scan.composites.insert(index, composite);
                    }
                    None => scan.databases_left_out += 1,
                }
            }
        }
        let mode = entry.mode as u16;
        scan.entries.push(LayerEntry { path_start, path_len, link_start, link_len, size, digest, mode, kind });
        before.clear();
        before.extend_from_slice(path);
    }
    scan.entries.shrink_to_fit();
    scan.names.shrink_to_fit();
    scan.digests.shrink_to_fit();
    Ok(scan)
}

/// How many names a path can add to the merged tree behind the path before it: the entry's own, and the folders on its
/// way that the other one does not share. A path of 64 KiB may name 32,768 folders, so that entries alone would not
/// bound memory.
pub(super) fn new_names(before: &[u8], path: &[u8]) -> u64 {
    let common = before.iter().zip(path).take_while(|(one, other)| one == other).count();
    let rest = &path[common..];
    // Where the one before is a folder on the way, its slash begins nothing new.
    let rest = if common == before.len() { rest.strip_prefix(b"/").unwrap_or(rest) } else { rest };
    rest.split(|&byte| byte == b'/').count() as u64
}

/// The first bytes of the current entry, as many as are there at once.
fn start_of<'a>(tar: &'a mut TarReader<&mut dyn BufRead>) -> Result<&'a [u8], TarError> {
    let offset = tar.offset();
    tar.peek().map_err(|error| TarError { offset, what: Fault::Io(error) })
}

fn read_data(
    tar: &mut TarReader<&mut dyn BufRead>,
    mut hash: Option<&mut blake3::Hasher>,
    mut content: Option<&mut Vec<u8>>,
    mut capture: Option<&mut Capture>,
) -> Result<(), TarError> {
    loop {
        let offset = tar.offset();
        let mut data = tar.data();
        let buffer = data.fill_buf().map_err(|error| TarError { offset, what: Fault::Io(error) })?;
        let count = buffer.len();
        if count == 0 {
            return Ok(());
        }
        if let Some(hash) = &mut hash {
            hash.update(buffer);
        }
        if let Some(content) = &mut content {
            content.extend_from_slice(buffer);
        }
        if let Some(capture) = &mut capture {
            capture.take(buffer);
        }
        data.consume(count);
    }
}

/// Whether a stream begins like a tar: a header, or the zeros of an empty one.
pub(crate) fn looks_like_tar(start: &[u8]) -> bool {
    let Some(block) = start.first_chunk::<{ tar::BLOCK }>() else { return false };
    block.iter().all(|&byte| byte == 0) || tar::is_header(block)
}

fn too_much(offset: u64, what: &str) -> TarError {
    TarError { offset, what: Fault::TooMuch(what.to_owned()) }
}

fn keep(names: &mut Vec<u8>, name: &[u8]) -> Option<(u32, u32)> {
    let start = u32::try_from(names.len()).ok()?;
    let len = u32::try_from(name.len()).ok()?;
    names.extend_from_slice(name);
    u32::try_from(names.len()).ok()?;
    Some((start, len))
}

/// Tells whiteouts from names (OCI image layer specification, "Whiteouts").
fn classify(path: &[u8], kind: Kind) -> (EntryKind, &[u8]) {
    let (folder, name) = split(path);
    if name == b".wh..wh..opq" {
        return (EntryKind::Opaque, folder);
    }
    if let Some(hidden) = name.strip_prefix(b".wh.") {
        // `.wh..wh.…` is AUFS's own, and `.wh.` alone hides nothing.
        return match hidden {
            b"" | b"." | b".." => (EntryKind::Other, path),
            hidden if hidden.starts_with(b".wh.") => (EntryKind::Other, path),
            _ => (EntryKind::Whiteout, path),
        };
    }
    let kind = match kind {
        Kind::File => EntryKind::File,
        Kind::HardLink => EntryKind::HardLink,
        Kind::Symlink => EntryKind::Symlink,
        Kind::Directory => EntryKind::Directory,
        Kind::Other => EntryKind::Other,
    };
    (kind, path)
}

impl LayerEntry {
    /// For a whiteout's path: the folder and the name that it hides.
    pub(crate) fn hidden(path: &[u8]) -> (&[u8], &[u8]) {
        let (folder, name) = split(path);
        (folder, name.strip_prefix(b".wh.").unwrap_or(name))
    }
}
