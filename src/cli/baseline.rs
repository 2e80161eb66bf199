//! `tonnage baseline`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::check::judged;
use super::place::SuitePlace;
use super::{Terminal, usage_error};
use crate::error::Failure;
use crate::exit::Exit;
use crate::fsx;
use crate::gate::{Accepting, Baseline, GateError, Measured, MeasuredKind, accept};
use crate::report;

/// Arguments of `tonnage baseline`.
#[derive(Debug, clap::Args)]
pub(super) struct BaselineArgs {
    #[command(subcommand)]
    command: BaselineCommand,
}

/// What to do with the baseline.
#[derive(Debug, Subcommand)]
enum BaselineCommand {
    /// Make a record the new baseline
    Accept(Accept),
    /// Check that the baseline was not modified and adds up (needs no image)
    Verify(VerifyArgs),
}

/// Arguments of `tonnage baseline accept`.
#[derive(Debug, clap::Args)]
struct Accept {
    /// Record to accept: a run.json, its directory, the output of `tonnage weigh --format json`, or a suite (its newest
    /// run) [default: the newest run of the suite here]
    record: Option<PathBuf>,
    #[command(flatten)]
    place: SuitePlace,
    /// Reason for the change, kept in the baseline
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Only accept variants that exceed a limit or are new; smaller growth stays visible
    #[arg(long)]
    only_exceeding: bool,
}

/// Arguments of `tonnage baseline verify`.
#[derive(Debug, clap::Args)]
struct VerifyArgs {
    #[command(flatten)]
    place: SuitePlace,
}

/// Runs `tonnage baseline`.
pub(super) fn run(args: BaselineArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match args.command {
        BaselineCommand::Accept(args) => accept_record(&args, terminal),
        BaselineCommand::Verify(args) => verify(&args, terminal),
    }
}

fn accept_record(args: &Accept, terminal: &Terminal) -> Result<Exit, Failure> {
    let suite = args.place.find(args.record.as_deref())?;
    let path = suite.record.clone()?;
    let measured = Measured::read(&path)?;
    if measured.kind == MeasuredKind::Observed {
        return Err(usage_error(
            format!("`{}` holds imported builds, which have no sizes to accept", path.display()),
            "name a record of `tonnage run`, or the output of `tonnage weigh --format json`",
        ));
    }
    if measured.kind == MeasuredKind::Baseline {
        return Err(usage_error(
            format!("`{}` is a baseline itself", path.display()),
            "name a record: a run.json or the output of `tonnage weigh --format json`",
        ));
    }
    let before = if suite.baseline.exists() { readable(&suite.baseline, args, terminal)? } else { None };
    let only: Option<BTreeSet<String>> = match (&before, args.only_exceeding) {
        (Some(_), true) => Some(judged(&suite, &path, true)?.1.exceeding().into_iter().collect()),
        _ => None,
    };
    let accepting = Accepting { reason: args.reason.clone(), only, paths: suite.budgets.path_metrics() };
    let (baseline, changes) = accept(&measured, before.as_ref(), &accepting);
    if let Some(problem) = baseline.problems().first() {
        return Err(Failure::new(
            Exit::Unreadable,
            format!("the record `{}` does not add up: {problem}", path.display()),
            "measure again",
        ));
    }
    let differs = before.as_ref() != Some(&baseline) && (!changes.is_empty() || before.is_none());
    if differs {
        fsx::write_atomic(&suite.baseline, baseline.to_text().as_bytes())?;
    }
    terminal.out(&report::accepted(&changes, &suite.baseline, differs))?;
    if args.reason.is_empty() {
        terminal.hint("say why with `--reason TEXT`: it is kept in the baseline");
    }
    Ok(Exit::Done)
}

/// The baseline that is there. One that was altered is written anew by accepting everything, never by accepting a part;
/// a file that is something else is left alone.
fn readable(path: &Path, args: &Accept, terminal: &Terminal) -> Result<Option<Baseline>, Failure> {
    let text = fsx::read_text(path)?;
    match Baseline::parse(&text, path) {
        Ok(baseline) => Ok(Some(baseline)),
        Err(GateError::Altered { problem, .. }) if !args.only_exceeding => {
            terminal.warning(&format!(
                "`{}` was modified after it was written ({problem}) and is replaced",
                path.display()
            ));
            Ok(None)
        }
        Err(GateError::Malformed { reason, .. }) if !args.only_exceeding && text.contains("\"baseline_version\"") => {
            terminal.warning(&format!("`{}` cannot be read ({reason}) and is replaced", path.display()));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn verify(args: &VerifyArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let suite = args.place.find(None)?;
    if !suite.baseline.exists() {
        return Err(suite.no_baseline());
    }
    let baseline = Baseline::read(&suite.baseline)?;
    terminal.finish(&report::verified(&baseline, &suite.baseline))
}
