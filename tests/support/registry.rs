//! A real registry on the loopback interface (`registry.sh`).

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::docker::archive_of;

/// User of a private registry.
pub(crate) const USER: &str = "tester";
/// Password of a private registry.
pub(crate) const PASSWORD: &str = "hunter2hunter2";

/// A registry that lives as long as the value.
pub(crate) struct Registry {
    state: TempDir,
    pub(crate) address: String,
}

impl Registry {
    pub(crate) fn start() -> Self {
        Self::begin("start")
    }

    /// One that wants [`USER`] and [`PASSWORD`].
    pub(crate) fn start_private() -> Self {
        Self::begin("start-private")
    }

    /// A private one that speaks HTTPS, with a certificate of the authority at [`Self::ca_file`].
    pub(crate) fn start_tls() -> Self {
        Self::begin("start-tls")
    }

    /// Certificate of the authority of a registry that speaks HTTPS.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.state.path().join("ca.crt")
    }

    /// Pushes an OCI layout with all that is in it.
    pub(crate) fn push(&self, layout: &Path, name: &str) {
        script(self.state.path(), &["push", layout.to_str().unwrap(), name]);
    }

    fn begin(command: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let address = script(state.path(), &[command]);
        Self { state, address }
    }

    /// Pushes the tiny slim base and returns its reference by digest.
    pub(crate) fn fill(&self) -> String {
        script(self.state.path(), &["fill", archive_of("slim").to_str().unwrap(), "library/python:3.9-slim"])
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        script(self.state.path(), &["stop"]);
    }
}

fn script(state: &Path, arguments: &[&str]) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/registry.sh");
    let output = Command::new(path).args(arguments).env("TONNAGE_REGISTRY", state).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
