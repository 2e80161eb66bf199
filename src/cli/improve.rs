//! `tonnage improve`: advice that is proven by building it.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use clap::ValueHint;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use globset::{GlobBuilder, GlobMatcher};
use strum::VariantNames as _;

use super::attend::{attend, watch};
use super::build::{BuildArgs, check_secrets};
use super::engine::BuilderArgument;
use super::place::{names_of, no_variant};
use super::run::{What, fresh, refuse_taken};
use super::span::parse_span;
use super::words::one_of;
use super::{Terminal, usage_error};
use crate::engine::{BuilderChoice, Engine as _, connect};
use crate::error::{Failure, chain};
use crate::exit::Exit;
use crate::fsx;
use crate::improve::{ImproveOptions, Improvement, RecipePlaces, improve};
use crate::measure::{Cancel, RunOptions};
use crate::record::{self, Goal};
use crate::report;
use crate::suite::{Suite, SuiteVariant};

/// Arguments of `tonnage improve`.
#[derive(Debug, clap::Args)]
pub(super) struct ImproveArgs {
    /// Suite directory or manifest, or a Dockerfile to build with the current directory as context [default: the
    /// tonnage.toml here]
    #[arg(value_name = "SUITE|DOCKERFILE", value_hint = ValueHint::AnyPath)]
    suite: Option<PathBuf>,
    /// Variant to improve [default: the only one]
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// What to improve (comma-separated): `size`, `rebuild`, `startup`, `user` (not to run as root), or `all`
    #[arg(long, value_name = "GOAL", value_delimiter = ',', default_value = "size,rebuild", value_parser = goals())]
    goal: Vec<&'static [Goal]>,
    /// Base images that may replace the Dockerfile's, such as `*-alpine` (repeatable)
    #[arg(long = "allow-base", value_name = "PATTERN", value_parser = pattern)]
    allow_base: Vec<(String, GlobMatcher)>,
    /// Build the variant as it is and the result in this many rounds, and show times with confidence intervals
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Start no new builds after this long, such as `20min`
    #[arg(long, value_name = "TIME", value_parser = parse_span)]
    max_time: Option<Duration>,
    /// Write `Dockerfile.improved` and `.dockerignore.improved` next to the originals; existing files are an error
    #[arg(long, help_heading = "Output")]
    write: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = one_of::<ImproveFormat>(ImproveFormat::VARIANTS), help_heading = "Output")]
    format: ImproveFormat,
    /// Directory for the results [default: results/<suite>/improve/<UTC timestamp>]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    out: Option<PathBuf>,
    #[command(flatten)]
    build: BuildArgs,
    #[command(flatten)]
    allow: super::allow::AllowArgs,
    #[command(flatten)]
    engine: super::engine::EngineArgs,
}

/// How the result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::Display, strum::VariantNames)]
#[strum(serialize_all = "kebab-case")]
enum ImproveFormat {
    Table,
    Patch,
    Json,
    Markdown,
}

/// A parser of the word of a goal, or of `all`.
fn goals() -> impl TypedValueParser<Value = &'static [Goal]> {
    PossibleValuesParser::new(Goal::VARIANTS.iter().chain(&["all"])).map(|word| {
        let one = Goal::ALL.iter().position(|goal| goal.to_string() == word);
        one.map_or(&Goal::ALL[..], |at| &Goal::ALL[at..=at])
    })
}

fn pattern(text: &str) -> Result<(String, GlobMatcher), String> {
    let glob = GlobBuilder::new(text).build().map_err(|error| format!("it is not a pattern: {}", error.kind()))?;
    Ok((text.to_owned(), glob.compile_matcher()))
}

/// Runs `tonnage improve`.
pub(super) fn run(args: ImproveArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let what = What::find(&args.suite.iter().cloned().collect::<Vec<_>>())?;
    let suite = what.load(&args.allow.allow_outside)?;
    let variant = variant(&suite, args.variant.as_deref())?;
    suite.check_bases(&suite.base_set(args.build.bases())?, std::slice::from_ref(&variant.name))?;
    if let Some(error) = &variant.facts_error {
        let message = variant.unread(error);
        return Err(Failure::new(Exit::Unreadable, message, "fix the Dockerfile; nothing was changed"));
    }
    super::engine::runtime()?.block_on(search(&args, &suite, variant, terminal))
}

fn variant<'s>(suite: &'s Suite, name: Option<&str>) -> Result<&'s SuiteVariant, Failure> {
    match (name, suite.variants.as_slice()) {
        (Some(name), _) => suite.variant(name).ok_or_else(|| no_variant(suite, name)),
        (None, [only]) => Ok(only),
        (None, _) => {
            let message = format!("the suite has {} variants", suite.variants.len());
            Err(usage_error(message, format!("choose one with `--variant`: {}", names_of(suite))))
        }
    }
}

async fn search(
    args: &ImproveArgs,
    suite: &Suite,
    variant: &SuiteVariant,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let secrets = args.build.read_secrets()?;
    let choice = match &args.build.builder.builder {
        None => BuilderChoice::default(),
        Some(BuilderArgument::OfEngine(choice)) => *choice,
        Some(BuilderArgument::At(_)) => {
            let message = "`improve` starts what it builds, which needs an engine";
            return Err(usage_error(message, "leave out `--builder`, or use `buildkit` or `classic`"));
        }
    };
    let engine = connect(&args.engine.connect(choice)).await?;
    let places = RecipePlaces::of(suite, variant, engine.facts().builder);
    let improved = [improved_path(&places.dockerfile), improved_path(&places.ignore)];
    if let Some(there) = improved.iter().find(|path| args.write && path.exists()) {
        let message = format!("`{}` exists", there.display());
        return Err(usage_error(message, "move it away, or leave out `--write`"));
    }
    let now = jiff::Timestamp::now();
    let results = || fresh(&Path::new("results").join(&suite.name).join("improve"), now);
    let out = args.out.clone().map_or_else(results, Ok)?;
    check_secrets(&secrets, &engine)?;
    refuse_taken(&out, "a run")?;
    let options = args.build.options(suite, out, now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let options = RunOptions { max_time: args.max_time, secrets, ..options };
    let wanted = ImproveOptions { goals: args.goal.concat(), allowed: args.allow_base.clone(), rounds: args.rounds };
    let cancel = Cancel::default();
    let mut watch = watch(terminal);
    let mut tell = |event| terminal.note(&report::improve_progress(&event));
    let searching = improve((suite, variant), &wanted, &engine, &options, &cancel, (&mut watch, &mut tell));
    let found = attend(&engine, &cancel, terminal, pin!(searching)).await;
    drop(watch);
    let found = found??;
    present(args, &found, &options.out, terminal)
}

fn improved_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".improved");
    name.into()
}

fn present(args: &ImproveArgs, found: &Improvement, out: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    record::write(out, &found.record)?;
    report::write_all(&found.record, &[], out)?;
    terminal.out(&match args.format {
        ImproveFormat::Table => report::improve_terminal(&found.record, terminal.style),
        ImproveFormat::Patch => report::patch(&found.record).to_owned(),
        ImproveFormat::Json => report::improve_json(found),
        ImproveFormat::Markdown => report::improve_markdown(&found.record),
    })?;
    terminal.note(&format!("report: {}", out.display()));
    if let Some(after) = found.after.as_ref().filter(|_| args.write) {
        let dockerfile = improved_path(&found.places.dockerfile);
        write_new(&dockerfile, &after.dockerfile)?;
        let mut written = vec![dockerfile];
        if let Some(text) = after.ignore.as_ref().filter(|_| after.ignore != found.ignore) {
            let ignore = improved_path(&found.places.ignore);
            write_new(&ignore, text)?;
            written.push(ignore);
        }
        for file in &written {
            terminal.note(&report::improved_file(file));
        }
    }
    if let Some(error) = &found.lost {
        let hint = "once the engine is back, remove what is left with `tonnage clean`";
        return Err(Failure::new(Exit::NoEngine, chain(error), hint));
    }
    Ok(report::improve_exit(found))
}

/// Writes a file that is not there yet.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    if path.exists() {
        let message = format!("`{}` exists", path.display());
        return Err(usage_error(message, "move it away; nothing was overwritten"));
    }
    Ok(fsx::write_atomic(path, text.as_bytes())?)
}
