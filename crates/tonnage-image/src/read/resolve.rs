//! From the members of an archive to its images: order and names come from `manifest.json`, and from `index.json` by way
//! of the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::blob::digest_of;
use super::config::{Descriptor, OciDocument, read_config};
use super::image::ImageScan;
use super::layer::LayerScan;
use super::members::{Members, Source, checked_digest, docker_manifest, parse};
use crate::ImageError;

/// How deep an index may lie in indexes.
pub(super) const MAX_NESTING: usize = 4;
/// Images that an archive may hold.
const MAX_IMAGES: usize = 1000;

/// An image by the paths of its parts.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub config: String,
    pub tags: Vec<String>,
    pub layers: Vec<String>,
    /// Layers that are encrypted.
    encrypted: BTreeSet<String>,
    origin: Origin,
}

/// Where an image is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// In `manifest.json`: all of it must be there.
    DockerManifest,
    /// In `index.json`, which may name platforms that nobody pulled.
    Index,
}

/// What the manifests name.
pub(crate) struct Plans {
    pub images: Vec<Plan>,
    /// Entries that are not images: signatures, attestations, charts, caches.
    others: u64,
    /// The media type of one of those.
    other: Option<String>,
    /// Why a manifest could not be read: it is not there.
    missing: Option<ImageError>,
}

/// The images, as the manifests have them.
pub(crate) fn images(members: &mut Members) -> Result<Vec<ImageScan>, ImageError> {
    let plans = plans(members)?;
    members.others = plans.others;
    if plans.images.len() > MAX_IMAGES {
        let member = plans.images[MAX_IMAGES].config.clone();
        return Err(ImageError::Limit { member, what: "images", limit: MAX_IMAGES as u64 });
    }
    let mut left = Left { entries: members.limits.entries, json: members.limits.json_total_bytes };
    let mut images = Vec::new();
    let mut missing = plans.missing;
    // An archive may hold one of the platforms that its index names. A registry has all of them, and what is missing there is
    // an error.
    let in_part = members.source == Source::Archive;
    for plan in plans.images {
        let may_miss = in_part && plan.origin == Origin::Index;
        match image(members, plan, &mut left) {
            Ok(image) => images.push(image),
            Err(error @ ImageError::Missing { .. }) if may_miss => drop(missing.get_or_insert(error)),
            Err(error) => return Err(error),
        }
    }
    if !images.is_empty() {
        return Ok(images);
    }
    Err(missing.unwrap_or(match plans.other {
        Some(media_type) => ImageError::NotImages { count: plans.others, media_type },
        None => ImageError::NoImage,
    }))
}

/// What images may still list, so that a small archive cannot name the same large things again and again.
struct Left {
    /// Entries, over all layers of one image.
    entries: u64,
    /// Bytes of configs, over all images.
    json: u64,
}

/// The images of `manifest.json`, then those that only `index.json` names: engines with a containerd store list one
/// platform in the first and all of them in the second.
pub(crate) fn plans(members: &Members) -> Result<Plans, ImageError> {
    let mut plans = indexed(members)?;
    let Some(manifests) = docker_manifest(members)? else { return Ok(plans) };
    let listed: Vec<Plan> = manifests
        .into_iter()
        .map(|manifest| Plan {
            config: manifest.config,
            tags: manifest.tags,
            layers: manifest.layers,
            encrypted: BTreeSet::new(),
            origin: Origin::DockerManifest,
        })
        .collect();
    // By its content: the same config may have two names.
    let key = |plan: &Plan| members.document(&plan.config).map_or_else(|| members.follow(&plan.config), digest_of);
    let known: BTreeMap<String, &[String]> = listed.iter().map(|plan| (key(plan), &plan.tags[..])).collect();
    // The index names an image in full, `docker.io/library/x:1`; its other platforms shall have the same name.
    let mut names: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    let (same, mut other): (Vec<Plan>, Vec<Plan>) =
        std::mem::take(&mut plans.images).into_iter().partition(|plan| known.contains_key(&key(plan)));
    for plan in same {
        if let Some(&tags) = known.get(&key(&plan)).filter(|tags| !tags.is_empty()) {
            names.insert(plan.tags, tags.to_vec());
        }
    }
    for plan in &mut other {
        if let Some(tags) = names.get(&plan.tags) {
            plan.tags.clone_from(tags);
        }
    }
    plans.images = listed;
    plans.images.append(&mut other);
    Ok(plans)
}

/// What `index.json` names.
fn indexed(members: &Members) -> Result<Plans, ImageError> {
    let mut plans = Plans { images: Vec::new(), others: 0, other: None, missing: None };
    let Some(content) = members.document("index.json") else { return Ok(plans) };
    let index: OciDocument = parse("index.json", content)?;
    let mut seen = BTreeSet::new();
    let mut queue: Vec<(Descriptor, Vec<String>, usize)> = listed(index.manifests, &[], 0);
    while let Some((descriptor, tags, depth)) = queue.pop() {
        let path = blob_path(&descriptor.digest);
        if !seen.insert(path.clone()) {
            continue;
        }
        if descriptor.is_attestation() || !descriptor.is_manifest() {
            plans.skip(descriptor.media_type());
            continue;
        }
        // An index may list platforms that the layout does not hold.
        let Some(content) = members.document(&path) else {
            plans.missing.get_or_insert_with(|| members.without(&path));
            continue;
        };
        checked_digest(&path, content)?;
        let document: OciDocument = parse(&path, content)?;
        if let Some(media_type) = document.other_than_image() {
            plans.skip(media_type);
        } else if let Some(config) = document.config {
            let encrypted = document.layers.iter().filter(|layer| layer.is_encrypted());
            plans.images.push(Plan {
                config: blob_path(&config.digest),
                tags,
                encrypted: encrypted.map(|layer| blob_path(&layer.digest)).collect(),
                layers: document.layers.iter().map(|layer| blob_path(&layer.digest)).collect(),
                origin: Origin::Index,
            });
        } else if depth < MAX_NESTING {
            queue.extend(listed(document.manifests, &tags, depth + 1));
        }
    }
    Ok(plans)
}

impl Plans {
    /// Counts an entry that is not an image.
    fn skip(&mut self, media_type: &str) {
        self.others += 1;
        self.other.get_or_insert_with(|| media_type.to_owned());
    }
}

/// Descriptors to look at, last first, so that popping keeps their order.
fn listed(manifests: Vec<Descriptor>, tags: &[String], depth: usize) -> Vec<(Descriptor, Vec<String>, usize)> {
    manifests
        .into_iter()
        .rev()
        .map(|descriptor| {
            let tags = descriptor.tag().map_or_else(|| tags.to_vec(), |tag| vec![tag.clone()]);
            (descriptor, tags, depth)
        })
        .collect()
}

/// `sha256:x` lies in `blobs/sha256/x`.
pub(crate) fn blob_path(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}

fn image(members: &mut Members, plan: Plan, left: &mut Left) -> Result<ImageScan, ImageError> {
    let content = members.document(&plan.config).ok_or_else(|| members.without(&plan.config))?;
    let limit = |what, limit| ImageError::Limit { member: plan.config.clone(), what, limit };
    left.json = left
        .json
        .checked_sub(content.len() as u64)
        .ok_or_else(|| limit("bytes of configs", members.limits.json_total_bytes))?;
    let config_digest = checked_digest(&plan.config, content)?;
    let (platform, config) = read_config(content)
        .map_err(|error| ImageError::Json { member: plan.config.clone(), reason: error.to_string() })?;
    if plan.layers.len() != config.diff_ids.len() {
        return Err(ImageError::LayerCount { manifest: plan.layers.len(), config: config.diff_ids.len() });
    }
    for (path, diff_id) in plan.layers.iter().zip(&config.diff_ids) {
        members.claim(path, diff_id);
    }
    if let Some(member) = plan.layers.iter().find(|layer| plan.encrypted.contains(*layer)) {
        return Err(ImageError::Encrypted { member: member.clone() });
    }
    if let Some(digest) = config.diff_ids.iter().find(|id| !id.starts_with("sha256:")) {
        return Err(ImageError::Algorithm { member: plan.config.clone(), digest: digest.clone() });
    }
    let layers: Vec<Arc<LayerScan>> = plan
        .layers
        .iter()
        .zip(&config.diff_ids)
        .map(|(path, expected)| checked_layer(members, path, expected))
        .collect::<Result<_, _>>()?;
    if layers.iter().map(|layer| layer.entry_count()).sum::<u64>() > left.entries {
        return Err(limit("entries in the layers of one image", left.entries));
    }
    Ok(ImageScan { config_digest, tags: plan.tags, platform, config, layers, also_stored_bytes: None })
}

fn checked_layer(members: &Members, path: &str, expected: &str) -> Result<Arc<LayerScan>, ImageError> {
    let layer = members.layer(path)?;
    if layer.diff_id == expected {
        Ok(layer)
    } else {
        Err(ImageError::DiffId { member: path.to_owned(), expected: expected.to_owned(), found: layer.diff_id.clone() })
    }
}
