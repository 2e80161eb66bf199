//! What `COPY --link` saves when a base image moves, on an engine that keeps linked layers.

use serde_json::Value;

use crate::docker::docker_on;
use crate::holdings::Holdings;
use crate::private_engine::PrivateEngine;
use crate::sandbox::Sandbox;

/// Docker knows `--link` from 23 on. 28.5 with the containerd image store keeps linked layers; with a graph driver, and in
/// 26.1 with that store too, it makes them anew.
const SUITE: &str = "sid";

/// A layer has the time of its directory in whole seconds: the RUN is what makes copies on two bases differ.
const DOCKERFILE: &str =
    "FROM tonnage-tiny/python:3.9-slim\nRUN sleep 1\nCOPY LINK requirements.txt /app/\nCOPY LINK src /app/\n";

/// Diff ids of an image, as the docker command line shows them.
fn layers(host: &str, image: &str) -> Vec<String> {
    let format = "{{range .RootFS.Layers}}{{println .}}{{end}}";
    let answer = docker_on(Some(host), &["inspect", "--format", format, image]);
    String::from_utf8(answer).unwrap().split_whitespace().map(str::to_owned).collect()
}

/// Cached and cacheable instructions after the base moved, the bytes to pull, and how many of the topmost layers stayed.
fn after_the_move(host: &str, record: &Value, name: &str) -> (Value, Value, u64, usize) {
    let samples = record["samples"].as_array().unwrap().iter();
    let found: Vec<&Value> =
        samples.filter(|sample| sample["variant"] == name && sample["scenario"] == "base").collect();
    assert!(found.len() >= 2 && found.iter().all(|sample| sample["valid"] == true), "{name}: {found:?}");
    let variants = record["variants"].as_array().unwrap();
    let variant = variants.iter().find(|variant| variant["name"] == name).unwrap();
    let images = docker_on(Some(host), &["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "tonnage-run"]);
    let images = String::from_utf8(images).unwrap();
    let moved = images.lines().find(|image| image.ends_with(&format!("-{name}--base"))).unwrap();
    let (old, new) = (layers(host, moved.strip_suffix("--base").unwrap()), layers(host, moved));
    assert_eq!(new.len(), old.len() + 1, "the base has one more layer");
    let stayed = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let update = &variant["update"]["base"];
    // The images that are kept are those of the second round.
    (found[0]["cached"].clone(), found[0]["cacheable"].clone(), update["again"]["bytes"].as_u64().unwrap(), stayed)
}

#[test]
#[ignore = "needs a container engine"]
fn a_moved_base_leaves_linked_layers_and_makes_the_others_anew() {
    let Some(engine) = PrivateEngine::start_newer(SUITE) else { return };
    engine.load("slim");
    let host = engine.host();
    let sandbox = Sandbox::with_tiny_suite();
    sandbox.write("suite/plain/Dockerfile", &DOCKERFILE.replace(" LINK", ""));
    sandbox.write("suite/linked/Dockerfile", &DOCKERFILE.replace("LINK", "--link"));
    let manifest = "[suite]\nname = \"moved\"\ncontext = \".\"\nscenarios = [\"cold\", \"base\"]\n\
        [[variant]]\nname = \"plain\"\n[[variant]]\nname = \"linked\"\n";
    sandbox.write("suite/tonnage.toml", manifest);
    let before = Holdings::on(Some(host));
    sandbox
        .run_on(host, &["run", "suite", "--rounds", "2", "--no-twin", "--keep", "--no-serve", "--out", "out"])
        .expect(0);
    let record = sandbox.json("out/run.json");
    let (cached, cacheable, bytes, stayed) = after_the_move(host, &record, "plain");
    assert_eq!((cached, cacheable), (0.into(), 3.into()));
    // The second copy may by chance be the same layer: its directory is there already.
    assert!(stayed < 2, "{stayed}");
    assert!(bytes >= sandbox.read("suite/requirements.txt").len() as u64, "{bytes}");
    let (cached, cacheable, bytes, stayed) = after_the_move(host, &record, "linked");
    assert_eq!((cached, cacheable, bytes, stayed), (2.into(), 3.into(), 0, 2));
    let report = sandbox.read("out/report.md");
    assert!(report.lines().any(|line| line.starts_with("| linked") && line.contains("| base | ")), "{report}");
    sandbox.run_on(host, &["clean"]).expect(0);
    before.expect_unchanged();
}
