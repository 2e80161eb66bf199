//! Images of the scripted engine, and the docker archives they export to.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;

use super::dockerfile::plain_digest;
use crate::engine::ImageInfo;

/// Time stamps in configs and archives: the same in every run.
const CREATED: &str = "2021-07-09T00:00:00Z";

/// A layer: an uncompressed tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) tar: Bytes,
    pub(super) diff_id: String,
    pub(super) instruction: String,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) id: String,
    pub(super) layers: Vec<Layer>,
    pub(super) labels: BTreeMap<String, String>,
    config: Bytes,
}

impl Layer {
    /// A layer of these files.
    pub(super) fn new(instruction: &str, files: &[(String, Vec<u8>)]) -> Self {
        let tar = tar_of(files);
        Self { diff_id: plain_digest(&tar), tar, instruction: instruction.to_owned() }
    }
}

impl Image {
    /// A base image of one layer.
    pub(super) fn base(reference: &str, files: &[(String, u64)]) -> Self {
        let content = |path: &String, size: u64| path.bytes().cycle().take(size as usize).collect();
        let files: Vec<_> = files.iter().map(|(path, size)| (path.clone(), content(path, *size))).collect();
        let layer = Layer::new(&format!("ADD {reference} /"), &files);
        Self::new(vec![layer], BTreeMap::new(), &[])
    }

    /// An image of these layers; `settings` are the instructions that only change its config.
    pub(super) fn new(layers: Vec<Layer>, labels: BTreeMap<String, String>, settings: &[String]) -> Self {
        let by = |instruction: &String, empty: bool| {
            if empty {
                json!({ "created": CREATED, "created_by": instruction, "empty_layer": true })
            } else {
                json!({ "created": CREATED, "created_by": instruction })
            }
        };
        let mut history: Vec<_> = layers.iter().map(|layer| by(&layer.instruction, false)).collect();
        history.extend(settings.iter().map(|instruction| by(instruction, true)));
        let diff_ids: Vec<_> = layers.iter().map(|layer| &layer.diff_id).collect();
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "created": CREATED,
            "config": { "Labels": labels, "Env": ["PATH=/usr/bin:/bin"] },
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
            "history": history,
        });
        let config = Bytes::from(config.to_string());
        Self { id: plain_digest(&config), layers, labels, config }
    }

    pub(super) fn info(&self) -> ImageInfo {
        ImageInfo {
            id: self.id.clone(),
            engine_size_bytes: self.layers.iter().map(|layer| layer.tar.len() as u64).sum(),
            platform: "linux/amd64".to_owned(),
            diff_ids: self.layers.iter().map(|layer| layer.diff_id.clone()).collect(),
            labels: self.labels.clone(),
            env: vec!["PATH=/usr/bin:/bin".to_owned()],
            ..ImageInfo::default()
        }
    }
}

/// A docker archive of these images, by reference; layers that they share are in it once.
pub(super) fn write(images: &[(String, &Image)]) -> Bytes {
    let bare = |id: &str| id.trim_start_matches("sha256:").to_owned();
    let mut files = BTreeMap::new();
    let mut manifest = Vec::new();
    for (reference, image) in images {
        let layer_path = |layer: &Layer| format!("{}/layer.tar", bare(&layer.diff_id));
        let config_path = format!("{}.json", bare(&image.id));
        let tags: Vec<_> = if reference.starts_with("sha256:") { vec![] } else { vec![super::named(reference)] };
        let layers: Vec<_> = image.layers.iter().map(layer_path).collect();
        manifest.push(json!({ "Config": config_path.clone(), "RepoTags": tags, "Layers": layers }));
        files.extend(image.layers.iter().map(|layer| (layer_path(layer), layer.tar.to_vec())));
        files.insert(config_path, image.config.to_vec());
    }
    files.insert("manifest.json".to_owned(), json!(manifest).to_string().into_bytes());
    tar_of(&files.into_iter().collect::<Vec<_>>())
}

/// A tar of regular files, equal bytes for equal files.
fn tar_of(files: &[(String, Vec<u8>)]) -> Bytes {
    let mut out = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1_625_788_800);
        // Writing to memory cannot fail; a path that a tar cannot hold is left out.
        drop(out.append_data(&mut header, path.trim_start_matches('/'), content.as_slice()));
    }
    out.into_inner().map(Bytes::from).unwrap_or_default()
}
