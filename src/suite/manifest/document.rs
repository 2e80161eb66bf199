//! A manifest that was read.

use std::path::{Path, PathBuf};

use super::source::ManifestText;
use super::tables::Manifest;
use crate::fsx;
use crate::suite::SuiteError;

/// A manifest with its text, so that what is wrong with a value can be pointed at.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its path, as messages name it.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// What it says.
    pub tables: Manifest,
}

impl Document {
    /// Reads the manifest at a path.
    pub fn read(path: &Path) -> Result<Self, SuiteError> {
        Self::parse(path, &fsx::read_text(path)?)
    }

    /// As [`Document::read`], from text; `path` is for messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, SuiteError> {
        let tables = ManifestText { path, text }.parse()?;
        Ok(Self { path: path.to_owned(), text: text.to_owned(), tables })
    }

    /// Its text, to point into.
    pub fn source(&self) -> ManifestText<'_> {
        ManifestText { path: &self.path, text: &self.text }
    }
}
