//! Package databases that could not be read whole.

use crate::bytes::Bytes;
use crate::facts::Finding;
use crate::merge::Merged;

/// Says so where a table of packages is not complete.
pub(super) fn finding(merged: &Merged<'_>) -> Option<Finding> {
    let count: u64 = merged.layers.iter().map(|layer| layer.databases_left_out).sum();
    let message = match count {
        0 if merged.lists_cut => {
            "there are more packages, or longer lists of their files, than are read: some are missing".to_owned()
        }
        0 => return None,
        1 => "1 file of a package database is too large to read: packages may be missing".to_owned(),
        _ => format!("{count} files of package databases are too large to read: packages may be missing"),
    };
    Some(Finding {
        code: "package-database-unread".into(),
        message,
        instruction: String::new(),
        size_bytes: Bytes::ZERO,
        remedy: "look at the files of the package databases: they are far larger than a distribution's".into(),
    })
}
