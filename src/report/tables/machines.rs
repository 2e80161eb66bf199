//! The machines of a run that several shared.

use std::collections::BTreeSet;

use super::MOST_ROWS;
use super::images::interval;
use crate::analyse::NoiseVerdict;
use crate::record::Noise;
use crate::report::facts::RunFacts;
use crate::report::shards;
use crate::report::table::{Cell, Table, Tone};

/// One row per shard: its machine, what it measured, and its A/A check.
pub(crate) fn machines(facts: &RunFacts<'_>) -> Table {
    let mut table = Table::new("Machines", "Shard | Machine | #Rounds | #Variants | #Builds | A/A check");
    if facts.shards.len() < 2 {
        return table;
    }
    for (shard, noise) in facts.shards.iter().take(MOST_ROWS) {
        let own = || facts.record.samples.iter().filter(|sample| sample.shard == Some(shard.part.index));
        // Of a shard that was left out no round counts; of the others the warm-up does not.
        let counted = || own().filter(|sample| shard.dropped.is_some() || !sample.discarded);
        let rounds: BTreeSet<u32> = counted().map(|sample| sample.round).collect();
        let variants: BTreeSet<&str> = own().map(|sample| sample.variant.as_str()).collect();
        table.push(vec![
            Cell::new(shard.part.to_string()),
            Cell::new(&shard.host),
            Cell::count(rounds.len()),
            Cell::count(variants.len()),
            Cell::count(own().count()),
            check(noise.as_ref(), shard.dropped.is_some()),
        ]);
    }
    table.others(facts.shards.len(), MOST_ROWS);
    table.notes.extend(shards::remarks(facts));
    table
}

fn check(noise: Option<&Noise>, is_dropped: bool) -> Cell {
    let Some(noise) = noise else { return Cell::new("none") };
    let ratio = format!("{:.3} ({:.3}–{:.3})", noise.ratio, noise.low, noise.high);
    match noise.verdict() {
        NoiseVerdict::Quiet => Cell::new(format!("not noisy: {ratio}")),
        NoiseVerdict::Noisy if is_dropped => Cell::new(format!("noisy, left out: {ratio}")).tone(Tone::Care),
        NoiseVerdict::Noisy => Cell::new(format!("noisy: {ratio}")).tone(Tone::Care),
        NoiseVerdict::Unknown => Cell::new("too few pairs"),
    }
}

/// Build times of each class of machines, where there are several.
pub(crate) fn classes(facts: &RunFacts<'_>) -> Table {
    let heads = "Variant | Scenario | Machines | #Median | #95 % interval | #n";
    let mut table = Table::new("Build times by class of machines", heads);
    let timings = facts.classes.iter().flat_map(|(class, timings)| timings.iter().map(move |timing| (class, timing)));
    let mut rows: Vec<_> = timings.collect();
    // Variant by variant, and within it scenario by scenario, as in the table of all times.
    rows.sort_by_key(|(_, timing)| (facts.place_of(&timing.variant), timing.scenario));
    for (class, timing) in rows.iter().take(MOST_ROWS) {
        let Some(estimate) = timing.estimate else { continue };
        table.push(vec![
            Cell::new(&timing.variant),
            Cell::new(timing.scenario.word()),
            Cell::new(class.host),
            Cell::time(estimate.median),
            interval(estimate),
            Cell::count(estimate.n),
        ]);
    }
    if !table.rows.is_empty() {
        table.others(rows.len(), MOST_ROWS);
    }
    table
}
