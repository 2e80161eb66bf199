//! The real engine, one test at a time, and what it holds.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

static ENGINE: Mutex<()> = Mutex::new(());
/// Build-cache records that the engine will not let go of until it is restarted.
static STUCK: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// How often it is asked whether it lets go of them, every quarter of a second.
const PATIENCE: u32 = 120;

/// The engine for one test alone. A test that leaves anything on it, or takes anything from it, fails when it ends.
pub(crate) struct Alone {
    before: Holdings,
    _lock: MutexGuard<'static, ()>,
}

impl Drop for Alone {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.before.expect_unchanged();
        }
    }
}

/// The engine for this test alone; `None` where live tests are off, which is said.
#[must_use]
pub(crate) fn engine(test: &str) -> Option<Alone> {
    if std::env::var("TONNAGE_TEST_LIVE").as_deref() != Ok("1") {
        println!("LEFT OUT: `{test}` needs a container engine; `make test` runs it");
        return None;
    }
    // A test that failed while it held the engine is no reason for the next one not to have it.
    let lock = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    Some(Alone { before: Holdings::now(), _lock: lock })
}

/// Whether a program that a test needs is there. `make test` installs it; elsewhere it is said that the test is left out.
#[must_use]
pub(crate) fn has(program: &str, test: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        assert_ne!(std::env::var("TONNAGE_TEST_LIVE").as_deref(), Ok("1"), "`{program}` is missing");
        println!("LEFT OUT: `{test}` needs `{program}`; `make test` runs it");
    }
    found
}

/// The same for a test that builds with BuildKit; `None`, which is said, also on engines that lose the context under it
/// (moby#47717): there tonnage refuses, as another test sees.
#[must_use]
pub(crate) fn engine_with_buildkit(test: &str) -> Option<Alone> {
    let engine = engine(test)?;
    if loses_contexts() {
        println!("LEFT OUT: `{test}` needs an engine that builds with BuildKit; this one has moby#47717");
        return None;
    }
    Some(engine)
}

/// The same for a test that builds with the builder of that name.
#[must_use]
pub(crate) fn engine_that_builds(test: &str, builder: &str) -> Option<Alone> {
    if builder == "buildkit" { engine_with_buildkit(test) } else { engine(test) }
}

/// Whether the engine is Docker 26.0 to 27.4 on the containerd image store.
pub(crate) fn loses_contexts() -> bool {
    loses_contexts_at(None)
}

/// The same of the engine at `host`.
pub(crate) fn loses_contexts_at(host: Option<&str>) -> bool {
    let version = String::from_utf8(docker_on(host, &["version", "--format", "{{.Server.Version}}"])).unwrap();
    let mut parts = version.split(['.', '-', '+']).map_while(|part| part.trim().parse::<u32>().ok());
    let version = (parts.next().unwrap(), parts.next().unwrap());
    is_containerd_store_at(host) && ((26, 0)..(27, 5)).contains(&version)
}

/// Whether the engine's default bridge, and so its published ports, are in this network namespace.
pub(crate) fn publishes_here() -> bool {
    let format = "{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}";
    let answer = String::from_utf8(docker(&["network", "inspect", "--format", format, "bridge"])).unwrap();
    let mut words = answer.split_whitespace();
    let subnet = words.next().unwrap();
    // Docker 20.10 does not name an address that it chose itself.
    let first = || subnet.split('/').next().unwrap().replace(".0.0", ".0.1");
    let address = words.next().map_or_else(first, str::to_owned);
    std::net::UdpSocket::bind((address, 0)).is_ok()
}

/// Whether the engine keeps images in containerd, where its own word for their size is another thing.
pub(crate) fn is_containerd_store() -> bool {
    is_containerd_store_at(None)
}

/// The same of the engine at `host`.
pub(crate) fn is_containerd_store_at(host: Option<&str>) -> bool {
    let status = String::from_utf8(docker_on(host, &["info", "--format", "{{json .DriverStatus}}"])).unwrap();
    status.contains("io.containerd.snapshotter")
}

/// Ids of everything on the engine, asked through the docker command line and the plain API: not through our code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Holdings {
    host: Option<String>,
    images: BTreeSet<String>,
    tags: BTreeSet<String>,
    containers: BTreeSet<String>,
    networks: BTreeSet<String>,
    cache: BTreeSet<String>,
}

impl Holdings {
    pub(crate) fn now() -> Self {
        Self::on(None)
    }

    /// What the engine at `host` holds; `None` is the one that all tests share.
    pub(crate) fn on(host: Option<&str>) -> Self {
        let lines = |arguments: &[&str]| lines(host, arguments);
        let format = "{{range .BuildCache}}{{.ID}}\n{{end}}";
        let mut cache = lines(&["system", "df", "--verbose", "--format", format]);
        let stuck = STUCK.lock().unwrap_or_else(PoisonError::into_inner);
        cache.retain(|id| !id.is_empty() && !stuck.contains(id));
        Self {
            host: host.map(str::to_owned),
            images: lines(&["images", "--all", "--quiet", "--no-trunc"]),
            tags: lines(&["images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}", "--filter", "dangling=false"]),
            containers: lines(&["ps", "--all", "--quiet", "--no-trunc"]),
            // By name: the bridge has another id each time an engine starts.
            networks: lines(&["network", "ls", "--format", "{{.Name}}"]),
            cache,
        }
    }

    /// What is held without a name.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.tags.retain(|tag| tag.split(' ').next() != Some(name));
        self
    }

    /// The same, build-cache records left out.
    #[track_caller]
    pub(crate) fn expect_objects_unchanged(&self) {
        let cache = self.cache.clone();
        self.expect(&Self { cache, ..Self::on(self.host.as_deref()) });
    }

    /// Fails the test unless the engine holds now what it held then.
    #[track_caller]
    pub(crate) fn expect_unchanged(&self) {
        self.expect(&self.once_the_engine_lets_go());
    }

    #[track_caller]
    fn expect(&self, now: &Self) {
        for (what, before, after) in [
            ("images", &self.images, &now.images),
            ("tags", &self.tags, &now.tags),
            ("containers", &self.containers, &now.containers),
            ("networks", &self.networks, &now.networks),
            ("cache records", &self.cache, &now.cache),
        ] {
            let more: Vec<_> = after.difference(before).collect();
            let less: Vec<_> = before.difference(after).collect();
            assert!(more.is_empty() && less.is_empty(), "{what}: left behind {more:?}, gone {less:?}");
        }
    }

    /// What the engine holds, without build-cache records that it uses for ever: Docker 20.10 does not always let go of
    /// those of a build that was stopped at a bad moment, and nobody can remove them then. What it lets go of late was
    /// left behind.
    fn once_the_engine_lets_go(&self) -> Self {
        let mut now = Self::on(self.host.as_deref());
        for _ in 0..PATIENCE {
            let mut more = now.cache.difference(&self.cache).peekable();
            // The command line marks what is in use by a star.
            if more.peek().is_none() || !more.all(|id| id.ends_with('*')) {
                return now;
            }
            std::thread::sleep(Duration::from_millis(250));
            now = Self::on(self.host.as_deref());
        }
        let stuck: BTreeSet<String> = now.cache.difference(&self.cache).cloned().collect();
        println!("LEFT OUT: build-cache records of a stopped build that the engine does not let go of: {stuck:?}");
        now.cache.retain(|id| !stuck.contains(id));
        STUCK.lock().unwrap_or_else(PoisonError::into_inner).extend(stuck);
        now
    }
}

/// What the docker command line prints.
pub(crate) fn docker(arguments: &[&str]) -> Vec<u8> {
    docker_on(None, arguments)
}

/// Loads a tiny base into the engine at `host`: `full`, `slim`, or `alpine`.
pub(crate) fn load(host: &str, base: &str) {
    let tiny = std::env::var_os("TONNAGE_TEST_TINY").expect("TONNAGE_TEST_TINY, as `make test` sets it");
    let archive = std::path::PathBuf::from(tiny).join(format!("{base}.tar"));
    docker_on(Some(host), &["load", "--quiet", "--input", archive.to_str().unwrap()]);
}

/// What it prints of the engine at `host`.
pub(crate) fn docker_on(host: Option<&str>, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("docker");
    if let Some(host) = host {
        command.args(["--host", host]);
    }
    let output = command.args(arguments).output().expect("the docker command line");
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn lines(host: Option<&str>, arguments: &[&str]) -> BTreeSet<String> {
    String::from_utf8(docker_on(host, arguments)).unwrap().lines().map(str::to_owned).collect()
}
