//! A run on several machines, in words: its machines, how far they are apart, which are noisy, and what they built
//! differently.

use std::fmt::Write as _;

use super::compare::rows;
use super::doc::AmountKind;
use super::facts::RunFacts;
use super::words;
use crate::analyse::{MachineSpread, NoiseVerdict};
use crate::merge::ImageMismatch;
use crate::record::{Ended, Finding, Noise, Record, Shard, ShardPart};
use crate::units::Ratio;

/// Layers, and causes within each, that a finding lists.
const CAUSES: usize = 3;

/// An image that is another one from machine to machine: by how much, in which layers, and at which paths or packages, as
/// far as the records have them.
pub(crate) fn mismatch(mismatch: &ImageMismatch) -> Finding {
    let ImageMismatch { kept, other, comparison } = mismatch;
    let mut causes = String::new();
    for row in rows(comparison, CAUSES).into_iter().filter(|row| row.kind != AmountKind::Total) {
        let before = match (row.kind, causes.is_empty()) {
            (_, true) => "",
            (AmountKind::Group, false) => "; ",
            (_, false) => ", ",
        };
        // Writing to a string cannot fail.
        let _ = write!(causes, "{before}{} {}", row.label, row.delta.exact());
    }
    let (old, new) = (comparison.old_bytes.exact(), comparison.new_bytes.exact());
    let why = if causes.is_empty() { String::new() } else { format!(": {causes}") };
    Finding {
        code: "not-reproducible".to_owned(),
        message: format!("the image is not reproducible: {old} on shard {kept}, {new} on shard {other}{why}"),
        instruction: comparison.groups.first().map(|group| group.instruction.clone()).unwrap_or_default(),
        size_bytes: comparison.delta_bytes.magnitude(),
        remedy: "pin what is downloaded, and remove logs and caches in the instruction that writes them".to_owned(),
    }
}

/// That shards are not there: `shards 1/4 and 3/4 are missing`.
pub(crate) fn missing_shards(parts: &[ShardPart]) -> String {
    let names: Vec<String> = parts.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match names.as_slice() {
        [one] => format!("shard {one} is missing"),
        several => format!("shards {} are missing", words::names(several, 8)),
    }
}

/// The parts of a run that its record does not hold.
fn absent(record: &Record) -> Vec<ShardPart> {
    let there: Vec<ShardPart> = record.shards.iter().map(|shard| shard.part).collect();
    let is_whole = there.len() > 1 || record.ended == Ended::ShardsMissing;
    if is_whole { ShardPart::absent(&there) } else { Vec::new() }
}

/// What must be known of a run on several machines before its times are read; nothing of any other run.
pub(super) fn remarks(facts: &RunFacts<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let missing = absent(facts.record);
    if !missing.is_empty() {
        lines.push(format!("Of this run {}.", missing_shards(&missing)));
    }
    let shards = &facts.shards;
    if shards.len() < 2 {
        return lines;
    }
    let of = |dropped: bool| -> Vec<String> {
        let noisy = shards.iter().filter(|(shard, _)| shard.dropped.is_some() == dropped);
        noisy.filter_map(|(shard, noise)| noisy_shard(shard, noise.as_ref()?)).collect()
    };
    let (left_out, noisy) = (of(true), of(false));
    if !left_out.is_empty() {
        lines.push(format!("Left out of all times, since the A/A check found them noisy: {}.", left_out.join("; ")));
    }
    if !noisy.is_empty() {
        let remedy = "`tonnage merge --drop-noisy` leaves it out";
        lines.push(format!("Noisy by the A/A check: {}; {remedy}.", noisy.join("; ")));
    }
    lines.extend(facts.spread.as_ref().map(spread));
    if facts.classes.len() > 1 {
        lines.push(format!(
            "The medians of a variant are those of one class of machines, of {}: the one that measured most of it. Ratios \
             are pooled over all machines.",
            facts.classes.len()
        ));
    }
    lines
}

/// `3/4 (ratio 1.052, 95 % interval 1.031 to 1.080)`; `None` where it is not noisy.
pub(super) fn noisy_shard(shard: &Shard, noise: &Noise) -> Option<String> {
    let Noise { ratio, low, high, .. } = noise;
    let said = || format!("{} (ratio {ratio:.3}, 95 % interval {low:.3} to {high:.3})", shard.part);
    (noise.verdict() == NoiseVerdict::Noisy).then(said)
}

/// How far machines are apart, in a line of its own.
pub(super) fn spread(spread: &MachineSpread) -> String {
    format!(
        "Between machines: build times spread by {:.1} % (standard deviation over {}), and the slowest takes {} as long as \
         the fastest. Ratios are pairs within one machine.",
        spread.deviation * 100.0,
        words::count(spread.machines, "machine"),
        Ratio(spread.slowest)
    )
}
