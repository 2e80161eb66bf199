//! The tiny suite on Podman through its Docker-compatible API: a service of the test's own, with its own images.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// One at a time: they share the networks of this machine's Podman.
static ONE: Mutex<()> = Mutex::new(());

/// `podman system service` on a folder of its own, ended and removed when dropped.
pub(crate) struct Podman {
    dir: tempfile::TempDir,
    service: Child,
    _one: MutexGuard<'static, ()>,
}

impl Podman {
    pub(crate) fn start() -> Self {
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
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
        let podman = Self { dir, service, _one: one };
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
    pub(crate) fn holdings(&self) -> String {
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
