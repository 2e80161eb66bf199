//! Keys and credentials that a layer holds, also where a later one deletes them. Paths are named, content never.

use std::collections::BTreeMap;

use super::words::{counted, listed};
use crate::facts::Finding;
use crate::merge::Merged;
use crate::weigh::lists::shown_path;

/// One finding for each own layer.
pub(super) fn findings(merged: &Merged<'_>) -> Vec<Finding> {
    let mut found: BTreeMap<u32, (Vec<String>, usize)> = BTreeMap::new();
    for inode in &merged.tree.inodes {
        let (layer, entry) = merged.entry(inode);
        // What a package brings, such as keys for its tests, is nobody's secret.
        if merged.is_own(inode.layer) && layer.credentials.contains(&inode.entry) && merged.owner_of(inode).is_none() {
            let (paths, hidden) = found.entry(inode.layer).or_default();
            paths.push(shown_path(layer.path(entry)));
            *hidden += usize::from(inode.names == 0);
        }
    }
    let finding = |(layer, (mut paths, hidden)): (u32, (Vec<String>, usize))| {
        paths.sort_unstable();
        let deleted = match hidden {
            0 => String::new(),
            hidden if hidden == paths.len() => ", deleted later but still readable in this layer".to_owned(),
            hidden => format!(", {hidden} of them deleted later but still readable in this layer"),
        };
        Finding {
            code: "credentials-left".into(),
            message: format!(
                "{} private keys or credentials{deleted}: {}",
                counted(paths.len(), "file holds", "files hold"),
                listed(&paths, paths.len())
            ),
            instruction: merged.instruction(layer),
            remedy: "replace what has leaked, and pass secrets to the build as mounts: `RUN --mount=type=secret,id=NAME,target=PATH …`"
                .into(),
            ..Finding::default()
        }
    };
    found.into_iter().map(finding).collect()
}
