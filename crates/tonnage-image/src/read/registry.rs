//! Images of a registry, put together from parts that are asked for by their digests: manifests and configs first, then
//! only the layers of the platforms that are wanted, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read};
use std::sync::Arc;

use super::blob::digest_of;
use super::config::{Descriptor, OciDocument, read_config};
use super::image::{ImageScan, ManifestScan};
use super::kept;
use super::layer::{LayerScan, MAX_LAYER};
use super::members::{Members, Source, checked_digest, parse};
use super::resolve::{MAX_NESTING, blob_path};
use super::weigher::Weigher;
use crate::bytes::Bytes;
use crate::facts::{ManifestFacts, StoredLayer};
use crate::{DiffIds, ImageError, Limits, Platform, text};

const BUFFER: usize = 256 * 1024;
/// Manifests that an index may name, attestations included: each is a request.
const MAX_MANIFESTS: usize = 400;
/// Attestations and other referrers of one target that are asked for: each is a request.
const MAX_REFERRERS: usize = 64;

/// Where parts of images are kept by their digests (`algorithm:digits`), such as a repository of a registry.
pub trait Blobs {
    /// Why a part could not be had. An error of a reader arrives as [`ImageError::Read`].
    type Error: From<ImageError>;

    /// A manifest or an index, whole.
    fn manifest(&mut self, digest: &str) -> Result<Vec<u8>, Self::Error>;

    /// A config or a layer, as it is stored; `size` is what its manifest says. After an error the reader fails again.
    fn blob(&mut self, digest: &str, size: u64) -> Result<Box<dyn Read + '_>, Self::Error>;

    /// Which of several platforms are wanted.
    fn choose(&self, platforms: &[Platform]) -> Result<Vec<usize>, Self::Error>;

    /// Whether a part may be asked for: where images are kept, an index may name platforms that are not.
    fn has(&mut self, _digest: &str) -> bool {
        true
    }

    /// Whether layers are transferred as they are stored, so that their sizes are those of a transfer, however they are
    /// packed.
    fn is_exact(&self) -> bool {
        true
    }

    /// The index of what refers to a manifest (signatures, SBOMs), if there is one.
    fn referrers(&mut self, _digest: &str) -> Option<Vec<u8>> {
        None
    }
}

/// A manifest of an image.
struct ImageManifest {
    digest: String,
    config: Descriptor,
    layers: Vec<Descriptor>,
    platform: Platform,
}

/// The manifests that a root names.
#[derive(Default)]
struct Manifests {
    images: Vec<ImageManifest>,
    /// Entries of indexes that are not images: attestations.
    others: Vec<Descriptor>,
}

impl Weigher {
    /// Reads the images that a manifest or an index of a registry names; layers that were transferred before are not
    /// asked for again. What is compressed is counted as it is transferred.
    pub fn read_blobs<B: Blobs>(&mut self, root: &[u8], blobs: &mut B) -> Result<Vec<ImageScan>, B::Error> {
        let mut members = Members::new(&self.options);
        members.source = if blobs.is_exact() { Source::Registry } else { Source::Archive };
        let Manifests { images, others } = self.wanted(&mut members, root, blobs)?;
        for image in &images {
            if image.layers.iter().any(Descriptor::is_encrypted) {
                continue;
            }
            for layer in &image.layers {
                self.transfer(&mut members, layer, blobs)?;
            }
        }
        let also = if blobs.is_exact() { also_stored(&images, &others, blobs) } else { BTreeMap::new() };
        let named: Vec<_> = images.iter().map(|image| serde_json::json!({ "digest": image.digest })).collect();
        let index = serde_json::json!({ "manifests": named }).to_string();
        let others = members.others;
        members.json.insert("index.json".to_owned(), index.into_bytes());
        let scans = self.images(&mut members);
        self.skipped += others;
        let mut scans = scans?;
        for scan in &mut scans {
            scan.also_stored_bytes = also.get(&scan.config_digest).copied();
        }
        Ok(scans)
    }

    /// Reads the manifests and configs of the images that a root names, and no layer.
    pub fn read_manifests<B: Blobs>(&mut self, root: &[u8], blobs: &mut B) -> Result<Vec<ManifestScan>, B::Error> {
        let mut members = Members::new(&self.options);
        let Manifests { images, others } = self.wanted(&mut members, root, blobs)?;
        if images.is_empty() {
            return Err(ImageError::NoImage.into());
        }
        let also = also_stored(&images, &others, blobs);
        let mut scans = Vec::new();
        for image in images {
            let also_stored_bytes = also.get(&image.config.digest).copied().unwrap_or_default();
            let path = blob_path(&image.config.digest);
            let content = members.document(&path).ok_or_else(|| members.without(&path))?;
            scans.push(ManifestScan { also_stored_bytes, ..manifest_scan(image, content)? });
        }
        Ok(scans)
    }

    /// The images for the platforms that are wanted.
    fn wanted<B: Blobs>(&mut self, members: &mut Members, root: &[u8], blobs: &mut B) -> Result<Manifests, B::Error> {
        let mut found = self.manifests(members, root, blobs)?;
        let platforms: Vec<Platform> = found.images.iter().map(|image| image.platform.clone()).collect();
        let wanted = if platforms.is_empty() { Vec::new() } else { blobs.choose(&platforms)? };
        let mut by_index: BTreeMap<usize, ImageManifest> = found.images.into_iter().enumerate().collect();
        found.images = wanted.into_iter().filter_map(|index| by_index.remove(&index)).collect();
        Ok(found)
    }

    /// All manifests of images with their configs; of an index those for the platforms that are wanted.
    fn manifests<B: Blobs>(
        &mut self,
        members: &mut Members,
        root: &[u8],
        blobs: &mut B,
    ) -> Result<Manifests, B::Error> {
        let mut found = Manifests::default();
        let mut seen = BTreeSet::new();
        let mut queue = vec![(digest_of(root), Some(root.to_vec()), 0)];
        while let Some((digest, content, depth)) = queue.pop() {
            let path = blob_path(&digest);
            if !seen.insert(path.clone()) {
                continue;
            }
            if seen.len() > MAX_MANIFESTS {
                let limit = MAX_MANIFESTS as u64;
                return Err(ImageError::Limit { member: path, what: "manifests", limit }.into());
            }
            let content = content.map_or_else(|| blobs.manifest(&digest), Ok)?;
            self.take(members, &path, &content)?;
            checked_digest(&path, &content)?;
            let document: OciDocument = parse(&path, &content)?;
            if document.other_than_image().is_some() {
                members.others += 1;
            } else if let Some(config) = document.config {
                let platform = self.config(members, &config, blobs)?;
                found.images.push(ImageManifest { digest, config, layers: document.layers, platform });
            } else if depth < MAX_NESTING {
                let (manifests, others): (Vec<_>, Vec<_>) = document
                    .manifests
                    .into_iter()
                    .partition(|descriptor| descriptor.is_manifest() && !descriptor.is_attestation());
                members.others += others.len() as u64;
                found.others.extend(others);
                let manifests = manifests.into_iter().filter(|descriptor| blobs.has(&descriptor.digest)).collect();
                let chosen = chosen(manifests, blobs)?;
                queue.extend(chosen.into_iter().rev().map(|descriptor| (descriptor.digest, None, depth + 1)));
            }
        }
        Ok(found)
    }

    /// Reads a config, and says for which platform it is.
    fn config<B: Blobs>(
        &mut self,
        members: &mut Members,
        config: &Descriptor,
        blobs: &mut B,
    ) -> Result<Platform, B::Error> {
        let path = blob_path(&config.digest);
        if members.document(&path).is_none() {
            let most = members.limits.json_bytes;
            let size = size(config);
            if size > most {
                return Err(ImageError::Limit { member: path, what: "bytes in one JSON document", limit: most }.into());
            }
            let mut content = Vec::new();
            let read = blobs.blob(&config.digest, size)?.take(size).read_to_end(&mut content);
            read.map_err(|source| ImageError::Read { offset: content.len() as u64, source })?;
            self.take(members, &path, &content)?;
            checked_digest(&path, &content)?;
        }
        let content = members.document(&path).ok_or_else(|| members.without(&path))?;
        let (platform, _) = read_config(content)
            .map_err(|error| ImageError::Json { member: path.clone(), reason: error.to_string() })?;
        Ok(Platform::lenient(&platform))
    }

    fn take(&mut self, members: &mut Members, path: &str, mut content: &[u8]) -> Result<(), ImageError> {
        self.member(members, path, content.len() as u64, &mut content, 0)
    }

    /// Reads a layer, unless it was transferred before.
    fn transfer<B: Blobs>(&mut self, members: &mut Members, layer: &Descriptor, blobs: &mut B) -> Result<(), B::Error> {
        let path = blob_path(&layer.digest);
        if members.scans.contains_key(&path) {
            return Ok(());
        }
        if let Some(known) = self.transferred.get(&path) {
            members.scans.insert(path, Ok(known.clone()));
            return Ok(());
        }
        let keeper = if self.keeps() { self.kept.clone() } else { None };
        let kept = keeper.as_ref().and_then(|kept| kept.layers.get(&layer.digest));
        // A manifest that gives another size is wrong: what is sent will say so. What is not packed has the size of its
        // transfer only where it is transferred so.
        let agrees = |known: &LayerScan| {
            known.wire_bytes == size(layer) && (blobs.is_exact() || known.wire_bytes != known.tar_bytes)
        };
        let known = kept.and_then(|kept| kept::decode(&kept)).filter(agrees);
        if let Some(known) = known.filter(|known| kept::charge(known, members).is_some()) {
            let known = Arc::new(known);
            members.count(&path, "")?;
            self.transferred.insert(path.clone(), known.clone());
            members.scans.insert(path, Ok(known));
            return Ok(());
        }
        let size = size(layer);
        let mut input = BufReader::with_capacity(BUFFER, blobs.blob(&layer.digest, size)?);
        self.member(members, &path, size, &mut input, 0)?;
        drop(input);
        if self.options.diff_ids == DiffIds::Checked
            && let Some(Ok(scan)) = members.scans.get(&path)
        {
            if let Some(kept) = keeper.filter(|kept| kept.of.as_ref().is_none_or(|of| of.contains(&scan.diff_id)))
                && let Some(found) = kept::encode(scan)
            {
                kept.layers.put(&layer.digest, &found);
            }
            self.transferred.insert(path, scan.clone());
        }
        Ok(())
    }

    /// Whether everything of a layer is looked at, and nothing of it is skipped to save memory.
    fn keeps(&self) -> bool {
        let DiffIds::Checked = self.options.diff_ids else { return false };
        self.options.hash_files && self.options.limits == Limits::default()
    }
}

/// The manifests of an index for the platforms that are wanted; all where the index does not say for what they are.
fn chosen<B: Blobs>(manifests: Vec<Descriptor>, blobs: &B) -> Result<Vec<Descriptor>, B::Error> {
    if manifests.is_empty() || manifests.iter().any(|descriptor| descriptor.platform.architecture.is_empty()) {
        return Ok(manifests);
    }
    let platforms: Vec<Platform> = manifests
        .iter()
        .map(|descriptor| &descriptor.platform)
        .map(|platform| Platform::normal(&platform.os, &platform.architecture, &platform.variant))
        .collect();
    let mut by_index: BTreeMap<usize, Descriptor> = manifests.into_iter().enumerate().collect();
    Ok(blobs.choose(&platforms)?.into_iter().filter_map(|index| by_index.remove(&index)).collect())
}

fn size(descriptor: &Descriptor) -> u64 {
    u64::try_from(descriptor.size).unwrap_or(0)
}

/// What manifest and config say of an image.
fn manifest_scan(image: ImageManifest, config: &[u8]) -> Result<ManifestScan, ImageError> {
    let json = |digest: &str, reason: String| ImageError::Json { member: blob_path(digest), reason };
    let config_digest = image.config.digest;
    let (platform, config) = read_config(config).map_err(|error| json(&config_digest, error.to_string()))?;
    if image.layers.len() != config.diff_ids.len() {
        return Err(ImageError::LayerCount { manifest: image.layers.len(), config: config.diff_ids.len() });
    }
    let instructions = config.instructions();
    let mut layers = Vec::new();
    let mut seen = BTreeSet::new();
    for ((layer, diff_id), instruction) in image.layers.into_iter().zip(config.diff_ids).zip(instructions) {
        // Sums of larger ones could overflow.
        let bytes = u64::try_from(layer.size).ok().filter(|size| *size <= MAX_LAYER);
        let bytes = bytes.ok_or_else(|| json(&image.digest, format!("a layer cannot have {} bytes", layer.size)))?;
        // As in a weight: a layer that is there twice is transferred once.
        let compressed_bytes = Bytes(if seen.insert(diff_id.clone()) { bytes } else { 0 });
        layers.push(StoredLayer { digest: layer.digest, diff_id, compressed_bytes, instruction });
    }
    let safe = |words: Vec<String>| words.iter().map(|word| text::without_url_credentials(word).into_owned()).collect();
    let facts = ManifestFacts {
        digest: image.digest,
        compressed_bytes: layers.iter().map(|layer| layer.compressed_bytes).sum(),
        layers,
        entrypoint: safe(config.entrypoint),
        cmd: safe(config.cmd),
    };
    Ok(ManifestScan { config_digest, platform, user: config.user, facts, also_stored_bytes: 0 })
}

/// What is stored besides each image, by the digest of its config: what its index lists for it, and what refers to its
/// manifest. What cannot be had is counted as far as it is known.
fn also_stored<B: Blobs>(images: &[ImageManifest], listed: &[Descriptor], blobs: &mut B) -> BTreeMap<String, u64> {
    let mut left = MAX_REFERRERS;
    let mut found = BTreeMap::new();
    for image in images {
        let belongs = |descriptor: &&Descriptor| match descriptor.annotations.get("vnd.docker.reference.digest") {
            Some(subject) => *subject == image.digest,
            None => images.len() == 1,
        };
        let mut others: Vec<Descriptor> = listed.iter().filter(belongs).cloned().collect();
        let referrers = blobs.referrers(&image.digest);
        let referrers = referrers.and_then(|content| serde_json::from_slice::<OciDocument>(&content).ok());
        others.extend(referrers.into_iter().flat_map(|index| index.manifests));
        let mut seen = BTreeSet::new();
        others.retain(|descriptor| seen.insert(descriptor.digest.clone()));
        let sum = others.iter().fold(0_u64, |sum, other| sum.saturating_add(stored(other, &mut left, blobs)));
        found.insert(image.config.digest.clone(), sum);
    }
    found
}

/// A manifest and what it names.
fn stored<B: Blobs>(descriptor: &Descriptor, left: &mut usize, blobs: &mut B) -> u64 {
    let own = size(descriptor);
    if *left == 0 || !descriptor.is_manifest() {
        return own;
    }
    *left -= 1;
    let content = blobs.manifest(&descriptor.digest).ok();
    let document = content.and_then(|content| serde_json::from_slice::<OciDocument>(&content).ok()).unwrap_or_default();
    document.config.iter().chain(&document.layers).fold(own, |sum, part| sum.saturating_add(size(part)))
}
