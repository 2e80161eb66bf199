//! Where a run was measured: the engine, the host and the noise on it.

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, Nanos};

/// Engine, host and noise of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Environment {
    /// The container engine.
    pub engine: EngineFacts,
    /// The machine tonnage ran on.
    pub host: Host,
    /// Whether timings can be trusted.
    #[serde(default)]
    pub noise: Option<Noise>,
    /// Containers of others that ran when the run began.
    #[serde(default)]
    pub running_containers: Vec<RunningContainer>,
}

impl Environment {
    /// What of machine and engine decides about build times: machines of which it is the same are of one class. Of an
    /// engine elsewhere this machine knows less.
    pub(crate) fn fingerprint(&self) -> String {
        let (engine, host) = (&self.engine, &self.host);
        let (cpu, cpus, memory) = if host.engine_is_local {
            (host.cpu_model.as_str(), host.cores, host.memory_bytes)
        } else {
            (engine.arch.as_str(), engine.cpus, engine.memory_bytes)
        };
        format!(
            "{cpu}, {}, {memory}, {} {} ({}, {})",
            crate::units::count(cpus as usize, "CPU"),
            engine.name,
            engine.version,
            engine.storage_driver,
            engine.builder
        )
    }
}

/// The container engine, as it says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EngineFacts {
    /// `docker` or `podman`.
    pub name: String,
    /// Version of the engine.
    pub version: String,
    /// Version of the API that was spoken.
    pub api_version: String,
    /// `overlay2`, `overlayfs`, `fuse-overlayfs`, `vfs` and so on.
    pub storage_driver: String,
    /// How images are stored, which decides what the engine calls their size.
    pub image_store: ImageStore,
    /// What built the images.
    pub builder: Builder,
    /// Operating system of the engine.
    pub os: String,
    /// Architecture of the engine in Go's words: `amd64`, `arm64`.
    pub arch: String,
    /// Kernel of the engine's host.
    #[serde(default)]
    pub kernel: String,
    /// Processors the engine sees.
    #[serde(default)]
    pub cpus: u64,
    /// Memory the engine sees.
    #[serde(default)]
    pub memory_bytes: Bytes,
    /// Where the engine keeps its data, on its own host.
    #[serde(default)]
    pub root_dir: String,
    /// The engine ends a layer at a multiple of this on its clock, so that a build which makes layers takes up to as
    /// much longer, depending on when it begins: a second where Docker's graph driver compares directories itself (moby,
    /// `NaiveDiffDriver.Diff` in daemon/graphdriver/fsdiff.go), else zero.
    #[serde(default)]
    pub layer_step_ns: Nanos,
}

/// How an engine stores images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum ImageStore {
    /// Docker's own graph drivers.
    Graphdriver,
    /// The containerd image store of Docker.
    Containerd,
    /// containers/storage of Podman.
    ContainersStorage,
    /// Not known: the builds were read from build records.
    #[default]
    Unknown,
}

/// What turns a Dockerfile into an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, strum::Display)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Builder {
    /// BuildKit inside Docker.
    #[default]
    Buildkit,
    /// Docker's classic builder.
    Classic,
    /// Buildah inside Podman.
    Buildah,
}

/// The machine tonnage ran on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Host {
    /// Model name of the processor; empty where unknown.
    pub cpu_model: String,
    /// Processors online.
    pub cores: u64,
    /// Physical memory.
    pub memory_bytes: Bytes,
    /// Kernel release.
    pub kernel: String,
    /// Load average of the last minute when the run began.
    pub load_before: f64,
    /// Load average of the last minute when the run ended.
    #[serde(default)]
    pub load_after: f64,
    /// Free space of the results directory's file system when the run began.
    pub disk_free_bytes: Bytes,
    /// Whether the engine runs on this machine (a local socket).
    pub engine_is_local: bool,
}

/// Whether timings can be trusted: one variant measured twice in each round must come out alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Noise {
    /// The variant that was measured twice.
    pub variant: String,
    /// Hodges–Lehmann ratio of the second to the first measurement.
    pub ratio: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end of its 95 % interval.
    pub high: f64,
    /// Pairs behind the interval.
    pub pairs: u32,
}

/// A container that was running when the run began, and is a source of noise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunningContainer {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
}
