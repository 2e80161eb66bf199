//! Two engines that share a run.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::private_engine::PrivateEngine;
use crate::sandbox::Sandbox;

/// What an image weighs, to the byte, by variant.
fn sizes(record: &Value) -> BTreeMap<String, Vec<u64>> {
    let of = |variant: &Value| {
        let sizes = ["size_bytes", "rootfs_bytes", "reclaimable_bytes", "base_bytes", "own_bytes"];
        let layers = variant["layers"].as_array().unwrap().iter().map(|layer| &layer["size_bytes"]);
        sizes.iter().map(|name| &variant["sizes"][name]).chain(layers).map(|bytes| bytes.as_u64().unwrap()).collect()
    };
    let variants = record["variants"].as_array().unwrap().iter();
    variants.map(|variant| (variant["name"].as_str().unwrap().to_owned(), of(variant))).collect()
}

/// How wide the intervals of the ratios are, over all variants and scenarios, and how many pairs are behind each.
fn width(sandbox: &Sandbox, results: &str) -> (f64, Vec<u64>) {
    let text = sandbox.run(&["report", results, "--format", "json"]).expect(0).stdout;
    let report: Value = serde_json::from_str(&text).unwrap();
    let ratios: Vec<Value> =
        report["timings"].as_array().unwrap().iter().map(|t| t["ratio_to_first"].clone()).collect();
    let ratios: Vec<&Value> = ratios.iter().filter(|ratio| !ratio.is_null()).collect();
    let log = |ratio: &&Value| (ratio["high"].as_f64().unwrap() / ratio["low"].as_f64().unwrap()).ln().max(1e-6).ln();
    let mean = ratios.iter().map(log).sum::<f64>() / ratios.len() as f64;
    (mean.exp(), ratios.iter().map(|ratio| ratio["pairs"].as_u64().unwrap()).collect())
}

#[test]
#[ignore = "needs a container engine"]
fn two_machines_that_share_a_run_weigh_alike_and_know_its_ratios_better_than_each() {
    let first = PrivateEngine::start();
    let second = first.another();
    let sandbox = Sandbox::with_tiny_suite();
    for engine in [&first, &second] {
        engine.load("alpine");
        engine.load("slim");
    }
    let run = |engine: &PrivateEngine, more: &[&str]| {
        let common = ["run", "suite", "--only", "python3.9-slim,python3.9-alpine", "--no-serve"];
        sandbox.run_on(engine.host(), &[&common[..], &["--scenarios", "cold,warm,src"], more].concat()).expect(0)
    };
    run(&first, &["--rounds", "20", "--shard", "1/2", "--out", "shard-1"]);
    run(&second, &["--rounds", "20", "--shard", "2/2", "--out", "shard-2"]);
    run(&first, &["--rounds", "1", "--out", "whole"]);
    sandbox.run(&["merge", "shard-1", "shard-2", "--out", "merged"]).expect(0);

    let read = |name: &str| sandbox.json(&format!("{name}/run.json"));
    let merged = read("merged");
    for name in ["shard-1", "shard-2", "whole"] {
        assert_eq!(sizes(&merged), sizes(&read(name)), "{name}");
    }
    let findings = merged["variants"].as_array().unwrap().iter().flat_map(|v| v["findings"].as_array().unwrap());
    assert!(findings.into_iter().all(|finding| finding["code"] != "not-reproducible"));
    for sample in merged["samples"].as_array().unwrap() {
        assert_eq!((&sample["valid"], &sample["state"]), (&Value::Bool(true), &Value::from("finished")), "{sample}");
    }
    let [(one, pairs), (other, _), (both, all)] = ["shard-1", "shard-2", "merged"].map(|name| width(&sandbox, name));
    assert_eq!((pairs, all), (vec![10; 3], vec![20; 3]));
    println!("mean width of the intervals, as logarithms: {one:.4} and {other:.4} alone, {both:.4} merged");
    assert!(both < one && both < other, "{both} of {one} and {other}");
}
