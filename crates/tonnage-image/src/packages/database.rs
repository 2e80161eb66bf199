//! What the readers of package databases share: what they read, and whom they tell.

use std::collections::BTreeMap;

use crate::facts::PackageManager;
use crate::text::from_bytes;

/// A package, before its bytes are known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub manager: PackageManager,
    pub name: String,
    pub version: String,
    pub role: Role,
}

/// What a package is in the image for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Used,
    /// Its project wants it for development only.
    Development,
    /// Part of a package manager.
    Bundled,
}

impl Found {
    /// A package of an ordinary role.
    pub(super) fn new(manager: PackageManager, name: &[u8], version: &[u8]) -> Self {
        Self { manager, name: from_bytes(name), version: from_bytes(version), role: Role::Used }
    }
}

/// Visible databases: content by path.
pub(crate) type Databases<'a> = BTreeMap<&'a [u8], &'a [u8]>;

/// Takes what is found.
pub(crate) trait Inventory {
    /// A package; the number is for [`Inventory::owns`]. `None` where there are too many.
    fn package(&mut self, found: Found) -> Option<u32>;
    /// The same for one that may be installed in several places: it is handed over once.
    fn package_once(&mut self, found: Found) -> Option<u32>;
    /// A path of the package, in a directory of its list, which may be empty; the first that claims one keeps it.
    fn owns(&mut self, package: u32, folder: &[u8], path: &[u8]);
    /// Everything below a directory, or a file, is the package's, except what a list of files names and what lies in a
    /// deeper directory of another package. The first that claims a directory keeps it.
    fn owns_below(&mut self, package: u32, folder: &[u8]);
    /// So many bytes of the file at this path are the package's, whoever owns the file.
    fn owns_part(&mut self, package: u32, path: &[u8], bytes: u64);
    /// Whether some package owns the path, or a directory above it, already.
    fn is_owned(&self, path: &[u8]) -> bool;
    /// The visible names in a directory.
    fn names_in(&mut self, folder: &[u8]) -> Vec<Vec<u8>>;
    /// Bytes could not be read as the database that their path names.
    fn unreadable(&mut self);
}

/// Lines without their ends.
pub(super) fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

/// The value of a `Name: value` line.
pub(super) fn field<'a>(line: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let (key, value) = line.split_at_checked(name.len())?;
    if !key.eq_ignore_ascii_case(name.as_bytes()) {
        return None;
    }
    Some(value.strip_prefix(b":")?.trim_ascii())
}

/// `name-1.2.3` at the first `-` before a digit; the version is empty where there is none.
pub(super) fn name_and_version(text: &[u8]) -> (&[u8], &[u8]) {
    let dash = text.windows(2).position(|pair| pair[0] == b'-' && pair[1].is_ascii_digit());
    dash.map_or((text, b""), |dash| (&text[..dash], &text[dash + 1..]))
}
