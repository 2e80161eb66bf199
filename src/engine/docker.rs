//! The engine behind a Docker API: how it is found, and which one it is.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::client::{Client, QUICK, Request};
use super::endpoint::{Address, Candidate, Surroundings, candidates};
use super::{BuildRequest, EngineError, Ownership, downloads, failure};
use crate::credentials::{Places, Store};
use crate::record::{self, Builder, ImageStore};
use crate::units::{self, Nanos};

/// Time for the first answer of what listens at an endpoint.
const FIRST_CONTACT: Duration = Duration::from_secs(20);
/// Why an engine cannot build with BuildKit from an uploaded context.
const BROKEN_UPLOAD: &str = "Docker 26 to 27.4 with the containerd image store loses the uploaded context under \
                             BuildKit (moby#47717); update Docker, or use the classic builder";

/// How to reach an engine and what to build with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectOptions {
    /// Where; `None` to look in the environment, the Docker context and the usual places.
    pub host: Option<String>,
    /// The Docker context that names it, where no host does; `None` for the chosen one.
    pub context: Option<String>,
    /// The builder that is wanted.
    pub builder: BuilderChoice,
}

/// The builder that is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
pub enum BuilderChoice {
    /// BuildKit where the engine has a working one, classic otherwise.
    #[default]
    Auto,
    /// BuildKit or an error.
    Buildkit,
    /// Docker's classic builder or an error.
    Classic,
}

/// A place that was tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The place.
    pub candidate: Candidate,
    /// Why it is not the one; `None` for the engine that is used.
    pub error: Option<EngineError>,
}

/// Docker or Podman behind Docker's API.
#[derive(Debug, Clone)]
pub struct DockerEngine {
    client: Client,
    pub(super) facts: record::EngineFacts,
    pub(super) local: bool,
    /// The host that it runs on, where its address names another than this one.
    pub(super) host: Option<String>,
    /// Interface of its default bridge.
    bridge: Option<String>,
    /// What the engine's clock is ahead of ours, in nanoseconds.
    ahead: i128,
    /// Credentials of this user for registries.
    credentials: Arc<Store>,
    /// Traces of what this program built here, those of stopped builds too, which return nothing: for the clean-up.
    built: Rc<RefCell<Ownership>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct EngineVersion {
    #[serde(rename = "Version")]
    engine: String,
    #[serde(rename = "ApiVersion")]
    api: String,
    components: Option<Vec<Component>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Component {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Info {
    driver: String,
    driver_status: Option<Vec<Vec<String>>>,
    #[serde(rename = "OSType")]
    os_type: String,
    architecture: String,
    kernel_version: String,
    #[serde(rename = "NCPU")]
    cpus: i64,
    mem_total: i64,
    docker_root_dir: String,
    system_time: String,
}

/// Finds an engine, asks what it is, and settles on the builder. The API version is settled here, once, so that no
/// build pays for it.
pub async fn connect(options: &ConnectOptions) -> Result<DockerEngine, EngineError> {
    find(options, &Surroundings::from_env()).await.0
}

/// As [`connect`], in given surroundings; also tells every place that was tried.
pub async fn find(options: &ConnectOptions, around: &Surroundings) -> (Result<DockerEngine, EngineError>, Vec<Tried>) {
    let places = match candidates(options.host.as_deref(), options.context.as_deref(), around) {
        Ok(places) => places,
        Err(error) => return (Err(error), Vec::new()),
    };
    let mut tried = Vec::new();
    for candidate in places {
        let found = open(&candidate.address, options.builder, &around.registries).await;
        let error = found.as_ref().err().cloned();
        // An engine that answers but cannot do what is asked is the engine all the same.
        let nothing = |error: &EngineError| {
            use EngineError::{Forbidden, NoSocket, Unreachable};
            matches!(error, Unreachable { .. } | NoSocket { .. } | Forbidden { .. })
        };
        let settled = !error.as_ref().is_some_and(nothing);
        tried.push(Tried { candidate, error });
        if settled {
            return (found, tried);
        }
    }
    let error = first_to_tell(&tried);
    (Err(error), tried)
}

/// Of several places where nothing usable is, the error worth telling: a socket that may not be opened, else one
/// that exists, else all the places.
fn first_to_tell(tried: &[Tried]) -> EngineError {
    let mut errors = tried.iter().filter_map(|tried| tried.error.as_ref());
    let forbidden = errors.clone().find(|error| matches!(error, EngineError::Forbidden { .. }));
    let telling = forbidden.or_else(|| errors.find(|error| matches!(error, EngineError::Unreachable { .. })));
    telling.cloned().unwrap_or_else(|| {
        let places: Vec<_> = tried.iter().map(|tried| tried.candidate.address.to_string()).collect();
        EngineError::NoSocket { endpoint: places.join("`, `") }
    })
}

async fn open(address: &Address, choice: BuilderChoice, registries: &Places) -> Result<DockerEngine, EngineError> {
    let endpoint = address.to_string();
    let first = |error| failure::of_first_contact(error, &endpoint);
    let mut client = Client::new(address)?;
    let version: EngineVersion =
        client.json(Request::get("/version", "say its version"), FIRST_CONTACT).await.map_err(first)?;
    let api_version = client.speak(&version.api);
    let info: Info = client.json(Request::get("/info", "describe itself"), QUICK).await?;
    let name = engine_name(&version);
    let image_store = store_of(name, &info);
    let mut facts = record::EngineFacts {
        name: name.to_owned(),
        version: version.engine,
        api_version,
        layer_step_ns: layer_step(&info, image_store),
        storage_driver: info.driver,
        image_store,
        builder: Builder::default(),
        os: info.os_type,
        arch: go_arch(&info.architecture).to_owned(),
        kernel: info.kernel_version,
        cpus: u64::try_from(info.cpus).unwrap_or_default(),
        memory_bytes: units::Bytes(u64::try_from(info.mem_total).unwrap_or_default()),
        root_dir: info.docker_root_dir,
    };
    facts.builder = settle(choice, &facts)?;
    // The same kernel behind a Unix socket may be this machine; Docker Desktop's is that of its own. A socket can be
    // forwarded from another machine with the same kernel, or mounted into this container: Docker's bridge tells.
    let kernel_here = rustix::system::uname().release().to_string_lossy().into_owned();
    let unix = matches!(address, Address::Unix(_)) && kernel_here == facts.kernel;
    let bridge = if unix && name == "docker" { downloads::bridge(&client).await } else { None };
    let local = unix && (name != "docker" || bridge.is_some());
    let ahead = clock_ahead(&info.system_time, local);
    let host = address.other_host();
    let podman_first = registries.podman_first || name == "podman";
    let places = Places { podman_first, ..registries.clone() };
    let credentials = Arc::new(Store::read(&places));
    Ok(DockerEngine { client, host, facts, local, bridge, ahead, credentials, built: Rc::default() })
}

/// What the engine's clock is ahead; a stamp that cannot be read counts as none, and so does what the question itself
/// may have taken where the clock is this machine's.
fn clock_ahead(system_time: &str, local: bool) -> i128 {
    const QUESTION: u128 = 2_000_000_000;
    let ahead = system_time
        .parse::<jiff::Timestamp>()
        .map_or(0, |theirs| theirs.as_nanosecond() - jiff::Timestamp::now().as_nanosecond());
    if local && ahead.unsigned_abs() < QUESTION { 0 } else { ahead }
}

fn engine_name(version: &EngineVersion) -> &'static str {
    let podman = version.components.iter().flatten().any(|component| component.name.starts_with("Podman"));
    if podman { "podman" } else { "docker" }
}

/// At which step of its clock the engine ends a layer. These graph drivers compare folders to tell what a layer holds,
/// and so does `overlay2` on a kernel whose own account of the difference it does not trust; the comparison waits for
/// the next whole second (moby 20.10 to 28, daemon/graphdriver/fsdiff.go), since files' times may have no more.
fn layer_step(info: &Info, store: ImageStore) -> Nanos {
    let says_no =
        |row: &Vec<String>| matches!(row.as_slice(), [what, is] if what == "Native Overlay Diff" && is == "false");
    let compares = match info.driver.as_str() {
        "vfs" | "fuse-overlayfs" | "btrfs" | "zfs" | "devicemapper" => true,
        "overlay2" | "overlay" => info.driver_status.iter().flatten().any(says_no),
        _ => false,
    };
    if store == ImageStore::Graphdriver && compares { Nanos(1_000_000_000) } else { Nanos::ZERO }
}

fn store_of(name: &str, info: &Info) -> ImageStore {
    let snapshotter = |row: &Vec<String>| matches!(row.as_slice(), [_, kind] if kind == "io.containerd.snapshotter.v1");
    if name == "podman" {
        ImageStore::ContainersStorage
    } else if info.driver_status.iter().flatten().any(snapshotter) {
        ImageStore::Containerd
    } else {
        ImageStore::Graphdriver
    }
}

/// `uname -m` in Go's words.
fn go_arch(machine: &str) -> &str {
    match machine {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "armv7l" | "armv6l" => "arm",
        "i386" | "i686" => "386",
        other => other,
    }
}

/// Leading numbers of a version: `20.10.24+dfsg1` is 20, 10.
fn major_minor(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).map_or(part, |end| &part[..end]);
        digits.parse().unwrap_or(0)
    });
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// The builder that is used for what was wanted.
fn settle(choice: BuilderChoice, engine: &record::EngineFacts) -> Result<Builder, EngineError> {
    if engine.name == "podman" {
        return Ok(Builder::Buildah);
    }
    match (choice, buildkit_trouble(engine)) {
        (BuilderChoice::Classic, _) | (BuilderChoice::Auto, Some(_)) => Ok(Builder::Classic),
        (_, None) => Ok(Builder::Buildkit),
        (BuilderChoice::Buildkit, Some(reason)) => {
            Err(EngineError::Unsupported { action: "build with BuildKit".to_owned(), reason: reason.to_owned() })
        }
    }
}

/// Why BuildKit cannot be used; Docker has it since API 1.39 (18.09), on Linux.
fn buildkit_trouble(engine: &record::EngineFacts) -> Option<&'static str> {
    let loses_upload = ((26, 0)..(27, 5)).contains(&major_minor(&engine.version));
    if major_minor(&engine.api_version) < (1, 39) {
        Some("it is older than Docker 18.09")
    } else if engine.os == "windows" {
        Some("it builds Windows images")
    } else if engine.image_store == ImageStore::Containerd && loses_upload {
        Some(BROKEN_UPLOAD)
    } else {
        None
    }
}

impl DockerEngine {
    pub(super) fn credentials(&self) -> &Arc<Store> {
        &self.credentials
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn store(&self) -> ImageStore {
        self.facts.image_store
    }

    pub(super) fn has_build_cache(&self) -> bool {
        self.facts.name == "docker" && major_minor(&self.facts.api_version) >= (1, 39)
    }

    pub(super) fn api(&self) -> (u32, u32) {
        major_minor(&self.facts.api_version)
    }

    /// Begins to count what a build downloads, or says why that cannot be.
    pub(super) fn meter(&self, request: &BuildRequest) -> Result<downloads::Meter, &'static str> {
        downloads::Meter::begin(&self.client, self.local, self.bridge.as_deref(), request)
    }

    /// What the engine's clock is ahead of ours: when it was connected, and now.
    pub(super) async fn ahead(&self) -> Result<Vec<i128>, EngineError> {
        let info: Info = self.client.json(Request::get("/info", "describe itself"), QUICK).await?;
        let mut ahead = vec![self.ahead, clock_ahead(&info.system_time, self.local)];
        ahead.dedup();
        Ok(ahead)
    }

    /// The traces of all builds, so that one which is stopped leaves nothing behind either.
    pub(super) fn built(&self) -> &RefCell<Ownership> {
        &self.built
    }

    /// The builders of this engine that work.
    pub fn builders(&self) -> Vec<Builder> {
        if self.facts.name == "podman" {
            return vec![Builder::Buildah];
        }
        let mut all = vec![Builder::Classic];
        if self.builder_for(Builder::Buildkit).is_ok() {
            all.insert(0, Builder::Buildkit);
        }
        all
    }

    /// The builder for a request, or why this engine cannot use it. Podman has but one.
    pub(super) fn builder_for(&self, wanted: Builder) -> Result<Builder, EngineError> {
        let choice = if wanted == Builder::Classic { BuilderChoice::Classic } else { BuilderChoice::Buildkit };
        settle(choice, &self.facts)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Obstacle;
    use super::*;

    #[test]
    fn the_builder_is_settled_from_what_the_engine_is() {
        use BuilderChoice::{Auto, Buildkit, Classic};
        let (graph, containerd) = (ImageStore::Graphdriver, ImageStore::Containerd);
        let facts = |name: &str, version: &str, api_version: &str, os: &str, image_store| record::EngineFacts {
            name: name.to_owned(),
            version: version.to_owned(),
            api_version: api_version.to_owned(),
            os: os.to_owned(),
            image_store,
            ..record::EngineFacts::default()
        };
        for (choice, name, version, api, store, expected) in [
            (Auto, "docker", "20.10.24+dfsg1", "1.41", graph, Some(Builder::Buildkit)),
            (Classic, "docker", "28.5.2", "1.51", graph, Some(Builder::Classic)),
            (Buildkit, "docker", "28.5.2", "1.51", containerd, Some(Builder::Buildkit)),
            (Auto, "docker", "18.06.1", "1.38", graph, Some(Builder::Classic)),
            (Buildkit, "docker", "18.06.1", "1.38", graph, None),
            (Auto, "docker", "26.1.5", "1.45", containerd, Some(Builder::Classic)),
            (Buildkit, "docker", "26.1.5", "1.45", containerd, None),
            (Buildkit, "docker", "27.4.1", "1.47", containerd, None),
            (Buildkit, "docker", "27.5.0", "1.47", containerd, Some(Builder::Buildkit)),
            (Buildkit, "docker", "26.1.5", "1.45", graph, Some(Builder::Buildkit)),
            (Buildkit, "podman", "4.3.1", "1.41", ImageStore::ContainersStorage, Some(Builder::Buildah)),
            (Classic, "podman", "5.8.6", "1.41", ImageStore::ContainersStorage, Some(Builder::Buildah)),
        ] {
            let found = settle(choice, &facts(name, version, api, "linux", store));
            assert_eq!(found.as_ref().ok().copied(), expected, "{choice} {name} {version}: {found:?}");
            if let Err(error) = found {
                assert!(matches!(error, EngineError::Unsupported { .. }), "{error}");
            }
        }
        assert!(settle(Buildkit, &facts("docker", "28.0.0", "1.48", "windows", graph)).is_err());
    }

    #[test]
    fn engine_and_image_store_are_told_by_what_they_say() {
        let version: EngineVersion =
            serde_json::from_str(r#"{"Version":"5.8.6","ApiVersion":"1.41","Components":[{"Name":"Podman Engine"}]}"#)
                .unwrap();
        assert_eq!(engine_name(&version), "podman");
        let version: EngineVersion = serde_json::from_str(r#"{"Version":"28","Components":null}"#).unwrap();
        assert_eq!(engine_name(&version), "docker");
        let info: Info = serde_json::from_str(
            r#"{"Driver":"overlayfs","DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]],"NCPU":2}"#,
        )
        .unwrap();
        assert_eq!(store_of("docker", &info), ImageStore::Containerd);
        assert_eq!(store_of("podman", &info), ImageStore::ContainersStorage);
        let info: Info =
            serde_json::from_str(r#"{"Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"],["x"]]}"#)
                .unwrap();
        assert_eq!(store_of("docker", &info), ImageStore::Graphdriver);
    }

    #[test]
    fn layers_end_at_whole_seconds_where_the_driver_compares_folders() {
        for (info, store, step) in [
            (r#"{"Driver":"fuse-overlayfs","DriverStatus":null}"#, ImageStore::Graphdriver, 1_000_000_000),
            (r#"{"Driver":"vfs"}"#, ImageStore::Graphdriver, 1_000_000_000),
            (
                r#"{"Driver":"overlay2","DriverStatus":[["Native Overlay Diff","false"]]}"#,
                ImageStore::Graphdriver,
                1_000_000_000,
            ),
            (r#"{"Driver":"overlay2","DriverStatus":[["Native Overlay Diff","true"]]}"#, ImageStore::Graphdriver, 0),
            (r#"{"Driver":"overlay2"}"#, ImageStore::Graphdriver, 0),
            (r#"{"Driver":"vfs"}"#, ImageStore::ContainersStorage, 0),
            (r#"{"Driver":"btrfs"}"#, ImageStore::Containerd, 0),
        ] {
            let parsed: Info = serde_json::from_str(info).unwrap();
            assert_eq!(layer_step(&parsed, store), Nanos(step), "{info} {store}");
        }
    }

    #[test]
    fn builder_choices_read_back() {
        for choice in [BuilderChoice::Auto, BuilderChoice::Buildkit, BuilderChoice::Classic] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        assert!("docker".parse::<BuilderChoice>().is_err());
    }

    #[test]
    fn of_several_missing_engines_the_telling_error_is_told() {
        let at = |path: &str, error| Tried {
            candidate: Candidate { address: Address::Unix(path.into()), source: super::super::endpoint::Source::Usual },
            error: Some(error),
        };
        let gone = |path: &str| EngineError::NoSocket { endpoint: path.into() };
        let all = first_to_tell(&[at("/a", gone("/a")), at("/b", gone("/b"))]);
        assert!(all.to_string().contains("unix:///a") && all.to_string().contains("unix:///b"));
        let deaf = EngineError::Unreachable {
            endpoint: "/b".into(),
            reason: "nothing listens there".into(),
            obstacle: Obstacle::NotListening,
        };
        assert_eq!(first_to_tell(&[at("/a", gone("/a")), at("/b", deaf.clone())]), deaf);
        let forbidden = EngineError::Forbidden { endpoint: "/b".into() };
        assert_eq!(first_to_tell(&[at("/a", gone("/a")), at("/b", forbidden.clone())]), forbidden);
    }
}
