//! Package databases that could not be read whole.

use crate::facts::Finding;
use crate::merge::Merged;
use crate::packages::UNREAD_RPM;

/// Says so where a table of packages is not complete.
pub(super) fn finding(merged: &Merged<'_>) -> Option<Finding> {
    let too_large: u64 = merged.layers.iter().map(|layer| layer.databases_left_out).sum();
    let berkeley = merged.visible().any(|inode| {
        let (layer, entry) = merged.entry(inode);
        UNREAD_RPM.contains(&layer.path(entry))
    });
    let files = |count: u64| match count {
        1 => "1 file of a package database is".to_owned(),
        _ => format!("{count} files of package databases are"),
    };
    let (message, remedy) = if too_large > 0 {
        (
            format!("{} too large to read: packages may be missing", files(too_large)),
            "look at the files of the package databases: they are far larger than a distribution's",
        )
    } else if berkeley {
        (
            "the rpm database is a Berkeley DB, which is not read: rpm packages are missing".to_owned(),
            "convert it with `rpmdb --rebuilddb` of rpm 4.16 or later, or take a newer base image",
        )
    } else if merged.lists_cut {
        (
            "there are more packages, or longer lists of their files, than are read: some are missing".to_owned(),
            "look at the files of the package databases: they are far larger than a distribution's",
        )
    } else if merged.unreadable > 0 {
        (
            format!("{} not in the expected format: packages may be missing", files(merged.unreadable)),
            "reinstall the packages, or report the format if their own tool can read it",
        )
    } else {
        return None;
    };
    Some(Finding { code: "package-database-unread".into(), message, remedy: remedy.into(), ..Finding::default() })
}
