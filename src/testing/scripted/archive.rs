//! Images of the scripted engine, and the docker archives they export to.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::json;
use tonnage_image::testing::archives;

use super::dockerfile::plain_digest;
use crate::engine::ImageInfo;

/// Time stamp in configs: the same in every run.
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
pub(super) struct ScriptImage {
    pub(super) id: String,
    pub(super) layers: Vec<Layer>,
    pub(super) labels: BTreeMap<String, String>,
    config: Bytes,
}

impl Layer {
    /// A layer of these files.
    pub(super) fn new(instruction: &str, files: &[(String, Vec<u8>)]) -> Self {
        let files: Vec<_> = files.iter().map(|(path, content)| (path.trim_start_matches('/'), content)).collect();
        let tar = Bytes::from(archives::archive(&files));
        Self { diff_id: plain_digest(&tar), tar, instruction: instruction.to_owned() }
    }
}

impl ScriptImage {
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

/// A docker archive of these images, by reference.
pub(super) fn write(images: &[(String, &ScriptImage)]) -> Bytes {
    let images: Vec<archives::Image> = images
        .iter()
        .map(|(reference, image)| archives::Image {
            tag: (!reference.starts_with("sha256:")).then(|| super::named(reference)),
            config: image.config.to_vec(),
            layers: image.layers.iter().map(|layer| layer.tar.to_vec()).collect(),
        })
        .collect();
    archives::docker(&images).into()
}
