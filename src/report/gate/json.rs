//! A judgement for programs.

use serde_json::{Value, json};

use super::headline::{headline, why};
use super::times::times_json;
use crate::gate::{Judgement, State, VariantResult};

/// `verdict`, `rules` and `variants`, as docs/ci.md describes them.
pub(super) fn json(judgement: &Judgement) -> String {
    let variants: Vec<Value> = judgement.variants.iter().map(|found| variant(judgement, found)).collect();
    let value = json!({
        "format_version": "1.0",
        "verdict": judgement.verdict,
        "exit_code": judgement.exit().code(),
        "headline": headline(judgement),
        "record": judgement.record,
        "measured_at": judgement.measured_at,
        "baseline": judgement.baseline,
        "rules": judgement.rules,
        "variants": variants,
        "against": judgement.against,
        "timings": times_json(&judgement.timings),
        "notes": judgement.notes,
        "accept": judgement.accept,
    });
    crate::json::pretty(&value)
}

fn variant(judgement: &Judgement, found: &VariantResult) -> Value {
    let (state, unlike) = match &found.state {
        State::Compared => ("compared", None),
        State::New => ("new", None),
        State::Vanished => ("vanished", None),
        State::Unlike(reason) => ("unlike", Some(reason.as_str())),
        State::NoBaseline => ("no_baseline", None),
        State::NoImage => ("no_image", None),
    };
    json!({
        "name": found.name,
        "state": state,
        "unlike": unlike,
        "verdict": judgement.verdict_of(&found.name),
        "size_bytes": found.size,
        "stand_in": found.stand_in,
        "baseline_size_bytes": found.baseline_size,
        "because": why(found),
        "dockerfile": found.dockerfile,
        "line": found.line,
        "difference": found.comparison,
        "accepted": found.accepted,
    })
}
