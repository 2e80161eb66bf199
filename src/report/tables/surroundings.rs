//! Where and on what it was measured: engine, host, bases, noise, and what the run itself cost.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::MOST_ROWS;
use crate::record::{BaseOrigin, Record};
use crate::report::facts::RunFacts;
use crate::report::table::{Cell, Table, Tone};
use crate::report::words;
use crate::units::Bytes;

/// Engine, host, noise, overhead and end of the run.
pub(crate) fn environment(facts: &RunFacts<'_>) -> Table {
    let record = facts.record;
    let (engine, host) = (&record.environment.engine, &record.environment.host);
    let mut table = Table::new("Environment", "What | Value");
    let mut say = |what: &str, value: String| {
        if !value.is_empty() {
            table.push(vec![Cell::new(what), Cell::new(value)]);
        }
    };
    say("Engine", format!("{} {} (API {})", engine.name, engine.version, engine.api_version));
    say("Builder", engine.builder.to_string());
    say("Image store", format!("{} ({})", engine.storage_driver, engine.image_store));
    say("Layers end", words::layer_step(record).unwrap_or_default());
    say("Platform", format!("{}/{}", engine.os, engine.arch));
    say("Bases", format!("set `{}`", record.settings.bases).replace('`', "\""));
    let cores = words::count(host.cores as usize, "core");
    let cpu = if host.cpu_model.is_empty() { "unknown" } else { &host.cpu_model };
    say("Host", format!("{cpu}, {cores}, {} memory, kernel {}", host.memory_bytes, host.kernel));
    if !host.engine_is_local {
        say("Where the engine runs", "on another machine: times include the network".to_owned());
    }
    say("Load", format!("{:.2} before, {:.2} after", host.load_before, host.load_after));
    say("Other containers running", others(record));
    say("Noise", facts.noise.as_ref().map_or_else(|| "not checked".to_owned(), words::noise));
    if let Some(overhead) = &facts.overhead {
        say("Time of the run", words::time_of_the_run(overhead));
        say("Of it tonnage itself", words::overhead(overhead));
    }
    say("Rounds", format!("{} asked for, seed {}", record.settings.rounds, record.seed));
    if let [(shard, _)] = facts.shards.as_slice() {
        say("Shard", format!("{} of the {}", shard.part, shard.part.by));
    }
    say("Ended", words::ended(record).to_owned());
    let finished = if record.finished_at.is_empty() { "not finished" } else { &record.finished_at };
    say("When", format!("{} to {finished}", record.started_at));
    say(
        "Made by",
        format!(
            "{} {}, metrics {}, suite {}",
            record.tool.name,
            record.tool.version,
            record.metrics_version,
            crate::text::shorten(&record.suite.digest, 26)
        ),
    );
    table
}

fn others(record: &Record) -> String {
    let names = record.environment.running_containers.iter();
    let names: Vec<String> = names.map(|other| format!("{} ({})", other.name, other.image)).collect();
    let more = names.len().saturating_sub(5);
    let mut text = names.into_iter().take(5).collect::<Vec<_>>().join(", ");
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    text
}

/// The base images that were used, each once.
pub(crate) fn bases(facts: &RunFacts<'_>) -> Table {
    let mut table = Table::new("Base images", "Base | Used | #Size | Origin | Digest | How it was made");
    let mut seen = BTreeSet::new();
    for base in facts.record.variants.iter().flat_map(|variant| &variant.bases) {
        if !seen.insert((&base.reference, &base.used, &base.id)) || table.rows.len() >= MOST_ROWS {
            continue;
        }
        let origin = match base.origin {
            BaseOrigin::Registry => Cell::new("registry"),
            BaseOrigin::Local => Cell::new("made here"),
            BaseOrigin::StandIn => Cell::new("stand-in").tone(Tone::Care),
        };
        let size = match base.size_bytes {
            Bytes::ZERO => Cell::default(),
            size => Cell::bytes(size),
        };
        let digest = if base.digest.is_empty() { &base.id } else { &base.digest };
        table.push(vec![
            Cell::code(&base.reference),
            Cell::code(&base.used),
            size,
            origin,
            Cell::code(crate::text::shorten(digest, 26)),
            Cell::new(&base.stand_in),
        ]);
    }
    for pull in &facts.record.pulls {
        let end = if pull.failure.is_empty() { String::new() } else { format!(", failed: {}", pull.failure) };
        table.note(format!("Pulled {} in {}{end}.", pull.reference, pull.wall_ns));
    }
    table.without_empty_columns()
}

/// Samples that stay out of the statistics because their proof failed.
pub(crate) fn invalid(facts: &RunFacts<'_>) -> Table {
    let heads = "Variant | Scenario | #Round | #Wall | #Cached | First miss | Why it does not count";
    let mut table = Table::new("Samples that do not count", heads);
    let samples = facts.record.samples.iter().filter(|sample| !sample.valid && !sample.discarded);
    for sample in samples.clone().take(MOST_ROWS) {
        table.push(vec![
            Cell::new(&sample.variant),
            Cell::new(sample.scenario.word()),
            Cell::count(sample.round),
            Cell::time(sample.wall_ns),
            Cell::new(format!("{}/{}", sample.cached, sample.cacheable)),
            Cell::code(sample.first_miss.clone().unwrap_or_default()),
            Cell::new(&sample.reason),
        ]);
    }
    table.note_rest(samples.count(), MOST_ROWS, "samples.csv");
    table.without_empty_columns()
}
