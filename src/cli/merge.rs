//! `tonnage merge`: one record from the shards that several machines measured of a run.

use std::path::{Path, PathBuf};

use clap::ValueHint;

use super::Terminal;
use super::report::Format;
use super::run::{Showing, fresh, refuse_taken, show};
use crate::analyse::{NoiseVerdict, shard_noise};
use crate::error::Failure;
use crate::exit::Exit;
use crate::merge::{MergeError, MergedRun, MissingShards, ShardRecord, merge, without_noisy};
use crate::record::{self, Noise};
use crate::report;

/// Arguments of `tonnage merge`.
#[derive(Debug, clap::Args)]
pub(super) struct MergeArgs {
    /// Results directories of the shards, or their run.json files
    #[arg(value_name = "DIR", required = true, value_hint = ValueHint::AnyPath)]
    shards: Vec<PathBuf>,
    /// Merge what there is if shards are missing or did not finish
    #[arg(long)]
    allow_missing: bool,
    /// Leave the times of shards out that the A/A check finds noisy
    #[arg(long)]
    drop_noisy: bool,
    /// Directory for the results [default: results/<suite>/<UTC timestamp>]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Output format of the summary
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Show every table [default: the outcome and what costs most]
    #[arg(long)]
    full: bool,
}

/// Runs `tonnage merge`.
pub(super) fn run(args: MergeArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let shards = args.shards.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let missing = if args.allow_missing { MissingShards::Allowed } else { MissingShards::Refused };
    let MergedRun { mut record, mismatches, missing } = merge(shards, missing)?;
    if args.drop_noisy {
        without_noisy(&mut record)?;
    }
    for mismatch in &mismatches {
        let finding = report::mismatch(mismatch);
        let name = &mismatch.comparison.old_name;
        terminal.warning(&format!("`{name}`: {}", finding.message));
        if let Some(variant) = record.variants.iter_mut().find(|variant| variant.name == *name) {
            variant.findings.push(finding);
        }
    }
    if !missing.is_empty() {
        terminal.warning(&report::missing_shards(&missing));
    }
    let is_noisy = |noise: Noise| noise.verdict() == NoiseVerdict::Noisy;
    let checks = shard_noise(&record).into_iter();
    let noisy: Vec<_> = checks.filter_map(|(shard, noise)| noise.is_some_and(is_noisy).then_some(shard)).collect();
    for shard in &noisy {
        let left_out = if shard.dropped.is_some() { ", and its times are left out" } else { "" };
        terminal.warning(&format!("shard {} is noisy by the A/A check{left_out}", shard.part));
    }
    if noisy.iter().any(|shard| shard.dropped.is_none()) {
        terminal.hint("`--drop-noisy` leaves the times of noisy shards out");
    }
    let results = || fresh(&Path::new("results").join(&record.suite.name), jiff::Timestamp::now());
    let out = args.out.map_or_else(results, Ok)?;
    refuse_taken(&out, "a run")?;
    show(&record, &out, Showing { format: args.format, full: args.full }, terminal)?;
    if args.full || args.format != Format::Table {
        terminal.note(&format!("report: {}", out.display()));
    }
    Ok(if record.has_failures() { Exit::VariantFailed } else { Exit::Done })
}

/// The shard in a directory.
fn read(path: &Path) -> Result<ShardRecord, MergeError> {
    let name = path.display().to_string();
    match record::read(path) {
        Ok(record) => ShardRecord::of(name, record),
        Err(source) => Err(MergeError::Unreadable { name, source }),
    }
}
