//! The record of one shard, as it is given.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use super::MergeError;
use crate::record::{Record, Shard, ShardPart, Side};

/// The record of a shard that does not contradict itself.
#[derive(Debug, Clone)]
pub(crate) struct ShardRecord {
    /// What it is called in messages: its directory.
    pub(super) name: String,
    pub(super) part: ShardPart,
    pub(super) record: Record,
}

impl ShardRecord {
    /// A record, if it is that of one shard.
    pub(crate) fn of(name: String, record: Record) -> Result<Self, MergeError> {
        let part = match record.shards.as_slice() {
            [] => return Err(MergeError::Whole { name }),
            [Shard { part, .. }] => *part,
            _ => return Err(MergeError::MergedBefore { name }),
        };
        match contradiction(&record, part) {
            None => Ok(Self { name, part, record }),
            Some(reason) => Err(MergeError::Corrupt { name, reason }),
        }
    }
}

/// In what a record contradicts itself.
fn contradiction(record: &Record, part: ShardPart) -> Option<String> {
    if !part.is_one() {
        return Some(format!("there is no shard {part}"));
    }
    let mut parts = Path::new(&record.suite.name).components();
    if !matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) {
        return Some("the name of its suite cannot be that of a directory".to_owned());
    }
    let names: BTreeSet<&str> = record.variants.iter().map(|variant| variant.name.as_str()).collect();
    if names.len() < record.variants.len() {
        return Some("it holds a variant twice".to_owned());
    }
    let mut steps = BTreeSet::new();
    for sample in &record.samples {
        if sample.shard != Some(part.index) || sample.side != Side::Head {
            return Some(format!("the sample of step {} is not of shard {part}", sample.step));
        }
        if !names.contains(sample.variant.as_str()) {
            return Some(format!("the sample of step {} is of a variant that it does not hold", sample.step));
        }
        if sample.is_finished() && !steps.insert(sample.step) {
            return Some(format!("step {} is there twice", sample.step));
        }
    }
    None
}
