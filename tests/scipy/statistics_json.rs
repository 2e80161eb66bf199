//! Reads samples as JSON lines (`{"first": […], "second": […]}`) and prints our statistics of each as a JSON line, for
//! `check_statistics.py` to compare with scipy's.

use std::io::{self, BufRead, Write};

use serde_json::{Value, json};
use tonnage::testing::analyse::statistics::{self, Alternative, Interval, PointEstimate};

const LEVEL: f64 = 0.95;

fn interval(interval: Option<Interval>) -> Value {
    interval.map_or(Value::Null, |at| json!({"low": at.low, "high": at.high, "level": at.level}))
}

fn estimate(estimate: Option<PointEstimate>) -> Value {
    estimate.map_or(Value::Null, |found| json!({"value": found.value, "interval": interval(found.interval)}))
}

fn of(first: &[f64], second: &[f64]) -> Value {
    let points: Vec<(f64, f64)> = first.iter().enumerate().map(|(index, value)| (index as f64, *value)).collect();
    // Probabilities made of the sample, so that Holm's correction has some to correct.
    let probabilities: Vec<f64> = first.iter().map(|value| statistics::normal_cdf(*value)).collect();
    json!({
        "median": statistics::median(first),
        "median_interval": interval(statistics::median_interval(first, LEVEL)),
        "spread": statistics::spread(first),
        "hodges_lehmann": estimate(statistics::hodges_lehmann(first, LEVEL)),
        "signed_rank_greater": statistics::signed_rank_p(first, Alternative::Greater),
        "signed_rank_less": statistics::signed_rank_p(first, Alternative::Less),
        "shift": estimate(statistics::hodges_lehmann_shift(first, second, LEVEL)),
        "rank_sum_greater": statistics::rank_sum_p(first, second, Alternative::Greater),
        "rank_sum_less": statistics::rank_sum_p(first, second, Alternative::Less),
        "theil_sen": statistics::theil_sen(&points),
        "trend_p": statistics::drift(first).map(|drift| drift.p),
        "autocorrelation": statistics::autocorrelation(first),
        "normal_cdf": probabilities,
        "normal_quantile": probabilities.iter().map(|p| statistics::normal_quantile(*p)).collect::<Vec<_>>(),
        "holm": statistics::holm(&probabilities),
    })
}

fn floats(value: &Value) -> Vec<f64> {
    value.as_array().map(|items| items.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let sample: Value = serde_json::from_str(&line?)?;
        writeln!(out, "{}", of(&floats(&sample["first"]), &floats(&sample["second"])))?;
    }
    Ok(())
}
