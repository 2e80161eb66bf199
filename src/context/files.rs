//! Which files of a folder an engine is sent.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use dockerignore::{Client, Ignore};

use super::{ContextError, MAX_BYTES, MAX_ENTRIES};
use crate::fsx::{self, FileError};
use crate::record::Builder;
use crate::text;

/// The files of a context, sorted by path.
#[derive(Debug, Clone)]
pub struct Files {
    /// Path from the context's root, with `/` between its parts → what is there.
    pub entries: BTreeMap<String, Found>,
    /// The Dockerfile's path from the context's root; `None` where it lies outside.
    pub dockerfile: Option<String>,
    /// The ignore file that was applied.
    pub ignore_file: Option<PathBuf>,
}

/// A file, folder or link that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Permission bits.
    pub mode: u32,
    /// Modification time in whole seconds since the Unix epoch; 0 for any before it.
    pub mtime: u64,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A regular file and its length in bytes.
    File(u64),
    /// A folder.
    Directory,
    /// A symbolic link and its target.
    Symlink(PathBuf),
    /// A named pipe.
    Fifo,
}

impl Files {
    /// Lists what `builder` would be sent of the folder `root`. Symbolic links are not followed. Sockets are left
    /// out, as Docker leaves them out ("archive/tar: sockets not supported"), and so are device nodes, which only
    /// root can unpack; named pipes are kept.
    pub fn list(root: &Path, dockerfile: &Path, builder: Builder) -> Result<Self, ContextError> {
        let inside = inside(root, dockerfile);
        let (ignore, ignore_file) = ignore(root, dockerfile, builder)?;
        let client = if builder == Builder::Classic { Client::Classic } else { Client::BuildKit };
        let mut walk = Walk {
            root,
            ignore,
            client,
            always: inside.clone(),
            send_ignore_file: builder != Builder::Buildkit,
            entries: BTreeMap::new(),
            bytes: 0,
        };
        walk.all()?;
        Ok(Self { entries: walk.entries, dockerfile: inside, ignore_file })
    }
}

/// The Dockerfile's path from the root, where it lies inside.
fn inside(root: &Path, dockerfile: &Path) -> Option<String> {
    let folder = match dockerfile.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let folder = fs::canonicalize(folder).ok()?;
    let inner = folder.strip_prefix(fs::canonicalize(root).ok()?).ok()?;
    inner.join(dockerfile.file_name()?).to_str().map(str::to_owned)
}

/// The ignore file that a builder's client applies. BuildKit's prefers `<Dockerfile>.dockerignore` beside the
/// Dockerfile; Podman's knows `.containerignore` too and prefers it.
fn ignore(root: &Path, dockerfile: &Path, builder: Builder) -> Result<(Ignore, Option<PathBuf>), ContextError> {
    let beside = |suffix: &str| {
        let mut name = dockerfile.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let candidates = match builder {
        Builder::Classic => vec![root.join(".dockerignore")],
        Builder::Buildkit => vec![beside(".dockerignore"), root.join(".dockerignore")],
        Builder::Buildah => vec![
            beside(".containerignore"),
            beside(".dockerignore"),
            root.join(".containerignore"),
            root.join(".dockerignore"),
        ],
    };
    let Some(path) = candidates.into_iter().find(|path| path.is_file()) else {
        return Ok((Ignore::default(), None));
    };
    let ignore =
        Ignore::parse(&fsx::read(&path)?).map_err(|source| ContextError::Ignore { path: path.clone(), source })?;
    Ok((ignore, Some(path)))
}

struct Walk<'a> {
    root: &'a Path,
    ignore: Ignore,
    client: Client,
    /// The Dockerfile: sent whatever the patterns say.
    always: Option<String>,
    /// Whether the engine reads the ignore file too.
    send_ignore_file: bool,
    entries: BTreeMap<String, Found>,
    bytes: u64,
}

impl Walk<'_> {
    fn all(&mut self) -> Result<(), ContextError> {
        // Folders still to read: their path from the root (empty for the root itself).
        let mut open = vec![String::new()];
        while let Some(folder) = open.pop() {
            let path = self.root.join(&folder);
            let wrap = |source| FileError::new("list", &path, source);
            for item in fs::read_dir(&path).map_err(wrap)? {
                let item = item.map_err(wrap)?;
                self.visit(&folder, &item, &mut open)?;
            }
        }
        Ok(())
    }

    fn visit(&mut self, folder: &str, item: &fs::DirEntry, open: &mut Vec<String>) -> Result<(), ContextError> {
        let name = item.file_name();
        let shown = join(folder, &text::from_bytes(name.as_bytes()));
        let path = name.to_str().map(|name| join(folder, name));
        let excluded = self.ignore.ignores(path.as_deref().unwrap_or(&shown)) && !self.is_always(path.as_deref());
        let file_type = item.file_type().map_err(|source| FileError::new("read", item.path(), source))?;
        if excluded {
            if file_type.is_dir()
                && let Some(path) = path
                && (self.ignore.may_reinclude_below(&path, self.client) || self.holds_always(&path))
            {
                open.push(path);
            }
            return Ok(());
        }
        if file_type.is_socket() || file_type.is_block_device() || file_type.is_char_device() {
            return Ok(());
        }
        let Some(path) = path else { return Err(ContextError::Name { path: shown }) };
        let full = item.path();
        let found = found(&full)?;
        if let Kind::File(length) = found.kind {
            self.bytes = self.bytes.saturating_add(length);
        }
        if found.kind == Kind::Directory {
            open.push(path.clone());
        }
        self.add_folders_above(&path)?;
        self.entries.insert(path, found);
        if self.bytes > MAX_BYTES {
            return Err(ContextError::TooLarge {
                root: self.root.to_owned(),
                limit: MAX_BYTES,
                largest: self.largest(),
            });
        }
        if self.entries.len() > MAX_ENTRIES {
            return Err(ContextError::TooMany { root: self.root.to_owned(), limit: MAX_ENTRIES });
        }
        Ok(())
    }

    /// A file that was brought back comes with the folders that hold it.
    fn add_folders_above(&mut self, path: &str) -> Result<(), ContextError> {
        for (at, _) in path.match_indices('/') {
            let folder = &path[..at];
            if !self.entries.contains_key(folder) {
                self.entries.insert(folder.to_owned(), found(&self.root.join(folder))?);
            }
        }
        Ok(())
    }

    /// Whether it is a file that is sent whatever the patterns say.
    fn is_always(&self, path: Option<&str>) -> bool {
        path.is_some_and(|path| {
            (path == ".dockerignore" && self.send_ignore_file) || self.always.as_deref() == Some(path)
        })
    }

    fn holds_always(&self, folder: &str) -> bool {
        self.always.as_deref().and_then(|path| path.strip_prefix(folder)).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The entry of the root that holds most of what was found so far.
    fn largest(&self) -> String {
        let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
        for (path, found) in &self.entries {
            if let Kind::File(length) = found.kind {
                *sums.entry(path.split('/').next().unwrap_or(path)).or_default() += length;
            }
        }
        sums.into_iter().max_by_key(|(_, sum)| *sum).map_or_else(String::new, |(name, _)| name.to_owned())
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn found(path: &Path) -> Result<Found, FileError> {
    let wrap = |source| FileError::new("read", path, source);
    let meta = fs::symlink_metadata(path).map_err(wrap)?;
    let kind = meta.file_type();
    let kind = if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        Kind::Symlink(fs::read_link(path).map_err(wrap)?)
    } else if kind.is_fifo() {
        Kind::Fifo
    } else {
        Kind::File(meta.len())
    };
    Ok(Found { kind, mode: meta.mode() & 0o7777, mtime: u64::try_from(meta.mtime()).unwrap_or(0) })
}
