//! The context in memory and as a tar.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tar::{Builder as TarBuilder, EntryType, Header};

use super::{ContextError, EntryKind, Files, FoundEntry, MAX_BYTES, Own};
use crate::fsx::{self, FileError};
use crate::record::Builder;
use crate::units;

/// A build context, held in memory.
#[derive(Debug, Clone)]
pub struct Context {
    root: PathBuf,
    dockerfile: String,
    /// Whether the Dockerfile is among the entries only because BuildKit's API takes it from nowhere else.
    stowaway: bool,
    entries: BTreeMap<String, PackedEntry>,
}

/// One entry of a context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PackedEntry {
    /// What it is and how it is marked.
    pub found: FoundEntry,
    /// Content of a file; empty for anything else.
    pub content: Bytes,
}

/// A change on the way into the tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A file gets another content.
    Replace {
        /// Path from the context's root.
        path: String,
        /// The content.
        content: Vec<u8>,
    },
    /// A file gets another modification time.
    Touch {
        /// Path from the context's root.
        path: String,
        /// Seconds since the Unix epoch.
        mtime: u64,
    },
    /// Everything gets modification times that many seconds earlier, or later where that would be before the Unix
    /// epoch.
    Age(u64),
}

impl Edit {
    /// Path from the context's root; `None` where it changes everything.
    fn path(&self) -> Option<&str> {
        match self {
            Self::Replace { path, .. } | Self::Touch { path, .. } => Some(path),
            Self::Age(_) => None,
        }
    }
}

impl Context {
    /// Reads the folder `root` as `builder` would be sent it. A Dockerfile that lies outside of it is put in under a
    /// name of its own, which the classic builder takes out again before any COPY sees it; BuildKit shows it to a
    /// `COPY . .`, as it does a Dockerfile that the patterns exclude, because it does not apply them to what it is
    /// sent.
    pub fn load(root: &Path, dockerfile: &Path, builder: Builder, own: &Own) -> Result<Self, ContextError> {
        Self::load_ignoring(root, dockerfile, builder, own, None)
    }

    /// As [`Self::load`], with a text in place of that of the ignore file, which need not be there.
    pub fn load_ignoring(
        root: &Path,
        dockerfile: &Path,
        builder: Builder,
        own: &Own,
        ignore: Option<&str>,
    ) -> Result<Self, ContextError> {
        let files = Files::list_ignoring(root, dockerfile, builder, own, ignore)?;
        let mut left = MAX_BYTES;
        let mut entries = BTreeMap::new();
        for (path, found) in files.entries {
            let (found, content) = match found.kind {
                EntryKind::File(_) => {
                    let content = read(&root.join(&path), left)?.ok_or_else(|| ContextError::TooLarge {
                        root: root.to_owned(),
                        limit: MAX_BYTES,
                        largest: path.clone(),
                    })?;
                    left -= content.len() as u64;
                    // The file may have changed since it was listed: what was read counts.
                    (FoundEntry { kind: EntryKind::File(content.len() as u64), ..found }, content)
                }
                _ => (found, Bytes::new()),
            };
            entries.insert(path, PackedEntry { found, content });
        }
        let stowaway = builder == Builder::Buildkit && (files.dockerfile_excluded || files.dockerfile.is_none());
        let mut context = Self { root: root.to_owned(), dockerfile: String::new(), stowaway, entries };
        if let Some(text) = ignore {
            let at = files.ignore_file.as_deref().and_then(|path| path.strip_prefix(root).ok()?.to_str());
            let at = at.unwrap_or(".dockerignore");
            // An engine that applies the patterns, too, must have the same ones.
            if context.entries.contains_key(at) || builder != Builder::Buildkit {
                context.insert(at, text.as_bytes().to_vec());
            }
        }
        match files.dockerfile {
            Some(inside) => context.dockerfile = inside,
            None => context.bring_in(&fsx::read(dockerfile)?, builder),
        }
        Ok(context)
    }

    /// Puts in a Dockerfile from outside.
    fn bring_in(&mut self, text: &[u8], builder: Builder) {
        let mut name = String::from(".tonnage.Dockerfile");
        while self.entries.contains_key(&name) {
            name.push('_');
        }
        self.insert(&name, text.to_vec());
        if builder != Builder::Buildkit {
            // The classic builder removes a Dockerfile and a .dockerignore that the .dockerignore in the tar
            // excludes; the docker CLI does the same for a Dockerfile of its own.
            let mut patterns = match self.entries.get(".dockerignore") {
                Some(entry) => [&entry.content[..], b"\n"].concat(),
                None => b".dockerignore\n".to_vec(),
            };
            patterns.extend_from_slice(name.as_bytes());
            patterns.push(b'\n');
            self.insert(".dockerignore", patterns);
        }
        self.dockerfile = name;
    }

    fn insert(&mut self, path: &str, content: Vec<u8>) {
        self.detach(path);
        let found = self
            .entries
            .get(path)
            .map_or(FoundEntry { kind: EntryKind::File(0), mode: 0o644, mtime: 0 }, |entry| entry.found.clone());
        let found = FoundEntry { kind: EntryKind::File(content.len() as u64), ..found };
        self.entries.insert(path.to_owned(), PackedEntry { found, content: content.into() });
    }

    /// Makes other names of a file independent of it: the first of them becomes the file of the rest.
    fn detach(&mut self, path: &str) {
        let Some(file) = self.entries.get(path).cloned() else { return };
        let mut heir = None;
        for (name, entry) in &mut self.entries {
            if matches!(&entry.found.kind, EntryKind::Link(first) if first == path) {
                if let Some(heir) = &heir {
                    entry.found.kind = EntryKind::Link(String::clone(heir));
                } else {
                    *entry = file.clone();
                    heir = Some(name.clone());
                }
            }
        }
    }

    /// The path that holds a file's content: its own, or that of the first name of a hard link.
    fn first_name<'a>(&'a self, path: &'a str) -> &'a str {
        match self.entries.get(path).map(|entry| &entry.found.kind) {
            Some(EntryKind::Link(first)) => first,
            _ => path,
        }
    }

    /// Makes hard links of equal files that are links in `other`, and copies of links that are not there, so that two
    /// states differ only in what was changed: a git checkout has no hard links.
    pub fn link_like(&mut self, other: &Self) {
        let mut firsts: BTreeMap<(bool, String), String> = BTreeMap::new();
        let mut linked = self.entries.clone();
        for (path, entry) in &mut linked {
            let Some(content) = self.content(path) else { continue };
            let group = match other.content(path) {
                Some(_) => (true, other.first_name(path).to_owned()),
                None => (false, self.first_name(path).to_owned()),
            };
            entry.found.kind = match firsts.get(&group) {
                Some(first) if self.content(first) == Some(content) => EntryKind::Link(first.clone()),
                _ => {
                    firsts.insert(group, path.clone());
                    EntryKind::File(content.len() as u64)
                }
            };
            entry.content = if matches!(entry.found.kind, EntryKind::File(_)) { content.clone() } else { Bytes::new() };
        }
        self.entries = linked;
    }

    /// Path of the Dockerfile inside the context.
    pub fn dockerfile(&self) -> &str {
        &self.dockerfile
    }

    /// The Dockerfile's path, if it is sent although Docker's own client would keep it from every COPY: BuildKit's API
    /// takes it from nowhere else.
    pub fn stowaway(&self) -> Option<&str> {
        self.stowaway.then_some(&self.dockerfile)
    }

    /// Gives the Dockerfile another text.
    pub fn with_dockerfile(&mut self, text: &str) {
        let path = self.dockerfile.clone();
        self.insert(&path, text.as_bytes().to_vec());
    }

    /// Content of a file.
    pub fn content(&self, path: &str) -> Option<&Bytes> {
        let entry = self.entries.get(self.first_name(path))?;
        matches!(entry.found.kind, EntryKind::File(_)).then_some(&entry.content)
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> units::Bytes {
        self.entries.values().map(|entry| units::Bytes(entry.content.len() as u64)).sum()
    }

    /// The context as an uncompressed tar with `edits` made: entries sorted, owner 0:0, times in whole seconds,
    /// no names of users; the same bytes for the same input. Long names use GNU's extension, which every engine
    /// reads.
    pub fn tar(&self, edits: &[Edit]) -> Result<Bytes, ContextError> {
        if let Some(path) = edits.iter().filter_map(Edit::path).find(|path| self.content(path).is_none()) {
            return Err(ContextError::NoSuchFile { path: path.to_owned(), root: self.root.clone() });
        }
        // A header and padding per entry, a long name now and then, and the end.
        let room = self.bytes().0 as usize + self.entries.len() * 1536 + 10_240;
        let mut tar = TarBuilder::new(Vec::with_capacity(room));
        for (path, entry) in &self.entries {
            let mut content = &entry.content[..];
            let mut mtime = entry.found.mtime;
            for edit in edits.iter().filter(|edit| {
                // All names of a file show an edit of it.
                edit.path().is_none_or(|edited| self.first_name(edited) == self.first_name(path))
            }) {
                match edit {
                    Edit::Replace { content: new, .. } if matches!(entry.found.kind, EntryKind::File(_)) => {
                        content = new;
                    }
                    Edit::Replace { .. } => {}
                    Edit::Touch { mtime: new, .. } => mtime = *new,
                    Edit::Age(seconds) => mtime = mtime.checked_sub(*seconds).unwrap_or(mtime + seconds),
                }
            }
            let wrap = |source| ContextError::Pack { path: path.clone(), source };
            append(&mut tar, path, &entry.found, mtime, content).map_err(wrap)?;
        }
        tar.into_inner().map(Bytes::from).map_err(|source| ContextError::Pack { path: String::new(), source })
    }
}

/// A context of a few files; the same bytes for the same input.
pub(crate) fn pack_files(files: &[(&str, &[u8])]) -> std::io::Result<Bytes> {
    let mut tar = TarBuilder::new(Vec::new());
    for (path, content) in files {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, *content)?;
    }
    tar.into_inner().map(Bytes::from)
}

fn append(
    tar: &mut TarBuilder<Vec<u8>>,
    path: &str,
    found: &FoundEntry,
    mtime: u64,
    content: &[u8],
) -> std::io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(found.mode);
    header.set_mtime(mtime);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(content.len() as u64);
    let (kind, target) = match &found.kind {
        EntryKind::File(_) => (EntryType::Regular, None),
        EntryKind::Link(first) => (EntryType::Link, Some(Path::new(first))),
        EntryKind::Directory => (EntryType::Directory, None),
        EntryKind::Symlink(target) => (EntryType::Symlink, Some(target.as_path())),
        EntryKind::Fifo => (EntryType::Fifo, None),
    };
    header.set_entry_type(kind);
    match target {
        Some(target) => tar.append_link(&mut header, path, target),
        None if kind.is_dir() => tar.append_data(&mut header, format!("{path}/"), content),
        None => tar.append_data(&mut header, path, content),
    }
}

/// The whole file; `None` where it is larger than `limit`.
fn read(path: &Path, limit: u64) -> Result<Option<Bytes>, FileError> {
    let mut content = Vec::new();
    let mut file = fsx::open(path)?.take(limit.saturating_add(1));
    file.read_to_end(&mut content).map_err(|source| FileError::new("read", path, source))?;
    Ok((content.len() as u64 <= limit).then(|| content.into()))
}
