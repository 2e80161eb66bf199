//! `tonnage run` on the tiny bases, with each builder: what it measures, proves, writes and leaves behind.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::docker::{independent_size, is_containerd_store, publishes_here};
use crate::holdings::Holdings;
use crate::sandbox::Sandbox;
use crate::shared_engine::SharedEngine;

const NAMES: [&str; 4] = ["python3.9", "python3.9-slim", "python3.9-alpine", "python3.9-alpine-multistage"];

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {value}"))
}

fn measures_and_leaves_nothing(builder: &str) {
    let Some(_engine) = SharedEngine::take_with(builder) else { return };
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    let ran = sandbox.run(&["run", "suite", "--builder", builder, "--rounds", "1", "--out", "out"]).expect(0);
    before.expect_unchanged();
    for name in NAMES {
        assert!(ran.stdout.contains(name), "{name} is not in the table:\n{}", ran.stdout);
    }
    let record = sandbox.json("out/run.json");
    assert_eq!(text(&record, "ended"), "complete");
    assert_eq!(text(&record["environment"]["engine"], "builder"), builder);
    let variants = record["variants"].as_array().unwrap();
    assert_eq!(variants.iter().map(|v| text(v, "name")).collect::<Vec<_>>(), NAMES);
    let sizes: Vec<u64> = variants.iter().map(|v| v["sizes"]["size_bytes"].as_u64().unwrap()).collect();
    assert!(sizes.is_sorted_by(|a, b| a > b), "full > slim > alpine > multistage: {sizes:?}");
    for variant in variants {
        assert_eq!(text(variant, "outcome"), "ok", "{variant}");
        assert_eq!(text(&variant["bases"][0], "origin"), "stand_in");
        let sizes = &variant["sizes"];
        let part = |key: &str| sizes[key].as_u64().unwrap();
        assert_eq!(part("base_bytes") + part("own_bytes"), part("size_bytes"));
        assert_eq!(part("rootfs_bytes") + part("reclaimable_bytes"), part("size_bytes"));
        assert_eq!(part("unique_bytes") + part("shared_bytes"), part("size_bytes"));
        // An engine in another network namespace publishes its ports there.
        let expected = if publishes_here() { "answered" } else { "not_asked" };
        assert_eq!(text(&variant["serve"], "state"), expected, "{}", variant["serve"]);
    }
    samples_prove_their_scenarios(&record);
    for file in ["sizes.csv", "samples.csv", "layers.csv", "starts.csv", "report.md", "report.html"] {
        let content = sandbox.read(&format!("out/{file}"));
        for name in NAMES {
            assert!(content.contains(name), "{name} is not in {file}");
        }
    }
    for chart in ["sizes", "build-time"] {
        assert!(sandbox.read(&format!("out/charts/{chart}.svg")).contains("<title id="), "{chart}");
        let png = std::fs::read(sandbox.path(&format!("out/charts/{chart}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n"), "{chart}");
    }
    assert!(!sandbox.path("out/journal.jsonl").exists(), "a complete run needs no journal");
    let rows = csv::Reader::from_path(sandbox.path("out/samples.csv")).unwrap().into_records().count();
    assert_eq!(rows, record["samples"].as_array().unwrap().len());
}

fn samples_prove_their_scenarios(record: &Value) {
    let samples = record["samples"].as_array().unwrap();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut built: BTreeMap<&str, &str> = BTreeMap::new();
    for sample in samples {
        assert_eq!(
            sample["valid"],
            Value::Bool(true),
            "{} {}: {}",
            sample["variant"],
            sample["scenario"],
            sample["reason"]
        );
        let scenario = text(sample, "scenario");
        let (cached, cacheable) = (sample["cached"].as_u64().unwrap(), sample["cacheable"].as_u64().unwrap());
        *counts.entry(scenario).or_default() += 1;
        match scenario {
            "cold" => {
                for step in sample["steps"].as_array().unwrap() {
                    let instruction = text(step, "instruction");
                    let ran = step["cached"] == Value::Bool(false);
                    let must = ["RUN", "COPY", "ADD"].iter().any(|word| instruction.starts_with(word));
                    assert!(ran || !must, "cold, but cached: {instruction}");
                }
                built.insert(text(sample, "variant"), text(sample, "image_id"));
            }
            "warm" | "touch" => {
                assert!(cached == cacheable && cacheable >= 4, "{cached}/{cacheable}");
                assert_eq!(text(sample, "image_id"), built[text(sample, "variant")]);
            }
            "src" => {
                assert!(text(sample, "first_miss").starts_with("COPY src"), "{}", sample["first_miss"]);
                let pip =
                    sample["steps"].as_array().unwrap().iter().find(|s| text(s, "instruction").contains("pip install"));
                assert_eq!(pip.unwrap()["cached"], Value::Bool(true), "pip ran again");
            }
            "deps" => {
                assert!(text(sample, "first_miss").starts_with("COPY requirements.txt"), "{}", sample["first_miss"]);
            }
            other => panic!("unknown scenario {other}"),
        }
    }
    // Two rounds (one discarded) of four variants and the twin; warm three times, touch and deps of each variant once.
    let each = 2 * 5;
    assert_eq!(counts, BTreeMap::from([("cold", each), ("warm", 3 * each), ("touch", 4), ("src", each), ("deps", 4)]));
}

#[test]
#[ignore = "needs a container engine"]
fn a_run_with_buildkit_measures_proves_and_leaves_nothing() {
    measures_and_leaves_nothing("buildkit");
}

#[test]
#[ignore = "needs a container engine"]
fn a_run_with_the_classic_builder_measures_proves_and_leaves_nothing() {
    measures_and_leaves_nothing("classic");
}

#[test]
#[ignore = "needs a container engine"]
fn sizes_equal_an_independent_count_and_what_is_kept_is_cleaned_later() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    sandbox.run(&["run", "suite", "--sizes-only", "--keep", "--no-serve", "--out", "out"]).expect(0);
    let record = sandbox.json("out/run.json");
    for variant in record["variants"].as_array().unwrap() {
        let size = variant["sizes"]["size_bytes"].as_u64().unwrap();
        assert_eq!(size, independent_size(text(variant, "image_id")), "{}", variant["name"]);
        // BuildKit leaves symlink targets out of what the engine calls the size of a layer.
        let engine = variant["sizes"]["engine_size_bytes"].as_u64().unwrap();
        // containerd's store counts compressed blobs.
        assert!(
            is_containerd_store(None) || engine <= size && size - engine < 4096,
            "engine says {engine}, counted {size}"
        );
    }
    sandbox.run(&["clean"]).expect(0);
    before.expect_unchanged();
}

#[test]
#[ignore = "needs a container engine"]
fn one_seed_plans_one_order() {
    let _engine = SharedEngine::take();
    let order = |seed: &str| {
        let sandbox = Sandbox::with_tiny_suite();
        let arguments =
            ["run", "suite", "--scenarios", "warm", "--rounds", "2", "--seed", seed, "--no-serve", "--out", "out"];
        sandbox.run(&arguments).expect(0);
        let record = sandbox.json("out/run.json");
        let samples = record["samples"].as_array().unwrap();
        samples.iter().map(|s| (s["variant"].clone(), s["round"].clone(), s["twin"].clone())).collect::<Vec<_>>()
    };
    let first = order("7");
    assert_eq!(first, order("7"));
    assert!(first.len() > 20);
}
