//! The merged tree against a naive one: a map from path to what is there, everything else by brute force.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{Item, weigh_layers};
use crate::testing::archives::{hard_link, opaque, symlink, whiteout, zeros};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum There {
    Folder,
    /// Number of the inode, and the layer that it came with.
    Inode(usize, usize),
}

/// Where a path leads in a layer that is unpacked on its own, its last part not followed: links by their paths.
fn resolve(links: &BTreeMap<String, Option<String>>, path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut parts: Vec<String> = folder.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut walked: Vec<String> = Vec::new();
    let mut followed = 0;
    while !parts.is_empty() {
        walked.push(parts.remove(0));
        if let Some(Some(target)) = links.get(&walked.join("/"))
            && followed < 40
        {
            followed += 1;
            walked.pop();
            parts.splice(0..0, target.split('/').map(str::to_owned));
        }
    }
    walked.push(name.to_owned());
    walked.join("/")
}

/// The items of a layer with their paths, and the targets of hard links, where links of that layer lead.
fn resolved(items: &[Item]) -> Vec<Item> {
    let mut links: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut found = Vec::new();
    for item in items {
        let mut item = item.clone();
        let (path, target) = match &mut item {
            Item::File(path, ..) if path.rsplit('/').next().unwrap().starts_with(".wh.") => {
                *path = resolve(&links, path);
                found.push(item);
                continue;
            }
            Item::Symlink(path, target) => (path, Some(target.clone())),
            Item::HardLink(path, target) => {
                *target = resolve(&links, target);
                (path, links.get(target).cloned().flatten())
            }
            Item::File(path, ..) | Item::Folder(path) => (path, None),
        };
        *path = resolve(&links, path);
        let path = path.clone();
        let is_folder = matches!(item, Item::Folder(_));
        links.retain(|other, _| *other != path && (is_folder || !other.starts_with(&format!("{path}/"))));
        links.insert(path, target);
        found.push(item);
    }
    found
}

/// Size and visible bytes.
fn naive(layers: &[Vec<Item>]) -> (u64, u64) {
    let mut there: BTreeMap<String, There> = BTreeMap::new();
    let mut inodes: Vec<u64> = Vec::new();
    let is_below = |path: &str, folder: &str| path.starts_with(&format!("{folder}/"));
    for (number, items) in layers.iter().map(|items| resolved(items)).enumerate() {
        for item in &items {
            let Item::File(path, ..) = item else { continue };
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            if name == ".wh..wh..opq" {
                there.retain(|path, _| !is_below(path, folder));
            } else if let Some(name) = name.strip_prefix(".wh.") {
                let hidden = format!("{folder}/{name}").trim_start_matches('/').to_owned();
                there.retain(|path, _| *path != hidden && !is_below(path, &hidden));
            }
        }
        for item in &items {
            let (path, new) = match item {
                Item::File(path, ..) if path.rsplit('/').next().unwrap().starts_with(".wh.") => continue,
                Item::File(path, content, _) => {
                    inodes.push(content.len() as u64);
                    (path, There::Inode(inodes.len() - 1, number))
                }
                Item::Symlink(path, target) => {
                    inodes.push(target.len() as u64);
                    (path, There::Inode(inodes.len() - 1, number))
                }
                Item::Folder(path) | Item::HardLink(path, _) => (path, There::Folder),
            };
            let folders: Vec<String> = path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect();
            for folder in folders {
                match there.get(&folder) {
                    Some(There::Folder) => {}
                    Some(There::Inode(_, layer)) if *layer == number => {}
                    _ => {
                        there.retain(|path, _| !is_below(path, &folder));
                        there.insert(folder, There::Folder);
                    }
                }
            }
            let new = match item {
                // The target is looked up once the folders on the way are there.
                Item::HardLink(_, target) => {
                    if let Some(There::Inode(inode, layer)) = there.get(target) {
                        There::Inode(*inode, *layer)
                    } else {
                        inodes.push(0);
                        There::Inode(inodes.len() - 1, number)
                    }
                }
                _ => new,
            };
            if new == There::Folder && there.get(path) == Some(&There::Folder) {
                continue;
            }
            there.retain(|other, _| other != path && !is_below(other, path));
            there.insert(path.clone(), new);
        }
    }
    let visible: BTreeSet<usize> = there
        .values()
        .filter_map(|there| match there {
            There::Inode(inode, _) => Some(*inode),
            There::Folder => None,
        })
        .collect();
    (inodes.iter().sum(), visible.into_iter().map(|inode| inodes[inode]).sum())
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4).prop_map(|parts| parts.join("/"))
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        4 => (path(), 1usize..9).prop_map(|(path, size)| zeros(&path, size)),
        1 => (path(), path()).prop_map(|(path, target)| symlink(&path, &target)),
        2 => (path(), path()).prop_map(|(path, target)| hard_link(&path, &target)),
        1 => path().prop_map(Item::Folder),
        2 => path().prop_map(|path| whiteout(&path)),
        1 => path().prop_map(|path| opaque(&path)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_merged_tree_is_the_naive_one(layers in prop::collection::vec(prop::collection::vec(item(), 0..8), 1..5)) {
        let (size, visible) = naive(&layers);
        let sizes = weigh_layers(&layers).sizes;
        prop_assert_eq!((sizes.size_bytes.0, sizes.rootfs_bytes.0), (size, visible));
    }
}
