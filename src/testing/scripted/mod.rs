//! An engine in memory, for tests of the code that measures.
//!
//! In: a [`Script`]: what it calls itself, which bases it has, what goes wrong. Out: an [`Engine`] that keeps a
//! layer cache over the instructions of the Dockerfiles it is given, as the classic builder does: an instruction
//! hits where its parent, its text and the content of the files it copies are those of an earlier build. Ids are
//! real digests, archives are real archives, times come from a seed and pass for nobody: no test waits for them.

mod archive;
mod cache;
mod dockerfile;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream;

use crate::engine::{
    BuildEvent, BuildFailure, BuildOutput, BuildRequest, ByteStream, CleanReport, ContainerSpec, ContainerState,
    Engine, EngineError, ImageBuilder, ImageHost, ImageInfo, Listens, Obstacle, Ownership, PullProgress, Removal,
    Snapshot, Used, labels,
};
use crate::record::{self, Builder, ImageStore, RunningContainer};
use crate::units;
use archive::ScriptImage;
use cache::Cache;

/// What a [`ScriptedEngine`] is and does.
#[derive(Debug, Clone)]
pub struct Script {
    /// What it says of itself.
    pub facts: record::EngineFacts,
    /// Seed of the times it tells.
    pub seed: u64,
    /// Base images on it: reference → files of its one layer, by path and size.
    pub bases: BTreeMap<String, Vec<(String, u64)>>,
    /// Base images that its registry has.
    pub registry: BTreeMap<String, Vec<(String, u64)>>,
    /// What goes wrong.
    pub troubles: Vec<Trouble>,
    /// What every container does.
    pub container: ContainerState,
    /// What every container says of the port that it is asked about.
    pub listens: Option<Listens>,
    /// What every container writes.
    pub log: Vec<String>,
    /// Containers of others.
    pub running: Vec<RunningContainer>,
    /// Whether it has stopped answering.
    pub frozen: bool,
    /// Why it cannot list its build cache, where it cannot.
    pub cache_unlisted: Option<String>,
    /// What its clean-up leaves in place, and why.
    pub left: Vec<String>,
}

/// Something that goes wrong in a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// In builds of Dockerfiles whose path in the context contains this.
    pub dockerfile: String,
    /// From this build of such a Dockerfile on, counted from 0.
    pub from: u32,
    /// What happens.
    pub kind: TroubleKind,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TroubleKind {
    /// The first instruction that contains `instruction` fails, unless it comes from cache.
    Fails {
        /// A part of the instruction; empty for a failure before any.
        instruction: String,
        /// The builder's words.
        message: String,
    },
    /// The engine goes away at this instruction, counted from 0, and stays away.
    Lost(usize),
    /// The build never ends: its deadline does.
    Hangs,
    /// No instruction ever comes from cache.
    ForgetsCache,
    /// The base is fetched inside the build.
    Pulls,
    /// So many builds fail when their image is unpacked, with everything in the cache.
    LosesLayers(u32),
}

impl Default for Script {
    /// A quiet Docker with BuildKit and the three bases of the suites.
    fn default() -> Self {
        let base = |size| vec![("bin/sh".to_owned(), 1_000), ("usr/lib/python".to_owned(), size)];
        let bases = [("python:3.9", 800_000), ("python:3.9-slim", 100_000), ("python:3.9-alpine", 40_000)];
        Self {
            facts: record::EngineFacts {
                name: "docker".into(),
                version: "28.0.0".into(),
                api_version: "1.48".into(),
                storage_driver: "overlay2".into(),
                layer_step_ns: units::Nanos::ZERO,
                image_store: ImageStore::Graphdriver,
                builder: Builder::Buildkit,
                os: "linux".into(),
                arch: "amd64".into(),
                kernel: "6.1.0".into(),
                cpus: 2,
                memory_bytes: units::Bytes(8 << 30),
                root_dir: "/var/lib/docker".into(),
            },
            seed: 1,
            bases: bases.into_iter().map(|(name, size)| (name.to_owned(), base(size))).collect(),
            registry: BTreeMap::new(),
            troubles: Vec::new(),
            container: ContainerState {
                running: true,
                address: Some("127.0.0.1:9".into()),
                ..ContainerState::default()
            },
            listens: None,
            log: vec!["listening".into()],
            running: Vec::new(),
            frozen: false,
            cache_unlisted: None,
            left: Vec::new(),
        }
    }
}

/// An engine in memory.
#[derive(Debug)]
pub struct ScriptedEngine {
    script: Script,
    gone: Cell<bool>,
    /// Requests so far, since the last [`ScriptedEngine::fail`].
    requests: Cell<u64>,
    fault: Cell<Option<(u64, Fault)>>,
    state: RefCell<ScriptState>,
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The engine answers with an error of its own.
    Refused,
    /// The engine is gone from then on.
    Lost,
}

#[derive(Debug, Default)]
struct ScriptState {
    images: BTreeMap<String, ScriptImage>,
    tags: BTreeMap<String, String>,
    containers: BTreeMap<String, ContainerSpec>,
    cache: Cache,
    /// Builds so far, by the path of the Dockerfile.
    builds: BTreeMap<String, u32>,
    made: u64,
}

impl ScriptedEngine {
    /// An engine that follows a script.
    pub fn new(script: Script) -> Self {
        let engine = Self {
            script,
            gone: Cell::new(false),
            requests: Cell::new(0),
            fault: Cell::new(None),
            state: RefCell::default(),
        };
        for (reference, files) in &engine.script.bases {
            engine.state.borrow_mut().add_base(reference, files);
        }
        engine
    }

    /// Brings a lost engine back, with all that was on it.
    pub fn revive(&self) {
        self.gone.set(false);
    }

    /// Lets the request with this number fail, counted from 0 from now on; `None` lets all succeed.
    pub fn fail(&self, fault: Option<(u64, Fault)>) {
        self.requests.set(0);
        self.fault.set(fault);
    }

    /// How many requests there were since [`Self::fail`].
    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Number of builds so far, failed ones too.
    pub fn builds(&self) -> u32 {
        self.state.borrow().builds.values().sum()
    }

    /// Tags an image: `repository:tag`.
    pub fn tag(&self, image: &str, reference: &str) -> Result<(), EngineError> {
        self.here()?;
        let mut state = self.state.borrow_mut();
        let id = state.find(image).map(|image| image.id.clone()).ok_or_else(|| EngineError::Refused {
            action: format!("tag the image `{image}` as `{reference}`"),
            status: 404,
            message: "no such image".to_owned(),
        })?;
        state.tags.insert(named(reference), id);
        Ok(())
    }

    fn here(&self) -> Result<(), EngineError> {
        let number = self.requests.replace(self.requests.get() + 1);
        match self.fault.get() {
            Some((due, Fault::Refused)) if due == number => {
                return Err(EngineError::Refused {
                    action: "do what was asked".to_owned(),
                    status: 500,
                    message: "the script refuses this request".to_owned(),
                });
            }
            Some((due, Fault::Lost)) if due == number => self.gone.set(true),
            _ => {}
        }
        if self.gone.get() {
            return Err(EngineError::Unreachable {
                endpoint: self.endpoint().to_owned(),
                reason: "the script took it away".to_owned(),
                obstacle: Obstacle::NotListening,
            });
        }
        Ok(())
    }

    /// What goes wrong in the next build of a Dockerfile, which is counted.
    fn troubles(&self, dockerfile: &str) -> Vec<TroubleKind> {
        let mut state = self.state.borrow_mut();
        let count = state.builds.entry(dockerfile.to_owned()).or_default();
        let number = *count;
        *count += 1;
        let troubles = self.script.troubles.iter();
        let due = troubles.filter(|trouble| {
            let is_over =
                matches!(trouble.kind, TroubleKind::LosesLayers(times) if number.saturating_sub(trouble.from) >= times);
            dockerfile.contains(&trouble.dockerfile) && number >= trouble.from && !is_over
        });
        due.map(|trouble| trouble.kind.clone()).collect()
    }
}

impl ScriptState {
    fn add_base(&mut self, reference: &str, files: &[(String, u64)]) {
        let image = ScriptImage::base(reference, files);
        self.tags.insert(named(reference), image.id.clone());
        self.images.insert(image.id.clone(), image);
    }

    fn find(&self, reference: &str) -> Option<&ScriptImage> {
        self.images.get(self.tags.get(&named(reference)).map_or(reference, String::as_str))
    }

    fn fresh(&mut self) -> u64 {
        self.made += 1;
        self.made
    }
}

/// A reference with the tag that it leaves out.
fn named(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    if last.contains([':', '@']) { reference.to_owned() } else { format!("{reference}:latest") }
}

impl Engine for ScriptedEngine {
    fn facts(&self) -> &record::EngineFacts {
        &self.script.facts
    }

    fn is_local(&self) -> bool {
        false
    }

    fn endpoint(&self) -> &'static str {
        "scripted://engine"
    }

    async fn answers(&self, _within: Duration) -> bool {
        !self.script.frozen
    }
}

impl ImageBuilder for ScriptedEngine {
    async fn build(
        &self,
        request: &BuildRequest,
        observe: &mut dyn FnMut(BuildEvent),
    ) -> Result<Result<BuildOutput, BuildFailure>, EngineError> {
        self.here()?;
        let troubles = self.troubles(&request.dockerfile);
        if troubles.contains(&TroubleKind::Hangs) {
            tokio::time::sleep(request.deadline).await;
            let message = format!("no end within {} s", request.deadline.as_secs());
            let wall_ns = request.deadline.into();
            let (instruction, log, intermediate) = (String::new(), Vec::new(), Vec::new());
            return Ok(Err(BuildFailure { message, instruction, log, wall_ns, intermediate }));
        }
        let built = cache::build(&self.script, &mut self.state.borrow_mut(), request, &troubles, observe);
        self.gone.set(built.is_err());
        if troubles.iter().any(|trouble| matches!(trouble, TroubleKind::LosesLayers(_))) {
            let message = "failed to prepare extraction snapshot \"extract-1\": parent snapshot sha256:57bb does not exist: \
                           not found";
            let (message, instruction, log) = (message.to_owned(), String::new(), Vec::new());
            let wall_ns = built?.map_or_else(|failure| failure.wall_ns, |output| output.wall_ns);
            return Ok(Err(BuildFailure { message, instruction, log, wall_ns, intermediate: Vec::new() }));
        }
        built
    }

    async fn snapshot(&self) -> Result<Snapshot, EngineError> {
        self.here()?;
        let state = self.state.borrow();
        Ok(Snapshot {
            images: state.images.keys().cloned().collect(),
            tags: state.tags.clone(),
            containers: state.containers.keys().cloned().collect(),
            cache: if self.script.cache_unlisted.is_some() { BTreeSet::new() } else { state.cache.ids() },
            cache_unlisted: self.script.cache_unlisted.clone(),
        })
    }

    async fn marked_runs(&self) -> Result<Vec<String>, EngineError> {
        self.here()?;
        let state = self.state.borrow();
        let of_image = |(tag, id): (&String, &String)| {
            let run = state.images.get(id)?.labels.get(labels::RUN)?;
            labels::is_own_name(run, tag).then(|| run.clone())
        };
        let mut runs: Vec<String> = state.tags.iter().filter_map(of_image).collect();
        // Nobody else starts containers here.
        runs.extend(state.containers.values().filter_map(|container| container.labels.get(labels::RUN).cloned()));
        runs.sort();
        runs.dedup();
        Ok(runs)
    }

    async fn clean(&self, ownership: &Ownership, removal: Removal) -> Result<CleanReport, EngineError> {
        self.here()?;
        let mut state = self.state.borrow_mut();
        let count = |before: usize, after: usize| (before - after) as u64;
        let (containers, images, cache) = (state.containers.len(), state.images.len(), state.cache.ids().len());
        if removal == Removal::List {
            return Ok(CleanReport::default());
        }
        state.containers.retain(|_, spec| spec.labels.get(labels::RUN) != Some(&ownership.run));
        let before = ownership.before.clone().unwrap_or_default();
        let ScriptState { images: all, tags, cache: records, .. } = &mut *state;
        let own = |tag: &str| labels::is_own_name(&ownership.run, tag) || ownership.tags.contains(tag);
        all.retain(|id, _| {
            let named: Vec<&String> = tags.iter().filter(|(_, named)| *named == id).map(|(tag, _)| tag).collect();
            let ours = if named.is_empty() { ownership.images.contains(id) } else { named.iter().all(|tag| own(tag)) };
            before.images.contains(id) || !ours
        });
        tags.retain(|tag, id| all.contains_key(id) && (before.tags.contains_key(tag) || !own(tag)));
        let unknown = ownership.before.is_none() || before.cache_unlisted.is_some();
        records.retain(|id| unknown || before.cache.contains(id));
        Ok(CleanReport {
            objects: Vec::new(),
            used: 0,
            containers: count(containers, state.containers.len()),
            networks: 0,
            images: count(images, state.images.len()),
            cache_records: count(cache, state.cache.ids().len()),
            left: self.script.left.clone(),
            cache_unlisted: None,
        })
    }
}

impl ImageHost for ScriptedEngine {
    async fn image(&self, reference: &str) -> Result<Option<ImageInfo>, EngineError> {
        self.here()?;
        let state = self.state.borrow();
        let tags = |id: &str| state.tags.iter().filter(|(_, own)| *own == id).map(|(tag, _)| tag.clone()).collect();
        Ok(state.find(reference).map(|image| ImageInfo { tags: tags(&image.id), ..image.info() }))
    }

    async fn pull(
        &self,
        reference: &str,
        _platform: Option<&str>,
        _deadline: Duration,
        progress: &mut dyn FnMut(PullProgress),
    ) -> Result<(), EngineError> {
        self.here()?;
        let action = format!("pull the image `{reference}`");
        let found = self.script.registry.get(reference);
        let files =
            found.ok_or(EngineError::Refused { action, status: 404, message: "manifest unknown".to_owned() })?;
        progress(PullProgress {
            what: reference.to_owned(),
            status: "Pull complete".into(),
            ..PullProgress::default()
        });
        self.state.borrow_mut().add_base(reference, files);
        Ok(())
    }

    fn export(&self, references: &[String]) -> ByteStream {
        let archive = self.here().and_then(|()| {
            let state = self.state.borrow();
            let missing = |name: &String| EngineError::Refused {
                action: "export images".to_owned(),
                status: 404,
                message: format!("no such image: {name}"),
            };
            let images: Result<Vec<_>, _> = references
                .iter()
                .map(|name| Ok((name.clone(), state.find(name).ok_or_else(|| missing(name))?)))
                .collect();
            Ok(archive::write(&images?))
        });
        Box::pin(stream::iter(match archive {
            // In pieces, as an engine sends it.
            Ok(bytes) => {
                (0..bytes.len()).step_by(4096).map(|at| Ok(bytes.slice(at..bytes.len().min(at + 4096)))).collect()
            }
            Err(error) => vec![Err(error)],
        }))
    }

    async fn start(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        self.here()?;
        let mut state = self.state.borrow_mut();
        if state.find(&spec.image).is_none() {
            let action = format!("create a container of `{}`", spec.image);
            return Err(EngineError::Refused { action, status: 404, message: "no such image".to_owned() });
        }
        let id = format!("{:064x}", state.fresh());
        state.containers.insert(id.clone(), spec.clone());
        Ok(id)
    }

    async fn make_network(&self, run: &str) -> Result<String, EngineError> {
        self.here()?;
        Ok(format!("tonnage-{run}"))
    }

    async fn remove_network(&self, _name: &str) -> Result<(), EngineError> {
        self.here()
    }

    async fn container(&self, id: &str) -> Result<ContainerState, EngineError> {
        self.here()?;
        let missing = || EngineError::Refused {
            action: format!("look at the container `{id}`"),
            status: 404,
            message: "no such container".to_owned(),
        };
        self.state.borrow().containers.get(id).map(|_| self.script.container.clone()).ok_or_else(missing)
    }

    async fn listens(&self, id: &str, _port: u16) -> Result<Option<Listens>, EngineError> {
        self.container(id).await?;
        Ok(self.script.listens)
    }

    async fn used(&self, id: &str) -> Result<Used, EngineError> {
        let running = self.container(id).await?.running;
        let (memory, cpu) = (units::Bytes(17_500_000), units::Nanos(240_000_000));
        Ok(Used { memory: running.then_some(memory), cpu: running.then_some(cpu) })
    }

    async fn logs(&self, id: &str, lines: usize) -> Result<Vec<String>, EngineError> {
        self.container(id).await?;
        let log = &self.script.log;
        Ok(log[log.len().saturating_sub(lines)..].to_vec())
    }

    async fn remove_container(&self, id: &str) -> Result<(), EngineError> {
        self.here()?;
        self.state.borrow_mut().containers.remove(id);
        Ok(())
    }

    async fn running(&self) -> Result<Vec<RunningContainer>, EngineError> {
        self.here()?;
        Ok(self.script.running.clone())
    }
}

#[cfg(test)]
mod tests;
