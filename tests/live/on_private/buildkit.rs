//! BuildKit that is not an engine's: what is built there through `buildctl dial-stdio` has the sizes of the engine's builds.
//!
//! `TONNAGE_BUILDKITD=FILE` names a `buildkitd`, with `buildctl` beside it; it is started for the test, with a socket, over
//! TCP with TLS, and behind a child's pipes. No suite of Debian has one: without it the BuildKit inside of Debian trixie's
//! Docker on the containerd image store is used, behind a child's pipes only, for what it has of the protocol.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::docker::left_out;
use crate::private_engine::PrivateEngine;
use crate::registry::Registry;
use crate::sandbox::{Ran, Sandbox};

/// Sizes that any builder gives to the byte.
const SIZES: [&str; 5] = ["size_bytes", "rootfs_bytes", "reclaimable_bytes", "base_bytes", "own_bytes"];

/// A `buildkitd` of a test's own, in the network of its engine.
struct BuildKitd {
    process: Child,
    buildctl: PathBuf,
    socket: PathBuf,
}

impl BuildKitd {
    /// The one that the environment names, with the certificates in `certs` over TCP.
    fn start(engine: &PrivateEngine, sandbox: &Sandbox, registry: &Registry) -> Option<Self> {
        let program = PathBuf::from(std::env::var_os("TONNAGE_BUILDKITD")?);
        let (socket, certs) = (sandbox.path("kit.sock"), sandbox.path("certs"));
        certificates(&certs, &engine.inside());
        sandbox.write("buildkitd.toml", &format!("[registry.\"{}\"]\nhttp = true\n", registry.address));
        let file = |name: &str| certs.join(name).display().to_string();
        let mut command = engine.command(program.to_str().unwrap());
        command.arg("--config").arg(sandbox.path("buildkitd.toml")).arg("--root").arg(sandbox.path("kit"));
        command.args(["--oci-worker-net=host", "--containerd-worker=false"]);
        command
            .arg(format!("--addr=unix://{}", socket.display()))
            .arg(format!("--addr=tcp://{}:1234", engine.inside()));
        command.args([
            "--tlscert",
            &file("server.pem"),
            "--tlskey",
            &file("server-key.pem"),
            "--tlscacert",
            &file("ca.pem"),
        ]);
        command.stderr(std::fs::File::create(sandbox.path("kit.log")).unwrap());
        let buildctl = program.with_file_name("buildctl");
        let kit = Self { process: command.spawn().unwrap(), buildctl, socket };
        let begun = Instant::now();
        while kit.buildctl(&["debug", "workers"]).is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no buildkitd: {}", sandbox.read("kit.log"));
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(kit)
    }

    /// What `buildctl` prints, where it ends well.
    fn buildctl(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new(&self.buildctl);
        let output = command.arg("--addr").arg(format!("unix://{}", self.socket.display())).args(arguments).output();
        let output = output.unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }
}

impl Drop for BuildKitd {
    fn drop(&mut self) {
        drop(Command::new("kill").arg(self.process.id().to_string()).status());
        drop(self.process.wait());
    }
}

/// An authority, and a certificate for a server at `address` and for a client.
fn certificates(directory: &Path, address: &str) {
    let script = "set -e; mkdir -p \"$1\"; cd \"$1\"
        new='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
        openssl req -x509 $new -keyout ca-key.pem -out ca.pem -days 2 -subj '/CN=authority of a test'
        for one in server cert; do
            key=$one-key.pem; [ $one = server ] || key=key.pem
            openssl req $new -keyout $key -out $one.csr -subj \"/CN=$one\"
            printf 'subjectAltName=IP:%s\\nbasicConstraints=CA:FALSE\\n' \"$2\" >$one.ext
            openssl x509 -req -in $one.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out $one.pem -days 2 -extfile $one.ext
        done";
    let made = Command::new("sh").args(["-c", script, "sh", directory.to_str().unwrap(), address]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// Puts a `docker` into the sandbox that answers `exec -i kit buildctl dial-stdio` only, by another command.
fn dial_by(sandbox: &Sandbox, command: &str) {
    let script = format!("#!/bin/sh\n[ \"$*\" = 'exec -i kit buildctl dial-stdio' ] || exit 9\nexec {command}\n");
    sandbox.write("bin/docker", &script);
    assert!(Command::new("chmod").arg("755").arg(sandbox.path("bin/docker")).status().unwrap().success());
}

/// Runs the program with the sandbox's `docker`.
fn run(sandbox: &Sandbox, engine: &PrivateEngine, arguments: &[&str]) -> Ran {
    let path = format!("{}:{}", sandbox.path("bin").display(), std::env::var("PATH").unwrap());
    Ran::from(sandbox.command_on(engine.host(), arguments).env("PATH", path).output().unwrap())
}

fn variants(record: &Value) -> &Vec<Value> {
    record["variants"].as_array().unwrap()
}

#[test]
#[ignore = "needs a container engine"]
fn the_tiny_suite_on_buildkit_of_its_own_has_the_sizes_of_the_engine() {
    let named = std::env::var_os("TONNAGE_BUILDKITD").is_some();
    let engine = if named { Some(PrivateEngine::start()) } else { PrivateEngine::start_newer("trixie") };
    let Some(engine) = engine else { return };
    let registry = Registry::start_in(&engine);
    let sandbox = Sandbox::with_tiny_suite();
    let mut manifest = sandbox.read("suite/tonnage.toml");
    manifest.push_str("\n[bases.registry]\n");
    for (base, tag) in [("full", "3.9"), ("slim", "3.9-slim"), ("alpine", "3.9-alpine")] {
        registry.fill_with(base, &format!("tiny/python:{tag}"));
        let address = &registry.address;
        writeln!(manifest, "\"tonnage-tiny/python:{tag}\" = \"{address}/tiny/python:{tag}\"").unwrap();
    }
    sandbox.write("suite/tonnage.toml", &manifest);
    let kit = BuildKitd::start(&engine, &sandbox, &registry);
    if let Some(kit) = &kit {
        let (buildctl, socket) = (kit.buildctl.display(), kit.socket.display());
        dial_by(&sandbox, &format!("{buildctl} --addr unix://{socket} dial-stdio"));
    } else {
        left_out("TONNAGE_BUILDKITD is not set: no socket, no TLS, and the BuildKit inside of Docker for the rest");
        let bridge = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/grpc-bridge.py");
        let socket = engine.host().trim_start_matches("unix://");
        dial_by(&sandbox, &format!("python3 {bridge} {socket}"));
    }
    let suite = ["run", "suite", "--bases", "registry"];
    let near = [&suite[..], &["--sizes-only", "--no-serve", "--out", "near"]].concat();
    run(&sandbox, &engine, &near).expect(0);
    let near = sandbox.json("near/run.json");

    let is_empty = || kit.as_ref().is_none_or(|kit| kit.buildctl(&["du"]).unwrap().contains("Total:\t\t0B"));
    assert!(is_empty());
    let far = ["--builder", "docker-container://kit", "--rounds", "1", "--no-twin", "--out", "far"];
    run(&sandbox, &engine, &[&suite[..], &far].concat()).expect(0);
    // All there was is the run's own.
    assert!(is_empty(), "{:?}", kit.map(|kit| kit.buildctl(&["du"])));
    let far = sandbox.json("far/run.json");
    let found = &far["environment"]["engine"];
    assert_eq!((&found["name"], &found["builder"]), (&"buildkit".into(), &"buildkit".into()), "{found}");
    for (far, near) in variants(&far).iter().zip(variants(&near)) {
        for size in SIZES {
            assert_eq!(far["sizes"][size], near["sizes"][size], "{} {size}", far["name"]);
        }
        assert_eq!(far["sizes"]["wire_kind"], "exact", "{far}");
        assert_eq!(far["serve"]["state"], "not_asked", "{far}");
        assert_eq!(far["bases"][0]["origin"], "stand_in", "{far}");
        assert_eq!(far["update"]["src"]["layers"].as_array().map(Vec::len), Some(1), "{far}");
    }
    let samples = far["samples"].as_array().unwrap();
    assert!(samples.iter().all(|sample| sample["valid"] == true), "{samples:?}");
    for scenario in ["cold", "warm", "src", "touch", "deps"] {
        let of = samples.iter().filter(|sample| sample["scenario"] == scenario);
        assert!(of.clone().count() >= 4, "{scenario}");
        assert!(of.clone().all(|sample| sample["cacheable"].as_u64() >= Some(3)), "{samples:?}");
    }

    // What fails is a fact about its variant, in the builder's own words.
    let slim = sandbox.read("suite/python3.9-slim/Dockerfile");
    sandbox.write("suite/python3.9-slim/Dockerfile", &format!("{slim}RUN exit 7\n"));
    let only = ["--only", "python3.9-slim", "--sizes-only", "--builder", "docker-container://kit", "--out", "failed"];
    run(&sandbox, &engine, &[&suite[..], &only].concat()).expect(5);
    let failed = &sandbox.json("failed/run.json")["variants"][0];
    assert_eq!(failed["failure"]["instruction"], "RUN exit 7", "{failed}");
    assert!(failed["failure"]["message"].as_str().unwrap().contains("exit code: 7"), "{failed}");

    if let Some(kit) = &kit {
        let socket = format!("unix://{}", kit.socket.display());
        let tcp = format!("tcp://{}:1234", engine.inside());
        for (out, more) in [("socket", vec![socket.as_str()]), ("tls", vec![&tcp, "--builder-certs", "certs"])] {
            let only = ["--only", "python3.9-alpine", "--sizes-only", "--out", out, "--builder"];
            run(&sandbox, &engine, &[&suite[..], &only, &more].concat()).expect(0);
            let record = sandbox.json(&format!("{out}/run.json"));
            assert_eq!(variants(&record)[0]["sizes"]["size_bytes"], variants(&near)[2]["sizes"]["size_bytes"]);
        }
        let refused = run(&sandbox, &engine, &[&suite[..], &["--out", "no", "--builder", &tcp]].concat()).expect(6);
        refused.complains(&[&tcp]);
    }
}
