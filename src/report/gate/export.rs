//! What was measured, for dashboards that exist.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::analyse::{Estimate, in_statistics};
use crate::gate::Measured;
use crate::record::{Sample, Scenario};
use crate::units::{self, Nanos};

/// One value a round for each variant and scenario, in the order of the record.
fn rounds(measured: &Measured) -> Vec<(&str, Scenario, Vec<Nanos>)> {
    type Rounds = BTreeMap<(Option<u32>, u32), Vec<Nanos>>;
    let mut by: BTreeMap<(&str, Scenario), Rounds> = BTreeMap::new();
    for sample in measured.samples.iter().filter(|sample: &&Sample| in_statistics(sample)) {
        let rounds = by.entry((&sample.variant, sample.scenario)).or_default();
        rounds.entry((sample.shard, sample.round)).or_default().push(sample.wall_ns);
    }
    let mut found = Vec::new();
    for variant in &measured.variants {
        for scenario in Scenario::ALL {
            if let Some(rounds) = by.get(&(variant.name.as_str(), scenario)) {
                let values = rounds.values().filter_map(|walls| Some(Estimate::of(walls)?.median)).collect();
                found.push((variant.name.as_str(), scenario, values));
            }
        }
    }
    found
}

/// The build time of each variant and scenario that has one.
pub(super) fn times(measured: &Measured) -> impl Iterator<Item = (&str, Scenario, Estimate)> {
    rounds(measured).into_iter().filter_map(|(variant, scenario, rounds)| {
        let estimate = Estimate::of(&rounds)?;
        Some((variant, scenario, estimate))
    })
}

/// The sizes of an image that are worth a line in a dashboard.
fn sizes(variant: &crate::record::Variant) -> Vec<(&'static str, u64)> {
    variant.sizes.as_ref().map_or_else(Vec::new, |sizes| {
        vec![
            ("size", sizes.size_bytes.0),
            ("own", sizes.own_bytes.0),
            ("wire", sizes.wire_bytes.0),
            ("rootfs", sizes.rootfs_bytes.0),
            ("reclaimable", sizes.reclaimable_bytes.0),
            ("duplicates", sizes.duplicate_bytes.0),
        ]
    })
}

/// Bencher Metric Format (<https://bencher.dev/docs/reference/bencher-metric-format/>): benchmark → measure → value.
/// Sizes in bytes under their own names, build times in nanoseconds as `latency` with their interval.
pub(super) fn bmf(measured: &Measured) -> String {
    let mut root = Map::new();
    for variant in &measured.variants {
        let values: Map<String, Value> =
            sizes(variant).into_iter().map(|(name, bytes)| (name.to_owned(), json!({"value": bytes}))).collect();
        if !values.is_empty() {
            root.insert(variant.name.clone(), Value::Object(values));
        }
    }
    for (variant, scenario, estimate) in times(measured) {
        let mut latency = json!({"value": estimate.median.0});
        if let (Some(low), Some(high)) = (estimate.low, estimate.high) {
            latency["lower_value"] = json!(low.0);
            latency["upper_value"] = json!(high.0);
        }
        root.insert(format!("{variant}/{scenario}"), json!({"latency": latency}));
    }
    crate::json::pretty(&Value::Object(root))
}

/// `customSmallerIsBetter` of github-action-benchmark: a list of name, unit, value, range and extra.
pub(super) fn benchmark(measured: &Measured) -> String {
    let mut list = Vec::new();
    for variant in &measured.variants {
        for (name, bytes) in sizes(variant) {
            list.push(json!({"name": format!("{} {name}", variant.name), "unit": "bytes", "value": bytes}));
        }
    }
    for (variant, scenario, estimate) in times(measured) {
        let value = estimate.median.as_seconds() * 1e3;
        let mut entry = json!({"name": format!("{variant} {scenario} build"), "unit": "ms", "value": value});
        if let (Some(low), Some(high)) = (estimate.low, estimate.high) {
            entry["range"] = json!(format!("{low} to {high}"));
        }
        entry["extra"] = json!(format!("median of {}", units::count(estimate.n, "round")));
        list.push(entry);
    }
    crate::json::pretty(&Value::Array(list))
}

/// The build times as hyperfine's `--export-json` has them: seconds, one command a variant and scenario. The engine
/// does the work, so user and system time of the client are not known and zero.
pub(super) fn hyperfine(measured: &Measured) -> String {
    let results: Vec<Value> = rounds(measured)
        .into_iter()
        .filter(|(.., rounds)| !rounds.is_empty())
        .map(|(variant, scenario, rounds)| {
            let times: Vec<f64> = rounds.iter().map(|time| time.as_seconds()).collect();
            let n = times.len() as f64;
            let mean = times.iter().sum::<f64>() / n;
            let square: f64 = times.iter().map(|time| (time - mean).powi(2)).sum();
            let stddev = (times.len() > 1).then(|| (square / (n - 1.0)).sqrt());
            json!({
                "command": format!("tonnage run {variant} {scenario}"),
                "mean": mean,
                "stddev": stddev,
                "median": Estimate::of(&rounds).map(|estimate| estimate.median.as_seconds()),
                "user": 0.0,
                "system": 0.0,
                "min": times.iter().copied().fold(f64::INFINITY, f64::min),
                "max": times.iter().copied().fold(0.0, f64::max),
                "exit_codes": vec![0; times.len()],
                "times": times,
                "parameters": {"variant": variant, "scenario": scenario.word()},
            })
        })
        .collect();
    crate::json::pretty(&json!({ "results": results }))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::testing::fixture;

    fn value(export: fn(&Measured) -> String) -> Value {
        let measured = Measured::of_record(fixture::record(), "run.json", Path::new("run.json")).unwrap();
        serde_json::from_str(&export(&measured)).unwrap()
    }

    #[test]
    fn bencher_gets_sizes_in_bytes_and_times_in_nanoseconds() {
        let bmf = value(bmf);
        assert_eq!(bmf["python3.9-slim"]["size"]["value"], 125_436_559);
        let cold = &bmf["python3.9-slim/cold"]["latency"];
        let number = |key: &str| cold[key].as_u64().unwrap();
        assert!(number("lower_value") <= number("value") && number("value") <= number("upper_value"));
        assert_eq!(bmf.as_object().unwrap().len(), 4 + 20);
    }

    #[test]
    fn github_action_benchmark_gets_a_list_where_smaller_is_better() {
        let list = value(benchmark);
        let entries = list.as_array().unwrap();
        assert_eq!(entries.len(), 4 * 6 + 20);
        assert!(entries.iter().all(|entry| entry["name"].is_string() && entry["unit"].is_string()));
        assert!(entries.iter().all(|entry| entry["value"].is_number()));
        assert_eq!(entries[0]["name"], "python3.9 size");
        assert!(entries[24]["range"].as_str().unwrap().contains(" to "));
    }

    #[test]
    fn hyperfine_gets_seconds_of_every_round() {
        let results = value(hyperfine);
        let first = &results["results"][0];
        assert_eq!(first["command"], "tonnage run python3.9 cold");
        let times = first["times"].as_array().unwrap();
        assert_eq!(times.len(), 7);
        assert_eq!(first["exit_codes"].as_array().unwrap().len(), 7);
        let of = |key: &str| first[key].as_f64().unwrap();
        assert!(of("min") <= of("median") && of("median") <= of("max") && of("stddev") > 0.0);
        let mean = times.iter().map(|time| time.as_f64().unwrap()).sum::<f64>() / 7.0;
        assert!((of("mean") - mean).abs() < 1e-9);
    }
}
