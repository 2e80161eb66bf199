//! `tonnage clean`: remove exactly what tonnage made on the engine.

use super::Terminal;
use crate::engine::{BuilderChoice, CleanReport, Engine, EngineError, Ownership, connect};
use crate::env;
use crate::error::Failure;
use crate::exit::Exit;
use crate::measure::{Stale, stale_runs};
use crate::text;

/// Arguments of `tonnage clean`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    engine: super::EngineArgs,
    /// Remove only what carries tonnage's labels; leave build-cache records
    #[arg(long)]
    labelled_only: bool,
}

/// Runs `tonnage clean`.
///
/// Runs that were killed have left ledgers: what each of them made is removed. Containers and images with tonnage's
/// label that no living run and no ledger knows go as well. A run that is going on is not touched.
pub fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    super::runtime()?.block_on(clean(&args, terminal))
}

async fn clean(args: &Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let engine = connect(&args.engine.connect(BuilderChoice::Auto)).await?;
    let mut total = CleanReport::default();
    let (here, elsewhere): (Vec<Stale>, Vec<Stale>) =
        stale_runs(&env::state_folder())?.into_iter().partition(|stale| stale.endpoint == engine.endpoint());
    for stale in here {
        let ownership = if args.labelled_only {
            Ownership { run: stale.ownership.run.clone(), ..Ownership::default() }
        } else {
            stale.ownership.clone()
        };
        add(&mut total, engine.clean(&ownership).await?);
        if !args.labelled_only {
            stale.forget()?;
        }
    }
    for run in orphans(&engine).await? {
        add(&mut total, engine.clean(&Ownership { run, ..Ownership::default() }).await?);
    }
    terminal.out(&format!("removed {}\n", crate::ui::removed(&total)))?;
    for line in &total.left {
        terminal.warning(&format!("left in place: {}", text::for_people(line)));
    }
    for stale in elsewhere {
        terminal.hint(&format!(
            "run {} was on `{}`: `tonnage clean --host {}` removes what is left there",
            stale.ownership.run, stale.endpoint, stale.endpoint
        ));
    }
    Ok(Exit::Done)
}

/// Runs whose labelled images or containers are on the engine although nothing is known of them here and they do not
/// live on this machine: their ledgers were lost.
async fn orphans<E: Engine>(engine: &E) -> Result<Vec<String>, EngineError> {
    let living = crate::measure::living_runs(&env::state_folder());
    let mut runs = engine.labelled_runs().await?;
    runs.retain(|run| !living.contains(run));
    Ok(runs)
}

fn add(total: &mut CleanReport, report: CleanReport) {
    total.containers += report.containers;
    total.images += report.images;
    total.networks += report.networks;
    total.cache_records += report.cache_records;
    total.left.extend(report.left);
}
