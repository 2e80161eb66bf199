//! The command line: clap types, one file per subcommand; the only place that chooses stdout or stderr.

mod against;
mod baseline;
mod check;
mod clean;
mod compare;
mod doctor;
mod generate;
mod help;
mod init;
mod report;
mod run;
mod terminal;
mod trend;
mod weigh;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{FromArgMatches as _, Parser, Subcommand};

use crate::engine::{BuilderChoice, ConnectOptions};
use crate::error::Failure;
use crate::exit::Exit;
use crate::suite::{self, MANIFEST_NAME, SuiteError};

pub use terminal::{Colour, Terminal};

/// Build, weigh, and compare container images.
#[derive(Debug, Parser)]
#[command(name = "tonnage", version, about, max_term_width = 110, propagate_version = true)]
pub struct Cli {
    /// Suppress progress, warnings, and hints
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Build and measure every variant of a suite
    Run(Box<run::Args>),
    /// Weigh images and archives without building anything
    Weigh(weigh::Args),
    /// Compare two records, images, or archives and explain the differences
    Compare(compare::Args),
    /// Check sizes against budgets and a baseline (the CI gate)
    Check(check::Args),
    /// Manage the baseline that `check` compares against
    Baseline(baseline::Args),
    /// Regenerate tables, charts, and the HTML page from a record
    Report(report::Args),
    /// Show how sizes and build times changed across runs
    Trend(trend::Args),
    /// Write a tonnage.toml for the Dockerfiles found here
    Init(init::Args),
    /// Check the engine, builder, base images, and disk space
    Doctor(doctor::Args),
    /// Remove what runs left on the engine, and nothing else
    Clean(clean::Args),
    /// Print a shell completion script
    Completions(generate::CompletionsArgs),
    /// Print a manual page (roff)
    Man(generate::ManArgs),
}

/// Parses the arguments of the process, does what they say, and returns the exit code.
pub fn main() -> ExitCode {
    let parsed = help::command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way too, and are no errors.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            drop(error.print());
            return exit.into();
        }
    };
    let terminal = Terminal::detect(cli.quiet);
    match dispatch(cli.command, &terminal) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal.failure(&failure);
            failure.exit.into()
        }
    }
}

fn dispatch(command: Command, terminal: &Terminal) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::run(*args, terminal),
        Command::Weigh(args) => weigh::run(args, terminal),
        Command::Compare(args) => compare::run(args, terminal),
        Command::Check(args) => check::run(args, terminal),
        Command::Baseline(args) => baseline::run(args, terminal),
        Command::Report(args) => report::run(args, terminal),
        Command::Trend(args) => trend::run(args, terminal),
        Command::Init(args) => init::run(args, terminal),
        Command::Doctor(args) => doctor::run(args, terminal),
        Command::Clean(args) => clean::run(args, terminal),
        Command::Completions(args) => generate::completions(args, terminal),
        Command::Man(args) => generate::man(args, terminal),
    }
}

/// Which engine to talk to.
#[derive(Debug, Clone, clap::Args)]
pub struct EngineArgs {
    /// Engine address, such as `unix:///var/run/docker.sock` or `host:2375` [default: `DOCKER_HOST`, the current Docker
    /// context, or the first socket found]
    #[arg(long, short = 'H', value_name = "URL", conflicts_with = "context", help_heading = "Engine")]
    host: Option<String>,
    /// Docker context to use [default: `DOCKER_CONTEXT`, or the current context]
    #[arg(long, value_name = "NAME", help_heading = "Engine")]
    context: Option<String>,
}

impl EngineArgs {
    /// How to connect to it.
    fn connect(&self, builder: BuilderChoice) -> ConnectOptions {
        ConnectOptions { host: self.host.clone(), context: self.context.clone(), builder }
    }
}

/// What a suite may read besides its repository.
#[derive(Debug, Clone, Default, clap::Args)]
struct AllowArgs {
    /// Let the suite use this file or directory outside its repository (repeatable)
    #[arg(long = "allow-outside", value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    allow_outside: Vec<PathBuf>,
}

impl AllowArgs {
    /// The arguments again, each with a space in front.
    fn again(&self) -> String {
        self.allow_outside
            .iter()
            .flat_map(|path| [" --allow-outside=".to_owned(), for_shell(&path.to_string_lossy())])
            .collect()
    }
}

/// A text as one word of a shell's command line, behind a `=`.
fn for_shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// The manifest of a suite that is named by its directory or by the manifest itself.
fn manifest_of(suite: &Path) -> PathBuf {
    let manifest = if suite.is_dir() { suite.join(MANIFEST_NAME) } else { suite.to_path_buf() };
    // `./tonnage.toml` reads worse than it is.
    manifest.strip_prefix(".").map_or_else(|_| manifest.clone(), Path::to_path_buf)
}

/// Where the results of a suite may be: below the current directory, where a run puts them, or beside the manifest,
/// where they are if it was started there.
fn results_of(manifest: &Path) -> Result<[PathBuf; 2], SuiteError> {
    let name = suite::name_of(manifest)?;
    let beside = manifest.parent().unwrap_or(Path::new(""));
    Ok([Path::new("results").join(&name), beside.join("results").join(&name)])
}

/// The one runtime: a single thread, on which streams from the engine cost a quarter of the CPU.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Bug, format!("failed to start the runtime: {error}"), "report this"))
}
