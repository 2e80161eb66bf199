//! `tonnage clean`: remove exactly what tonnage made on the engine.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, IsTerminal as _};

use super::engine::BuilderArgs;
use super::{Terminal, usage_error};
use crate::engine::{CleanReport, ImageBuilder, Ownership, Removal, connect};
use crate::env;
use crate::error::Failure;
use crate::exit::Exit;
use crate::image::LayerCache;
use crate::measure::{Stale, clean_after, living_runs, stale_runs};
use crate::report;
use crate::suite;

/// Arguments of `tonnage clean`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct CleanArgs {
    #[command(flatten)]
    engine: super::engine::EngineArgs,
    #[command(flatten)]
    builder: BuilderArgs,
    /// List what would be removed without removing it
    #[arg(long)]
    dry_run: bool,
    /// Only clean up after this run
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Clean up after the run given by `--run` even if its ledger is not on this machine
    #[arg(long, requires = "run")]
    force: bool,
    /// Only remove images, containers, and networks named by the run itself; leave the build cache
    #[arg(long)]
    labelled_only: bool,
    /// Only remove what is kept of layers that were read; needs no engine
    #[arg(long, conflicts_with_all = ["run", "labelled_only", "dry_run", "force"])]
    cache: bool,
}

/// Runs `tonnage clean`.
///
/// Runs that were killed have left ledgers: what each of them made is removed. A run that is going on is not touched.
/// Without a ledger here nobody can tell whether a run is over (it may belong to another user, or to a container with a
/// home of its own): what it made is only listed, and removed when the run is named and that is confirmed.
pub(super) fn run(args: CleanArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    if args.cache {
        let (layers, bytes) = LayerCache::in_state(&env::state_folder()).clear();
        return terminal.finish(&format!("{}\n", report::cache_cleared(layers, bytes)));
    }
    super::engine::runtime()?.block_on(clean(&args, terminal))
}

async fn clean(args: &CleanArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    match args.builder.connect().await? {
        Ok(builder) => clean_on(&builder, args, terminal).await,
        Err(choice) => clean_on(&connect(&args.engine.connect(choice)).await?, args, terminal).await,
    }
}

/// Cleans up on an engine or a builder.
async fn clean_on<B: ImageBuilder>(engine: &B, args: &CleanArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let removal = if args.dry_run { Removal::List } else { Removal::Remove };
    let wanted = |run: &str| args.run.as_deref().is_none_or(|only| only == run);
    let marked = engine.marked_runs().await?;
    let living = living_runs(&env::state_folder());
    let stale = stale_runs(&env::state_folder())?;
    let known: BTreeSet<String> = stale.iter().map(|stale| stale.ownership.run.clone()).chain(living.clone()).collect();
    if let Some(run) = &args.run {
        if living.contains(run) {
            return Err(usage_error(
                format!("run `{run}` is still going on"),
                "wait until it ends, or interrupt it with Ctrl-C: it cleans up",
            ));
        }
        if !known.contains(run) && !marked.contains(run) {
            let hint = "`tonnage clean --dry-run` lists the runs that left something";
            return Err(usage_error(format!("nothing of a run `{run}` was found on the engine"), hint));
        }
    }
    // Run ids are random: a run whose marks are here was here, whatever its address was called then.
    let is_here = |stale: &Stale| stale.endpoint == engine.endpoint() || marked.contains(&stale.ownership.run);
    let (here, elsewhere): (Vec<Stale>, Vec<Stale>) =
        stale.into_iter().filter(|stale| wanted(&stale.ownership.run)).partition(is_here);
    let mut total = CleanReport::default();
    for stale in here {
        let ownership = if args.labelled_only { without_ledger(&stale.ownership.run) } else { stale.ownership.clone() };
        let report = clean_after(engine, &ownership, removal, stale.is_fresh_cut()).await?;
        if report.is_whole() && !args.labelled_only && !args.dry_run {
            stale.forget()?;
        }
        total += report;
    }
    for run in marked.iter().filter(|run| wanted(run) && !known.contains(*run)) {
        if (args.force || (args.run.is_some() && !args.dry_run && confirmed(run))) && !args.dry_run {
            total += engine.clean(&without_ledger(run), Removal::Remove).await?;
        } else {
            list(run, engine, terminal).await?;
        }
    }
    if args.dry_run {
        terminal.out(&report::would_remove(&total))?;
    } else {
        terminal.out(&format!("{}\n", report::removed(&total)))?;
        if args.run.is_none() {
            suite::remove_checkouts(&env::checkouts())?;
        }
    }
    for line in &total.left {
        terminal.warning(&report::left_in_place(line));
    }
    for stale in elsewhere {
        terminal.hint(&report::elsewhere(&stale.ownership.run, &stale.endpoint));
    }
    Ok(Exit::Done)
}

/// What proves things to be a run's own where there is no ledger: names that only the run gives.
fn without_ledger(run: &str) -> Ownership {
    Ownership { run: run.to_owned(), ..Ownership::default() }
}

/// Says what a run left that may still be going on somewhere else.
async fn list(run: &str, engine: &impl ImageBuilder, terminal: &Terminal) -> Result<(), Failure> {
    let found = engine.clean(&without_ledger(run), Removal::List).await?;
    for line in &found.left {
        terminal.warning(&report::left_in_place(line));
    }
    if found.objects.is_empty() {
        return Ok(());
    }
    let [warning, hint] = report::left_by(run, &found);
    terminal.warning(&warning);
    terminal.hint(&hint);
    Ok(())
}

/// Asks whoever sits at the terminal, if somebody does.
fn confirmed(run: &str) -> bool {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return false;
    }
    super::terminal::ask(&report::clean_up_after(run));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
