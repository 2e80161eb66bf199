//! Every computed figure as JSON, for programs that do not want to compute medians again.

use serde_json::{Value, json};

use super::facts::RunFacts;
use super::{observed, words};
use crate::record::{Noise, Record};

/// Sizes, build times, claims, findings and what the run cost; integers of bytes and nanoseconds.
pub fn json(record: &Record) -> String {
    if record.is_observed() {
        return observed::json(record);
    }
    let facts = RunFacts::of(record);
    let value = json!({
        "format_version": "1.0",
        "suite": record.suite.name,
        "started_at": record.started_at,
        "engine": record.environment.engine,
        "ended": record.ended,
        "variants": facts.summary.iter().map(|line| json!({
            "name": line.name,
            "outcome": line.outcome,
            "failure": line.failure,
            "stand_in": line.stand_in,
            "smallest": line.smallest,
            "size_bytes": line.size,
            "engine_size_bytes": line.engine_size,
            "wire_bytes": line.wire,
            "wire_kind": line.wire_kind,
            "base_bytes": line.base,
            "own_bytes": line.own,
            "reclaimable_bytes": line.reclaimable,
            "delta_to_first_bytes": line.delta_to_first,
            "ratio_to_first": line.ratio_to_first,
            "layers": line.layers,
            "ready_ns": line.ready,
            "memory_bytes": line.memory,
        })).collect::<Vec<Value>>(),
        "timings": facts.timings.iter().map(|timing| json!({
            "variant": timing.variant,
            "scenario": timing.scenario,
            "median_ns": timing.estimate.map(|estimate| estimate.median),
            "low_ns": timing.estimate.and_then(|estimate| estimate.low),
            "high_ns": timing.estimate.and_then(|estimate| estimate.high),
            "level": timing.estimate.map(|estimate| estimate.level),
            "rounds": timing.estimate.map_or(0, |estimate| estimate.n),
            "cached": timing.cached,
            "cacheable": timing.cacheable,
            "valid": timing.valid,
            "invalid": timing.invalid,
            "first_miss": timing.first_miss,
            "reasons": timing.reasons.iter().chain(&timing.tolerated).collect::<std::collections::BTreeSet<_>>(),
            "network_bytes": timing.network.as_ref().map(|network| network.median),
            "drift_per_round": timing.drift_per_round(),
            "drift_p": timing.drift.map(|drift| drift.p),
            "autocorrelation": timing.autocorrelation,
            "outlier_rounds": timing.outliers,
            "ratio_to_first": facts.ratio_of(&timing.variant, timing.scenario).map(|estimate| json!({
                "ratio": estimate.ratio,
                "low": estimate.interval.map(|interval| interval.low),
                "high": estimate.interval.map(|interval| interval.high),
                "level": estimate.interval.map(|interval| interval.level),
                "pairs": estimate.pairs,
                "differs": estimate.differs(facts.record.environment.engine.layer_step_ns),
                "p_slower": estimate.p_slower,
                "p_faster": estimate.p_faster,
            })),
        })).collect::<Vec<Value>>(),
        "reproduction": facts.reproduction.iter().map(|claim| json!({
            "variant": claim.variant,
            "claim": claim.claim,
            "low_bytes": claim.low,
            "high_bytes": claim.high,
            "size_bytes": claim.size,
            "drift_bytes": claim.drift,
            "verdict": claim.verdict,
            "cause": words::causes(claim),
        })).collect::<Vec<Value>>(),
        "findings": facts.findings.iter().map(|found| json!({
            "variant": found.variant,
            "code": found.finding.code,
            "message": found.finding.message,
            "instruction": found.finding.instruction,
            "size_bytes": found.finding.size_bytes,
            "time_ns": found.time,
            "share": found.share,
            "remedy": found.finding.remedy,
        })).collect::<Vec<Value>>(),
        "stored_bytes": facts.sharing.total_stored,
        "pull_bytes": facts.sharing.total_wire,
        "pull_kind": facts.sharing.wire_kind,
        "noise": facts.noise.as_ref().map(noise),
        "shards": facts.shards.iter().map(|(shard, check)| json!({
            "index": shard.part.index,
            "of": shard.part.of,
            "by": shard.part.by,
            "host": shard.host,
            "dropped": shard.dropped.is_some(),
            "noise": check.as_ref().map(noise),
        })).collect::<Vec<Value>>(),
        "machine_spread": facts.spread.map(|spread| json!({
            "machines": spread.machines,
            "deviation": spread.deviation,
            "slowest": spread.slowest,
        })),
        "detectable_ratio": facts.detectable.iter().map(|(scenario, ratio)| json!({
            "scenario": scenario,
            "ratio": ratio,
        })).collect::<Vec<Value>>(),
        "overhead": facts.overhead.map(|overhead| json!({
            "elapsed_ns": overhead.elapsed,
            "builds_ns": overhead.builds,
            "serves_ns": overhead.serves,
            "exports_ns": overhead.exports,
            "pulls_ns": overhead.pulls,
            "own_ns": overhead.own,
            "preparing_ns": overhead.preparing,
            "cleaning_ns": overhead.cleaning,
            "journal_ns": overhead.journal,
            "share": overhead.share,
        })),
    });
    crate::json::pretty(&value)
}

/// The A/A check with its verdict.
fn noise(noise: &Noise) -> Value {
    let mut value = json!(noise);
    value["verdict"] = json!(noise.verdict());
    value
}
