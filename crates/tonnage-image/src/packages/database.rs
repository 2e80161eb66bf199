//! What the readers of package databases share: what they read, and whom they tell.

use std::collections::BTreeMap;

use crate::facts::PackageManager;

/// A package, before its bytes are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub manager: PackageManager,
    pub name: String,
    pub version: String,
}

/// Visible databases: content by path.
pub(crate) type Databases<'a> = BTreeMap<&'a [u8], &'a [u8]>;

/// Takes what is found.
pub(crate) trait Inventory {
    /// A package; the number is for [`Inventory::owns`]. `None` where there are too many.
    fn package(&mut self, found: Found) -> Option<u32>;
    /// A path of the package, in a folder of its list, which may be empty; the first that claims one keeps it.
    fn owns(&mut self, package: u32, folder: &[u8], path: &[u8]);
    /// Everything below a directory is the package's, except what another one owns already.
    fn owns_below(&mut self, package: u32, folder: &[u8]);
    /// Whether some package owns the path already.
    fn is_owned(&self, path: &[u8]) -> bool;
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
