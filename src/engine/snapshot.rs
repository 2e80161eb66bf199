//! What is on an engine: images, containers and build-cache records.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::client::{QUICK, Request, SLOW};
use super::docker::DockerEngine;
use super::{EngineError, Snapshot, labels, networks};

/// An image of the list, intermediate ones too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListedImage {
    pub(super) id: String,
    pub(super) parent_id: String,
    pub(super) repo_tags: Option<Vec<String>>,
    pub(super) labels: Option<BTreeMap<String, String>>,
    /// Seconds since the epoch.
    pub(super) created: i64,
}

/// A container of the list, running or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListedContainer {
    pub(super) id: String,
    #[serde(rename = "ImageID")]
    pub(super) image_id: String,
    /// Words joined by spaces, those with spaces in single quotes.
    pub(super) command: String,
    /// Seconds since the epoch.
    pub(super) created: i64,
    pub(super) labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Usage {
    build_cache: Option<Vec<ListedRecord>>,
}

/// A record of the build cache.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListedRecord {
    #[serde(rename = "ID")]
    pub(super) id: String,
    pub(super) description: String,
    /// UTC, RFC 3339.
    pub(super) created_at: String,
    pub(super) size: i64,
    /// Up to API 1.41.
    parent: String,
    /// From API 1.42 on.
    parents: Option<Vec<String>>,
}

impl ListedRecord {
    pub(super) fn parents(&self) -> impl Iterator<Item = &str> {
        let one = Some(self.parent.as_str()).filter(|parent| !parent.is_empty());
        one.into_iter().chain(self.parents.iter().flatten().map(String::as_str))
    }
}

impl ListedImage {
    pub(super) fn tags(&self) -> impl Iterator<Item = &String> {
        self.repo_tags.iter().flatten().filter(|tag| !tag.starts_with("<none>"))
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.as_ref()?.get(name).map(String::as_str)
    }
}

/// All images.
pub(super) async fn images(engine: &DockerEngine) -> Result<Vec<ListedImage>, EngineError> {
    let mut found: Vec<ListedImage> =
        engine.client().json(Request::get("/images/json?all=1", "list images"), SLOW).await?;
    for image in &mut found {
        // Podman leaves the algorithm out.
        for id in [&mut image.id, &mut image.parent_id] {
            if !id.is_empty() && !id.contains(':') {
                id.insert_str(0, "sha256:");
            }
        }
    }
    Ok(found)
}

/// All containers.
pub(super) async fn containers(engine: &DockerEngine) -> Result<Vec<ListedContainer>, EngineError> {
    engine.client().json(Request::get("/containers/json?all=1", "list containers"), QUICK).await
}

/// All records of the build cache. Where the API can, the expensive rest of `/system/df` is left out.
pub(super) async fn cache(engine: &DockerEngine) -> Result<Vec<ListedRecord>, EngineError> {
    if !engine.has_build_cache() {
        return Ok(Vec::new());
    }
    let path = if engine.api() >= (1, 42) { "/system/df?type=build-cache" } else { "/system/df" };
    let usage: Usage = engine.client().json(Request::get(path, "list the build cache"), SLOW).await?;
    Ok(usage.build_cache.unwrap_or_default())
}

/// Everything that a run could add to.
pub(super) async fn take(engine: &DockerEngine) -> Result<Snapshot, EngineError> {
    let mut snapshot = Snapshot::default();
    for image in images(engine).await? {
        snapshot.tags.extend(image.tags().map(|tag| (tag.clone(), image.id.clone())));
        snapshot.images.insert(image.id);
    }
    snapshot.containers.extend(containers(engine).await?.into_iter().map(|container| container.id));
    snapshot.cache.extend(cache(engine).await?.into_iter().map(|record| record.id));
    Ok(snapshot)
}

/// Values of the run label on images, containers and networks, each once.
pub(super) async fn labelled_runs(engine: &DockerEngine) -> Result<Vec<String>, EngineError> {
    let label = |found: Option<BTreeMap<String, String>>| found?.remove(labels::RUN);
    let mut runs: Vec<String> = images(engine).await?.into_iter().filter_map(|image| label(image.labels)).collect();
    runs.extend(containers(engine).await?.into_iter().filter_map(|container| label(container.labels)));
    runs.extend(networks::runs(engine.client()).await?);
    runs.sort();
    runs.dedup();
    Ok(runs)
}
