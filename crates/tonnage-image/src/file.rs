//! Files that are opened, with the path in every error.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// A file operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action} `{}`", path.display())]
pub struct FileError {
    /// What was tried: `read`, `write`, `create`, `list`.
    pub action: &'static str,
    /// On which path.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

impl FileError {
    /// Wraps an I/O error with what was tried on which path.
    pub fn new(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { action, path: path.into(), source }
    }
}

/// The file opened for reading.
pub(crate) fn open(path: &Path) -> Result<File, FileError> {
    File::open(path).map_err(|source| FileError::new("open", path, source))
}
