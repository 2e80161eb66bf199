//! Which files of a folder an engine is sent.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use dockerignore::{Client, Ignore, Verdict};

use super::found::{EntryKind, FoundEntry};
use super::own::{self, Own};
use super::{ContextError, MAX_BYTES, MAX_ENTRIES};
use crate::fsx::{self, FileError};
use crate::record::Builder;
use crate::text;

/// The files of a context, sorted by path.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// Path from the context's root, with `/` between its parts → what is there.
    pub entries: BTreeMap<String, FoundEntry>,
    /// The Dockerfile's path from the context's root; `None` where it lies outside.
    pub dockerfile: Option<String>,
    /// Whether the patterns exclude that Dockerfile, which is sent all the same.
    pub dockerfile_excluded: bool,
    /// The ignore file that was applied.
    pub ignore_file: Option<PathBuf>,
    /// What is not sent since tonnage wrote it: files, and directories that hold nothing else.
    pub own: BTreeSet<String>,
}

impl Files {
    /// Lists what `builder` would be sent of the directory `root`, without what tonnage itself wrote. Symbolic links are
    /// not followed. Sockets are left out, as Docker leaves them out ("archive/tar: sockets not supported"), and so are
    /// device nodes, which only root can unpack; named pipes are kept, and hard links stay hard links.
    pub(crate) fn list(root: &Path, dockerfile: &Path, builder: Builder, own: &Own) -> Result<Self, ContextError> {
        Self::list_ignoring(root, dockerfile, builder, own, None)
    }

    /// As [`Self::list`], with a text in place of that of the ignore file, which need not be there.
    pub(crate) fn list_ignoring(
        root: &Path,
        dockerfile: &Path,
        builder: Builder,
        own: &Own,
        text: Option<&str>,
    ) -> Result<Self, ContextError> {
        let inside = inside(root, dockerfile);
        let (ignore, ignore_file) = ignore(root, dockerfile, builder, text)?;
        let mut walk = Walk {
            root,
            ignore,
            client: if builder == Builder::Classic { Client::Classic } else { Client::BuildKit },
            always: inside.clone(),
            dockerfile_excluded: false,
            send_ignore_file: builder != Builder::Buildkit,
            entries: BTreeMap::new(),
            inodes: HashMap::new(),
            counted: HashSet::new(),
            bytes: 0,
        };
        walk.all()?;
        let Walk { mut entries, inodes, dockerfile_excluded, .. } = walk;
        let own = own::remove(root, own, &mut entries);
        link(&mut entries, &inodes);
        Ok(Self { entries, dockerfile: inside, dockerfile_excluded, ignore_file, own })
    }

    /// The path of each file that is sent.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let files =
            self.entries.iter().filter(|(_, found)| !matches!(found.kind, EntryKind::Directory | EntryKind::Fifo));
        files.map(|(path, _)| path.as_str())
    }
}

/// Device and number of an inode.
type Inode = (u64, u64);

/// Makes the second and each further name of a file that is sent a link to the first.
fn link(entries: &mut BTreeMap<String, FoundEntry>, inodes: &HashMap<String, Inode>) {
    let mut first: HashMap<Inode, String> = HashMap::new();
    for (path, found) in entries {
        let Some(inode) = inodes.get(path) else { continue };
        match first.get(inode) {
            Some(first) => found.kind = EntryKind::Link(first.clone()),
            None => drop(first.insert(*inode, path.clone())),
        }
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

/// The ignore file that a builder's client applies, where there is one. BuildKit's prefers `<Dockerfile>.dockerignore`
/// beside the Dockerfile; Podman's knows `.containerignore` too and prefers it.
pub(crate) fn ignore_file(root: &Path, dockerfile: &Path, builder: Builder) -> Option<PathBuf> {
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
    candidates.into_iter().find(|path| path.is_file())
}

fn ignore(
    root: &Path,
    dockerfile: &Path,
    builder: Builder,
    text: Option<&str>,
) -> Result<(Ignore, Option<PathBuf>), ContextError> {
    let path = ignore_file(root, dockerfile, builder);
    let content = match (text, &path) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(path)) => fsx::read(path)?,
        (None, None) => return Ok((Ignore::default(), None)),
    };
    let named = path.clone().unwrap_or_else(|| root.join(".dockerignore"));
    let ignore = Ignore::parse(&content).map_err(|source| ContextError::Ignore { path: named, source })?;
    Ok((ignore, path))
}

struct Walk<'a> {
    root: &'a Path,
    ignore: Ignore,
    client: Client,
    /// The Dockerfile: sent whatever the patterns say.
    always: Option<String>,
    /// Whether the patterns exclude the Dockerfile.
    dockerfile_excluded: bool,
    /// Whether the engine reads the ignore file too.
    send_ignore_file: bool,
    entries: BTreeMap<String, FoundEntry>,
    /// The inodes of files that have more than one name.
    inodes: HashMap<String, Inode>,
    /// Those whose bytes are counted.
    counted: HashSet<Inode>,
    bytes: u64,
}

/// A directory that is being read.
struct OpenDirectory {
    /// Its path from the root, empty for the root itself.
    path: String,
    verdict: Verdict,
    items: fs::ReadDir,
}

impl Walk<'_> {
    fn all(&mut self) -> Result<(), ContextError> {
        // One directory per level, so that no more verdicts are held than a path has parts.
        let mut open = vec![self.open(String::new(), Verdict::default())?];
        while let Some(directory) = open.last_mut() {
            let Some(item) = directory.items.next() else {
                open.pop();
                continue;
            };
            let item = item.map_err(|source| FileError::new("list", self.root.join(&directory.path), source))?;
            if let Some((path, verdict)) = self.visit(&directory.path, &directory.verdict, &item)? {
                open.push(self.open(path, verdict)?);
            }
        }
        Ok(())
    }

    fn open(&self, path: String, verdict: Verdict) -> Result<OpenDirectory, FileError> {
        let full = self.root.join(&path);
        let items = fs::read_dir(&full).map_err(|source| FileError::new("list", full, source))?;
        Ok(OpenDirectory { path, verdict, items })
    }

    /// Takes in an entry, and gives the path and verdict of a directory that is to be read.
    fn visit(
        &mut self,
        directory: &str,
        above: &Verdict,
        item: &fs::DirEntry,
    ) -> Result<Option<(String, Verdict)>, ContextError> {
        let name = item.file_name();
        let shown = join(directory, &text::from_bytes(name.as_bytes()));
        let path = name.to_str().map(|name| join(directory, name));
        let verdict = self.ignore.verdict(path.as_deref().unwrap_or(&shown), above);
        let file_type = item.file_type().map_err(|source| FileError::new("read", item.path(), source))?;
        if verdict.is_ignored() && !self.is_always(path.as_deref()) {
            let read = |path: &String| {
                file_type.is_dir() && (self.ignore.may_reinclude_below(path, self.client) || self.holds_always(path))
            };
            return Ok(path.filter(read).map(|path| (path, verdict)));
        }
        self.dockerfile_excluded |= verdict.is_ignored() && path == self.always;
        if file_type.is_socket() || file_type.is_block_device() || file_type.is_char_device() {
            return Ok(None);
        }
        let Some(path) = path else { return Err(ContextError::Name { path: shown }) };
        let (found, meta) = found(&item.path())?;
        if let EntryKind::File(length) = found.kind {
            let inode = (meta.dev(), meta.ino());
            if meta.nlink() > 1 {
                self.inodes.insert(path.clone(), inode);
            }
            if meta.nlink() < 2 || self.counted.insert(inode) {
                self.bytes = self.bytes.saturating_add(length);
            }
        }
        let directory = found.kind == EntryKind::Directory;
        self.add_directories_above(&path)?;
        self.entries.insert(path.clone(), found);
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
        Ok(directory.then_some((path, verdict)))
    }

    /// A file that was brought back comes with the directories that hold it.
    fn add_directories_above(&mut self, path: &str) -> Result<(), ContextError> {
        for (at, _) in path.match_indices('/') {
            let folder = &path[..at];
            if !self.entries.contains_key(folder) {
                self.entries.insert(folder.to_owned(), found(&self.root.join(folder))?.0);
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
            if let EntryKind::File(length) = found.kind {
                *sums.entry(path.split('/').next().unwrap_or(path)).or_default() += length;
            }
        }
        sums.into_iter().max_by_key(|(_, sum)| *sum).map_or_else(String::new, |(name, _)| name.to_owned())
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn found(path: &Path) -> Result<(FoundEntry, Metadata), FileError> {
    let wrap = |source| FileError::new("read", path, source);
    let meta = fs::symlink_metadata(path).map_err(wrap)?;
    let kind = meta.file_type();
    let kind = if kind.is_dir() {
        EntryKind::Directory
    } else if kind.is_symlink() {
        EntryKind::Symlink(fs::read_link(path).map_err(wrap)?)
    } else if kind.is_fifo() {
        EntryKind::Fifo
    } else {
        EntryKind::File(meta.len())
    };
    let found = FoundEntry { kind, mode: meta.mode() & 0o7777, mtime: u64::try_from(meta.mtime()).unwrap_or(0) };
    Ok((found, meta))
}
