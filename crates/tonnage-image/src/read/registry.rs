//! Images of a registry, put together from parts that are asked for by their digests: manifests and configs first, then
//! only the layers of the platforms that are wanted, each once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read};

use super::blob::digest_of;
use super::config::{Descriptor, OciDocument, read_config};
use super::image::ImageScan;
use super::members::{Members, Source, checked_digest, parse};
use super::resolve::{MAX_NESTING, blob_path};
use super::weigher::Weigher;
use crate::{DiffIds, ImageError, Platform};

const BUFFER: usize = 256 * 1024;
/// Manifests that an index may name, attestations included: each is a request.
const MAX_MANIFESTS: usize = 400;

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
}

/// A manifest of an image.
struct Image {
    digest: String,
    layers: Vec<Descriptor>,
    platform: Platform,
}

impl Weigher {
    /// Reads the images that a manifest or an index of a registry names; layers that were transferred before are not
    /// asked for again. What is compressed is counted as it is transferred.
    pub fn read_blobs<B: Blobs>(&mut self, root: &[u8], blobs: &mut B) -> Result<Vec<ImageScan>, B::Error> {
        let mut members = Members::new(&self.options);
        members.source = Source::Registry;
        let images = self.manifests(&mut members, root, blobs)?;
        let platforms: Vec<Platform> = images.iter().map(|image| image.platform.clone()).collect();
        let wanted = if images.is_empty() { Vec::new() } else { blobs.choose(&platforms)? };
        let images: Vec<&Image> = wanted.into_iter().filter_map(|index| images.get(index)).collect();
        for image in &images {
            if image.layers.iter().any(Descriptor::is_encrypted) {
                continue;
            }
            for layer in &image.layers {
                self.transfer(&mut members, layer, blobs)?;
            }
        }
        let named: Vec<_> = images.iter().map(|image| serde_json::json!({ "digest": image.digest })).collect();
        let index = serde_json::json!({ "manifests": named }).to_string();
        let others = members.others;
        members.json.insert("index.json".to_owned(), index.into_bytes());
        let images = self.images(&mut members);
        self.skipped += others;
        Ok(images?)
    }

    /// All manifests of images with their configs; of an index those for the platforms that are wanted.
    fn manifests<B: Blobs>(
        &mut self,
        members: &mut Members,
        root: &[u8],
        blobs: &mut B,
    ) -> Result<Vec<Image>, B::Error> {
        let mut images = Vec::new();
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
                images.push(Image { digest, layers: document.layers, platform });
            } else if depth < MAX_NESTING {
                let (manifests, others): (Vec<_>, Vec<_>) = document
                    .manifests
                    .into_iter()
                    .partition(|descriptor| descriptor.is_manifest() && !descriptor.is_attestation());
                members.others += others.len() as u64;
                let chosen = chosen(manifests, blobs)?;
                queue.extend(chosen.into_iter().rev().map(|descriptor| (descriptor.digest, None, depth + 1)));
            }
        }
        Ok(images)
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
        let size = size(layer);
        let mut input = BufReader::with_capacity(BUFFER, blobs.blob(&layer.digest, size)?);
        self.member(members, &path, size, &mut input, 0)?;
        drop(input);
        if self.options.diff_ids == DiffIds::Checked
            && let Some(Ok(scan)) = members.scans.get(&path)
        {
            self.transferred.insert(path, scan.clone());
        }
        Ok(())
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
