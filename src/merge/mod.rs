//! One record from the shards of a run.
//!
//! In: the records that machines wrote of their shards, each with the name it is called by. Out: a record like any other,
//! with all samples, and what makes an image another one from machine to machine. What does not fit together is refused
//! with the names of both ([`MergeError`]). It reads and writes no file, asks no engine, and computes no statistics but
//! the A/A check of each shard.

mod agree;
mod error;
mod merged;
mod shard;
#[cfg(test)]
mod tests;

pub(crate) use error::MergeError;
pub(crate) use merged::{ImageMismatch, MergedRun, MissingShards, merge, without_noisy};
pub(crate) use shard::ShardRecord;
