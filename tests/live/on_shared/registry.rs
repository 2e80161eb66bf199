//! Base images that have to be pulled: from a real registry on the loopback interface, and from one that swallows
//! every packet.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::docker::{is_containerd_store, left_out};
use crate::holdings::Holdings;
use crate::registry::Registry;
use crate::sandbox::Sandbox;
use crate::shared_engine::SharedEngine;

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
#[ignore = "needs a container engine"]
fn bases_are_pulled_by_tag_and_by_digest_and_a_missing_tag_fails_its_variant_only() {
    let _engine = SharedEngine::take();
    if is_containerd_store(None) {
        left_out("containerd does not fetch the blobs of layers that it has unpacked, and exports without them");
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
#[ignore = "needs a container engine"]
fn a_registry_that_never_answers_ends_at_the_deadline() {
    let _engine = SharedEngine::take();
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
