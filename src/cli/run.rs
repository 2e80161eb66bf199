//! `tonnage run`: build and measure every variant of a suite.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use clap::ValueHint;
use strum::VariantNames as _;

use super::against::BaseState;
use super::attend::{attend, watch};
use super::build::{BuildArgs, SEED, check_secrets};
use super::engine::BuilderArgs;
use super::report::{Format, Shown, beside, print};
use super::span::parse_span;
use super::words::one_of;
use super::{Terminal, usage_error};
use crate::analyse;
use crate::analyse::trend::{self, HistoryLine};
use crate::engine::{ImageBuilder, ImageHost, Secrets, connect};
use crate::error::{Diagnose as _, Failure, chain};
use crate::exit::Exit;
use crate::fsx;
use crate::gate::Budgets;
use crate::json;
use crate::measure::{self, Cancel, Invocation, Journal, Mark, Replayed, RunOptions, RunOutcome, SecretSpec};
use crate::record::{self, Against, Ended, MOST_SHARDS, Record, Scenario, ShardBy, ShardPart};
use crate::report;
use crate::suite::{
    Boundary, BoundaryError, MANIFEST_NAME, PlanOptions, Suite, SuiteError, check_shards, of_dockerfiles,
};
use crate::text::for_people;

/// Rounds by default, the discarded one not counted.
const ROUNDS: u32 = 7;
/// What a quick run measures, once: too little for an interval, and it says so.
const QUICK: [Scenario; 3] = [Scenario::Cold, Scenario::Warm, Scenario::Src];
/// What is built in two rounds unless it is asked for: `touch` only proves that the cache goes by content, and `deps` and
/// `base` are as slow as a cold build and run again what they run again.
const BRIEF: [Scenario; 3] = [Scenario::Touch, Scenario::Deps, Scenario::Base];
/// How often `warm` is measured in a round: it is cheap.
const WARM_REPEATS: u32 = 3;

/// Arguments of `tonnage run`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags are named and typed as the user writes them")]
pub(super) struct RunArgs {
    /// Suite directory or manifest, or Dockerfiles to build with the current directory as context [default: the
    /// tonnage.toml here]
    #[arg(value_name = "SUITE|DOCKERFILE", value_hint = ValueHint::AnyPath)]
    suite: Vec<PathBuf>,
    /// Also build another version of the suite in each round, to compare build times: a git ref, or a suite directory
    /// (`./…`)
    #[arg(long, value_name = "REF|DIR", help_heading = "What to measure")]
    against: Option<String>,
    #[command(flatten)]
    allow: super::allow::AllowArgs,
    #[command(flatten)]
    engine: super::engine::EngineArgs,
    #[command(flatten)]
    build: BuildArgs,
    /// Rounds to measure after a discarded warm-up round [default: 7; more if `--against` needs them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "What to measure")]
    rounds: Option<u32>,
    /// Build each variant and time one round of cold, warm, and src (no A/A check, no confidence intervals)
    #[arg(long, conflicts_with = "rounds", help_heading = "What to measure")]
    quick: bool,
    /// Build each variant once; skip rebuild timings
    #[arg(long, conflicts_with_all = ["rounds", "quick", "scenarios"], help_heading = "What to measure")]
    sizes_only: bool,
    /// Only measure these variants (comma-separated)
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "What to measure")]
    only: Vec<String>,
    /// Only measure one part of the run, such as `2/4`; `tonnage merge` puts the parts of several machines together
    #[arg(long, value_name = "I/N", value_parser = parse_shard, conflicts_with = "against", help_heading = "What to measure")]
    shard: Option<(u32, u32)>,
    /// What to split among shards [default: rounds; variants with `--sizes-only`]
    #[arg(
        long,
        value_name = "WHAT",
        value_parser = one_of::<ShardBy>(ShardBy::VARIANTS),
        requires = "shard",
        help_heading = "What to measure"
    )]
    shard_by: Option<ShardBy>,
    /// Scenarios to measure in every round (comma-separated) [default: cold,warm,src; touch and deps in two rounds; or
    /// those of the suite]
    #[arg(
        long,
        value_name = "SCENARIO",
        value_delimiter = ',',
        value_parser = one_of::<Scenario>(&Scenario::ALL.map(Scenario::word)),
        help_heading = "What to measure"
    )]
    scenarios: Vec<Scenario>,
    /// Seed for the build order [default: 1]
    #[arg(long, value_name = "N", help_heading = "What to measure")]
    seed: Option<u64>,
    /// Start no new builds after this long, such as `20min`
    #[arg(long, value_name = "TIME", value_parser = parse_span, help_heading = "What to measure")]
    max_time: Option<Duration>,
    /// Do not start the images
    #[arg(long, help_heading = "What to measure")]
    no_serve: bool,
    /// Skip the A/A check (one variant measured twice to detect noise)
    #[arg(long, help_heading = "What to measure")]
    no_twin: bool,
    /// Keep the images and containers that the run creates
    #[arg(long, help_heading = "Engine")]
    keep: bool,
    /// Directory for the results [default: results/<suite>/<UTC timestamp>]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    out: Option<PathBuf>,
    /// Resume the interrupted run in DIR with its original options
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "out", help_heading = "Output")]
    resume: Option<PathBuf>,
    /// Output format of the summary
    #[arg(long, value_enum, default_value_t = Format::Table, help_heading = "Output")]
    format: Format,
    /// Show every table [default: the outcome and what costs most]
    #[arg(long, help_heading = "Output")]
    full: bool,
}

/// Runs `tonnage run`.
pub(super) fn run(mut args: RunArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let earlier = args.resume.as_deref().map(Journal::look).transpose()?;
    if let Some(Replayed { options: Some(options), against, .. }) = &earlier {
        args.fill(options, against.as_ref());
    }
    let told = earlier.as_ref().and_then(|earlier| Some(earlier.options.as_ref()?.invocation.clone()));
    let measured = What::of(&args, told)?;
    let suite = measured.load(&args.allow.allow_outside)?;
    // What is wrong on the command line is said before an engine is looked for.
    suite.check_bases(&suite.base_set(args.build.bases())?, &args.only)?;
    if args.resume.is_none() {
        check_shards(suite.chosen(&args.only).len(), &plan_options(&args, &suite))?;
    }
    // The gate's part of the manifest, too: a typing error must not come out after the builds.
    Budgets::of(&suite.manifest)?;
    if !suite.not_sent.is_empty() {
        terminal.note(&report::not_sent(&suite.not_sent));
    }
    let runtime = super::engine::runtime()?;
    runtime.block_on(measure_suite(&args, &measured, &suite, earlier, terminal))
}

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct What {
    /// A suite, or the directory that the Dockerfiles are built in.
    path: PathBuf,
    dockerfiles: Vec<PathBuf>,
}

impl What {
    /// What the command line names, else what the run was started with that is resumed, else the suite here.
    fn of(args: &RunArgs, told: Option<Invocation>) -> Result<Self, Failure> {
        if let (true, Some(told)) = (args.suite.is_empty(), told) {
            return Ok(Self { path: told.suite, dockerfiles: told.dockerfiles });
        }
        let what = Self::find(&args.suite)?;
        if args.against.is_some() && !what.dockerfiles.is_empty() {
            let message = "`--against` needs a suite, not Dockerfiles";
            return Err(usage_error(message, "write a suite with `tonnage init`"));
        }
        Ok(what)
    }

    /// What these paths name; without any the suite here.
    pub(super) fn find(paths: &[PathBuf]) -> Result<Self, Failure> {
        let is_manifest = |path: &Path| path.extension().is_some_and(|extension| extension == "toml");
        let is_dockerfile = |path: &PathBuf| path.is_file() && !is_manifest(path);
        let suite = |path: PathBuf| Self { path, dockerfiles: Vec::new() };
        match paths {
            [] => Ok(suite(".".into())),
            files if files.iter().all(is_dockerfile) => Ok(Self { path: ".".into(), dockerfiles: files.to_vec() }),
            [one] => Ok(suite(one.clone())),
            several => {
                let wrong = several
                    .iter()
                    .find(|path| !is_dockerfile(path))
                    .map_or_else(String::new, |path| path.display().to_string());
                let message = format!("`{}` is not a Dockerfile", for_people(&wrong));
                Err(usage_error(message, "name one suite, or only Dockerfiles"))
            }
        }
    }

    pub(super) fn load(&self, allowed: &[PathBuf]) -> Result<Suite, SuiteError> {
        match self.dockerfiles.as_slice() {
            [] => Suite::load_allowing(&self.path, allowed),
            files => of_dockerfiles(&self.path, files, allowed),
        }
    }
}

impl RunArgs {
    /// Takes from a run that is resumed where suite and engine are, unless they are named again.
    fn fill(&mut self, earlier: &RunOptions, against: Option<&Mark>) {
        let told = &earlier.invocation;
        let here = self.suite.is_empty() || self.suite == [told.suite.clone()] || !told.suite.is_absolute();
        if here && self.against.is_none() {
            let commit = against.map(|mark| mark.commit.clone()).filter(|commit| !commit.is_empty());
            let folder = || told.against.as_ref().map(|path| path.display().to_string());
            self.against = commit.or_else(folder);
        }
        if self.engine.host.is_none() && self.engine.context.is_none() {
            self.engine = super::engine::EngineArgs { host: told.host.clone(), context: told.context.clone() };
        }
        self.build.secrets = SecretSpec::over(&self.build.secrets, &told.secrets);
        let builder = &mut self.build.builder;
        if builder.builder.is_none() {
            *builder = BuilderArgs { builder: earlier.builder.parse().ok(), builder_certs: told.builder_certs.clone() };
        }
        self.build.bases.get_or_insert_with(|| earlier.bases.clone());
        if self.only.is_empty() {
            self.only.clone_from(&earlier.only);
        }
    }
}

async fn measure_suite(
    args: &RunArgs,
    measured: &What,
    suite: &Suite,
    earlier: Option<Replayed>,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let base = args.against.as_deref().map(|named| BaseState::find(suite, named)).transpose()?;
    let secrets = args.build.read_secrets()?;
    match args.build.builder.connect().await? {
        Ok(builder) => Box::pin(measure_on(&builder, args, measured, suite, (base, secrets, earlier), terminal)).await,
        Err(choice) => {
            let engine = connect(&args.engine.connect(choice)).await?;
            check_secrets(&secrets, &engine)?;
            Box::pin(measure_on(&engine, args, measured, suite, (base, secrets, earlier), terminal)).await
        }
    }
}

/// Measures on an engine or a builder.
async fn measure_on<E: ImageBuilder + ImageHost>(
    engine: &E,
    args: &RunArgs,
    measured: &What,
    suite: &Suite,
    (mut base, secrets, earlier): (Option<BaseState>, Secrets, Option<Replayed>),
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let now = jiff::Timestamp::now();
    let started_at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (out, resume) = match (&args.resume, &args.out) {
        (Some(dir), _) => (dir.clone(), true),
        (None, Some(dir)) => (dir.clone(), false),
        (None, None) => (fresh(&Path::new("results").join(&suite.name), now)?, false),
    };
    let mut options = options(args, suite, out, resume, started_at);
    options.secrets = secrets;
    options.invocation = Invocation {
        suite: fsx::absolute(&measured.path),
        dockerfiles: measured.dockerfiles.clone(),
        against: base.as_ref().and_then(BaseState::folder).map(|path| fsx::absolute(&path)),
        host: args.engine.host.clone(),
        context: args.engine.context.clone(),
        builder_certs: args.build.builder.builder_certs.as_deref().map(fsx::absolute),
        secrets: args.build.secrets.iter().cloned().map(SecretSpec::absolute).collect(),
    };
    match earlier {
        Some(Replayed { options: Some(earlier), against, .. }) => {
            options = resumed(args, options, earlier)?;
            if let (Some(base), Some(mark)) = (&mut base, against) {
                base.reference = mark.reference;
            }
        }
        // A journal that does not say how its run was started: the command line says it again.
        Some(_) | None => {
            if let Some(base) = &base {
                enough_rounds(args, suite, base, &mut options, terminal);
            }
        }
    }
    let cancel = Cancel::default();
    let mut watch = watch(terminal);
    let measuring = async {
        match &base {
            None => measure::run(suite, engine, &options, &cancel, &mut watch).await,
            Some(base) => {
                let suspects = |record: &Record, against: &Against| base.suspects(record, against);
                let other = base.as_other(&suspects);
                measure::run_beside(suite, Some(&other), engine, &options, &cancel, &mut watch).await
            }
        }
    };
    let outcome = attend(engine, &cancel, terminal, pin!(measuring)).await;
    drop(watch);
    if outcome.is_err() {
        let again = resume_command(args, &options.out);
        terminal.hint(&format!("continue with `{again}`"));
    }
    let outcome = outcome??;
    present(args, &measured.path, outcome, &options, base.as_ref(), terminal)
}

/// The options of a run that is resumed: those that it was started with. What may change from part to part is taken
/// from the command line where it says so; anything else that it says must be as it was.
fn resumed(args: &RunArgs, given: RunOptions, earlier: RunOptions) -> Result<RunOptions, Failure> {
    let sorted = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    let (plan, before) = (&given.plan, &earlier.plan);
    let rounds = (plan.rounds, plan.discard_first) == (before.rounds, before.discard_first);
    let checks = [
        ("--shard", args.shard.is_none_or(|shard| before.shard.is_some_and(|part| (part.index, part.of) == shard))),
        ("--shard-by", args.shard_by.is_none_or(|by| before.shard.is_some_and(|part| part.by == by))),
        ("--builder", given.builder == earlier.builder),
        ("--bases", given.bases == earlier.bases),
        ("--platform", args.build.platform.is_none() || given.platform == earlier.platform),
        ("--rounds", args.rounds.is_none() || rounds),
        ("--quick", !args.quick || rounds),
        ("--sizes-only", !args.sizes_only || (rounds && plan.scenarios == before.scenarios)),
        (
            "--scenarios",
            args.scenarios.is_empty() || (&plan.scenarios, &plan.brief) == (&before.scenarios, &before.brief),
        ),
        ("--only", args.only.is_empty() || sorted(&given.only) == sorted(&earlier.only)),
        ("--seed", args.seed.is_none() || plan.seed == before.seed),
        ("--network", args.build.network.is_none() || given.network == earlier.network),
        ("--build-arg", args.build.build_args.is_empty() || given.build_args == earlier.build_args),
        ("--ca-file", args.build.ca_files.is_empty() || given.ca_files == earlier.ca_files),
        ("--site-env", args.build.site_env.is_empty() || given.site_env == earlier.site_env),
        ("--no-serve", !args.no_serve || !earlier.serve),
        ("--no-twin", !args.no_twin || before.twin.is_none()),
    ];
    if let Some((option, _)) = checks.iter().find(|(_, same)| !same) {
        return Err(Failure::new(
            Exit::Unreadable,
            format!("the run in `{}` was started with another `{option}`", given.out.display()),
            "leave the option out to resume the run, or start a new one in another directory",
        ));
    }
    Ok(RunOptions {
        invocation: given.invocation,
        out: given.out,
        resume: true,
        state: given.state,
        run: given.run,
        started_at: given.started_at,
        // Read anew: they are kept nowhere.
        secrets: given.secrets,
        max_time: args.max_time.or(earlier.max_time),
        pull_deadline: args.build.pull_timeout.unwrap_or(earlier.pull_deadline),
        keep: args.keep || earlier.keep,
        via: args.build.via.unwrap_or(earlier.via),
        ..earlier
    })
}

/// Sees to as many rounds as the verdicts on times need, one more for chance; says so where fewer were asked for.
fn enough_rounds(args: &RunArgs, suite: &Suite, base: &BaseState, options: &mut RunOptions, terminal: &Terminal) {
    let needed = base.rounds(suite, &args.only, &options.plan.scenarios);
    let chosen = args.rounds.is_some() || args.quick || args.sizes_only;
    if !chosen && needed > 0 {
        options.plan.rounds = options.plan.rounds.max(needed + 1);
    } else if options.plan.rounds < needed && !args.sizes_only {
        terminal.warning(&report::too_few_rounds(options.plan.rounds, needed));
        terminal
            .hint("leave `--rounds` out, or compare less: `--only`, `--scenarios`, or `scenarios` of `[gate.timing]`");
    }
}

/// The plan that the command line asks for.
fn plan_options(args: &RunArgs, suite: &Suite) -> PlanOptions {
    let mut scenarios = match args.scenarios.as_slice() {
        _ if args.sizes_only => vec![Scenario::Cold],
        [] if args.quick => QUICK.to_vec(),
        [] if suite.manifest.tables.suite.scenarios.is_empty() => Scenario::USUAL.to_vec(),
        [] => suite.manifest.tables.suite.scenarios.clone(),
        chosen => chosen.to_vec(),
    };
    scenarios.sort();
    scenarios.dedup();
    let brief = if args.scenarios.is_empty() && args.against.is_none() { BRIEF.to_vec() } else { Vec::new() };
    let once = args.sizes_only || args.quick;
    let rounds = if once { 1 } else { args.rounds.unwrap_or(ROUNDS) };
    let by = args.shard_by.unwrap_or(if args.sizes_only { ShardBy::Variants } else { ShardBy::Rounds });
    let shard = args.shard.map(|(index, of)| ShardPart { index, of, by });
    let twin = match shard {
        // The one that every shard measures.
        Some(ShardPart { by: ShardBy::Variants, .. }) => Some(0),
        _ => suite.twin(&args.only),
    };
    PlanOptions {
        rounds,
        discard_first: !once,
        scenarios,
        brief,
        warm_repeats: if args.quick { 1 } else { WARM_REPEATS },
        seed: args.seed.unwrap_or(SEED),
        twin: twin.filter(|_| !args.no_twin && !once),
        shard,
    }
}

fn options(args: &RunArgs, suite: &Suite, out: PathBuf, resume: bool, started_at: String) -> RunOptions {
    RunOptions {
        resume,
        plan: plan_options(args, suite),
        only: args.only.clone(),
        max_time: args.max_time,
        keep: args.keep,
        serve: !args.no_serve,
        ..args.build.options(suite, out, started_at)
    }
}

/// Reads `2/4`.
fn parse_shard(text: &str) -> Result<(u32, u32), String> {
    let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    numbers
        .filter(|&(index, of)| 1 <= index && index <= of && of <= MOST_SHARDS)
        .ok_or_else(|| format!("write I/N with 1 ≤ I ≤ N ≤ {MOST_SHARDS}, such as `2/4`"))
}

fn present(
    args: &RunArgs,
    path: &Path,
    mut outcome: RunOutcome,
    options: &RunOptions,
    base: Option<&BaseState>,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let again = resume_command(args, &options.out);
    outcome.record.environment.noise = analyse::noise(&outcome.record);
    show(&outcome.record, &options.out, Showing { format: args.format, full: args.full }, terminal)?;
    if let (Some(against), Some(base), Format::Table) = (&outcome.against, base, args.format) {
        terminal.out(&base.times(&outcome.record, against))?;
    }
    if args.full || args.format != Format::Table {
        terminal.note(&format!("report: {}", options.out.display()));
    }
    if let Some(error) = outcome.lost {
        let first = match error.hint() {
            Some(hint) if !error.is_lost() => format!("{hint}; then"),
            _ => "once the engine is back,".to_owned(),
        };
        let hint = format!("{first} continue with `{again}`, or remove what is left with `tonnage clean`");
        return Err(Failure::new(Exit::NoEngine, chain(&error), hint));
    }
    if outcome.exit == Exit::Interrupted {
        terminal.hint(&format!("continue with `{again}`"));
    }
    if base.is_some() && outcome.exit != Exit::Interrupted {
        let suite = path.display();
        terminal.hint(&format!("`tonnage check {} --suite {suite}` judges it", options.out.display()));
    }
    if outcome.record.is_shard() && outcome.exit != Exit::Interrupted {
        terminal.hint("`tonnage merge DIR...` makes one record of all shards");
    }
    Ok(outcome.exit)
}

/// How the end of a run is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Showing {
    pub(super) format: Format,
    pub(super) full: bool,
}

/// Writes the results of a run that ended, adds it to the history of its suite, and prints it.
pub(super) fn show(record: &Record, out: &Path, showing: Showing, terminal: &Terminal) -> Result<(), Failure> {
    record::write(out, record)?;
    let history = keep_history(record, out)?;
    report::write_all(record, &history, out)?;
    let shown = if showing.full { Shown::Everything } else { Shown::Screen(beside(out)) };
    terminal.out(&print(record, showing.format, &shown, terminal))
}

/// A directory for what begins now that is not there yet: two runs may begin in the same second. A link in a repository does
/// not lead out of it.
pub(super) fn fresh(results: &Path, now: jiff::Timestamp) -> Result<PathBuf, Failure> {
    let leads_out = |error: BoundaryError| {
        Failure::new(error.exit(), error.to_string(), "choose the directory for the results with `--out`")
    };
    Boundary::around(Path::new("."), &[])?.resolve(results).map_err(leads_out)?;
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let numbered = (2..).map(|number| results.join(format!("{stamp}-{number}")));
    let mut wanted = std::iter::once(results.join(&stamp)).chain(numbered);
    Ok(wanted.find(|path| !path.exists()).unwrap_or_else(|| results.join(&stamp)))
}

/// Refuses a directory that holds a record already.
pub(super) fn refuse_taken(out: &Path, what: &str) -> Result<(), Failure> {
    if out.join(record::FILE).exists() {
        let message = format!("`{}` already holds {what}", out.display());
        return Err(usage_error(message, "choose another directory with `--out`"));
    }
    Ok(())
}

/// The command that resumes a run; its journal knows the rest but for what only a command line may
/// allow.
fn resume_command(args: &RunArgs, out: &Path) -> String {
    format!("tonnage run --resume={}{}", super::allow::for_shell(&out.to_string_lossy()), args.allow.again())
}

/// Adds a finished run to the `history.jsonl` of its suite, once, and returns the history. The history belongs to
/// results that lie together, `<suite>/<run>`: a results directory elsewhere has none.
fn keep_history(record: &Record, out: &Path) -> Result<Vec<HistoryLine>, Failure> {
    // A suite's own directory may have its name, too, and is not a place for a history.
    let is_of_results = |folder: &Path| folder.ends_with(&record.suite.name) && !folder.join(MANIFEST_NAME).exists();
    let absolute = fsx::absolute(out);
    let Some(folder) = absolute.parent().filter(|folder| is_of_results(folder)) else {
        return Ok(Vec::new());
    };
    // A shard is a part of a run; `tonnage merge` adds the whole.
    if !record.is_shard() && matches!(record.ended, Ended::Complete | Ended::OutOfTime) {
        let line = json::line(&trend::history_line(record));
        fsx::append_line(&folder.join(trend::HISTORY), &line)?;
    }
    Ok(report::history_beside(out)?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::image::Way;

    #[derive(Debug, Parser)]
    struct CommandLine {
        #[command(flatten)]
        args: RunArgs,
    }

    fn args(words: &[&str]) -> RunArgs {
        CommandLine::parse_from(["run"].iter().chain(words)).args
    }

    fn suite() -> Suite {
        Suite::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-suite")).unwrap()
    }

    fn options_of(words: &[&str]) -> RunOptions {
        options(&args(words), &suite(), "out".into(), false, "2026-11-01T12:00:00Z".into())
    }

    /// Options of the part of a run that is resumed with these words, after one that was started with those.
    fn continued(started: &[&str], words: &[&str]) -> Result<RunOptions, Failure> {
        let earlier = options_of(started);
        let mut args = args(words);
        args.fill(&earlier, None);
        let given = options(&args, &suite(), "out".into(), true, "2026-11-01T12:00:00Z".into());
        resumed(&args, given, earlier)
    }

    const STARTED: [&[&str]; 18] = [
        &["--builder", "classic"],
        &["--bases", "other"],
        &["--platform", "linux/arm64"],
        &["--rounds", "2"],
        &["--quick"],
        &["--sizes-only"],
        &["--scenarios", "cold,deps"],
        // Those of a run by default, in every round.
        &["--scenarios", "cold,warm,touch,src,deps"],
        &["--only", "python3.9"],
        &["--seed", "7"],
        &["--network", "host"],
        &["--build-arg", "A=1"],
        &["--ca-file", "ca.pem"],
        &["--site-env", "B=2"],
        &["--no-serve"],
        &["--no-twin"],
        &["--shard", "2/4"],
        &["--shard", "1/2", "--sizes-only"],
    ];

    #[test]
    fn a_resumed_run_has_every_option_that_it_was_started_with() {
        for started in STARTED {
            let expected = RunOptions { resume: true, ..options_of(started) };
            for again in [&[][..], started] {
                // Run ids are random; that of the journal is used.
                let found = RunOptions { run: expected.run.clone(), ..continued(started, again).unwrap() };
                assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{started:?} {again:?}");
            }
        }
    }

    #[test]
    fn an_option_that_changes_what_is_measured_is_refused_by_name() {
        for given in STARTED {
            let failure = continued(&[], given).unwrap_err();
            assert_eq!(failure.exit, Exit::Unreadable);
            assert!(failure.message.contains(&format!("`{}`", given[0])), "{given:?}: {}", failure.message);
        }
    }

    #[test]
    fn a_suite_may_choose_what_is_measured_by_default() {
        let mut suite = suite();
        suite.manifest.tables.suite.scenarios = vec![Scenario::Base, Scenario::Cold];
        let options = |words: &[&str]| options(&args(words), &suite, "out".into(), false, String::new()).plan;
        let told = options(&[]);
        assert_eq!((told.scenarios, told.brief), (vec![Scenario::Cold, Scenario::Base], BRIEF.to_vec()));
        assert_eq!(options(&["--quick"]).scenarios, QUICK);
        let chosen = options(&["--scenarios", "src"]);
        assert_eq!((chosen.scenarios, chosen.brief), (vec![Scenario::Src], Vec::new()));
    }

    #[test]
    fn an_option_about_one_part_of_a_run_may_change() {
        let started = ["--max-time", "1min", "--via", "export"];
        let same = continued(&started, &[]).unwrap();
        assert_eq!((same.max_time, same.via, same.keep), (Some(Duration::from_secs(60)), Way::Export, false));
        let words = ["--max-time", "2min", "--via", "store", "--keep", "--pull-timeout", "1s"];
        let changed = continued(&started, &words).unwrap();
        assert_eq!((changed.max_time, changed.via, changed.keep), (Some(Duration::from_secs(120)), Way::Store, true));
        assert_eq!(changed.pull_deadline, Duration::from_secs(1));
    }

    #[test]
    fn suite_engine_and_base_are_those_of_the_run_unless_named_again() {
        let mut earlier = options_of(&[]);
        earlier.invocation = Invocation {
            suite: "/s".into(),
            against: Some("/b".into()),
            context: Some("lab".into()),
            ..Invocation::default()
        };
        let filled = |words: &[&str], commit: Option<&str>| {
            let mut args = args(words);
            let mark =
                commit.map(|commit| Mark { reference: "main".into(), commit: commit.into(), digest: String::new() });
            args.fill(&earlier, mark.as_ref());
            let suite = What::of(&args, Some(earlier.invocation.clone())).unwrap().path;
            (suite, args.against.unwrap_or_default(), args.engine.host, args.engine.context)
        };
        let lab = Some("lab".to_owned());
        assert_eq!(filled(&[], None), ("/s".into(), "/b".into(), None, lab.clone()));
        assert_eq!(filled(&[], Some("abc")), ("/s".into(), "abc".into(), None, lab));
        let elsewhere = filled(&["--host", "unix:///x", "--against", "HEAD"], Some("abc"));
        assert_eq!(elsewhere, ("/s".into(), "HEAD".into(), Some("unix:///x".into()), None));
    }

    #[test]
    fn secrets_are_read_where_they_were_unless_named_again() {
        let mut earlier = options_of(&[]);
        earlier.invocation.secrets = ["id=a,env=A", "id=b,src=/b"].map(|text| text.parse().unwrap()).to_vec();
        let mut args = args(&["--secret", "id=b,env=B"]);
        args.fill(&earlier, None);
        let found: Vec<_> = args.build.secrets.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["id=a,env=A", "id=b,env=B"]);
    }

    #[test]
    fn the_command_that_resumes_is_one_for_a_shell() {
        for (dir, expected) in [
            ("results/a/20261101T120000Z", "tonnage run --resume=results/a/20261101T120000Z"),
            ("my results", "tonnage run --resume='my results'"),
            ("it's; rm -r $HOME", r"tonnage run --resume='it'\''s; rm -r $HOME'"),
            ("-out", "tonnage run --resume=-out"),
        ] {
            assert_eq!(resume_command(&args(&[]), Path::new(dir)), expected);
        }
        let given = ["--secret", "id=a,src=/my key", "--allow-outside", "../x"];
        assert_eq!(resume_command(&args(&given), Path::new("out")), "tonnage run --resume=out --allow-outside=../x");
    }
}
