//! An engine behind ssh: from doctor to clean, and what is said where ssh does not get there.

use std::net::TcpListener;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::holdings::Holdings;
use crate::private_engine::PrivateEngine;
use crate::sandbox::{Ran, Sandbox};

/// An ssh server on the engine's machine.
struct Server(Child);

impl Server {
    /// `bin/ssh` in the sandbox is the real one with a configuration of its own.
    fn start(engine: &PrivateEngine, sandbox: &Sandbox) -> Self {
        std::fs::create_dir_all(sandbox.path("ssh")).unwrap();
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/sshd.sh"));
        let server = Self(command.arg(engine.name()).arg(sandbox.path("ssh")).spawn().unwrap());
        let begun = Instant::now();
        let log = || std::fs::read_to_string(sandbox.path("ssh/log")).unwrap_or_default();
        while !log().contains("Server listening") {
            assert!(begun.elapsed() < Duration::from_secs(60), "no ssh server: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        let config = sandbox.path("ssh/config");
        sandbox.write("bin/ssh", &format!("#!/bin/sh\nexec /usr/bin/ssh -F {} \"$@\"\n", config.display()));
        assert!(Command::new("chmod").arg("755").arg(sandbox.path("bin/ssh")).status().unwrap().success());
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Runs the program on the engine behind ssh.
fn over_ssh(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let path = format!("{}:{}", sandbox.path("bin").display(), std::env::var("PATH").unwrap());
    Ran::from(sandbox.command_on("ssh://engine", arguments).env("PATH", path).output().unwrap())
}

#[test]
#[ignore = "needs a container engine"]
fn an_engine_behind_ssh_is_measured_from_doctor_to_clean() {
    let engine = PrivateEngine::start();
    engine.load("alpine");
    engine.load("slim");
    let sandbox = Sandbox::with_tiny_suite();
    let _server = Server::start(&engine, &sandbox);
    let before = Holdings::on(Some(engine.host()));

    let doctor = over_ssh(&sandbox, &["doctor", "suite", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(found["endpoint"], "ssh://engine", "{}", doctor.stdout);
    assert_eq!(found["local"], false, "{}", doctor.stdout);

    let only = ["--only", "python3.9-alpine,python3.9-slim", "--rounds", "1", "--no-twin"];
    let run = over_ssh(&sandbox, &[&["run", "suite", "--out", "far"], &only[..]].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let run = sandbox.run_on(engine.host(), &[&["run", "suite", "--out", "near"], &only[..]].concat());
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let (far, near) = (sandbox.json("far/run.json"), sandbox.json("near/run.json"));
    assert_eq!(
        (&far["environment"]["host"]["engine_is_local"], far["samples"].as_array().map(Vec::len)),
        (&false.into(), near["samples"].as_array().map(Vec::len))
    );
    for (far, near) in far["variants"].as_array().unwrap().iter().zip(near["variants"].as_array().unwrap()) {
        assert_eq!(far["sizes"]["size_bytes"], near["sizes"]["size_bytes"]);
        assert_eq!(far["serve"]["state"], "answered", "{far}");
        assert!(far["serve"]["starts"][0]["ready_ns"].as_u64() > Some(0));
    }
    assert!(far["samples"].as_array().unwrap().iter().all(|sample| sample["valid"] == true), "{}", far["samples"]);

    before.expect_unchanged();
    let clean = over_ssh(&sandbox, &["clean"]);
    assert_eq!(clean.code, Some(0), "{}{}", clean.stdout, clean.stderr);
    let left = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let left: Vec<_> =
        left.map(|entry| entry.file_name()).filter(|name| name.to_string_lossy().starts_with("tonnage-ssh-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
#[ignore = "needs a container engine"]
fn where_ssh_does_not_get_there_its_own_words_say_why() {
    let engine = PrivateEngine::start();
    let sandbox = Sandbox::new();
    let _server = Server::start(&engine, &sandbox);
    let right = sandbox.read("ssh/config");
    let ended = |config: &str| {
        sandbox.write("ssh/config", config);
        let ran = over_ssh(&sandbox, &["weigh", "tonnage-tiny/python:3.9"]);
        assert_eq!(ran.code, Some(6), "{}", ran.stderr);
        assert!(ran.stderr.contains("hint: try `ssh "), "{}", ran.stderr);
        ran.stderr
    };
    // Another host key than the known one: somebody is in between.
    sandbox.write("ssh/known", &sandbox.read("ssh/user.pub").replacen("ssh-ed25519", "engine ssh-ed25519", 1));
    let told = ended(&right);
    assert!(told.contains("ssh: Host key verification failed"), "{told}");
    let told = ended(
        &right
            .replace("UserKnownHostsFile", "#")
            .replace("StrictHostKeyChecking yes", "StrictHostKeyChecking no")
            .replace("/user\n", "/host\n"),
    );
    assert!(told.contains("Permission denied (publickey"), "{told}");
    // Something that listens and says nothing, as a host that hangs does.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    let begun = Instant::now();
    let told = ended(&format!("Host engine\n    HostName 127.0.0.1\n    Port {port}\n"));
    assert!(told.contains("timed out"), "{told}");
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
}
