//! Base images that have to be pulled: from a real registry on the loopback interface, and from one that swallows
//! every packet.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::live::{self, Holdings};
use crate::sandbox::Sandbox;

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
    fn start() -> Self {
        Self::begin("start")
    }

    /// One that wants [`USER`] and [`PASSWORD`].
    pub(crate) fn start_private() -> Self {
        Self::begin("start-private")
    }

    fn begin(command: &str) -> Self {
        let state = tempfile::tempdir().unwrap();
        let address = script(state.path(), &[command]);
        Self { state, address }
    }

    /// Pushes the tiny slim base and returns its reference by digest.
    pub(crate) fn fill(&self) -> String {
        let tiny = std::env::var_os("TONNAGE_TEST_TINY").expect("TONNAGE_TEST_TINY, as `make test` sets it");
        let archive = PathBuf::from(tiny).join("slim.tar");
        script(self.state.path(), &["fill", &archive.to_string_lossy(), "library/python:3.9-slim"])
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        script(self.state.path(), &["stop"]);
    }
}

fn script(state: &Path, arguments: &[&str]) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/registry.sh");
    let output = Command::new(path).args(arguments).env("TONNAGE_REGISTRY", state).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn suite(sandbox: &Sandbox, bases: &[(&str, &str)]) {
    let mut manifest = String::from("[suite]\nname = \"pulled\"\n");
    for (name, base) in bases {
        let _ = write!(manifest, "[[variant]]\nname = \"{name}\"\n");
        sandbox.write(&format!("pulled/{name}/Dockerfile"), &format!("FROM {base}\nCOPY tonnage.toml /\n"));
    }
    sandbox.write("pulled/tonnage.toml", &manifest);
}

fn variant<'a>(record: &'a Value, name: &str) -> &'a Value {
    record["variants"].as_array().unwrap().iter().find(|v| v["name"] == name).unwrap()
}

#[test]
fn bases_are_pulled_by_tag_and_by_digest_and_a_missing_tag_fails_its_variant_only() {
    let Some(_engine) = live::engine("pulling from a registry") else { return };
    if live::is_containerd_store() {
        println!(
            "LEFT OUT: containerd does not fetch the blobs of layers that it has unpacked, and exports without them"
        );
        return;
    }
    let registry = Registry::start();
    let by_digest = registry.fill();
    let by_tag = format!("{}/library/python:3.9-slim", registry.address);
    let missing = format!("{}/library/python:no-such-tag", registry.address);
    let sandbox = Sandbox::new();
    suite(&sandbox, &[("tag", &by_tag), ("digest", &by_digest), ("missing", &missing)]);
    let before = Holdings::now();
    sandbox.run(&["run", "pulled", "--sizes-only", "--out", "out"]).expect(5);
    before.expect_unchanged();
    let record = sandbox.json("out/run.json");
    for name in ["tag", "digest"] {
        let entry = variant(&record, name);
        assert_eq!(entry["outcome"], "ok", "{entry}");
        assert!(entry["bases"][0]["digest"].as_str().unwrap().starts_with("sha256:"), "{entry}");
        assert!(by_digest.ends_with(entry["bases"][0]["digest"].as_str().unwrap()));
    }
    let entry = variant(&record, "missing");
    assert_eq!(entry["failure"]["stage"], "pull");
    assert!(entry["failure"]["message"].as_str().unwrap().contains("no-such-tag"), "{entry}");
    let pulls = record["pulls"].as_array().unwrap();
    let of = |reference: &str| pulls.iter().find(|pull| pull["reference"] == reference);
    let timed = of(&by_tag).or_else(|| of(&by_digest)).expect("a pull is on record");
    assert!(timed["wall_ns"].as_u64().unwrap() > 0);
    assert!(!of(&missing).unwrap()["failure"].as_str().unwrap().is_empty());
    // What is pulled is outside every build's clock.
    for sample in record["samples"].as_array().unwrap() {
        assert_eq!(sample["valid"], true, "{}", sample["reason"]);
    }
}

#[test]
fn a_registry_that_never_answers_ends_at_the_deadline() {
    let Some(_engine) = live::engine("a silent registry") else { return };
    // It accepts connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("{}/library/python:3.9", silent.local_addr().unwrap());
    let sandbox = Sandbox::new();
    suite(&sandbox, &[("mute", &base), ("good", "tonnage-tiny/python:3.9-alpine")]);
    let before = Holdings::now();
    let begun = Instant::now();
    sandbox.run(&["run", "pulled", "--sizes-only", "--pull-timeout", "3s", "--out", "out"]).expect(5);
    assert!(begun.elapsed() < Duration::from_secs(60), "it hung: {:?}", begun.elapsed());
    before.expect_unchanged();
    let record = sandbox.json("out/run.json");
    let message = variant(&record, "mute")["failure"]["message"].as_str().unwrap();
    assert!(message.contains("3 s"), "{message}");
    assert_eq!(variant(&record, "good")["outcome"], "ok");
}
