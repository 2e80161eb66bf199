//! An engine that goes away in the middle of a run, and comes back.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;

use crate::holdings::Holdings;
use crate::private_engine::PrivateEngine;
use crate::runs::after_builds;
use crate::sandbox::{Ran, Sandbox};

/// 16 builds: two variants, two rounds, `cold` once and `warm` three times.
const BUILDS: usize = 16;

fn arguments<'a>(builder: &'a str, folder: &'a str) -> Vec<&'a str> {
    let mut all = vec!["run", "suite", "--builder", builder, "--only", "python3.9-alpine,python3.9-slim"];
    all.extend(["--scenarios", "cold,warm", "--rounds", "1", "--no-twin", "--no-serve", folder, "out"]);
    all
}

/// Steps of the samples that were finished.
fn finished(record: &Value) -> Vec<u64> {
    let samples = record["samples"].as_array().unwrap().iter();
    samples.filter(|sample| sample["valid"] == true).map(|sample| sample["step"].as_u64().unwrap()).collect()
}

fn goes_away(how: &str, builder: &str) {
    let engine = PrivateEngine::start();
    engine.load("alpine");
    engine.load("slim");
    let before = Holdings::on(Some(engine.host()));
    let sandbox = Sandbox::with_tiny_suite();
    let mut first = sandbox.command_on(engine.host(), &arguments(builder, "--out"));
    let child = after_builds(first.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), 5);
    engine.end(how);
    Ran::from(child.wait_with_output().unwrap()).expect(6);
    let record = sandbox.json("out/run.json");
    assert_eq!(record["ended"], "engine_lost");
    let measured = finished(&record);
    assert!(measured.len() >= 5 && measured.len() < BUILDS, "{measured:?}");
    for lost in record["samples"].as_array().unwrap().iter().filter(|sample| sample["valid"] == false) {
        assert_eq!(lost["state"], "unfinished", "{lost}");
    }
    assert!(sandbox.read("out/report.md").contains("the engine became unavailable"));

    // Not back yet.
    let resume = arguments(builder, "--resume");
    sandbox.run_on(engine.host(), &resume).expect(6).complains(&["no container engine answers"]);
    engine.again();
    sandbox.run_on(engine.host(), &resume).expect(0);
    let record = sandbox.json("out/run.json");
    assert_eq!(record["ended"], "complete");
    let all = finished(&record);
    assert_eq!(&all[..measured.len()], &measured[..], "what was measured stays");
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (BUILDS, BUILDS), "no step twice: {all:?}");
    sandbox.run_on(engine.host(), &["clean"]).expect(0);
    before.expect_unchanged();
}

#[test]
#[ignore = "needs a container engine"]
fn an_engine_that_is_stopped_in_a_run_and_started_again_costs_one_step() {
    goes_away("stop", "buildkit");
}

#[test]
#[ignore = "needs a container engine"]
fn an_engine_that_is_killed_in_a_run_and_started_again_costs_one_step() {
    goes_away("kill", "buildkit");
}

#[test]
#[ignore = "needs a container engine"]
fn an_engine_that_is_killed_in_a_classic_build_leaves_nothing_after_the_resume() {
    goes_away("kill", "classic");
}
