//! How long building took, and where the time went.

use std::collections::BTreeSet;

use super::MOST_ROWS;
use super::images::interval;
use crate::analyse::{Part, ScenarioTiming, StepTime};
use crate::record::Scenario;
use crate::report::facts::RunFacts;
use crate::report::table::{Cell, Table, Tone};
use crate::report::words;
use crate::units::{Bytes, Ratio};

/// Downloads below this are neighbours looked for and names looked up.
const SOME_DATA: Bytes = Bytes(1_000);

/// Build times of every variant and scenario, each with its interval, its rounds and its proof.
pub(crate) fn times(facts: &RunFacts<'_>) -> Table {
    let heads = "Variant | Scenario | #Median | #95 % interval | #n | #Cached | ?#vs | ?First miss | ?Remarks";
    let mut table = Table::new("Build times", heads);
    table.rename("vs", facts.against_first());
    let timed: BTreeSet<&str> = facts.timings.iter().map(|timing| timing.variant.as_str()).collect();
    let failed = facts.summary.iter().filter(|line| !timed.contains(line.name.as_str()));
    for timing in facts.timings.iter().take(MOST_ROWS) {
        let quickest = facts
            .timings
            .iter()
            .filter(|other| other.scenario == timing.scenario)
            .filter_map(|other| other.estimate.map(|estimate| estimate.median))
            .min();
        let scenario = Cell { sort: Some(order(timing.scenario)), ..Cell::new(timing.scenario.word()) };
        let mut row = vec![Cell::new(&timing.variant), scenario];
        match timing.estimate {
            Some(estimate) => row.extend([
                Cell::time(estimate.median).best_if(Some(estimate.median) == quickest),
                interval(estimate),
                Cell::count(estimate.n),
            ]),
            None => row.extend([Cell::new("no valid sample").tone(Tone::Bad), Cell::default(), Cell::number("0", 0.0)]),
        }
        let proof = if timing.valid > 0 { format!("{}/{}", timing.cached, timing.cacheable) } else { String::new() };
        let share = Ratio::of(timing.cached.into(), timing.cacheable.into()).map_or(0.0, |part| part.0);
        let proof = Cell::number(proof, share);
        row.extend([
            match facts.place_of(&timing.variant) {
                Some(place) => proof.link(words::proof_anchor(timing.scenario, place)),
                None => proof,
            },
            facts
                .ratio_of(&timing.variant, timing.scenario)
                .map_or_else(|| Cell::number("", 1.0), |estimate| Cell::number(words::ratio(estimate), estimate.ratio)),
            Cell::code(timing.first_miss.clone().unwrap_or_default()),
            Cell::new(remarks(timing)),
        ]);
        table.push(row);
    }
    for line in failed {
        // The reason is a sentence, and has its place in the table of failures.
        let word = facts.record.variants.get(line.index).and_then(words::missing_short).unwrap_or("not measured");
        table.push(vec![Cell::new(&line.name), Cell::default(), Cell::new(word).tone(Tone::Bad)]);
    }
    notes(facts, &mut table);
    table.without_empty_columns()
}

fn notes(facts: &RunFacts<'_>, table: &mut Table) {
    if facts.timings.is_empty() {
        return;
    }
    table.note(
        "Cached: instructions that came from cache of those that can, from the engine's own events, in the worst \
         valid sample. The interval is that of the median, free of any distribution.",
    );
    let without = |timing: &&ScenarioTiming| timing.estimate.is_some_and(|estimate| estimate.low.is_none());
    let few: BTreeSet<Scenario> = facts.timings.iter().filter(without).map(|timing| timing.scenario).collect();
    let all =
        facts.timings.iter().filter(|timing| timing.estimate.is_some()).all(|timing| few.contains(&timing.scenario));
    if let Some(line) = words::too_few(facts.timings.iter().filter_map(|timing| timing.estimate), "round") {
        let names: Vec<String> = few.iter().map(|scenario| format!("`{scenario}`")).collect();
        table.note(if all { line } else { format!("{}: {line}", names.join(", ")) });
    }
    table.notes.extend(words::stand_in_line(facts.record).map(|line| format!("Measured on {line}.")));
    table.notes.extend(facts.noise.as_ref().map(words::noise));
    table.notes.extend(words::detectable(&facts.detectable));
    table.notes.extend(words::layer_step_line(facts.record));
    table.notes.extend(words::downloads(facts.record, &facts.timings));
    table.note_rest(facts.timings.len(), MOST_ROWS, "samples.csv");
}

fn remarks(timing: &ScenarioTiming) -> String {
    let mut remarks = Vec::new();
    if timing.invalid > 0 {
        remarks.push(format!("{} skipped: invalid proof", words::count(timing.invalid as usize, "sample")));
    }
    if !timing.outliers.is_empty() {
        let rounds: Vec<String> = timing.outliers.iter().map(ToString::to_string).collect();
        remarks.push(format!("outliers (included): round {}", rounds.join(", ")));
    }
    if timing.drifts() {
        remarks.push(format!("drifts {:+.1} % per round", timing.drift_per_round() * 100.0));
    }
    if timing.neighbours_depend() {
        remarks.push("neighbouring rounds depend: the interval is too narrow".to_owned());
    }
    if let Some(network) = &timing.network {
        if network.median >= SOME_DATA {
            remarks.push(format!("{} downloaded", network.median));
        }
        if !network.differing.is_empty() {
            remarks.push("downloads differ between rounds".to_owned());
        }
    }
    remarks.join("; ")
}

/// Where the time of the cold builds goes: one row per instruction or part.
pub(crate) fn decomposition(facts: &RunFacts<'_>) -> Table {
    let mut table = Table::new("Where a cold build's time goes", "Variant | Part | #Median | #Share | #n");
    let of_cold = facts.decompositions.iter().filter(|build| build.scenario == Scenario::Cold);
    for build in of_cold.clone() {
        for part in &build.parts {
            table.push(vec![
                Cell::new(&build.variant),
                part_cell(part),
                Cell::time(part.median),
                Cell::share(part.median.0, build.wall.0),
                Cell::count(part.n),
            ]);
        }
    }
    table.rows.truncate(MOST_ROWS);
    if !table.rows.is_empty() {
        table.note("Medians of the parts; they add to about the median of the whole.");
        if of_cold.clone().any(|build| build.client_side) {
            table.note("Stamped by tonnage as the lines arrived, since the classic builder sends no times.");
        }
    }
    table
}

fn part_cell(part: &StepTime) -> Cell {
    let word = words::part(part);
    if part.part == Part::Instruction { Cell::code(word) } else { Cell::new(word) }
}

fn order(scenario: Scenario) -> f64 {
    Scenario::ALL.iter().position(|other| *other == scenario).unwrap_or(0) as f64
}
