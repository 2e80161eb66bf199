//! From the members of an archive to its images: order and names come from `manifest.json`, else from
//! `index.json` by way of the manifests.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ImageError;
use super::archive::{ImageScan, Members, checked_digest, docker_manifest, parse};
use super::config::{Descriptor, OciDocument, read_config};
use super::layer::LayerScan;

/// How deep an index may lie in indexes.
const MAX_NESTING: usize = 4;
/// Images that an archive may hold.
const MAX_IMAGES: usize = 1000;

/// An image by the paths of its parts.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub config: String,
    pub tags: Vec<String>,
    pub layers: Vec<String>,
}

/// The images, as the manifests have them.
pub(super) fn images(members: &mut Members) -> Result<Vec<ImageScan>, ImageError> {
    let plans = plans(members)?;
    if plans.is_empty() {
        return Err(ImageError::NoImage);
    }
    if plans.len() > MAX_IMAGES {
        let member = plans[MAX_IMAGES].config.clone();
        return Err(ImageError::Limit { member, what: "images", limit: MAX_IMAGES as u64 });
    }
    let mut left = Left { entries: members.limits.entries, json: members.limits.json_total_bytes };
    plans.into_iter().map(|plan| image(members, plan, &mut left)).collect()
}

/// What images may still list, so that a small archive cannot name the same large things again and again.
struct Left {
    /// Entries, over all layers of one image.
    entries: u64,
    /// Bytes of configs, over all images.
    json: u64,
}

/// What the manifests name.
pub(super) fn plans(members: &Members) -> Result<Vec<Plan>, ImageError> {
    if let Some(manifests) = docker_manifest(members)? {
        return Ok(manifests
            .into_iter()
            .map(|manifest| Plan { config: manifest.config, tags: manifest.tags, layers: manifest.layers })
            .collect());
    }
    let mut plans = Vec::new();
    let Some(content) = members.document("index.json") else { return Ok(plans) };
    let index: OciDocument = parse("index.json", content)?;
    let mut seen = BTreeSet::new();
    let mut missing = None;
    let mut queue: Vec<(Descriptor, Vec<String>, usize)> = listed(index.manifests, &[], 0);
    while let Some((descriptor, tags, depth)) = queue.pop() {
        let path = blob_path(&descriptor.digest);
        if !seen.insert(path.clone()) {
            continue;
        }
        // An index may list platforms that the layout does not hold.
        let Some(content) = members.document(&path) else {
            missing.get_or_insert_with(|| members.without(&path));
            continue;
        };
        checked_digest(&path, content)?;
        let document: OciDocument = parse(&path, content)?;
        if let Some(config) = document.config {
            let is_image = !config.media_type.contains("in-toto") && !config.digest.is_empty();
            if is_image && document.layers.iter().all(|layer| !layer.media_type.contains("in-toto")) {
                plans.push(Plan {
                    config: blob_path(&config.digest),
                    tags,
                    layers: document.layers.iter().map(|layer| blob_path(&layer.digest)).collect(),
                });
            }
        } else if depth < MAX_NESTING {
            queue.extend(listed(document.manifests, &tags, depth + 1));
        }
    }
    match missing {
        Some(error) if plans.is_empty() => Err(error),
        _ => Ok(plans),
    }
}

/// Descriptors to look at, last first, so that popping keeps their order.
fn listed(manifests: Vec<Descriptor>, tags: &[String], depth: usize) -> Vec<(Descriptor, Vec<String>, usize)> {
    manifests
        .into_iter()
        .rev()
        .filter(|descriptor| !descriptor.is_attestation())
        .map(|descriptor| {
            let tags = descriptor.tag().map_or_else(|| tags.to_vec(), |tag| vec![tag.clone()]);
            (descriptor, tags, depth)
        })
        .collect()
}

/// `sha256:x` lies in `blobs/sha256/x`.
pub(super) fn blob_path(digest: &str) -> String {
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
    let layers: Vec<Arc<LayerScan>> = plan
        .layers
        .iter()
        .zip(&config.diff_ids)
        .map(|(path, expected)| checked_layer(members, path, expected))
        .collect::<Result<_, _>>()?;
    if layers.iter().map(|layer| layer.entry_count()).sum::<u64>() > left.entries {
        return Err(limit("entries in the layers of one image", left.entries));
    }
    Ok(ImageScan { config_digest, tags: plan.tags, platform, config, layers })
}

fn checked_layer(members: &Members, path: &str, expected: &str) -> Result<Arc<LayerScan>, ImageError> {
    let layer = members.layer(path)?;
    if layer.diff_id == expected {
        Ok(layer)
    } else {
        Err(ImageError::DiffId { member: path.to_owned(), expected: expected.to_owned(), found: layer.diff_id.clone() })
    }
}
