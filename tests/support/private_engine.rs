//! A container engine of a test's own (`private-engine.sh`): one that it may stop, kill and fill. Needs root.

use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::docker::{cache, load};

/// One at a time: what tests do with them is measured.
static ONE: Mutex<()> = Mutex::new(());

/// A Docker Engine that is removed when the test ends.
pub(crate) struct PrivateEngine {
    name: String,
    host: String,
    _one: Option<MutexGuard<'static, ()>>,
}

impl PrivateEngine {
    pub(crate) fn start() -> Self {
        Self::start_on(|_| ())
    }

    /// The same; `prepare` is given the directory that will hold its data, to put a file system there first.
    pub(crate) fn start_on(prepare: impl FnOnce(&Path)) -> Self {
        assert!(rustix::process::geteuid().is_root(), "an engine of a test's own needs root");
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut engine = Self { name: free_name(), host: String::new(), _one: Some(one) };
        let data = cache().join("engines").join(&engine.name).join("data");
        std::fs::create_dir_all(&data).unwrap();
        prepare(&data);
        engine.host = engine.up();
        engine
    }

    /// Another one beside it, for a test that needs two; it must not outlive this one.
    pub(crate) fn another(&self) -> Self {
        let mut engine = Self { name: free_name(), host: String::new(), _one: None };
        engine.host = engine.up();
        engine
    }

    /// Starts it again after [`Self::end`].
    pub(crate) fn again(&self) {
        assert_eq!(self.up(), self.host);
    }

    /// Ends it: `stop` (SIGTERM) or `kill` (SIGKILL); its data stay.
    pub(crate) fn end(&self, how: &str) {
        let output = script(&[how, &self.name]);
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

    /// Loads a tiny base: `full`, `slim` or `alpine`.
    pub(crate) fn load(&self, base: &str) {
        load(&self.host, base);
    }

    fn up(&self) -> String {
        // Quick where the disk can do it; what Docker or the given configuration chooses otherwise.
        let options: &[&str] = match std::env::var_os("TONNAGE_ENGINE_CONFIG") {
            None => &["--storage-driver", "overlay2"],
            Some(_) => &[],
        };
        let mut output = script(&[&["start", &self.name], options].concat());
        if !output.status.success() {
            output = script(&["start", &self.name]);
        }
        assert!(output.status.success(), "no private engine: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for PrivateEngine {
    fn drop(&mut self) {
        drop(script(&["remove", &self.name]));
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

fn script(arguments: &[&str]) -> Output {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/private-engine.sh"));
    command.args(arguments).env("TONNAGE_CACHE", cache()).stdin(Stdio::null()).output().unwrap()
}
