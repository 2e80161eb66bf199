//! The digest of a suite: equal digests, equal input.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{SuiteError, SuiteVariant};
use crate::context::{EntryKind, Files};
use crate::fsx::{self, FileError};
use crate::record::Builder;

/// `sha256:` over the manifest, each Dockerfile, and names, kinds, modes and contents of each context's files as
/// BuildKit would be sent them. Stamps of files, the suite's place and the order of variants' contexts do not matter.
///
/// Also what of the contexts is not sent since tonnage wrote it, from the suite's root.
pub(super) fn of(
    root: &Path,
    manifest: &str,
    variants: &[SuiteVariant],
    own_files: &[PathBuf],
) -> Result<(String, BTreeSet<PathBuf>), SuiteError> {
    let mut hash = Sha256::new();
    part(&mut hash, "manifest", manifest.as_bytes());
    let mut contexts = BTreeSet::new();
    let mut not_sent = BTreeSet::new();
    for variant in variants {
        part(&mut hash, "dockerfile", variant.dockerfile.to_string_lossy().as_bytes());
        part(&mut hash, "text", variant.dockerfile_text.as_bytes());
        let wrap = |source| SuiteError::Context { variant: variant.name.clone(), source };
        let folder = root.join(&variant.context);
        let dockerfile = root.join(&variant.dockerfile);
        let own = variant.own(own_files);
        let mut files =
            Files::list(&folder, &dockerfile, Builder::Buildkit, &own.clone().unwrap_or_default()).map_err(wrap)?;
        if own.is_some() {
            let inside = |path: &String| dockerignore::clean(&variant.context.join(path).to_string_lossy()).into();
            not_sent.extend(files.own.iter().map(inside));
        }
        // Variants mostly share one context and one .dockerignore: read it once. Their Dockerfiles are in already.
        if let Some(dockerfile) = &files.dockerfile {
            files.entries.remove(dockerfile);
        }
        let names: Vec<_> = files.entries.keys().cloned().collect();
        if !contexts.insert((variant.context.clone(), names)) {
            continue;
        }
        part(&mut hash, "context", variant.context.to_string_lossy().as_bytes());
        for (path, found) in &files.entries {
            part(&mut hash, "path", path.as_bytes());
            part(&mut hash, "mode", &found.mode.to_le_bytes());
            match &found.kind {
                EntryKind::Link(first) => part(&mut hash, "link", first.as_bytes()),
                EntryKind::Directory => part(&mut hash, "directory", &[]),
                EntryKind::Fifo => part(&mut hash, "fifo", &[]),
                EntryKind::Symlink(target) => part(&mut hash, "symlink", target.to_string_lossy().as_bytes()),
                EntryKind::File(_) => content(&mut hash, &folder.join(path))?,
            }
        }
    }
    Ok((format!("sha256:{}", hex::encode(hash.finalize())), not_sent))
}

/// A label and a length before each part, so that no two inputs run together to the same bytes.
fn part(hash: &mut Sha256, label: &str, bytes: &[u8]) {
    hash.update(label.as_bytes());
    hash.update([0]);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// A file's content by its own digest, read in pieces.
fn content(hash: &mut Sha256, path: &Path) -> Result<(), FileError> {
    let mut file = fsx::open(path)?;
    let mut own = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => own.update(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(FileError::new("read", path, error)),
        }
    }
    part(hash, "content", &own.finalize());
    Ok(())
}
