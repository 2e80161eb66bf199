//! `tonnage run`: build and measure every variant of a suite.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueHint;

use super::Terminal;
use super::against::BaseState;
use super::report::{Format, print};
use super::secret::{self, SecretSpec};
use crate::analyse;
use crate::analyse::trend::{self, HistoryLine};
use crate::engine::{BuilderChoice, Engine, Secrets, connect};
use crate::env;
use crate::error::{Diagnose as _, Failure};
use crate::exit::Exit;
use crate::fsx;
use crate::image::{ParsePlatformError, Platform};
use crate::json;
use crate::measure::{self, Cancel, Outcome, RunOptions, Way};
use crate::random;
use crate::record::{self, Against, Builder, Ended, Record, Scenario};
use crate::report;
use crate::suite::{PlanOptions, Suite};
use crate::ui::{Plain, Watch};

/// Rounds by default, the discarded one not counted.
const ROUNDS: u32 = 7;
/// Rounds of a quick run: too few for an interval, and it says so.
const QUICK_ROUNDS: u32 = 3;
/// How often `warm` is measured in a round: it is cheap.
const WARM_REPEATS: u32 = 3;

/// How long an engine may take to answer once the run is to stop.
const PATIENCE: Duration = Duration::from_secs(10);

/// Arguments of `tonnage run`.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    clippy::struct_field_names,
    reason = "flags are named and typed as the user writes them"
)]
pub struct Args {
    /// Folder of the suite, or its tonnage.toml
    #[arg(default_value = super::DEFAULT_SUITE, value_hint = ValueHint::AnyPath)]
    suite: PathBuf,
    /// Results folder [default: results/<suite>/<UTC stamp>]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    /// Go on with the run that was killed, interrupted or lost its engine in DIR
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "out")]
    resume: Option<PathBuf>,
    /// Build another state of the suite in between, round by round, so that times can be judged: a git ref, or the
    /// folder of a suite (`./…`)
    #[arg(long, value_name = "REF|DIR")]
    against: Option<String>,
    #[command(flatten)]
    allow: super::AllowArgs,
    #[command(flatten)]
    engine: super::EngineArgs,
    /// What builds: BuildKit where the engine has it, unless told
    #[arg(long, value_name = "auto|buildkit|classic", default_value = "auto")]
    builder: BuilderChoice,
    /// Set of base images: a `[bases.NAME]` table of the suite
    #[arg(long, value_name = "NAME", default_value = "default")]
    bases: String,
    /// Platform to build for, such as linux/arm64
    #[arg(long, value_name = "OS/ARCH", value_parser = platform)]
    platform: Option<String>,
    /// Rounds to measure, after one that is discarded [default: 7, or what the verdicts of `--against` need]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Three rounds, no inference
    #[arg(long, conflicts_with = "rounds")]
    quick: bool,
    /// One cold build a variant, weighed and served; no rebuilds
    #[arg(long, conflicts_with_all = ["rounds", "quick", "scenarios"])]
    sizes_only: bool,
    /// Variants to measure, by name
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// Scenarios to measure
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "cold,warm,touch,src,deps")]
    scenarios: Vec<Scenario>,
    /// Seed of the order of the builds
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Begin no further build after this long, such as `20min`
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    max_time: Option<Duration>,
    /// Limit on one pull of a base image
    #[arg(long, value_name = "TIME", value_parser = parse_span, default_value = "15min")]
    pull_timeout: Duration,
    /// Build argument for every build; NAME alone takes the value of the environment variable. Not for secrets: the
    /// image keeps it
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]", value_parser = parse_build_arg)]
    build_args: Vec<(String, String)>,
    /// Secret for `RUN --mount=type=secret` (BuildKit): a file or an environment variable. Recorded nowhere
    #[arg(long = "secret", value_name = "id=ID,src=FILE|env=NAME")]
    secrets: Vec<SecretSpec>,
    /// Network mode of RUN instructions
    #[arg(long, value_name = "MODE")]
    network: Option<String>,
    /// CA certificates (PEM) that builds must trust: a site layer on top of the bases
    #[arg(long = "ca-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    ca_files: Vec<PathBuf>,
    /// Environment for builds, such as `PIP_INDEX_URL`: part of the site layer
    #[arg(long = "site-env", value_name = "NAME=VALUE", value_parser = parse_pair)]
    site_env: Vec<(String, String)>,
    /// How the images are read to weigh them: in the engine's own store, which needs root on its host, or from its export
    #[arg(long, value_name = "auto|export|store", default_value_t)]
    via: Way,
    /// Do not start the images
    #[arg(long)]
    no_serve: bool,
    /// Do not measure one variant twice (the A/A check of the noise)
    #[arg(long)]
    no_twin: bool,
    /// Keep on the engine what the run makes there
    #[arg(long)]
    keep: bool,
    /// What to print at the end
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// A platform as it was typed, for engines have their own ideas of it, if it is one.
fn platform(text: &str) -> Result<String, ParsePlatformError> {
    text.parse::<Platform>().map(|_| text.to_owned())
}

/// Runs `tonnage run`.
pub fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let suite = Suite::load_allowing(&args.suite, &args.allow.allow_outside)?;
    // What is wrong on the command line is said before an engine is looked for.
    suite.check_bases(&suite.base_set(&args.bases)?, &args.only)?;
    let runtime = super::runtime()?;
    runtime.block_on(measure_suite(&args, &suite, terminal))
}

async fn measure_suite(args: &Args, suite: &Suite, terminal: &Terminal) -> Result<Exit, Failure> {
    let base = args.against.as_deref().map(|named| BaseState::find(suite, named)).transpose()?;
    let secrets = secret::read(&args.secrets)?;
    let engine = connect(&args.engine.connect(args.builder)).await?;
    if !secrets.0.is_empty() && engine.facts().builder != Builder::Buildkit {
        return Err(Failure {
            message: format!("secrets need BuildKit, and this engine builds with {}", engine.facts().builder),
            hint: Some("use a Docker Engine with BuildKit, and not `--builder classic`".to_owned()),
            exit: Exit::Usage,
        });
    }
    let now = jiff::Timestamp::now();
    let started_at = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (out, resume) = match (&args.resume, &args.out) {
        (Some(dir), _) => (dir.clone(), true),
        (None, Some(dir)) => (dir.clone(), false),
        (None, None) => {
            (Path::new("results").join(&suite.name).join(now.strftime("%Y%m%dT%H%M%SZ").to_string()), false)
        }
    };
    let mut options = options(args, suite, out, resume, started_at);
    options.secrets = secrets;
    if let Some(base) = &base {
        enough_rounds(args, suite, base, &mut options, terminal);
    }
    let cancel = Cancel::default();
    let mut watch = match (terminal.quiet, terminal.live) {
        (true, _) => Watch::Silent,
        (false, true) => Watch::Bars(Box::default()),
        (false, false) => Watch::Plain(Plain::default()),
    };
    let signals = tokio::spawn(listen(cancel.clone(), *terminal));
    let measured = async {
        match &base {
            None => measure::run(suite, &engine, &options, &cancel, &mut watch).await,
            Some(base) => {
                let suspects = |record: &Record, against: &Against| base.suspects(record, against);
                measure::run_against(suite, &base.as_other(&suspects), &engine, &options, &cancel, &mut watch).await
            }
        }
    };
    let outcome = tokio::select! {
        outcome = measured => Some(outcome),
        () = frozen(&engine, &cancel) => None,
    };
    signals.abort();
    drop(watch);
    let Some(outcome) = outcome else {
        let again = resume_command(args, &options, base.as_ref());
        terminal.hint(&format!("`{again}` goes on with what is on disk"));
        return Err(not_cleaned("interrupted, and the engine does not answer"));
    };
    let outcome = outcome?;
    present(args, outcome, &options, base.as_ref(), terminal)
}

/// Sees to as many rounds as the verdicts on times need, one more for chance; says so where fewer were asked for.
fn enough_rounds(args: &Args, suite: &Suite, base: &BaseState, options: &mut RunOptions, terminal: &Terminal) {
    let needed = base.rounds(suite, &args.only, &options.plan.scenarios);
    let chosen = args.rounds.is_some() || args.quick || args.sizes_only;
    if !chosen && needed > 0 {
        options.plan.rounds = options.plan.rounds.max(needed + 1);
    } else if options.plan.rounds < needed && !args.sizes_only {
        terminal.warning(&format!(
            "{} round{} cannot tell a slowdown from chance: so many comparisons need {needed}",
            options.plan.rounds,
            if options.plan.rounds == 1 { "" } else { "s" },
        ));
        terminal
            .hint("leave `--rounds` out, or compare less: `--only`, `--scenarios`, or `scenarios` of `[gate.timing]`");
    }
}

fn options(args: &Args, suite: &Suite, out: PathBuf, resume: bool, started_at: String) -> RunOptions {
    let mut scenarios = if args.sizes_only { vec![Scenario::Cold] } else { args.scenarios.clone() };
    scenarios.sort();
    scenarios.dedup();
    let rounds = if args.sizes_only {
        1
    } else if args.quick {
        QUICK_ROUNDS
    } else {
        args.rounds.unwrap_or(ROUNDS)
    };
    let stamp: String = started_at.chars().filter(char::is_ascii_alphanumeric).collect();
    RunOptions {
        out,
        resume,
        state: env::state_folder(),
        run: format!("{}-{}", stamp.to_lowercase(), random::hex()),
        builder: args.builder.to_string(),
        bases: args.bases.clone(),
        plan: PlanOptions {
            rounds,
            discard_first: !args.sizes_only,
            scenarios,
            warm_repeats: WARM_REPEATS,
            seed: args.seed,
            twin: suite.twin(&args.only).filter(|_| !args.no_twin && !args.sizes_only),
        },
        only: args.only.clone(),
        max_time: args.max_time,
        pull_deadline: args.pull_timeout,
        keep: args.keep,
        via: args.via,
        serve: !args.no_serve,
        platform: args.platform.clone().or_else(|| suite.build.platform.clone()),
        network: args.network.clone(),
        build_args: args.build_args.iter().cloned().collect::<BTreeMap<_, _>>(),
        secrets: Secrets::default(),
        ca_files: args.ca_files.clone(),
        site_env: args.site_env.iter().cloned().collect(),
        started_at,
    }
}

/// The first Ctrl-C, SIGTERM, or SIGHUP stops the run, which then cleans up; the second ends the program at once.
async fn listen(cancel: Cancel, terminal: Terminal) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    // `nohup` has it ignored: the run goes on when its terminal is closed.
    let mut hangup = if ignores_hangup() { None } else { signal(SignalKind::hangup()).ok() };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            Some(_) = async { Some(hangup.as_mut()?.recv().await) } => {}
        }
        if cancel.is_cancelled() {
            terminal.failure(&not_cleaned("interrupted again before the engine was cleaned up"));
            std::process::exit(i32::from(Exit::NotCleaned.code()));
        }
        cancel.cancel();
    }
}

/// Whether this program was started with SIGHUP ignored.
fn ignores_hangup() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Ends when the run was asked to stop and the engine has stopped answering, so that nothing can be waited for.
async fn frozen<E: Engine>(engine: &E, cancel: &Cancel) {
    cancel.cancelled().await;
    while engine.answers(PATIENCE).await {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

fn not_cleaned(why: &str) -> Failure {
    Failure::new(
        Exit::NotCleaned,
        format!("{why}; what the run made is still on the engine"),
        "`tonnage clean` removes it once the engine answers",
    )
}

fn present(
    args: &Args,
    mut outcome: Outcome,
    options: &RunOptions,
    base: Option<&BaseState>,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let again = resume_command(args, options, base);
    outcome.record.environment.noise = analyse::noise(&outcome.record);
    record::write(&options.out, &outcome.record)?;
    let history = keep_history(&outcome.record, &options.out)?;
    report::write_all(&outcome.record, &history, &options.out)?;
    terminal.out(&print(&outcome.record, args.format, terminal))?;
    if let (Some(against), Some(base), Format::Table) = (&outcome.against, base, args.format) {
        terminal.out(&base.times(&outcome.record, against))?;
    }
    terminal.note(&format!("report: {}", options.out.display()));
    if let Some(error) = outcome.lost {
        let first = match error.hint() {
            Some(hint) if !error.is_lost() => format!("{hint}; then"),
            _ => "once the engine is back,".to_owned(),
        };
        return Err(Failure {
            message: crate::error::chain(&error),
            hint: Some(format!("{first} `{again}` goes on, and `tonnage clean` removes what is left")),
            exit: Exit::NoEngine,
        });
    }
    if outcome.exit == Exit::Interrupted {
        terminal.hint(&format!("`{again}` goes on"));
    }
    if base.is_some() && outcome.exit != Exit::Interrupted {
        let suite = args.suite.display();
        terminal.hint(&format!("`tonnage check {} --suite {suite}` judges it", options.out.display()));
    }
    Ok(outcome.exit)
}

/// The command that goes on with a run.
fn resume_command(args: &Args, options: &RunOptions, base: Option<&BaseState>) -> String {
    let against = base.map(|base| format!(" {}", base.argument())).unwrap_or_default();
    let allowed = args.allow.again();
    format!("tonnage run {} --resume {}{against}{allowed}", args.suite.display(), options.out.display())
}

/// Adds a finished run to the `history.jsonl` of its suite, once, and returns the history. The history belongs to
/// results that lie together, `<suite>/<run>`: a results folder elsewhere has none.
fn keep_history(record: &Record, out: &Path) -> Result<Vec<HistoryLine>, Failure> {
    let absolute = std::path::absolute(out).unwrap_or_else(|_| out.to_path_buf());
    let Some(folder) = absolute.parent().filter(|folder| folder.ends_with(&record.suite.name)) else {
        return Ok(Vec::new());
    };
    if matches!(record.ended, Ended::Complete | Ended::OutOfTime) {
        let line = json::line(&trend::history_line(record));
        fsx::append_line(&folder.join("history.jsonl"), &line)?;
    }
    Ok(report::history_beside(out)?)
}

/// `20min`, `90s`, `1h 30min`: jiff's friendly spans.
fn parse_span(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is no time such as `90s` or `20min`"))?;
    Duration::try_from(span).map_err(|_| "a time cannot be negative".to_owned())
}

/// `NAME=VALUE`, or `NAME` with the value of the environment variable, as `docker build` takes it.
fn parse_build_arg(text: &str) -> Result<(String, String), String> {
    if text.contains('=') {
        return parse_pair(text);
    }
    let value = std::env::var(text).map_err(|_| format!("the environment variable `{text}` is not set"))?;
    Ok((text.to_owned(), value))
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        // The value is not shown: it may be secret.
        _ => Err("it is not NAME=VALUE".to_owned()),
    }
}
