//! A container engine of a test's own (`private-engine.sh`): one that it may stop, kill and fill. Needs root.

use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::docker::{cache, left_out, load};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/private-engine.sh");

/// One at a time: what tests do with them is measured.
static ONE: Mutex<()> = Mutex::new(());

/// A Docker Engine that is removed when the test ends.
pub(crate) struct PrivateEngine {
    name: String,
    host: String,
    /// Docker's program and its configuration; `None` takes the machine's.
    newer: Option<[String; 2]>,
    _one: Option<MutexGuard<'static, ()>>,
}

impl PrivateEngine {
    pub(crate) fn start() -> Self {
        Self::start_on(|_| ())
    }

    /// One of another suite of Debian, on the containerd image store; `None`, which is said, where that cannot be fetched.
    pub(crate) fn start_newer(suite: &str) -> Option<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/newer-docker.sh");
        let mut command = Command::new(script);
        let output = command.env("TONNAGE_CACHE", cache()).env("TONNAGE_DOCKER_SUITE", suite).output().unwrap();
        if !output.status.success() {
            left_out(&format!("no Docker of Debian's {suite}: {}", String::from_utf8_lossy(&output.stderr)));
            return None;
        }
        let dockerd = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let configuration = r#"{"features":{"containerd-snapshotter":true}}"#.to_owned();
        Some(Self::start_with(Some([dockerd, configuration]), |_| ()))
    }

    /// The same; `prepare` is given the directory that will hold its data, to put a file system there first.
    pub(crate) fn start_on(prepare: impl FnOnce(&Path)) -> Self {
        Self::start_with(None, prepare)
    }

    fn start_with(newer: Option<[String; 2]>, prepare: impl FnOnce(&Path)) -> Self {
        assert!(rustix::process::geteuid().is_root(), "an engine of a test's own needs root");
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut engine = Self { name: free_name(), host: String::new(), newer, _one: Some(one) };
        let data = cache().join("engines").join(&engine.name).join("data");
        std::fs::create_dir_all(&data).unwrap();
        prepare(&data);
        engine.host = engine.up();
        engine
    }

    /// Another one beside it, for a test that needs two; it must not outlive this one.
    pub(crate) fn another(&self) -> Self {
        let mut engine = Self { name: free_name(), host: String::new(), newer: None, _one: None };
        engine.host = engine.up();
        engine
    }

    /// Starts it again after [`Self::end`].
    pub(crate) fn again(&self) {
        assert_eq!(self.up(), self.host);
    }

    /// Ends it: `stop` (SIGTERM) or `kill` (SIGKILL); its data stay.
    pub(crate) fn end(&self, how: &str) {
        let output = script(&[how, &self.name], None);
        assert!(output.status.success(), "{how}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Sends its process a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = std::fs::read_to_string(format!("/run/tonnage-engines/{}/dockerd.pid", self.name)).unwrap();
        assert!(Command::new("kill").args(["-s", name, pid.trim()]).status().unwrap().success());
    }

    /// Its name, for the scripts.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its address, for `DOCKER_HOST`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The address of this machine that its containers reach.
    pub(crate) fn outside(&self) -> IpAddr {
        let device = format!("to-{}", self.name);
        let output = Command::new("ip").args(["-4", "-oneline", "address", "show", "dev", &device]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let address = text.split_whitespace().skip_while(|word| *word != "inet").nth(1).unwrap();
        address.split('/').next().unwrap().parse().unwrap()
    }

    /// Its own address on the small network between this machine and it: the one after [`Self::outside`].
    pub(crate) fn inside(&self) -> String {
        let IpAddr::V4(outside) = self.outside() else { panic!("an address of version 4 was expected") };
        std::net::Ipv4Addr::from(u32::from(outside) + 1).to_string()
    }

    /// A command in its network namespace, not started yet.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(SCRIPT);
        command.args(["in", &self.name, program]).env("TONNAGE_CACHE", cache());
        command
    }

    /// Loads a tiny base: `full`, `slim` or `alpine`.
    pub(crate) fn load(&self, base: &str) {
        load(&self.host, base);
    }

    fn up(&self) -> String {
        // Quick where the disk can do it; what Docker or the given configuration chooses otherwise.
        let chosen = self.newer.is_some() || std::env::var_os("TONNAGE_ENGINE_CONFIG").is_some();
        let options: &[&str] = if chosen { &[] } else { &["--storage-driver", "overlay2"] };
        let newer = self.newer.as_ref();
        let mut output = script(&[&["start", &self.name], options].concat(), newer);
        if !output.status.success() {
            output = script(&["start", &self.name], newer);
        }
        assert!(output.status.success(), "no private engine: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        drop(script(&["remove", &self.name], None));
    }
}

/// A name that no engine of another test run has: letters made of this process's id and a count.
fn free_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut number = std::process::id() * 26 + COUNT.fetch_add(1, Ordering::Relaxed) % 26;
    let mut name = String::from("t");
    while number > 0 && name.len() < 8 {
        name.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number /= 26;
    }
    name
}

fn script(arguments: &[&str], newer: Option<&[String; 2]>) -> Output {
    let mut command = Command::new(SCRIPT);
    if let Some([dockerd, configuration]) = newer {
        command.env("DOCKERD", dockerd).env("TONNAGE_ENGINE_CONFIG", configuration);
    }
    command.args(arguments).env("TONNAGE_CACHE", cache()).stdin(Stdio::null()).output().unwrap()
}
