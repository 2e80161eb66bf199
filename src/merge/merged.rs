//! The record of a whole run, put together of those of its shards.

use std::collections::BTreeSet;

use super::agree::same_run;
use super::{MergeError, ShardRecord};
use crate::analyse::compare::{Comparison, compare};
use crate::analyse::{drop_noisy, noise, share_out};
use crate::record::{Ended, MOST_VARIANTS, Record, ServeState, ShardPart, Updates, Variant};

/// What becomes of a run of which shards are missing, or did not come to their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingShards {
    /// It is refused.
    Refused,
    /// It is merged of what there is.
    Allowed,
}

/// A variant whose image is another one from shard to shard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImageMismatch {
    /// The shard whose image is in the record.
    pub(crate) kept: ShardPart,
    /// The first one that has another.
    pub(crate) other: ShardPart,
    /// From the one that is kept to the other one.
    pub(crate) comparison: Comparison,
}

/// A run that was put together.
#[derive(Debug)]
pub(crate) struct MergedRun {
    pub(crate) record: Record,
    /// The images that were not reproduced, in the order of the record.
    pub(crate) mismatches: Vec<ImageMismatch>,
    /// Shards that are not there.
    pub(crate) missing: Vec<ShardPart>,
}

/// Puts the shards of a run together, whatever their order.
pub(crate) fn merge(mut shards: Vec<ShardRecord>, missing: MissingShards) -> Result<MergedRun, MergeError> {
    if let Some((first, others)) = shards.split_first() {
        others.iter().try_for_each(|other| same_run(first, other))?;
    }
    let variants = shards.iter().flat_map(|one| &one.record.variants);
    let names: BTreeSet<&str> = variants.map(|variant| variant.name.as_str()).collect();
    if let Some(first) = shards.first().filter(|_| names.len() > MOST_VARIANTS) {
        let reason = format!("it and its other shards hold {} variants, more than any run", names.len());
        return Err(MergeError::Corrupt { name: first.name.clone(), reason });
    }
    shards.sort_by_key(|one| one.part.index);
    if let Some(same) = shards.windows(2).find(|two| two[0].part == two[1].part) {
        let (first, second) = (same[0].name.clone(), same[1].name.clone());
        return Err(MergeError::Duplicate { part: same[0].part, first, second });
    }
    let absent = ShardPart::absent(&shards.iter().map(|one| one.part).collect::<Vec<_>>());
    if missing == MissingShards::Refused {
        if !absent.is_empty() {
            return Err(MergeError::Missing { parts: absent });
        }
        for one in &shards {
            if let Some(why) = unfinished(one.record.ended) {
                return Err(MergeError::Unfinished { part: one.part, name: one.name.clone(), why });
            }
        }
    }
    let mismatches = mismatches(&shards);
    let mut records = shards.into_iter().map(|one| named(one.record, one.part));
    let mut record = records.next().ok_or(MergeError::Missing { parts: Vec::new() })?;
    records.for_each(|other| add(&mut record, other));
    if !absent.is_empty() {
        record.ended = Ended::ShardsMissing;
    }
    share_out(&mut record.variants);
    record.environment.noise = noise(&record);
    Ok(MergedRun { record, mismatches, missing: absent })
}

/// Leaves the times of noisy shards out of the statistics.
pub(crate) fn without_noisy(record: &mut Record) -> Result<(), MergeError> {
    drop_noisy(record);
    record.environment.noise = noise(record);
    let all = record.shards.iter().all(|shard| shard.dropped.is_some());
    if all { Err(MergeError::AllNoisy) } else { Ok(()) }
}

/// Why a shard did not come to its end; `None` where it did, also at the end of its time.
fn unfinished(ended: Ended) -> Option<&'static str> {
    match ended {
        Ended::Complete | Ended::OutOfTime => None,
        Ended::Running => Some("it is not finished, or was killed"),
        Ended::Interrupted => Some("it was interrupted"),
        Ended::EngineLost => Some("its engine became unavailable"),
        Ended::ShardsMissing => Some("parts of it are missing"),
    }
}

/// The variants whose images are not the same on every shard: equal by id, or else in size.
fn mismatches(shards: &[ShardRecord]) -> Vec<ImageMismatch> {
    let mut seen: Vec<(ShardPart, &Variant)> = Vec::new();
    let mut found: Vec<ImageMismatch> = Vec::new();
    for one in shards {
        for variant in one.record.variants.iter().filter(|variant| variant.sizes.is_some()) {
            let Some((kept, known)) = seen.iter().find(|(_, known)| known.name == variant.name) else {
                seen.push((one.part, variant));
                continue;
            };
            let same_id = !known.image_id.is_empty() && known.image_id == variant.image_id;
            let is_told = found.iter().any(|mismatch| mismatch.comparison.old_name == known.name);
            if !same_id && known.size() != variant.size() && !is_told {
                found.push(ImageMismatch { kept: *kept, other: one.part, comparison: compare(known, variant) });
            }
        }
    }
    found
}

/// The record of a shard, in which failures say on which they were.
fn named(mut record: Record, part: ShardPart) -> Record {
    for failure in record.variants.iter_mut().filter_map(|variant| variant.failure.as_mut()) {
        failure.message = format!("on shard {part}: {}", failure.message);
    }
    record
}

/// Adds what another shard has.
fn add(all: &mut Record, mut other: Record) {
    for variant in other.variants {
        match all.variants.iter_mut().find(|known| known.name == variant.name) {
            Some(known) => complete(known, variant),
            None => all.variants.push(variant),
        }
    }
    if all.ended == Ended::Complete {
        all.ended = other.ended;
    }
    all.started_at = std::mem::take(&mut all.started_at).min(other.started_at);
    all.finished_at = std::mem::take(&mut all.finished_at).max(other.finished_at);
    all.elapsed_ns += other.elapsed_ns;
    all.spent = all.spent + other.spent;
    all.pulls.append(&mut other.pulls);
    all.samples.append(&mut other.samples);
    all.shards.append(&mut other.shards);
    other.findings.retain(|finding| !all.findings.contains(finding));
    all.findings.append(&mut other.findings);
    let step = &mut all.environment.engine.layer_step_ns;
    *step = (*step).max(other.environment.engine.layer_step_ns);
}

/// Adds what another shard knows of a variant. One that failed anywhere has failed.
fn complete(known: &mut Variant, mut other: Variant) {
    if known.sizes.is_none() && other.sizes.is_some() {
        std::mem::swap(known, &mut other);
    }
    if known.serve.as_ref().is_none_or(|serve| serve.state == ServeState::NotAsked) && other.serve.is_some() {
        known.serve = other.serve;
    }
    known.verified = known.verified.take().or(other.verified);
    for edit in Updates::EDITS {
        if let (Some(place @ None), Some(update)) = (known.update.of_mut(edit), other.update.of(edit)) {
            *place = Some(update.clone());
        }
    }
    if other.outcome.is_failure() && !known.outcome.is_failure() {
        known.outcome = other.outcome;
        known.failure = other.failure;
    }
}
