//! `tonnage import`: reads build records; builds and measures nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::ValueHint;

use super::report::{Format, Shown, beside, print};
use super::run::{What, fresh, refuse_taken};
use super::{Terminal, place};
use crate::analyse::trend::{self, HistoryLine};
use crate::error::Failure;
use crate::exit::Exit;
use crate::fsx;
use crate::import::{ImportFile, record_of};
use crate::json;
use crate::record::{self, Record};
use crate::report;
use crate::suite::{Suite, folder_name};

/// Name of the directory of imported builds, beside the runs of a suite: what was observed is never mixed with what was
/// measured.
const OBSERVED: &str = "observed";

/// Arguments of `tonnage import`.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// Build records (`*.dockerbuild` of `docker buildx history export`), or output of `--progress=rawjson`
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,
    /// Suite whose variants were built: its directory or manifest [default: the tonnage.toml here, if there is one]
    #[arg(long, value_name = "SUITE", value_hint = ValueHint::AnyPath)]
    suite: Option<PathBuf>,
    /// Do not look for a suite
    #[arg(long, conflicts_with = "suite")]
    no_suite: bool,
    /// Variant that all builds are of [default: found by the Dockerfile's instructions; without a suite, by the target]
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Directory for the record [default: results/<suite>/observed/<UTC timestamp>]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    #[command(flatten)]
    allow: super::allow::AllowArgs,
}

/// Runs `tonnage import`.
pub(super) fn run(args: ImportArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let suite = suite(&args)?;
    if let Some(out) = &args.out {
        refuse_taken(out, "a record")?;
    }
    let mut known = BTreeSet::new();
    let mut files = Vec::new();
    for path in &args.files {
        let file = ImportFile::read(path)?;
        if known.insert(file.import.digest.clone()) {
            files.push(file);
        } else {
            terminal.warning(&format!("`{}` has the bytes of a file before it, and is left out", path.display()));
        }
    }
    let name = folder_name(Path::new("."));
    let record = record_of(files, suite.as_ref(), &name, args.variant.as_deref())?;
    let results = || fresh(&Path::new("results").join(&record.suite.name).join(OBSERVED), jiff::Timestamp::now());
    let out = args.out.clone().map_or_else(results, Ok)?;
    record::write(&out, &record)?;
    report::write_observed(&record, &out)?;
    if let Some(note) = keep_history(&record, &out)? {
        terminal.note(&note);
    }
    terminal.out(&print(&record, args.format, &Shown::Screen(beside(&out)), terminal))?;
    terminal.note(&format!("record: {}", out.display()));
    Ok(Exit::Done)
}

/// The suite whose variants were built, if there is one; the variant that is named must be one of its.
fn suite(args: &ImportArgs) -> Result<Option<Suite>, Failure> {
    let here = args.suite.is_some() || place::manifest_of(Path::new(".")).is_file();
    if args.no_suite || !here {
        return Ok(None);
    }
    let suite = What::find(&args.suite.iter().cloned().collect::<Vec<_>>())?.load(&args.allow.allow_outside)?;
    if let Some(name) = args.variant.as_deref().filter(|name| suite.variant(name).is_none()) {
        return Err(place::no_variant(&suite, name));
    }
    Ok(Some(suite))
}

/// Adds the builds to the `history.jsonl` above `out`, those that are not in it yet, and says so; `None` for a directory
/// that is not among the imports of a suite.
fn keep_history(record: &Record, out: &Path) -> Result<Option<String>, Failure> {
    let absolute = fsx::absolute(out);
    let Some(directory) = absolute.parent().filter(|parent| parent.file_name().is_some_and(|name| name == OBSERVED))
    else {
        return Ok(None);
    };
    let before: BTreeSet<String> = report::history_beside(out)?.into_iter().map(|line| line.record).collect();
    let (new, old): (Vec<HistoryLine>, Vec<HistoryLine>) =
        trend::observed_lines(record).into_iter().partition(|line| !before.contains(&line.record));
    for line in &new {
        fsx::append_line(&directory.join(trend::HISTORY), &json::line(line))?;
    }
    Ok(Some(report::in_history(old.len(), new.len(), out.parent().unwrap_or(directory))))
}
