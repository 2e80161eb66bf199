//! A layout in a directory: documents first, then only the layers that they name.
//!
//! Whoever made the layout also made its links: one that leads out of the directory would have a file of the reader's
//! machine weighed, and its digest and its first bytes shown in messages. It is an error, not a missing file.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::config::{DockerManifest, OciDocument};
use super::image::ImageScan;
use super::members::Members;
use super::resolve;
use super::weigher::Weigher;
use crate::ImageError;
use crate::file::{self, FileError};

const BUFFER: usize = 256 * 1024;

impl Weigher {
    /// Reads an archive file, or a folder that holds an OCI layout or an unpacked docker archive.
    pub fn read_path(&mut self, path: &Path) -> Result<Vec<ImageScan>, ImageError> {
        if path.is_dir() {
            return read(self, path);
        }
        self.read_archive(file::open(path)?)
    }
}

/// Reads the images of a folder.
fn read(weigher: &mut Weigher, root: &Path) -> Result<Vec<ImageScan>, ImageError> {
    let root = &fs::canonicalize(root).map_err(|error| FileError::new("open", root, error))?;
    let mut members = Members::new(&weigher.options);
    let mut waiting = vec!["manifest.json".to_owned(), "index.json".to_owned()];
    let mut asked = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        // Whether it is there is for the manifests to complain about.
        if !asked.insert(path.clone()) {
            continue;
        }
        let Some(file) = locate(root, &path)? else { continue };
        if is_document(&file)? {
            take(weigher, &mut members, &file, &path)?;
            waiting.extend(named(&members, &path));
        }
    }
    let layers: BTreeSet<String> = resolve::plans(&members)?.images.into_iter().flat_map(|plan| plan.layers).collect();
    for path in layers {
        if let Some(file) = locate(root, &path)? {
            take(weigher, &mut members, &file, &path)?;
        }
    }
    weigher.images(&mut members)
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

/// The regular file at a path of the layout, its links resolved; `root` is canonical. `None` where there is none.
fn locate(root: &Path, path: &str) -> Result<Option<PathBuf>, ImageError> {
    let named = root.join(path);
    let Some(file) = Some(&named).filter(|_| is_inside(path)).and_then(|named| fs::canonicalize(named).ok()) else {
        return Ok(None);
    };
    if !file.starts_with(root) {
        return Err(ImageError::LeadsOut { path: named });
    }
    Ok(file.is_file().then_some(file))
}

fn is_document(file: &Path) -> Result<bool, ImageError> {
    let mut first = [0];
    let count = file::open(file)?.read(&mut first).map_err(|error| FileError::new("read", file, error))?;
    Ok(count == 1 && matches!(first[0], b'{' | b'[' | b' ' | b'\n' | b'\t' | b'\r'))
}

fn take(weigher: &mut Weigher, members: &mut Members, file: &Path, path: &str) -> Result<(), ImageError> {
    let opened = file::open(file)?;
    let size = opened.metadata().map_err(|error| FileError::new("read", file, error))?.len();
    let mut input = BufReader::with_capacity(BUFFER, opened);
    weigher.member(members, path, size, &mut input, 0).map_err(|error| match error {
        ImageError::Read { source, .. } => ImageError::File(FileError::new("read", file, source)),
        other => other,
    })
}
