//! The tiny suite on Podman through its Docker-compatible API: a service of the test's own, with its own images.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::live;
use crate::sandbox::Sandbox;

/// `podman system service` on a folder of its own, ended and removed when dropped.
pub(crate) struct Podman {
    dir: tempfile::TempDir,
    service: Child,
}

impl Podman {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        // Podman's default limits are above what a container or a CI job may be allowed to set.
        let config = "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n";
        std::fs::write(path("containers.conf"), config).unwrap();
        let service = Command::new("podman")
            .arg("--root")
            .arg(path("root"))
            .arg("--runroot")
            .arg(path("runroot"))
            .args(["system", "service", "--time=0"])
            .arg(format!("unix://{}", path("podman.sock").display()))
            .env("CONTAINERS_CONF", path("containers.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Podman, which scripts/test.sh installs");
        let podman = Self { dir, service };
        let begun = Instant::now();
        while Command::new("docker").args(["--host", &podman.host(), "version"]).output().unwrap().status.code()
            != Some(0)
        {
            assert!(begun.elapsed() < Duration::from_secs(60), "Podman's service does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        podman
    }

    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.dir.path().join("podman.sock").display())
    }

    /// Everything that it holds.
    fn holdings(&self) -> String {
        let list = |arguments: &[&str]| {
            let output = Command::new("docker").args(["--host", &self.host()]).args(arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let mut lines: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
            lines.sort();
            lines.join("\n")
        };
        let images = list(&["images", "--all", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]);
        let containers = list(&["ps", "--all", "--quiet"]);
        format!("{images}\n{containers}")
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        drop(self.service.kill());
        drop(self.service.wait());
        // What the overlay driver has mounted keeps the folder from being removed.
        let root = self.dir.path().display().to_string();
        for line in std::fs::read_to_string("/proc/self/mounts").unwrap_or_default().lines().rev() {
            if let Some(mount) = line.split(' ').nth(1).filter(|mount| mount.starts_with(&root)) {
                drop(Command::new("umount").args(["--lazy", mount]).status());
            }
        }
    }
}

#[test]
fn podman_builds_proves_serves_and_keeps_nothing() {
    let Some(_engine) = live::engine("a run on Podman") else { return };
    let podman = Podman::start();
    for base in ["full", "slim", "alpine"] {
        live::load(&podman.host(), base);
    }
    let sandbox = Sandbox::with_tiny_suite();
    let before = podman.holdings();
    let arguments = [
        "run",
        "suite",
        "--host",
        &podman.host(),
        "--only",
        "python3.9-slim,python3.9-alpine-multistage",
        "--scenarios",
        "cold,warm,src",
        "--rounds",
        "1",
        "--no-twin",
        "--out",
        "out",
    ];
    sandbox.run(&arguments).expect(0);
    assert_eq!(podman.holdings(), before);
    let record = sandbox.json("out/run.json");
    assert_eq!(record["environment"]["engine"]["name"], "podman");
    assert_eq!(record["environment"]["engine"]["builder"], "buildah");
    for variant in record["variants"].as_array().unwrap() {
        assert_eq!(variant["serve"]["ok"], Value::Bool(true), "{}", variant["serve"]);
        assert_eq!(variant["bases"][0]["origin"], "stand_in");
    }
    // After a build without cache Podman 4.3.1 answers the first rebuild with the oldest of equal images.
    let samples = record["samples"].as_array().unwrap();
    let of = |scenario: &'static str| samples.iter().filter(move |sample| sample["scenario"] == scenario);
    assert!(of("cold").all(|sample| sample["valid"] == Value::Bool(true)));
    assert!(of("src").all(|sample| sample["valid"] == Value::Bool(true)), "{record}");
    assert!(of("warm").all(|sample| sample["cached"] == sample["cacheable"]));
    assert!(of("warm").filter(|sample| sample["valid"] == Value::Bool(true)).count() >= 8);
}
