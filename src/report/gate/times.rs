//! Build times against those of another state, measured in the same job.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::escape::{code, line};
use crate::gate::timing::{TimingResult, TimingVerdict};
use crate::report::escape::{self, Place};
use crate::units::{self, Ratio};

/// Most times that are listed one by one.
const MOST: usize = 40;

/// The word for what can be said of a time.
fn word(verdict: TimingVerdict) -> &'static str {
    match verdict {
        TimingVerdict::Same => "same",
        TimingVerdict::Improved => "improved",
        TimingVerdict::Slower => "slower",
        TimingVerdict::Suspect => "slower, not confirmed",
        TimingVerdict::Inconclusive => "inconclusive",
    }
}

/// What deserves to be seen first: what is slower, what improved, what is unclear, the rest.
fn ordered(timings: &[TimingResult]) -> Vec<&TimingResult> {
    let rank = |timing: &TimingResult| match timing.verdict {
        TimingVerdict::Slower => 0,
        TimingVerdict::Suspect => 1,
        TimingVerdict::Improved => 2,
        TimingVerdict::Inconclusive => 3,
        TimingVerdict::Same => 4,
    };
    let mut ordered: Vec<&TimingResult> = timings.iter().collect();
    ordered.sort_by_key(|timing| rank(timing));
    ordered
}

/// `1.00 s → 1.30 s`, `+30.0 %`, `+25.1 % to +34.0 %`.
fn figures(timing: &TimingResult) -> (String, String, String) {
    let Some(estimate) = &timing.estimate else { return (timing.reason(), String::new(), String::new()) };
    let interval = estimate.interval.map_or_else(
        || units::count(estimate.pairs, "round"),
        |interval| format!("{} to {}", Ratio(interval.low).as_change(), Ratio(interval.high).as_change()),
    );
    (format!("{} → {}", estimate.first, estimate.second), Ratio(estimate.ratio).as_change(), interval)
}

/// Lines for a terminal; nothing where there are no times.
pub fn times_table(timings: &[TimingResult], against: &str) -> String {
    if timings.is_empty() {
        return String::new();
    }
    let rows: Vec<[String; 5]> = ordered(timings)
        .into_iter()
        .take(MOST)
        .map(|timing| {
            let (times, change, interval) = figures(timing);
            let name = format!("{} {}", line(&timing.variant), timing.scenario);
            [name, times, change, interval, word(timing.verdict).to_owned()]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..4).map(width).collect();
    let mut out = format!("build times against {}, measured in the same job:\n", line(against));
    for [name, times, change, interval, verdict] in &rows {
        let _ = writeln!(
            out,
            "  {name:<0$}  {times:<1$}  {change:>2$}  {interval:<3$}  {verdict}",
            widths[0], widths[1], widths[2], widths[3]
        );
    }
    if timings.len() > MOST {
        let _ = writeln!(out, "  [{}]", units::count(timings.len() - MOST, "other"));
    }
    out
}

/// A collapsed GFM table; nothing where there are no times.
pub(super) fn times_markdown(timings: &[TimingResult], against: &str) -> String {
    if timings.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "<details><summary>Build times against {}, measured in the same job</summary>\n\n\
         | build | base → head | Δ | 95 % interval | verdict |\n|:---|---:|---:|:---|:---|\n",
        escape::html(&against.replace('`', ""))
    );
    for timing in ordered(timings).into_iter().take(MOST) {
        let (times, change, interval) = figures(timing);
        let _ = writeln!(
            out,
            "| {} {} | {} | {change} | {interval} | {} |",
            code(&timing.variant, Place::Cell),
            timing.scenario,
            escape::words(&times, Place::Cell),
            word(timing.verdict)
        );
    }
    if timings.len() > MOST {
        let _ = writeln!(out, "| [{}] | | | | |", units::count(timings.len() - MOST, "other"));
    }
    out.push_str("\n</details>\n\n");
    out
}

/// For programs.
pub(super) fn times_json(timings: &[TimingResult]) -> Value {
    timings
        .iter()
        .map(|timing| {
            let estimate = timing.estimate.as_ref();
            let interval = estimate.and_then(|estimate| estimate.interval);
            json!({
                "variant": timing.variant,
                "scenario": timing.scenario,
                "verdict": timing.verdict,
                "base_ns": estimate.map(|estimate| estimate.first),
                "head_ns": estimate.map(|estimate| estimate.second),
                "ratio": estimate.map(|estimate| estimate.ratio),
                "low": interval.map(|interval| interval.low),
                "high": interval.map(|interval| interval.high),
                "rounds": estimate.map(|estimate| estimate.pairs),
                "p_adjusted": timing.p_adjusted,
                "reason": timing.reason(),
            })
        })
        .collect()
}
