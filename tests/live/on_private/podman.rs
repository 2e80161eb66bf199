//! The tiny suite on Podman through its Docker-compatible API.

use serde_json::Value;

use crate::docker::load;
use crate::podman::Podman;
use crate::sandbox::Sandbox;

#[test]
#[ignore = "needs a container engine"]
fn podman_builds_proves_serves_and_keeps_nothing() {
    let podman = Podman::start();
    for base in ["full", "slim", "alpine"] {
        load(&podman.host(), base);
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
