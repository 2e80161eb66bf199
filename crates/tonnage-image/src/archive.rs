//! Archives and layouts, taken in one pass: what each member is can be told by its first bytes, so layers are
//! read as they come and the order is learned from the manifests afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use super::blob::{BlobName, Counted, Limited, Packing, digest_of};
use super::config::{DockerManifest, ImageConfig};
use super::estimate::{Estimator, Pool};
use super::hashed::Hashed;
use super::layer::{Budget, FileHashes, LayerScan, looks_like_tar, normalise, read_bounded, scan};
use super::tar::{Fault, Kind, TarError, TarReader};
use super::{DiffIds, Excess, ImageError, Limits, Options, WireMode, directory, resolve};
use crate::text::from_bytes;

const BUFFER: usize = 256 * 1024;

/// One image of an archive.
#[derive(Debug, Clone)]
pub struct ImageScan {
    /// `sha256:` of the config, the same on every engine.
    pub config_digest: String,
    /// Names that the archive gives it.
    pub tags: Vec<String>,
    /// `os/arch[/variant]`.
    pub platform: String,
    /// Its config.
    pub config: ImageConfig,
    /// Its layers, lowest first.
    pub layers: Vec<Arc<LayerScan>>,
}

/// Reads archives and layouts. Layers are kept by diff id, so that images that share some hold them once.
pub struct Weigher {
    pub(super) options: Options,
    pub(super) layers: BTreeMap<String, Arc<LayerScan>>,
    pool: Option<Arc<Pool>>,
    skipped: u64,
}

impl Weigher {
    /// A weigher that has read nothing yet.
    pub fn new(options: Options) -> Self {
        let pool = if options.wire == WireMode::Estimate { Pool::start() } else { None };
        Self { options, layers: BTreeMap::new(), pool, skipped: 0 }
    }

    /// Reads a docker archive or an OCI layout as tar, plain or compressed as a whole, in one pass.
    pub fn read_archive<R: Read>(&mut self, reader: R) -> Result<Vec<ImageScan>, ImageError> {
        let mut input = BufReader::with_capacity(BUFFER, reader);
        let read = |source| ImageError::Read { offset: 0, source };
        // A pipe may hand out a byte at first.
        let mut start = [0; Packing::TOLD_BY];
        let count = read_full(&mut input, &mut start).map_err(read)?;
        if let Some(with) = Packing::foreign(&start[..count]) {
            return Err(ImageError::Compression { with });
        }
        let packing = Packing::of(&start[..count]);
        let limits = self.options.limits;
        let unpacked = packing.unpack((&start[..count]).chain(input), limits.window_bytes).map_err(read)?;
        // An archive may have no end, and one that is packed as a whole may unpack to anything.
        let most = limits.unpacked_bytes.saturating_mul(2);
        let mut tar = TarReader::new(Limited::new(unpacked, most));
        let mut members = Members::new(&self.options);
        loop {
            let entry = match tar.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) => return Err(archive_error(error)),
            };
            let path = from_bytes(&normalise(&entry.path));
            match entry.kind {
                Kind::File if entry.sparse => {
                    return Err(ImageError::Archive { offset: entry.offset, what: "a sparse member".into() });
                }
                Kind::File => {
                    let offset = tar.offset();
                    self.member(&mut members, &path, entry.size, &mut tar.data(), offset)?;
                    let drained = tar.data().drain();
                    drained.map_err(|source| ImageError::Read { offset: tar.offset(), source })?;
                }
                Kind::Symlink => members.alias(path.clone(), &from_bytes(&link_target(&path, &entry.link)))?,
                Kind::HardLink => members.alias(path, &from_bytes(&normalise(&entry.link)))?,
                Kind::Directory | Kind::Other => {}
            }
        }
        // The rest tells whether the stream is whole, and lets who writes it finish.
        tar.drain_input().map_err(archive_error)?;
        self.images(&mut members)
    }

    /// The images of what was read.
    pub(super) fn images(&mut self, members: &mut Members) -> Result<Vec<ImageScan>, ImageError> {
        let images = resolve::images(members);
        self.skipped = members.others;
        images
    }

    /// How many entries of the archive read last are not images and were skipped: signatures, attestations, charts,
    /// caches.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Reads an archive file, or a folder that holds an OCI layout or an unpacked docker archive.
    pub fn read_path(&mut self, path: &Path) -> Result<Vec<ImageScan>, ImageError> {
        if path.is_dir() {
            return directory::read(self, path);
        }
        self.read_archive(crate::file::open(path)?)
    }

    /// Takes one member in: a layer is scanned, JSON is kept, anything else forgotten. A layer that is broken is
    /// an error only once a manifest names it.
    pub(super) fn member(
        &mut self,
        members: &mut Members,
        path: &str,
        size: u64,
        data: &mut dyn BufRead,
        offset: u64,
    ) -> Result<(), ImageError> {
        let read = |source| ImageError::Read { offset, source };
        let mut start = [0; super::tar::BLOCK];
        let count = read_full(data, &mut start).map_err(read)?;
        let start = &start[..count];
        let whole = start.chain(&mut *data);
        let packing = Packing::of(start);
        // No bytes at all are a tar without entries.
        if packing != Packing::Plain || start.is_empty() || looks_like_tar(start) {
            let found = match self.known(path, packing) {
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
            let mut whole = whole;
            let content = read_bounded(&mut whole, size).map_err(read)?;
            members.count(path, "")?;
            members.json.insert(path.to_owned(), content);
        } else if members.strays < members.limits.members {
            // What is no image may hold any number of those, and is told as such.
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
        let estimator = if packing == Packing::Plain { self.estimator(length) } else { None };
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
            layer.wire_exact = true;
            layer.wire_bytes = counted.count();
            digest = counted.digest().unwrap_or_default();
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
    pub(super) fn estimator(&self, length: u64) -> Option<Estimator> {
        (self.options.wire == WireMode::Estimate).then(|| Estimator::new(self.pool.clone(), length))
    }

    /// The scan by its diff id: one with an exact wire size is better than one without, and so are more digests.
    fn keep(&mut self, layer: LayerScan) -> Arc<LayerScan> {
        let worth = |layer: &LayerScan| (layer.wire_exact, std::cmp::Reverse(layer.unhashed()));
        match self.layers.get(&layer.diff_id) {
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
pub(super) fn scan_unpacked(
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

fn archive_error(error: TarError) -> ImageError {
    let TarError { offset, what } = error;
    match what {
        Fault::Io(source) => ImageError::Read { offset, source },
        Fault::Format(what) | Fault::TooMuch(what) => ImageError::Archive { offset, what },
    }
}

/// A layer that could not be read.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub offset: u64,
    pub what: Trouble,
}

/// What is wrong with a layer.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    Damaged(String),
    TooMuch(Excess, String),
    /// It is packed in a way that is not read.
    Packed(&'static str),
}

impl Trouble {
    /// What is wrong, in words.
    #[cfg(feature = "docker-store")]
    pub(super) fn text(self) -> String {
        match self {
            Self::Damaged(what) | Self::TooMuch(_, what) => what,
            Self::Packed(with) => format!("it is packed as {with}"),
        }
    }
}

impl Broken {
    fn error(&self, member: &str) -> ImageError {
        let (member, offset) = (member.to_owned(), self.offset);
        match self.what.clone() {
            Trouble::Damaged(what) => ImageError::Layer { member, offset, what },
            Trouble::TooMuch(excess, what) => ImageError::LayerLimit { member, offset, what, excess },
            Trouble::Packed(with) => ImageError::LayerPacking { member, with },
        }
    }
}

/// What is known of an archive's members.
pub(super) struct Members {
    pub json: BTreeMap<String, Vec<u8>>,
    pub scans: BTreeMap<String, Result<Arc<LayerScan>, Broken>>,
    pub limits: Limits,
    aliases: BTreeMap<String, String>,
    /// Documents that were too large to be kept.
    oversized: BTreeSet<String>,
    json_left: u64,
    names_left: u64,
    unpack_left: u64,
    budget: Budget,
    /// Entries of the index that are not images.
    pub others: u64,
    count: u64,
    strays: u64,
}

impl Members {
    pub(super) fn new(options: &Options) -> Self {
        let limits = options.limits;
        Self {
            json: BTreeMap::new(),
            scans: BTreeMap::new(),
            aliases: BTreeMap::new(),
            oversized: BTreeSet::new(),
            json_left: limits.json_total_bytes,
            names_left: limits.name_bytes,
            unpack_left: limits.unpacked_bytes,
            budget: Budget::new(&limits),
            limits,
            others: 0,
            count: 0,
            strays: 0,
        }
    }

    pub(super) fn alias(&mut self, path: String, target: &str) -> Result<(), ImageError> {
        self.count(&path, target)?;
        self.aliases.insert(path, target.to_owned());
        Ok(())
    }

    /// Where a path leads: links are followed, sixteen at most, so that a loop ends.
    pub(super) fn follow(&self, path: &str) -> String {
        let mut path = from_bytes(&normalise(path.as_bytes()));
        for _ in 0..16 {
            let Some(target) = self.aliases.get(&path) else { break };
            path.clone_from(target);
        }
        path
    }

    pub(super) fn document(&self, path: &str) -> Option<&[u8]> {
        self.json.get(&self.follow(path)).map(Vec::as_slice)
    }

    pub(super) fn layer(&self, path: &str) -> Result<Arc<LayerScan>, ImageError> {
        match self.scans.get(&self.follow(path)) {
            Some(Ok(layer)) => Ok(Arc::clone(layer)),
            Some(Err(broken)) => Err(broken.error(path)),
            None => Err(ImageError::Missing { member: path.to_owned() }),
        }
    }

    /// The error for a document that a manifest names and that is not there.
    pub(super) fn without(&self, path: &str) -> ImageError {
        let member = path.to_owned();
        if self.oversized.contains(&self.follow(path)) {
            ImageError::Limit { member, what: "bytes in one JSON document", limit: self.limits.json_bytes }
        } else {
            ImageError::Missing { member }
        }
    }

    /// Takes a layer's diff id from the config where its bytes were not hashed; the first one that it is given counts.
    pub(super) fn claim(&mut self, path: &str, diff_id: &str) {
        if !is_digest(diff_id.strip_prefix("sha256:").unwrap_or_default()) {
            return;
        }
        let path = self.follow(path);
        if let Some(Ok(layer)) = self.scans.get_mut(&path)
            && layer.diff_id.is_empty()
            && let Some(layer) = Arc::get_mut(layer)
        {
            diff_id.clone_into(&mut layer.diff_id);
        }
    }

    fn charge(&mut self, path: &str, bytes: usize) -> Result<(), ImageError> {
        self.names_left = self.names_left.checked_sub(bytes as u64).ok_or_else(|| ImageError::Limit {
            member: path.to_owned(),
            what: "bytes of names",
            limit: self.limits.name_bytes,
        })?;
        Ok(())
    }

    fn count(&mut self, path: &str, target: &str) -> Result<(), ImageError> {
        self.charge(path, path.len() + target.len())?;
        self.count += 1;
        if self.count > self.limits.members {
            return Err(ImageError::Limit {
                member: path.to_owned(),
                what: "layers and documents",
                limit: self.limits.members,
            });
        }
        Ok(())
    }
}

pub(super) fn parse<'a, T: serde::Deserialize<'a>>(member: &str, content: &'a [u8]) -> Result<T, ImageError> {
    serde_json::from_slice(content)
        .map_err(|error| ImageError::Json { member: member.to_owned(), reason: error.to_string() })
}

/// The images of `manifest.json`, where there is one.
pub(super) fn docker_manifest(members: &Members) -> Result<Option<Vec<DockerManifest>>, ImageError> {
    members.document("manifest.json").map(|content| parse("manifest.json", content)).transpose()
}

pub(super) fn checked_digest(member: &str, content: &[u8]) -> Result<String, ImageError> {
    let found = digest_of(content);
    let name = member.rsplit('/').next().unwrap_or_default();
    let name = name.strip_suffix(".json").unwrap_or(name);
    if is_digest(name) && found.strip_prefix("sha256:") != Some(name) {
        return Err(ImageError::Digest { member: member.to_owned(), found });
    }
    Ok(found)
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn read_full(data: &mut dyn BufRead, out: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match data.read(&mut out[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn starts_json(start: &[u8]) -> bool {
    matches!(start.trim_ascii_start().first(), Some(b'{' | b'['))
}

/// A symbolic link's target, from the root of the archive.
fn link_target(path: &str, link: &[u8]) -> Vec<u8> {
    if link.starts_with(b"/") {
        return normalise(link);
    }
    let parent = path.rfind('/').map_or("", |slash| &path[..slash]);
    normalise(&[parent.as_bytes(), b"/", link].concat())
}
