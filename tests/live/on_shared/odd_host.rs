//! Directories that may not be written, and clocks that are set back.

use std::path::PathBuf;
use std::process::Stdio;

use crate::holdings::Holdings;
use crate::runs::{after_builds, steps};
use crate::sandbox::{Ran, Sandbox};
use crate::shared_engine::SharedEngine;

const PLAN: [&str; 9] =
    ["run", "suite", "--only", "python3.9-alpine", "--scenarios", "cold,warm", "--rounds", "2", "--no-twin"];

#[test]
#[ignore = "needs a container engine"]
fn folders_that_cannot_be_written_are_told_before_anything_is_built() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    sandbox.write("file", "");
    sandbox.run(&[&PLAN[..], &["--out", "file/out"]].concat()).expect(7).complains(&["file/out"]);
    // /proc takes no folders, not even from root.
    sandbox.run(&[&PLAN[..], &["--out", "/proc/out"]].concat()).expect(7).complains(&["/proc/out"]);
    let mut command = sandbox.command(&[&PLAN[..], &["--out", "out"]].concat());
    let output = command.env("XDG_STATE_HOME", "/proc/state").output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("/proc/state") && stderr.contains("hint: set XDG_STATE_HOME"), "{stderr}");
    before.expect_unchanged();
    // The folder where nothing was measured can be used once the reason is gone.
    sandbox.run(&[&PLAN[..], &["--resume", "out"]].concat()).expect(0);
}

#[test]
#[ignore = "needs a container engine"]
fn a_clock_that_is_set_back_changes_no_time_and_leaves_nothing() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    sandbox.write("clock", "+0");
    let mut command = sandbox.command(&[&PLAN[..], &["--out", "out"]].concat());
    command
        .env("LD_PRELOAD", faketime())
        .env("FAKETIME_TIMESTAMP_FILE", sandbox.path("clock"))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let child = after_builds(child, 4);
    sandbox.write("clock", "-3d");
    Ran::from(child.wait_with_output().unwrap()).expect(0);
    let record = sandbox.json("out/run.json");
    assert!(record["finished_at"].as_str() < record["started_at"].as_str(), "the clock was not set back");
    assert_eq!(steps(&record), (0..12).collect::<Vec<_>>());
    let walls: u64 = record["samples"].as_array().unwrap().iter().map(|s| s["wall_ns"].as_u64().unwrap()).sum();
    let elapsed = record["elapsed_ns"].as_u64().unwrap();
    assert!(elapsed > walls && elapsed < walls + 60_000_000_000, "{elapsed} ns for {walls} ns of builds");
    before.expect_unchanged();
    sandbox.run(&["report", "out"]).expect(0);
}

/// Debian's libfaketime, as `make test` installs it.
fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").unwrap().flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    libraries.find(|path| path.exists()).expect("libfaketime, which `make test` installs")
}
