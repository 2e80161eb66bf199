//! What there is to work with: the engine, its builders, the base images, the disk, the noise.
//!
//! In: where to look and which base images are wanted. Out: a [`Probe`] of plain facts; `tonnage doctor` puts
//! them into words. Nothing is changed and nothing is pulled.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::auth;
use super::client::{QUICK, Request, SLOW, segment};
use super::docker::{ConnectOptions, DockerEngine, Tried, find};
use super::endpoint::Surroundings;
use super::{Engine, EngineError, ImageHost as _, labels};
use crate::error::Diagnose as _;
use crate::machine;
use crate::record::{self, Builder, RunningContainer};
use crate::units::Bytes;

/// Time for a registry to say whether it has an image.
const REGISTRY: Duration = Duration::from_secs(20);

/// What there is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Probe {
    /// Every place that was tried.
    pub tried: Vec<Tried>,
    /// The engine, or why there is none.
    pub engine: Result<ProbedEngine, EngineError>,
    /// The base images that are needed.
    pub bases: Vec<WantedBase>,
    /// What is not known about the base images that are needed, one sentence each.
    pub unread: Vec<String>,
    /// Load average of the last minute on this machine; `None` where it cannot be read.
    pub load: Option<f64>,
    /// Processors of this machine.
    pub cores: u64,
}

/// An engine that answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProbedEngine {
    /// Where.
    pub endpoint: String,
    /// What it is.
    pub facts: record::EngineFacts,
    /// Whether it runs on this machine.
    pub local: bool,
    /// Its builders that work.
    pub builders: Vec<Builder>,
    /// Free space where the engine keeps its data; `None` on another machine.
    pub disk_free_bytes: Option<Bytes>,
    /// What images and build cache take, or why the engine cannot say.
    pub disk_used_bytes: Result<Bytes, EngineError>,
    /// Containers that run now.
    pub running: Vec<RunningContainer>,
}

/// A base image that is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct WantedBase {
    /// Its reference.
    pub reference: String,
    /// Whether it is there.
    pub state: BasePresence,
    /// What it stands in for, as its label says; empty for an image that is not a stand-in.
    pub stand_in_for: String,
    /// Why it is not, in the engine's words; empty where it is.
    pub detail: String,
    /// What to do about that, where it is known better than from `state`.
    #[serde(skip)]
    pub hint: Option<String>,
}

/// What is needed on an engine.
#[derive(Debug, Clone, Default)]
pub(crate) struct Needed {
    /// References of base images.
    pub bases: Vec<String>,
    /// What is not known about them, one sentence each.
    pub unread: Vec<String>,
}

/// Whether a base image is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BasePresence {
    /// On the engine.
    Present,
    /// Not on the engine, but its registry has it.
    Pullable,
    /// Neither.
    #[default]
    Missing,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct DiskUsage {
    layers_size: i64,
    build_cache: Option<Vec<UsedRecord>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct UsedRecord {
    size: i64,
    shared: bool,
}

/// Looks at everything. An engine that cannot be asked one thing is still asked the others. Which base images are
/// `wanted` may depend on the engine, if there is one.
pub(crate) async fn probe(
    options: &ConnectOptions,
    around: &Surroundings,
    wanted: impl FnOnce(Option<&record::EngineFacts>) -> Needed,
) -> Probe {
    let (engine, tried) = find(options, around).await;
    let load = machine::load_average();
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let mut states = Vec::new();
    let wanted = wanted(engine.as_ref().ok().map(Engine::facts));
    let engine = match engine {
        Err(error) => Err(error),
        Ok(engine) => {
            for reference in &wanted.bases {
                states.push(base(&engine, reference).await);
            }
            Ok(look(&engine).await)
        }
    };
    Probe { tried, engine, bases: states, unread: wanted.unread, load, cores }
}

async fn look(engine: &DockerEngine) -> ProbedEngine {
    let facts = engine.facts().clone();
    let request = Request::get("/system/df", "say what it stores");
    let usage = engine.client().json_when_idle::<DiskUsage>(request, SLOW).await;
    ProbedEngine {
        endpoint: engine.endpoint().to_owned(),
        local: engine.is_local(),
        builders: engine.builders(),
        disk_free_bytes: if engine.is_local() { machine::disk_free(Path::new(&facts.root_dir)) } else { None },
        disk_used_bytes: usage.map(|usage| usage.total()),
        running: engine.running().await.unwrap_or_default(),
        facts,
    }
}

impl DiskUsage {
    /// Layers, and the build-cache records that are not layers.
    fn total(&self) -> Bytes {
        let cache = self.build_cache.iter().flatten().filter(|record| !record.shared).map(|record| record.size.max(0));
        Bytes(u64::try_from(self.layers_size.max(0).saturating_add(cache.sum::<i64>())).unwrap_or_default())
    }
}

/// Whether a base image is on the engine, else whether its registry has it.
async fn base(engine: &DockerEngine, reference: &str) -> WantedBase {
    let mut found = WantedBase { reference: reference.to_owned(), ..WantedBase::default() };
    match engine.image(reference).await {
        Ok(Some(image)) => {
            found.state = BasePresence::Present;
            found.stand_in_for = image.labels.get(labels::STAND_IN).cloned().unwrap_or_default();
        }
        Err(error) => found.detail = error.to_string(),
        Ok(None) => {
            let path = format!("/distribution/{}/json", segment(reference));
            let (header, untold) = auth::for_image(engine.credentials(), reference).await;
            let request = Request::get(path, format!("ask the registry for `{reference}`")).credentials(header);
            match engine.client().bytes(request, REGISTRY.min(QUICK)).await {
                Ok(_) => found.state = BasePresence::Pullable,
                Err(error) => {
                    let error = auth::refusal(error, reference, untold.as_ref());
                    found.hint = error.hint().filter(|_| matches!(error, EngineError::Denied { .. }));
                    found.detail = error.to_string();
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_counts_layers_once() {
        let usage: DiskUsage = serde_json::from_str(
            r#"{"LayersSize":100,"BuildCache":[{"Size":7,"Shared":true},{"Size":5,"Shared":false},{"Size":-1}]}"#,
        )
        .unwrap();
        assert_eq!(usage.total(), Bytes(105));
        let usage: DiskUsage = serde_json::from_str(r#"{"LayersSize":-1,"BuildCache":null}"#).unwrap();
        assert_eq!(usage.total(), Bytes(0));
    }
}
