//! What is on an engine: images, containers and build-cache records.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::client::{QUICK, Request, SLOW};
use super::docker::DockerEngine;
use super::{EngineError, Snapshot};

/// An image of the list, intermediate ones too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListedImage {
    #[serde(deserialize_with = "with_algorithm")]
    pub(super) id: String,
    #[serde(deserialize_with = "with_algorithm")]
    pub(super) parent_id: String,
    pub(super) repo_tags: Option<Vec<String>>,
    pub(super) repo_digests: Option<Vec<String>>,
    pub(super) labels: Option<BTreeMap<String, String>>,
    /// Seconds since the epoch.
    pub(super) created: i64,
}

/// A container of the list, running or not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListedContainer {
    pub(super) id: String,
    #[serde(rename = "ImageID", deserialize_with = "with_algorithm")]
    pub(super) image_id: String,
    pub(super) image: String,
    pub(super) names: Option<Vec<String>>,
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
    /// As `created_at`; none where nothing but the build that made it has used it, on some versions.
    pub(super) last_used_at: Option<String>,
    pub(super) size: i64,
    /// Up to API 1.41.
    pub(super) parent: String,
    /// From API 1.42 on.
    pub(super) parents: Option<Vec<String>>,
}

/// The id of an image with its algorithm, which Podman leaves out.
fn with_algorithm<'de, D: Deserializer<'de>>(id: D) -> Result<String, D::Error> {
    let id = String::deserialize(id)?;
    Ok(if id.is_empty() || id.contains(':') { id } else { format!("sha256:{id}") })
}

impl ListedRecord {
    pub(super) fn parents(&self) -> impl Iterator<Item = &str> {
        let one = Some(self.parent.as_str()).filter(|parent| !parent.is_empty());
        one.into_iter().chain(self.parents.iter().flatten().map(String::as_str))
    }
}

impl ListedContainer {
    pub(super) fn name(&self) -> Option<&str> {
        self.names.iter().flatten().next().map(|name| name.trim_start_matches('/'))
    }
}

impl ListedImage {
    /// Its references; those by digest only if there is no other, as after a pull by digest.
    pub(super) fn tags(&self) -> impl Iterator<Item = &String> {
        let is_name = |name: &&String| !name.starts_with("<none>");
        let has_tags = self.repo_tags.iter().flatten().any(|tag| is_name(&tag));
        let references = if has_tags { &self.repo_tags } else { &self.repo_digests };
        references.iter().flatten().filter(is_name)
    }

    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.as_ref()?.get(name).map(String::as_str)
    }
}

/// All images.
pub(super) async fn images(engine: &DockerEngine) -> Result<Vec<ListedImage>, EngineError> {
    engine.client().json(Request::get("/images/json?all=1", "list images"), SLOW).await
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
    let usage: Usage = engine.client().json_when_idle(Request::get(path, "list the build cache"), SLOW).await?;
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
    // An engine that crashed may never list its build cache again (moby/buildkit#3599). It builds all the same.
    match cache(engine).await {
        Ok(records) => snapshot.cache.extend(records.into_iter().map(|record| record.id)),
        Err(error) if error.is_lost() => return Err(error),
        Err(error) => snapshot.cache_unlisted = Some(error.to_string()),
    }
    Ok(snapshot)
}
