//! What is in a context.

use std::path::PathBuf;

/// A file, folder or link that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundEntry {
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits.
    pub mode: u32,
    /// Modification time in whole seconds since the Unix epoch; 0 for any before it.
    pub mtime: u64,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A regular file and its length in bytes.
    File(u64),
    /// Another name of a file that is sent, and the path of that file.
    Link(String),
    /// A folder.
    Directory,
    /// A symbolic link and its target.
    Symlink(PathBuf),
    /// A named pipe.
    Fifo,
}
