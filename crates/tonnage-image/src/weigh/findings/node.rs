//! Packages that an application does not need to run: those for development, older versions beside newer ones, and
//! Node's package managers.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{counted, largest, listed};
use crate::bytes::Bytes;
use crate::facts::{Finding, PackageManager};
use crate::merge::Merged;
use crate::packages::Role;

/// Packages that only development wants, in each own layer.
pub(super) fn development(merged: &Merged<'_>) -> Vec<Finding> {
    let mut sums: BTreeMap<(PackageManager, u32), BTreeMap<usize, u64>> = BTreeMap::new();
    for inode in merged.visible().filter(|inode| merged.is_own(inode.layer)) {
        let size = merged.entry(inode).1.size;
        if let Some(owner) = merged.owner_of(inode).filter(|_| size > 0)
            && merged.packages[owner].role == Role::Development
        {
            let manager = merged.packages[owner].manager;
            *sums.entry((manager, inode.layer)).or_default().entry(owner).or_default() += size;
        }
    }
    let finding = |((manager, layer), packages): ((PackageManager, u32), BTreeMap<usize, u64>)| {
        let bytes: u64 = packages.values().sum();
        let count = packages.len();
        let names = largest(packages.into_iter().map(|(owner, bytes)| (bytes, merged.packages[owner].name.as_str())));
        Finding {
            code: "development-dependencies".into(),
            message: format!(
                "{} of development dependencies in {}: {}",
                Bytes(bytes),
                counted(count, "package", "packages"),
                listed(&names, count)
            ),
            instruction: merged.instruction(layer),
            size_bytes: Bytes(bytes),
            remedy: match manager {
                PackageManager::Php => "install with `composer install --no-dev`",
                _ => "install with `npm ci --omit=dev`, `pnpm install --prod`, or `yarn workspaces focus --production`",
            }
            .into(),
        }
    };
    sums.into_iter().map(finding).collect()
}

/// Versions of a package beside the largest of them.
pub(super) fn several_versions(merged: &Merged<'_>) -> Option<Finding> {
    let mut versions: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for inode in merged.visible() {
        let Some(found) = merged.owner_of(inode).map(|owner| &merged.packages[owner]) else { continue };
        if found.manager == PackageManager::Npm && found.role != Role::Bundled {
            let bytes = merged.entry(inode).1.size;
            *versions.entry(&found.name).or_default().entry(&found.version).or_default() += bytes;
        }
    }
    let beyond: Vec<(u64, &str)> = versions
        .iter()
        .filter(|(_, versions)| versions.len() > 1)
        .map(|(name, versions)| (versions.values().sum::<u64>() - versions.values().max().unwrap_or(&0), *name))
        .collect();
    let (count, bytes) = (beyond.len(), beyond.iter().map(|(bytes, _)| bytes).sum());
    let names = largest(beyond.into_iter());
    (count > 0).then(|| Finding {
        code: "several-versions".into(),
        message: format!(
            "{} in several versions, {} beyond the largest of each: {}",
            if count == 1 { "1 npm package is".to_owned() } else { format!("{count} npm packages are") },
            Bytes(bytes),
            listed(&names, count)
        ),
        instruction: String::new(),
        size_bytes: Bytes(bytes),
        remedy:
            "run `npm dedupe` (`yarn dedupe`, `pnpm dedupe`) and commit the lock file; `npm ls NAME` says who wants \
                 which version"
                .into(),
    })
}

/// Directories of package managers, below any `node_modules`.
const MANAGERS: [&[u8]; 4] = [b"npm", b"corepack", b"yarn", b"pnpm"];

/// npm and its like, in the base's layers and in own ones.
pub(super) fn managers(merged: &Merged<'_>) -> Vec<Finding> {
    let mut sums: BTreeMap<Option<u32>, (u64, BTreeSet<&str>)> = BTreeMap::new();
    for inode in merged.visible() {
        let (layer, entry) = merged.entry(inode);
        let named = merged.owner_of(inode).map(|owner| merged.packages[owner].name.as_str());
        let manager = manager(layer.path(entry)).or(named.filter(|&name| name == "npm"));
        if let Some(manager) = manager.filter(|_| entry.size > 0) {
            let sum = sums.entry(merged.is_own(inode.layer).then_some(inode.layer)).or_default();
            sum.0 += entry.size;
            sum.1.insert(manager);
        }
    }
    let finding = |(layer, (bytes, managers)): (Option<u32>, (u64, BTreeSet<&str>))| {
        let names: Vec<&str> = managers.into_iter().collect();
        Finding {
            code: "npm-in-image".into(),
            message: format!(
                "{} of package managers{}: {}",
                Bytes(bytes),
                if layer.is_none() { " from the base image" } else { "" },
                listed(&names, names.len())
            ),
            instruction: layer.map(|layer| merged.instruction(layer)).unwrap_or_default(),
            size_bytes: Bytes(bytes),
            remedy:
                "start the application with `node`, not `npm start`, and use a base image without them for the final \
                     stage: `COPY --from=build /app /app`"
                    .into(),
        }
    };
    sums.into_iter().map(finding).collect()
}

/// The package manager whose file this is, installed for the whole system: `lib/node_modules/npm/…`.
fn manager(path: &[u8]) -> Option<&'static str> {
    let mut parts = path.split(|&byte| byte == b'/').peekable();
    let mut before: &[u8] = b"";
    while let Some(part) = parts.next() {
        if part == b"node_modules" {
            let found = MANAGERS.iter().find(|&manager| parts.peek() == Some(manager))?;
            return std::str::from_utf8(found).ok().filter(|_| before == b"lib");
        }
        before = part;
    }
    None
}
