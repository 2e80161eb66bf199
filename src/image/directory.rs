//! A layout that lies in a folder: documents first, then only the layers that they name.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufReader, Read as _};
use std::path::Path;

use super::archive::{ImageScan, Members, Weigher};
use super::config::{DockerManifest, OciDocument};
use super::{ImageError, resolve};
use crate::fsx::{self, FileError};

const BUFFER: usize = 256 * 1024;

/// Reads the images of a folder.
pub(super) fn read(weigher: &mut Weigher, root: &Path) -> Result<Vec<ImageScan>, ImageError> {
    let mut members = Members::new(&weigher.options);
    let mut waiting = vec!["manifest.json".to_owned(), "index.json".to_owned()];
    let mut asked = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        // Whether it is there is for the manifests to complain about.
        if asked.insert(path.clone()) && is_document(root, &path)? {
            take(weigher, &mut members, root, &path)?;
            waiting.extend(named(&members, &path));
        }
    }
    let layers: BTreeSet<String> = resolve::plans(&members)?.into_iter().flat_map(|plan| plan.layers).collect();
    for path in layers {
        if is_inside(&path) && root.join(&path).is_file() {
            take(weigher, &mut members, root, &path)?;
        }
    }
    resolve::images(&mut members)
}

/// Other documents that a document names, by digest or path.
fn named(members: &Members, path: &str) -> Vec<String> {
    let Some(content) = members.document(path) else { return Vec::new() };
    // What cannot be understood is for the manifests' reader to complain about.
    if path == "manifest.json" {
        let images: Vec<DockerManifest> = serde_json::from_slice(content).unwrap_or_default();
        return images.into_iter().map(|image| image.config).collect();
    }
    let document: OciDocument = serde_json::from_slice(content).unwrap_or_default();
    let named = document.config.into_iter().chain(document.manifests);
    named.map(|descriptor| resolve::blob_path(&descriptor.digest)).collect()
}

/// Whether a path stays in the folder: no `..`, nothing absolute.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)))
}

fn is_document(root: &Path, path: &str) -> Result<bool, ImageError> {
    let full = root.join(path);
    if !is_inside(path) || !full.is_file() {
        return Ok(false);
    }
    let mut first = [0];
    let count = fsx::open(&full)?.read(&mut first).map_err(|error| FileError::new("read", &full, error))?;
    Ok(count == 1 && matches!(first[0], b'{' | b'[' | b' ' | b'\n' | b'\t' | b'\r'))
}

fn take(weigher: &mut Weigher, members: &mut Members, root: &Path, path: &str) -> Result<(), ImageError> {
    let full = root.join(path);
    let file = fsx::open(&full)?;
    let size = fs::metadata(&full).map_err(|error| FileError::new("read", &full, error))?.len();
    let mut input = BufReader::with_capacity(BUFFER, file);
    weigher.member(members, path, size, &mut input, 0).map_err(|error| match error {
        ImageError::Read { source, .. } => ImageError::File(FileError::new("read", &full, source)),
        other => other,
    })
}
