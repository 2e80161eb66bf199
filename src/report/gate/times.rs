//! Build times against those of another state, measured in the same job.

use serde_json::{Value, json};

use crate::gate::timing::{TimingResult, TimingVerdict};
use crate::report::doc::Doc;
use crate::report::table::{Cell, Table};
use crate::report::terminal;
use crate::units::{self, Ratio};

/// Most times that are listed one by one.
const MOST: usize = 40;

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
fn figures(timing: &TimingResult) -> [String; 3] {
    let Some(estimate) = &timing.estimate else { return [timing.reason(), String::new(), String::new()] };
    let interval = estimate.interval.map_or_else(
        || units::count(estimate.pairs, "round"),
        |interval| format!("{} to {}", Ratio(interval.low).as_change(), Ratio(interval.high).as_change()),
    );
    [format!("{} → {}", estimate.first, estimate.second), Ratio(estimate.ratio).as_change(), interval]
}

fn table(timings: &[TimingResult]) -> Table {
    let mut table = Table::new("", "build | base → head | #Δ | 95 % interval | verdict");
    for timing in ordered(timings).into_iter().take(MOST) {
        let mut row = vec![Cell::name(&timing.variant, format!(" {}", timing.scenario))];
        row.extend(figures(timing).map(Cell::new));
        row.push(Cell::new(timing.verdict.word()));
        table.push(row);
    }
    table.others(timings.len(), MOST);
    table
}

/// Lines for a terminal; nothing where there are no times.
pub(super) fn log(doc: &mut Doc, timings: &[TimingResult], against: &str) {
    if !timings.is_empty() {
        doc.sentence(format!("build times against {against}, measured in the same job:"));
        doc.section(table(timings));
    }
}

/// The same behind the report of a run.
pub(crate) fn times_table(timings: &[TimingResult], against: &str) -> String {
    let mut doc = Doc::default();
    doc.gap();
    log(&mut doc, timings, against);
    // Without times the gap before them goes, else the one behind them.
    doc.0.pop();
    terminal::log(&doc, false)
}

/// A collapsed table; nothing where there are no times.
pub(super) fn folded(doc: &mut Doc, timings: &[TimingResult], against: &str) {
    let against = against.replace('`', "");
    doc.folded(format!("Build times against {against}, measured in the same job").into(), table(timings));
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
