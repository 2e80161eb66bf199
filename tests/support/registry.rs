//! A real registry on the loopback interface (`registry.sh`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::docker::{archive_of, cache};
use crate::private_engine::PrivateEngine;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/registry.sh");

/// User of a private registry.
pub(crate) const USER: &str = "tester";
/// Password of a private registry.
pub(crate) const PASSWORD: &str = "hunter2hunter2";

/// A registry that lives as long as the value.
pub(crate) struct Registry {
    state: TempDir,
    pub(crate) address: String,
    /// What the script is run by; empty for here.
    around: Vec<OsString>,
}

impl Registry {
    pub(crate) fn start() -> Self {
        Self::begin("start", Vec::new())
    }

    /// One that wants [`USER`] and [`PASSWORD`].
    pub(crate) fn start_private() -> Self {
        Self::begin("start-private", Vec::new())
    }

    /// A private one that speaks HTTPS, with a certificate of the authority at [`Self::ca_file`].
    pub(crate) fn start_tls() -> Self {
        Self::begin("start-tls", Vec::new())
    }

    /// One on the loopback interface of a private engine. What it needs is fetched here, where there is a network.
    pub(crate) fn start_in(engine: &PrivateEngine) -> Self {
        drop(Self::start().fill());
        let inside = engine.command(SCRIPT);
        let mut around = vec![inside.get_program().to_owned()];
        around.extend(inside.get_args().map(ToOwned::to_owned));
        around.pop();
        Self::begin("start", around)
    }

    /// Certificate of the authority of a registry that speaks HTTPS.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.state.path().join("ca.crt")
    }

    /// Pushes an OCI layout with all that is in it.
    pub(crate) fn push(&self, layout: &Path, name: &str) {
        self.script(&["push", layout.to_str().unwrap(), name]);
    }

    fn begin(command: &str, around: Vec<OsString>) -> Self {
        let mut registry = Self { state: tempfile::tempdir().unwrap(), address: String::new(), around };
        registry.address = registry.script(&[command]);
        registry
    }

    /// Pushes the tiny slim base and returns its reference by digest.
    pub(crate) fn fill(&self) -> String {
        self.fill_with("slim", "library/python:3.9-slim")
    }

    /// Pushes a tiny base (`full`, `slim`, or `alpine`) and returns its reference by digest.
    pub(crate) fn fill_with(&self, base: &str, name: &str) -> String {
        self.script(&["fill", archive_of(base).to_str().unwrap(), name])
    }

    fn script(&self, arguments: &[&str]) -> String {
        let mut words = self.around.clone();
        words.push(SCRIPT.into());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(arguments)
            .env("TONNAGE_REGISTRY", self.state.path())
            .env("TONNAGE_CACHE", cache());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.script(&["stop"]);
    }
}
