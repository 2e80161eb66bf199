//! What came out: sizes, layers, and how it serves.

use super::MOST_ROWS;
use super::headline::size_cell;
use crate::analyse::{Estimate, cpu_until_ready, ready};
use crate::record::{ServeState, Sizes, Variant, WireKind};
use crate::report::facts::RunFacts;
use crate::report::table::{Cell, Table, Tone};
use crate::report::words;
use crate::units::Bytes;

/// Every size of every variant.
pub(crate) fn sizes(facts: &RunFacts<'_>) -> Table {
    let heads = "Variant | #Size | #vs | ?#Compressed | ?#Base | ?#Own | ?#Reclaimable | ?#Duplicates | \
                 ?#Reported by engine | ?#Layers";
    let mut table = Table::new("Sizes", heads);
    table.rename("vs", facts.against_first());
    for line in &facts.summary {
        let variant = facts.record.variants.get(line.index);
        let sizes = variant.and_then(|variant| variant.sizes.as_ref());
        let Some(sizes) = sizes else {
            table.push(vec![Cell::new(&line.name), size_cell(facts, line)]);
            continue;
        };
        let against = match (line.ratio_to_first, line.delta_to_first) {
            (Some(ratio), Some(_)) => Cell::number(words::times_and_change(ratio), ratio.0),
            _ => Cell::number("", 1.0),
        };
        table.push(vec![
            Cell::new(&line.name),
            size_cell(facts, line),
            against,
            wire(sizes),
            Cell::bytes(sizes.base_bytes),
            Cell::bytes(sizes.own_bytes),
            Cell::bytes(sizes.reclaimable_bytes),
            Cell::bytes(sizes.duplicate_bytes),
            sizes.engine_size_bytes.map_or_else(Cell::default, Cell::bytes),
            Cell::count(line.layers),
        ]);
    }
    definitions(&mut table, facts.summary.iter().any(|line| line.wire_kind == Some(WireKind::Estimated)));
    table.without_empty_columns()
}

/// What the sizes of a table mean.
pub(crate) fn definitions(table: &mut Table, estimated: bool) {
    table.note(
        "Size: unpacked, regular files and symlink targets summed over the layers, the same on every engine. MB = 10^6 \
         bytes.",
    );
    if estimated {
        table.note(words::ESTIMATED);
    }
}

/// What a registry transfers, marked where it is estimated.
pub(crate) fn wire(sizes: &Sizes) -> Cell {
    let text = words::compressed(sizes.wire_bytes, sizes.wire_kind);
    Cell::number(text.unwrap_or_default(), sizes.wire_bytes.0 as f64)
}

/// The layers of every variant, lowest first.
pub(crate) fn layers(facts: &RunFacts<'_>) -> Table {
    let mut table = Table::new("Layers", "Variant | #Layer | #Size | #Share | Origin | #Reclaimable | Instruction");
    let total: usize = facts.record.variants.iter().map(|variant| variant.layers.len()).sum();
    let rows = facts
        .record
        .variants
        .iter()
        .flat_map(|variant| variant.layers.iter().enumerate().map(move |(index, layer)| (variant, index, layer)));
    for (variant, index, layer) in rows.take(MOST_ROWS) {
        let whole = variant.sizes.as_ref().map_or(0, |sizes| sizes.size_bytes.0);
        table.push(vec![
            Cell::new(&variant.name),
            Cell::number((index + 1).to_string(), index as f64),
            Cell::bytes(layer.size_bytes),
            Cell::share(layer.size_bytes.0, whole),
            Cell::new(words::origin(layer.origin)),
            unless_zero(layer.waste_bytes),
            Cell::code(&layer.instruction),
        ]);
    }
    if total > MOST_ROWS {
        table.note(format!("The first {MOST_ROWS} of {total} layers; all are in layers.csv."));
    }
    table.without_empty_columns()
}

/// The interval of an estimate, or why there is none.
pub(super) fn interval(estimate: Estimate) -> Cell {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => Cell::number(words::span(low, high), low.0 as f64),
        _ => Cell::new(words::no_interval(estimate.n)).tone(Tone::Care),
    }
}

/// A size that is worth a word only where there is any.
pub(crate) fn unless_zero(value: Bytes) -> Cell {
    if value == Bytes::ZERO { Cell::number("", 0.0) } else { Cell::bytes(value) }
}

/// How each variant serves.
pub(crate) fn serving(facts: &RunFacts<'_>) -> Table {
    let heads = "Variant | #Startup (median) | #95 % interval | #n | #CPU time | #Memory then | ?Byte code | ?User | \
                 ?Limits | ?Answer";
    let mut table = Table::new("Startup", heads);
    let quickest = facts.summary.iter().filter_map(|line| line.ready).min();
    let all: Vec<_> =
        facts.record.variants.iter().filter_map(|variant| Some((variant, variant.serve.as_ref()?))).collect();
    let limits: Vec<String> =
        all.iter().map(|(_, serve)| serve.limits.as_ref().map_or_else(String::new, words::limits)).collect();
    let alike = limits.windows(2).all(|pair| pair[0] == pair[1]);
    for ((variant, serve), limits) in all.iter().zip(&limits) {
        let starts = Cell::count(serve.starts.len());
        let (startup, interval, cpu, memory, tone) = if let Some(estimate) = ready(serve) {
            let median = Cell::time(estimate.median).best_if(Some(estimate.median) == quickest);
            let cpu = cpu_until_ready(serve).map_or_else(Cell::default, |cpu| Cell::time(cpu.median));
            (median, interval(estimate), cpu, Cell::bytes(serve.memory_bytes), None)
        } else {
            let (word, tone) = match serve.state {
                ServeState::NotAsked => ("not asked", Tone::Care),
                ServeState::Answered | ServeState::Failed => ("does not start", Tone::Bad),
            };
            let failed = Some(tone).filter(|tone| *tone == Tone::Bad);
            (Cell::new(word).tone(tone), Cell::default(), Cell::default(), Cell::default(), failed)
        };
        let detail = Cell::new(&serve.detail);
        table.push(vec![
            Cell::new(&variant.name),
            startup,
            interval,
            starts,
            cpu,
            memory,
            Cell::new(if compiles_at_start(variant) { "missing" } else { "" }),
            Cell::new(words::user(&serve.user)),
            Cell::new(if alike { "" } else { limits }),
            match tone {
                Some(tone) => detail.tone(tone),
                None => detail,
            },
        ]);
    }
    if let Some(limits) = limits.first().filter(|limits| alike && !limits.is_empty()) {
        table.note(format!("Each container is limited to {limits}."));
    }
    if all.iter().any(|(_, serve)| cpu_until_ready(serve).is_some()) {
        table.note("CPU time: of all processes of the container until its first answer, as the engine counts it.");
    }
    if all.iter().any(|(variant, _)| compiles_at_start(variant)) {
        table.note("Byte code missing: each start compiles the Python modules that it imports, which is CPU time.");
    }
    let serves = || all.iter().map(|(_, serve)| *serve).filter(|serve| serve.state != ServeState::NotAsked);
    if serves().next().is_some() {
        table.note(if serves().all(|serve| serve.isolated) {
            "Started on a network without access to the outside."
        } else {
            "Not all were started on a network without access to the outside."
        });
    }
    table.notes.extend(words::too_few(serves().filter_map(ready), "start"));
    table.without_empty_columns()
}

/// Whether its packages have no byte code, so that each start compiles them.
fn compiles_at_start(variant: &Variant) -> bool {
    variant.findings.iter().any(|finding| finding.code == "byte-code-missing")
}

#[cfg(test)]
mod tests {
    use crate::record::ServeLimits;
    use crate::testing::fixture;
    use crate::units::Bytes;

    #[test]
    fn equal_limits_are_said_once_and_others_per_variant() {
        let mut record = fixture::record();
        let text = crate::report::markdown(&record);
        assert!(text.contains("Each container is limited to 1.07 GB of memory."), "{text}");
        record.variants[2].serve.as_mut().unwrap().limits = Some(ServeLimits {
            memory_bytes: Bytes(128_000_000),
            nano_cpus: 200_000_000,
            read_only: true,
            user: "10001".to_owned(),
        });
        let text = crate::report::markdown(&record);
        assert!(!text.contains("Each container is limited"), "{text}");
        assert!(text.contains("| 0.2 CPUs, 128 MB of memory, a read-only root, user 10001 |"), "{text}");
        assert!(text.lines().any(|line| line.starts_with("| Variant") && line.contains("| Limits ")), "{text}");
    }

    #[test]
    fn what_was_not_asked_is_neither_a_time_nor_a_failure() {
        let mut record = fixture::record();
        fixture::out_of_reach(&mut record.variants[1]);
        let text = crate::report::markdown(&record);
        let row = text.lines().find(|line| line.contains("is out of reach from here")).unwrap();
        assert!(row.starts_with("| python3.9-slim ") && row.contains(" not asked |"), "{row}");
        assert!(!text.contains("does not start") && text.contains("startup of 1 variant not checked"), "{text}");
    }
}
