//! The layer store of a Docker Engine, read where it lies: strictly read-only, no engine asked.
//!
//! In: the engine's data folder, its storage driver and the ids of images. Out: [`ImageScan`]s, which are those of an
//! export, because what is scanned is the same tar: Docker keeps for each layer what it needs to put its tar together
//! again ([`split`]), byte for byte, from the files in the layer's folder. The digest of that tar is checked against
//! the image's config, and the config's against the image's id, so a store that is damaged, of another engine or
//! written in another way ends in an error, never in another number.
//!
//! Where things are (moby `layer/filestore.go`, `image/fs.go`; the same from Docker 1.10 to 28):
//! `image/DRIVER/imagedb/content/sha256/ID` is a config, `image/DRIVER/layerdb/sha256/CHAIN/` has `diff` (the diff id),
//! `cache-id` and `tar-split.json.gz`, and `DRIVER/CACHE-ID/diff/` the files. Podman has the same under other names
//! ([`podman`]). The containerd store has none of it, but
//! the blobs as they are exported ([`content`]).

mod assembled;
mod content;
mod error;
mod folder;
mod podman;
mod split;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

#[cfg(feature = "testing")]
pub(crate) use assembled::read_twice;
use assembled::{Assembled, Outline, PieceSource};
pub use content::ContentStore;
pub use error::StoreError;
use folder::Folder;
use split::Pieces;

use crate::file::{self, FileError};
use crate::read::blob::digest_of;
use crate::read::config::{ImageConfig, read_config};
use crate::read::layer::{FileHashes, LayerScan};
use crate::read::members::Members;
use crate::read::weigher::{Weigher, scan_unpacked};
use crate::{DiffIds, ImageScan, Limits};

/// Storage drivers that keep a layer's files as they are in a folder `diff`.
const DRIVERS: [&str; 2] = ["overlay2", "fuse-overlayfs"];
/// Longest of the small files: a digest with its algorithm is 71 bytes.
const SMALL: u64 = 256;
/// Lines of a layer's record for each of its entries: the header, the file, its padding; and the end of the tar.
const LINES: u64 = 3;

/// Bytes of layers' records that are kept between looking through them and reading, so that they are parsed once: those
/// of about 40,000 entries. The records of more are parsed twice.
const KEPT: usize = 32 * 1024 * 1024;

/// The store of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    configs: PathBuf,
    layers: PathBuf,
    files: PathBuf,
    owner: StoreOwner,
}

/// Whose store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StoreOwner {
    Docker,
    Podman,
}

/// A layer and where it is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LayerPlace {
    diff_id: String,
    /// Of Docker the digest of its chain, of Podman the layer's id.
    chain: String,
}

/// An image before its layers are read.
struct Planned {
    config_digest: String,
    platform: String,
    config: ImageConfig,
    layers: Vec<LayerPlace>,
}

impl Store {
    /// The store in an engine's data folder, if it is one that can be read.
    pub fn open(root: &Path, driver: &str) -> Result<Self, StoreError> {
        if !DRIVERS.contains(&driver) {
            return Err(StoreError::Driver { driver: driver.to_owned() });
        }
        let image = root.join("image").join(driver);
        let store = Self {
            configs: image.join("imagedb/content/sha256"),
            layers: image.join("layerdb/sha256"),
            files: root.join(driver),
            owner: StoreOwner::Docker,
        };
        store.listed(root)
    }

    /// The store below a directory, if its own directories may be read.
    fn listed(self, root: &Path) -> Result<Self, StoreError> {
        if !root.is_absolute() {
            return Err(StoreError::Unexpected { path: root.to_owned(), what: "the path is not absolute".to_owned() });
        }
        for folder in [&self.files, &self.layers, &self.configs] {
            std::fs::read_dir(folder).map_err(|error| FileError::new("list", folder, error))?;
        }
        Ok(self)
    }

    fn plan(&self, id: &str, limits: &Limits) -> Result<Planned, StoreError> {
        let name = digits(id).ok_or_else(|| StoreError::Id { id: id.to_owned() })?;
        let path = match self.owner {
            StoreOwner::Docker => self.configs.join(name),
            StoreOwner::Podman => podman::config(&self.configs, id, name),
        };
        let content = read_small(&path, limits.json_bytes)?;
        let unexpected = |what| StoreError::Unexpected { path: path.clone(), what };
        let config_digest = digest_of(&content);
        if config_digest != id {
            return Err(unexpected(format!("its digest is {config_digest}")));
        }
        let (platform, config) = read_config(&content).map_err(|error| unexpected(error.to_string()))?;
        if self.owner == StoreOwner::Podman {
            let layers = self.podman_layers(name, &config.diff_ids, limits)?;
            return Ok(Planned { config_digest, platform, config, layers });
        }
        let mut layers: Vec<LayerPlace> = Vec::new();
        for diff_id in &config.diff_ids {
            // OCI image specification, "Layer ChainID".
            let chain = match layers.last() {
                None => diff_id.clone(),
                Some(below) => digest_of(format!("{} {diff_id}", below.chain).as_bytes()),
            };
            layers.push(LayerPlace { diff_id: diff_id.clone(), chain });
        }
        Ok(Planned { config_digest, platform, config, layers })
    }

    /// The record of a layer's tar.
    fn pieces(&self, place: &LayerPlace, limits: &Limits) -> Result<Pieces<std::fs::File>, StoreError> {
        let path = match self.owner {
            StoreOwner::Docker => self.layer(place)?.join("tar-split.json.gz"),
            StoreOwner::Podman => self.layers.join(format!("{}.tar-split.gz", place.chain)),
        };
        let record = file::open(&path)?;
        Ok(Pieces::new(record, limits.entries.saturating_mul(LINES).saturating_add(LINES)))
    }

    fn outline(&self, place: &LayerPlace, limits: &Limits, room: &mut usize) -> Result<Outline, StoreError> {
        Outline::of(self.pieces(place, limits)?, room).map_err(|error| layer_error(place, error.to_string()))
    }

    /// The folder of what is known of a layer, checked to be of that layer.
    fn layer(&self, place: &LayerPlace) -> Result<PathBuf, StoreError> {
        let chain = digits(&place.chain).ok_or_else(|| layer_error(place, "its digest is not sha256"))?;
        let folder = self.layers.join(chain);
        let diff_id = read_text(&folder.join("diff"))?;
        if diff_id == place.diff_id {
            Ok(folder)
        } else {
            Err(layer_error(place, format!("`{}` is of {diff_id}", folder.display())))
        }
    }

    /// The folder of a layer's files.
    fn folder(&self, place: &LayerPlace) -> Result<Folder, StoreError> {
        let id = match self.owner {
            StoreOwner::Docker => {
                let path = self.layer(place)?.join("cache-id");
                let id = read_text(&path)?;
                // Digits of a digest, or BuildKit's own, of small letters and digits.
                if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    return Err(StoreError::Unexpected { path, what: "it holds no id".to_owned() });
                }
                id
            }
            StoreOwner::Podman => place.chain.clone(),
        };
        let path = self.files.join(id).join("diff");
        Folder::open(&path).map_err(|error| FileError::new("open", path, error).into())
    }
}

impl Weigher {
    /// Reads images in an engine's store, each layer once; layers that were read before, from wherever, are not read
    /// again. An image that cannot be read is an error of its own; once `stop` is set, none is read any more.
    ///
    /// Only content that another file of the same size may equal is hashed: the sizes are known beforehand.
    pub fn read_store(&mut self, store: &Store, ids: &[&str], stop: &AtomicBool) -> Vec<Result<ImageScan, StoreError>> {
        let limits = self.options.limits;
        let planned: Vec<_> = ids.iter().map(|id| store.plan(id, &limits)).collect();
        let mut places: BTreeMap<&str, &LayerPlace> = BTreeMap::new();
        for place in planned.iter().flatten().flat_map(|image| &image.layers) {
            places.entry(&place.diff_id).or_insert(place);
        }
        let mut room = KEPT;
        let mut outlines: BTreeMap<&str, Result<Outline, StoreError>> = BTreeMap::new();
        let mut counts: HashMap<u64, u32> = HashMap::new();
        for (&diff_id, place) in &places {
            if let Some(known) = self.layers.get(diff_id) {
                known.file_sizes().for_each(|size| *counts.entry(size).or_default() += 1);
            } else {
                let outline = store.outline(place, &limits, &mut room);
                let sizes = outline.iter().flat_map(|outline| &outline.file_sizes);
                sizes.for_each(|&size| *counts.entry(size).or_default() += 1);
                outlines.insert(diff_id, outline);
            }
        }
        let common: HashSet<u64> = counts.into_iter().filter(|&(_, count)| count > 1).map(|(size, _)| size).collect();
        let mut members = Members::new(&self.options);
        let mut failed: BTreeMap<String, StoreError> = BTreeMap::new();
        for (&diff_id, place) in &places {
            let outline = match outlines.remove(diff_id) {
                Some(outline) => outline,
                None if !self.options.hash_files || self.is_hashed(diff_id, &common) => continue,
                None => store.outline(place, &limits, &mut room),
            };
            let read = outline.and_then(|outline| {
                self.read_layer(store, place, outline, FileHashes::OfSizes(&common), &mut members, stop)
            });
            if let Err(error) = read {
                failed.insert(diff_id.to_owned(), error);
            }
        }
        planned.into_iter().map(|image| self.image(image?, &failed)).collect()
    }

    fn read_layer(
        &mut self,
        store: &Store,
        place: &LayerPlace,
        outline: Outline,
        hashes: FileHashes<'_>,
        members: &mut Members,
        stop: &AtomicBool,
    ) -> Result<(), StoreError> {
        let pieces = match outline.kept {
            Some(kept) => PieceSource::Kept(kept),
            None => PieceSource::Record(Box::new(store.pieces(place, &self.options.limits)?)),
        };
        let input = Assembled::new(pieces, store.folder(place)?, stop);
        let layer = scan_unpacked(input, self.estimator(outline.tar_bytes), hashes, DiffIds::Checked, members);
        let layer = layer.map_err(|broken| layer_error(place, broken.what.text()))?;
        if layer.diff_id != place.diff_id {
            return Err(layer_error(place, format!("what is there has the digest {}", layer.diff_id)));
        }
        self.layers.insert(layer.diff_id.clone(), Arc::new(layer));
        Ok(())
    }

    fn is_hashed(&self, diff_id: &str, sizes: &HashSet<u64>) -> bool {
        self.layers.get(diff_id).is_some_and(|layer| layer.is_hashed(sizes))
    }

    fn image(&self, image: Planned, failed: &BTreeMap<String, StoreError>) -> Result<ImageScan, StoreError> {
        let layers = image.layers.iter().map(|place| match failed.get(&place.diff_id) {
            Some(error) => Err(error.clone()),
            None => self.layers.get(&place.diff_id).cloned().ok_or_else(|| layer_error(place, "it was not read")),
        });
        let layers: Vec<Arc<LayerScan>> = layers.collect::<Result<_, _>>()?;
        Ok(ImageScan {
            config_digest: image.config_digest,
            tags: Vec::new(),
            platform: image.platform,
            config: image.config,
            layers,
            also_stored_bytes: None,
        })
    }
}

fn layer_error(place: &LayerPlace, what: impl Into<String>) -> StoreError {
    StoreError::Layer { diff_id: place.diff_id.clone(), what: what.into() }
}

/// The digits of a SHA-256 digest, which are the name of a file; nothing else is.
fn digits(digest: &str) -> Option<&str> {
    digest.strip_prefix("sha256:").filter(|digits| is_id(digits))
}

/// Whether it is the id of a layer or the digits of a digest, and so can be part of a path.
fn is_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn read_small(path: &Path, most: u64) -> Result<Vec<u8>, StoreError> {
    let mut content = Vec::new();
    let file = file::open(path)?;
    let count = file.take(most.saturating_add(1)).read_to_end(&mut content);
    let count = count.map_err(|error| FileError::new("read", path, error))?;
    if count as u64 > most {
        return Err(StoreError::Unexpected { path: path.to_owned(), what: format!("it has more than {most} bytes") });
    }
    Ok(content)
}

fn read_text(path: &Path) -> Result<String, StoreError> {
    let content = read_small(path, SMALL)?;
    String::from_utf8(content)
        .map_err(|_| StoreError::Unexpected { path: path.to_owned(), what: "it is not text".to_owned() })
}
