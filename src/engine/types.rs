//! Plain types of the engine interface.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::Stream;
use serde::{Deserialize, Serialize};

use crate::error::Diagnose;
use crate::exit::Exit;
use crate::record::{Builder, Parts, ServeLimits, Step};
use crate::units::{self, Nanos};

/// Labels on everything that tonnage makes, and those it reads.
pub mod labels {
    /// Id of the run that made an image or a container. Containers and child images inherit it from an image, and a
    /// commit from a container: alone it proves nothing.
    pub const RUN: &str = "io.tonnage.run";
    /// Random number of a container, which is also in its name: the label can be inherited, the name cannot.
    pub const CONTAINER: &str = "io.tonnage.container";
    /// Repositories whose tags begin with the id of a run: only that run gives such names.
    pub const REPOSITORIES: [&str; 3] = ["tonnage-run", "tonnage-base", "tonnage-site"];

    /// Whether only this run gives such a name. Its id is random, so that nobody else comes upon it.
    pub fn is_own_name(run: &str, reference: &str) -> bool {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        let tag = name.split_once(':').filter(|(repository, _)| REPOSITORIES.contains(repository));
        let host = &reference[..reference.len() - name.len()];
        ["", "localhost/", "docker.io/", "docker.io/library/"].contains(&host)
            && tag
                .and_then(|(_, tag)| tag.strip_prefix(run))
                .is_some_and(|rest| !run.is_empty() && rest.starts_with('-'))
    }
    /// Reference that a stand-in base stands in for.
    pub const STAND_IN: &str = "io.tonnage.stand-in";
    /// How a stand-in was made.
    pub const STAND_IN_HOW: &str = "io.tonnage.stand-in.how";
}

/// A stream of bytes from the engine.
pub(crate) type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, EngineError>>>>;

/// An engine that could not be used as asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nothing answers at the endpoint.
    #[error("{} answers at `{endpoint}`: {reason}", obstacle.missing())]
    Unreachable {
        /// Where it was looked for.
        endpoint: String,
        /// What the operating system or the engine said.
        reason: String,
        /// What kind of obstacle that is.
        obstacle: Obstacle,
    },
    /// There is no socket at the endpoint.
    #[error("no container engine answers at `{endpoint}`: there is no such socket")]
    NoSocket {
        /// Where it was looked for.
        endpoint: String,
    },
    /// The endpoint may not be opened by this user.
    #[error("no permission to use the container engine at `{endpoint}`")]
    Forbidden {
        /// Where.
        endpoint: String,
    },
    /// The endpoint could not be understood.
    #[error("`{endpoint}` is not an engine address: {reason}")]
    BadEndpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The address of a builder could not be understood.
    #[error("`{address}` is not a builder: {reason}")]
    BadBuilder {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine went away in the middle.
    #[error("lost the connection to the engine while trying to {action}: {reason}")]
    Lost {
        /// What was being done.
        action: String,
        /// What was seen.
        reason: String,
    },
    /// The engine refused or failed.
    #[error("the engine failed to {action}: {message}")]
    Refused {
        /// What was asked.
        action: String,
        /// Status code of the answer; 0 where it came inside a stream.
        status: u16,
        /// Its own words, one line.
        message: String,
    },
    /// A registry does not let this user have it.
    #[error("the engine failed to {action}: {message}")]
    Denied {
        /// What was asked.
        action: String,
        /// Whose registry it is, `host[:port]`.
        registry: String,
        /// The engine's words, one line.
        message: String,
    },
    /// No end within the time allowed.
    #[error("the engine did not {action} within {seconds} s")]
    Deadline {
        /// What was asked.
        action: String,
        /// The time allowed.
        seconds: u64,
    },
    /// This engine cannot do it at all.
    #[error("this engine cannot {action}: {reason}")]
    Unsupported {
        /// What was asked.
        action: String,
        /// Why not.
        reason: String,
    },
}

/// What keeps an engine out of reach: each kind has its own remedy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// The host or socket is there, and nobody listens.
    NotListening,
    /// The name of the host is unknown.
    UnknownHost,
    /// There is no way to the host, or it does not answer.
    NoRoute,
    /// One side speaks TLS and the other does not, or a certificate is not accepted.
    Tls,
    /// Something answers that is not a container engine.
    NotAnEngine,
    /// ssh did not get there, or the engine's host has no Docker command line.
    Ssh,
    /// `BuildKit` does not answer, or what leads to it.
    BuildKit,
    /// Anything else.
    Other,
}

impl Obstacle {
    /// What is not there.
    fn missing(self) -> &'static str {
        if self == Self::BuildKit { "no BuildKit" } else { "no container engine" }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::NotListening => {
                "check the port, and that the engine runs and listens there (over TCP: 2375, with TLS 2376)"
            }
            Self::UnknownHost => "check the spelling of the host and the name server, or use the IP address",
            Self::NoRoute => "check the address, the network, and the firewall",
            Self::Tls => {
                "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH to the directory of `ca.pem`, `cert.pem`, and `key.pem` \
                 where the engine uses TLS; use `http://` where it does not"
            }
            Self::NotAnEngine => {
                "check the address: another program listens there, or the engine wants TLS (DOCKER_TLS_VERIFY=1)"
            }
            Self::Ssh => {
                "try `ssh HOST docker version`: it must work without a question (known host key, a key or an agent)"
            }
            Self::BuildKit => {
                "check that BuildKit runs there (`buildctl --addr ADDRESS debug workers`); over TCP with TLS it needs \
                 `--builder-certs`, and over ssh and in containers its `buildctl` is called"
            }
            Self::Other => "check the engine's address; `tonnage doctor` says what it finds",
        }
    }
}

impl EngineError {
    /// Whether the engine is gone, rather than unwilling.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::Unreachable { .. } | Self::NoSocket { .. })
    }
}

impl Diagnose for EngineError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoSocket { .. } => {
                "start the engine, or set DOCKER_HOST to its address; `tonnage doctor` says what it finds".into()
            }
            Self::Unreachable { obstacle, .. } => obstacle.hint().into(),
            Self::Forbidden { .. } => "run as root, or add your user to the `docker` group and log in again".into(),
            Self::BadEndpoint { .. } => {
                "use unix:///path/to.sock, tcp://host:port, host:port, or ssh://user@host".into()
            }
            Self::BadBuilder { .. } => {
                "use auto, buildkit, classic, buildx[:NAME], unix:///path/to.sock, tcp://host:port, \
                                        docker-container://NAME, kube-pod://POD?namespace=NAME, or ssh://user@host"
                    .into()
            }
            Self::Lost { .. } => "check the engine's log, then continue with `tonnage run --resume DIR`".into(),
            Self::Refused { message, .. } if message.contains("no space left") => {
                "free disk space on the engine (`docker system df` shows what uses it)".into()
            }
            Self::Refused { .. } => "`tonnage doctor` checks the engine".into(),
            Self::Denied { registry, .. } => format!(
                "check the image's name; if it is private, log in with `docker login {}`: credentials are read from \
                 ~/.docker/config.json and from Podman's auth.json",
                crate::text::for_people(registry)
            ),
            Self::Deadline { .. } => "check the network and the registry, or give more time".into(),
            Self::Unsupported { .. } => "`tonnage doctor` says what this engine can do".into(),
        })
    }

    fn exit(&self) -> Exit {
        Exit::NoEngine
    }
}

/// Whether something in a container listens at a port, by the container's own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listens {
    /// Nothing does.
    No,
    /// Only at the loopback address, which nobody outside of the container can reach.
    AtLoopback,
    /// Something does.
    Yes,
}

/// An image on the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageInfo {
    /// Id as the engine names it (config digest, or manifest digest on the containerd store).
    pub id: String,
    /// Its references `repository:tag`.
    pub tags: Vec<String>,
    /// Its registry digests `repository@sha256:…`.
    pub repo_digests: Vec<String>,
    /// What the engine calls its size.
    pub engine_size_bytes: u64,
    /// `os/arch[/variant]`.
    pub platform: String,
    /// Diff ids, lowest first.
    pub diff_ids: Vec<String>,
    /// Labels of its config.
    pub labels: BTreeMap<String, String>,
    /// User of its config; empty means root.
    pub user: String,
    /// Environment of its config, `NAME=value`.
    pub env: Vec<String>,
}

/// What a pull is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullProgress {
    /// The layer or phase.
    pub what: String,
    /// The engine's word for it.
    pub status: String,
    /// Bytes so far.
    pub current_bytes: u64,
    /// Bytes in all; 0 where unknown.
    pub total_bytes: u64,
}

/// Secrets by id, for `RUN --mount=type=secret,id=…`; shown by nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(pub BTreeMap<String, Vec<u8>>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// One build.
#[derive(Debug, Clone, Default)]
pub struct BuildRequest {
    /// The context as an uncompressed tar.
    pub context: Bytes,
    /// Path of the Dockerfile inside the context.
    pub dockerfile: String,
    /// References to give to the image.
    pub tags: Vec<String>,
    /// Labels to put into the image's config.
    pub labels: BTreeMap<String, String>,
    /// Build arguments.
    pub build_args: BTreeMap<String, String>,
    /// Secrets that `RUN --mount=type=secret` may ask for; BuildKit only.
    pub secrets: Secrets,
    /// Images that the Dockerfile names: the builder is given the credentials for their registries.
    pub images: Vec<String>,
    /// Stage to stop at; `None` for the last.
    pub target: Option<String>,
    /// `os/arch[/variant]`; `None` for the engine's own.
    pub platform: Option<String>,
    /// Network mode of RUN; `None` for the engine's default.
    pub network: Option<String>,
    /// Take nothing from cache.
    pub no_cache: bool,
    /// Which builder to use.
    pub builder: Builder,
    /// Limit on the whole build.
    pub deadline: std::time::Duration,
}

/// What a build is doing, for people who watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// An instruction began.
    Step {
        /// Its position, counted from 1.
        index: u32,
        /// How many there are; 0 where unknown.
        total: u32,
        /// The instruction.
        instruction: String,
    },
    /// An instruction came from cache.
    Cached {
        /// The instruction.
        instruction: String,
    },
    /// A line of its output, control sequences taken out.
    Log(String),
    /// The image is being written.
    Exporting,
    /// The builder made something that stays if the build is cut short.
    Made(Trace),
}

/// What a builder left behind, by the beginning of its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trace {
    /// An intermediate image.
    Image(String),
    /// The container of a RUN of the classic builder.
    Container(String),
}

/// A build that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildOutput {
    /// Id of the image.
    pub image_id: String,
    /// Wall time from the request to the end of the response, on a monotonic clock.
    pub wall_ns: Nanos,
    /// Instructions that have a cache entry or ran, in the Dockerfile's order; FROM, internal steps, context
    /// transfer and exporting are left out. Configuration instructions (CMD, ENV, LABEL) are there only where the
    /// builder reports them.
    pub steps: Vec<Step>,
    /// Instructions that the builder reported and did not do for this build: another client's build of the same did
    /// them at the same time. They are not in `steps`.
    pub elsewhere: Vec<String>,
    /// Where the time went.
    pub parts: Parts,
    /// Whether the builder fetched a base image inside the clock.
    pub pulled: bool,
    /// The end of the log, control sequences taken out (at most 50 lines).
    pub log: Vec<String>,
    /// Beginnings of the ids of the intermediate images that this build made and did not find in cache; belongs
    /// into [`Ownership::images`]. Empty for BuildKit, which makes none.
    pub intermediate: Vec<String>,
    /// What its RUN instructions downloaded.
    pub downloads: Downloads,
}

/// What the RUN instructions of a build received over the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Downloads {
    /// So many bytes, headers left out.
    Counted(units::Bytes),
    /// It cannot be told, and why.
    Unknown(String),
}

/// A build that failed: a fact about the variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildFailure {
    /// One line, the builder's own words.
    pub message: String,
    /// The instruction that failed; empty where unknown.
    pub instruction: String,
    /// The end of the log, control sequences taken out (at most 50 lines).
    pub log: Vec<String>,
    /// Wall time until the failure.
    pub wall_ns: Nanos,
    /// As [`BuildOutput::intermediate`].
    pub intermediate: Vec<String>,
}

impl BuildFailure {
    /// Whether the engine's image store lost a layer while the image was unpacked, as containerd's sometimes does
    /// (moby/buildkit#6521, containerd/containerd#10835): no fact about the variant, and the same build succeeds again.
    pub fn lost_a_layer(&self) -> bool {
        self.message.contains("failed to prepare extraction snapshot") && self.message.contains("does not exist")
    }
}

/// A container to start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerSpec {
    /// Image reference or id.
    pub image: String,
    /// Command instead of the image's own; empty keeps the image's.
    pub command: Vec<String>,
    /// Whether the command is the whole one, in place of the image's entrypoint.
    pub bare: bool,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Port that it listens on inside, to be reachable.
    pub port: u16,
    /// Publish the port on a free one of 127.0.0.1, because the container's address cannot be reached.
    pub publish: bool,
    /// Environment, `NAME=value`.
    pub env: Vec<String>,
    /// What it is held to.
    pub limits: ServeLimits,
    /// Platform; `None` for the engine's own.
    pub platform: Option<String>,
    /// Network; `None` for the engine's default.
    pub network: Option<String>,
}

/// What a container has used, as far as the engine tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Memory it holds, page cache left out where that is known.
    pub memory: Option<units::Bytes>,
    /// CPU time of all its processes since it was started.
    pub cpu: Option<Nanos>,
}

/// A container as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerState {
    /// Whether it runs.
    pub running: bool,
    /// Exit code where it does not.
    pub exit_code: Option<i64>,
    /// Whether the kernel killed it for memory.
    pub oom_killed: bool,
    /// `host:port` to ask, once known.
    pub address: Option<String>,
}

/// Everything on the engine that a run could add to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Image ids, intermediate ones too.
    pub images: BTreeSet<String>,
    /// `repository:tag` → image id.
    pub tags: BTreeMap<String, String>,
    /// Container ids.
    pub containers: BTreeSet<String>,
    /// Build-cache record ids.
    pub cache: BTreeSet<String>,
    /// Why the engine could not list its build cache; `None` where it did. Without the list no record can be told to be
    /// a run's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_unlisted: Option<String>,
}

/// What proves that something on the engine is a run's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    /// Id of the run: value of the label [`labels::RUN`].
    pub run: String,
    /// What was there before; `None` if there is no ledger that says so. An engine that was empty is not `None`.
    #[serde(default)]
    pub before: Option<Snapshot>,
    /// References that the run made.
    pub tags: BTreeSet<String>,
    /// Ids of images that the run's builds returned, and ids or their beginnings (11 digits or more) of the
    /// intermediate images that they made.
    pub images: BTreeSet<String>,
    /// Beginnings of the ids of containers that the classic builder made for the run's builds.
    #[serde(default)]
    pub containers: BTreeSet<String>,
    /// Instructions that the run's builds reported, to tell its cache records from others'.
    pub instructions: BTreeSet<String>,
    /// Spans in which the run was building: start and end in nanoseconds since the Unix epoch.
    pub windows: Vec<(u64, u64)>,
}

impl Ownership {
    /// Notes what a builder left behind.
    pub fn note(&mut self, trace: &Trace) {
        match trace {
            Trace::Image(id) => self.images.insert(id.clone()),
            Trace::Container(id) => self.containers.insert(id.clone()),
        };
    }

    /// The same with the traces of all that was built through a connection.
    pub(super) fn with_traces(&self, built: &Self) -> Self {
        let mut whole = self.clone();
        whole.images.extend(built.images.iter().cloned());
        whole.containers.extend(built.containers.iter().cloned());
        whole.instructions.extend(built.instructions.iter().cloned());
        whole.windows.extend(&built.windows);
        whole
    }
}

/// Whether a clean-up removes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Remove it.
    Remove,
    /// Only list what would be removed.
    List,
}

/// What a clean-up did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanReport {
    /// Containers removed.
    pub containers: u64,
    /// Images and references removed.
    pub images: u64,
    /// Networks removed.
    #[serde(default)]
    pub networks: u64,
    /// Build-cache records removed.
    pub cache_records: u64,
    /// What could be ours but could be someone else's, and was left: one line each.
    pub left: Vec<String>,
    /// Images of the run that another client uses: a later clean-up can remove them, as long as the ledger is there.
    #[serde(default)]
    pub used: u64,
    /// What was removed, or would be: one line each, build-cache records together.
    #[serde(default)]
    pub objects: Vec<String>,
    /// Why records of the build cache were not looked for although it is known which are ours; `None` where they were.
    /// A later clean-up finds them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_unlisted: Option<String>,
}

impl std::ops::AddAssign for CleanReport {
    fn add_assign(&mut self, other: Self) {
        self.containers += other.containers;
        self.images += other.images;
        self.networks += other.networks;
        self.cache_records += other.cache_records;
        self.used += other.used;
        self.left.extend(other.left);
        self.objects.extend(other.objects);
        self.cache_unlisted = other.cache_unlisted.or_else(|| self.cache_unlisted.take());
    }
}

impl CleanReport {
    /// Whether a later clean-up has nothing left to do that needs the ledger.
    pub fn is_whole(&self) -> bool {
        self.used == 0 && self.cache_unlisted.is_none()
    }
}
