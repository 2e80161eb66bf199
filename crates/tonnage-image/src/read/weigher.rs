//! The reader of images: takes their members in one by one, and holds the layers that were read.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use super::blob::{BlobName, Counted, Limited, Packing, read_full};
use super::estimate::{Estimator, Pool};
use super::hashed::Hashed;
use super::image::ImageScan;
use super::layer::{FileHashes, LayerScan, looks_like_tar, scan};
use super::members::{Broken, Members, Source, Trouble};
use super::resolve;
use super::tar::{BLOCK, Fault};
use crate::{DiffIds, Excess, ImageError, Options, WireMode};

/// Reads archives and layouts. Layers are kept by diff id, so that images that share some hold them once.
pub struct Weigher {
    pub(crate) options: Options,
    pub(crate) layers: BTreeMap<String, Arc<LayerScan>>,
    /// Layers of registries by the path of their blob, whose digest was checked: they are not transferred again.
    pub(super) transferred: BTreeMap<String, Arc<LayerScan>>,
    pub(super) kept: Option<LayerKeeper>,
    pool: Option<Arc<Pool>>,
    pub(super) skipped: u64,
}

/// Where what was found in layers is kept, by the digests of the layers as they are stored, perhaps for another process.
pub trait KeptLayers: Send + Sync {
    /// What was kept of a layer.
    fn get(&self, digest: &str) -> Option<Vec<u8>>;

    /// Keeps what was found in a layer whose digest was checked.
    fn put(&self, digest: &str, found: &[u8]);
}

/// Layers that are kept: all, or those with these diff ids.
#[derive(Clone)]
pub(super) struct LayerKeeper {
    pub(super) layers: Arc<dyn KeptLayers>,
    pub(super) of: Option<BTreeSet<String>>,
}

impl Weigher {
    /// A weigher that has read nothing yet.
    pub fn new(options: Options) -> Self {
        let pool = if options.wire == WireMode::Estimate { Pool::start() } else { None };
        Self { options, layers: BTreeMap::new(), transferred: BTreeMap::new(), kept: None, pool, skipped: 0 }
    }

    /// Reads no layer again that is kept there, where layers are stored as a registry stores them, and keeps what it
    /// finds in others: in all, or in those with these diff ids.
    pub fn keep_layers(&mut self, layers: Arc<dyn KeptLayers>, of: Option<BTreeSet<String>>) {
        self.kept = Some(LayerKeeper { layers, of });
    }

    /// The images of what was read.
    pub(crate) fn images(&mut self, members: &mut Members) -> Result<Vec<ImageScan>, ImageError> {
        let images = resolve::images(members);
        self.skipped = members.others;
        images
    }

    /// How many entries of the archive read last are not images and were skipped: signatures, attestations, charts,
    /// caches.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Takes one member in: a layer is scanned, JSON is kept, anything else forgotten. A layer that is broken is
    /// an error only once a manifest names it.
    pub(crate) fn member(
        &mut self,
        members: &mut Members,
        path: &str,
        size: u64,
        data: &mut dyn BufRead,
        offset: u64,
    ) -> Result<(), ImageError> {
        let read = |source| ImageError::Read { offset, source };
        let mut start = [0; BLOCK];
        let count = read_full(data, &mut start).map_err(read)?;
        let start = &start[..count];
        let whole = start.chain(&mut *data);
        let packing = Packing::of(start);
        // No bytes at all are a tar without entries.
        if packing != Packing::Plain || start.is_empty() || looks_like_tar(start) {
            let known = if members.source == Source::Archive { self.known(path, packing) } else { None };
            let found = match known {
                Some(known) => as_known(known, members, whole),
                None => self.layer(members, path, packing, size, whole),
            };
            // A stream that failed inside a layer says so here, with its place in the archive.
            io::copy(data, &mut io::sink()).map_err(read)?;
            members.count(path, "")?;
            members.scans.insert(path.to_owned(), found);
        } else if starts_json(start) {
            if size > members.limits.json_bytes {
                members.count(path, "")?;
                members.oversized.insert(path.to_owned());
                return Ok(());
            }
            members.json_left = members.json_left.checked_sub(size).ok_or_else(|| ImageError::Limit {
                member: path.to_owned(),
                what: "bytes of JSON",
                limit: members.limits.json_total_bytes,
            })?;
            let mut content = Vec::new();
            whole.take(size).read_to_end(&mut content).map_err(read)?;
            members.count(path, "")?;
            members.json.insert(path.to_owned(), content);
        } else if members.strays < members.limits.members {
            // What is not an image may hold any number of those, and is told as such.
            members.strays += 1;
            members.charge(path, path.len())?;
            let what = Packing::foreign(start).map_or_else(
                || Trouble::Damaged("it is neither a tar nor a gzip or zstd stream".to_owned()),
                Trouble::Packed,
            );
            let broken = Broken { offset: 0, what };
            members.scans.insert(path.to_owned(), Err(broken));
        }
        Ok(())
    }

    fn layer(
        &mut self,
        members: &mut Members,
        path: &str,
        packing: Packing,
        length: u64,
        input: impl BufRead,
    ) -> Result<Arc<LayerScan>, Broken> {
        let name = BlobName::of(path).filter(|_| self.options.diff_ids == DiffIds::Checked);
        // The digest of a plain blob is that of the layer.
        let mut counted = Counted::new(input, name.filter(|_| packing != Packing::Plain));
        let exact = packing != Packing::Plain || members.source == Source::Registry;
        let estimator = if exact { None } else { self.estimator(length) };
        let unpacked = packing.unpack(&mut counted, self.options.limits.window_bytes).map_err(stream)?;
        let contents = if self.options.hash_files { FileHashes::Yes } else { FileHashes::No };
        let mut layer = if self.options.diff_ids == DiffIds::Claimed && estimator.is_none() {
            // Nobody but the tar reader looks at the bytes.
            let mut limited = Limited::new(unpacked, members.unpack_left);
            let layer = scan_limited(&mut limited, contents, members)?;
            members.unpack_left = members.unpack_left.saturating_sub(limited.count());
            layer
        } else {
            scan_unpacked(unpacked, estimator, contents, self.options.diff_ids, members)?
        };
        let mut digest = layer.diff_id.clone();
        if packing != Packing::Plain {
            // What is behind the last frame is transferred as well.
            io::copy(&mut counted, &mut io::sink()).map_err(stream)?;
            digest = counted.digest().unwrap_or_default();
        }
        if exact {
            layer.wire_exact = true;
            layer.wire_bytes = counted.count();
        }
        if name.is_some_and(|name| !name.agrees(&digest)) {
            return Err(Broken { offset: 0, what: Trouble::Damaged(format!("its digest is {digest}, not its name")) });
        }
        if layer.diff_id.is_empty() {
            return Ok(Arc::new(layer));
        }
        Ok(self.keep(layer))
    }

    /// The layer that a plain blob is by its name, its diff id, where all is known of it: it is only hashed again.
    fn known(&self, path: &str, packing: Packing) -> Option<Arc<LayerScan>> {
        let name = path.rsplit('/').next()?;
        let known = self.layers.get(&format!("sha256:{}", name.strip_suffix(".tar").unwrap_or(name)))?;
        let all = packing == Packing::Plain && (known.unhashed() == 0 || !self.options.hash_files);
        all.then(|| Arc::clone(known))
    }

    /// What estimates the compressed size of a plain layer of that length, where that is wanted.
    pub(crate) fn estimator(&self, length: u64) -> Option<Estimator> {
        (self.options.wire == WireMode::Estimate).then(|| Estimator::new(self.pool.clone(), length))
    }

    /// The scan by its diff id: one with an exact wire size is better than one without, and so are more digests.
    fn keep(&mut self, layer: LayerScan) -> Arc<LayerScan> {
        let worth = |layer: &LayerScan| (layer.wire_exact, std::cmp::Reverse(layer.unhashed()));
        match self.layers.get(&layer.diff_id) {
            // The same layer, compressed in another way: each image has its own exact size.
            Some(known) if known.wire_exact && layer.wire_exact && known.wire_bytes != layer.wire_bytes => {
                Arc::new(layer)
            }
            Some(known) if worth(known) >= worth(&layer) => Arc::clone(known),
            _ => {
                let layer = Arc::new(layer);
                self.layers.insert(layer.diff_id.clone(), Arc::clone(&layer));
                layer
            }
        }
    }
}

/// The known layer, if the blob is what its name says.
fn as_known(known: Arc<LayerScan>, members: &mut Members, input: impl Read) -> Result<Arc<LayerScan>, Broken> {
    let read = Hashed::new(input, members.unpack_left, DiffIds::Checked, None).finish();
    let (found, tar_bytes, _) = read.map_err(stream)?;
    members.unpack_left = members.unpack_left.saturating_sub(tar_bytes);
    if found == known.diff_id {
        Ok(known)
    } else {
        Err(Broken { offset: 0, what: Trouble::Damaged(format!("its digest is {found}, not its name")) })
    }
}

/// Scans a layer that is unpacked; its compressed size is the estimate, where there is one. Where diff ids are claimed
/// it has none yet.
pub(crate) fn scan_unpacked(
    input: impl Read,
    estimator: Option<Estimator>,
    contents: FileHashes<'_>,
    diff_ids: DiffIds,
    members: &mut Members,
) -> Result<LayerScan, Broken> {
    let mut hashed = Hashed::new(input, members.unpack_left, diff_ids, estimator);
    let mut layer = scan_limited(&mut hashed, contents, members)?;
    let (diff_id, tar_bytes, estimate) = hashed.finish().map_err(stream)?;
    members.unpack_left = members.unpack_left.saturating_sub(tar_bytes);
    layer.diff_id = diff_id;
    layer.tar_bytes = tar_bytes;
    layer.wire_bytes = estimate.unwrap_or(0);
    Ok(layer)
}

fn scan_limited(input: &mut dyn BufRead, contents: FileHashes<'_>, members: &mut Members) -> Result<LayerScan, Broken> {
    scan(input, contents, &members.limits, &mut members.budget).map_err(|error| Broken {
        offset: error.offset,
        what: match error.what {
            Fault::Io(error) => stream(error).what,
            Fault::Format(what) => Trouble::Damaged(what),
            Fault::TooMuch(what) => Trouble::TooMuch(Excess::Memory, what),
        },
    })
}

fn stream(error: io::Error) -> Broken {
    let what = match Excess::of(&error) {
        Some(excess) => Trouble::TooMuch(excess, error.to_string()),
        None => Trouble::Damaged(error.to_string()),
    };
    Broken { offset: 0, what }
}

fn starts_json(start: &[u8]) -> bool {
    matches!(start.trim_ascii_start().first(), Some(b'{' | b'['))
}
