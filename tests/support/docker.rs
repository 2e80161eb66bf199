//! Engines as the docker command line shows them: not through our code.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Says what a test leaves out on this engine, past the harness, which keeps the output of tests that pass.
pub(crate) fn left_out(what: &str) {
    let thread = std::thread::current();
    drop(writeln!(std::io::stderr(), "LEFT OUT: {}: {what}", thread.name().unwrap_or_default()));
}

/// What the docker command line prints.
pub(crate) fn docker(arguments: &[&str]) -> Vec<u8> {
    docker_on(None, arguments)
}

/// What it prints of the engine at `host`; `None` is the one that tests share.
pub(crate) fn docker_on(host: Option<&str>, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("docker");
    if let Some(host) = host {
        command.args(["--host", host]);
    }
    let output = command.args(arguments).output().expect("the docker command line");
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The archive of a tiny base: `full`, `slim`, or `alpine`.
pub(crate) fn archive_of(base: &str) -> PathBuf {
    let archive = cache().join("tiny").join(format!("{base}.tar"));
    assert!(archive.exists(), "there is no {}: `make test` makes the tiny bases", archive.display());
    archive
}

/// Loads a tiny base into the engine at `host`.
pub(crate) fn load(host: &str, base: &str) {
    docker_on(Some(host), &["load", "--quiet", "--input", archive_of(base).to_str().unwrap()]);
}

/// Where the scripts keep what they make.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("TONNAGE_CACHE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache"), PathBuf::from)
}

/// Whether the engine at `host` is Docker 26.0 to 27.4 on the containerd image store, which loses the context of a build
/// with BuildKit (moby#47717).
pub(crate) fn loses_contexts(host: Option<&str>) -> bool {
    let version = String::from_utf8(docker_on(host, &["version", "--format", "{{.Server.Version}}"])).unwrap();
    let mut parts = version.split(['.', '-', '+']).map_while(|part| part.trim().parse::<u32>().ok());
    let version = (parts.next().unwrap(), parts.next().unwrap());
    is_containerd_store(host) && ((26, 0)..(27, 5)).contains(&version)
}

/// Whether the engine at `host` keeps images in containerd, where its own word for their size is another thing.
pub(crate) fn is_containerd_store(host: Option<&str>) -> bool {
    let status = String::from_utf8(docker_on(host, &["info", "--format", "{{json .DriverStatus}}"])).unwrap();
    status.contains("io.containerd.snapshotter")
}

/// Whether the default bridge of the engine that tests share, and so its published ports, are in this network namespace.
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

/// The size of an image: the sum of [`independent_layers`].
pub(crate) fn independent_size(image: &str) -> u64 {
    independent_layers(image).into_iter().sum()
}

/// The sizes of the layers, lowest first, that `independent_size.py` counts over `docker save`: another language, another
/// tar reader.
pub(crate) fn independent_layers(image: &str) -> Vec<u64> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/independent_size.py");
    let mut python = Command::new("python3").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    python.stdin.take().unwrap().write_all(&docker(&["save", image])).unwrap();
    let counted = python.wait_with_output().unwrap();
    assert!(counted.status.success());
    let counted: serde_json::Value = serde_json::from_slice(&counted.stdout).unwrap();
    let layers = counted["layers"].as_array().unwrap();
    layers.iter().map(|layer| layer["size_bytes"].as_u64().unwrap()).collect()
}
