//! The command line: clap types, one file per subcommand; the only place that chooses stdout or stderr.

mod against;
mod allow;
mod attend;
mod baseline;
mod build;
mod check;
mod clean;
mod compare;
mod doctor;
mod engine;
mod generate;
mod help;
mod import;
mod improve;
mod init;
mod merge;
mod output;
mod place;
mod registry;
mod report;
mod run;
mod span;
mod terminal;
mod trend;
mod version;
mod weigh;
mod words;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::error::Failure;
use crate::exit::Exit;

pub(crate) use terminal::Terminal;

/// Build, weigh, and compare container images.
#[derive(Debug, Parser)]
#[command(name = "tonnage", version, about, max_term_width = 110, propagate_version = true)]
pub(crate) struct Cli {
    /// Suppress progress, warnings, and hints
    #[arg(long, short, global = true)]
    quiet: bool,
    /// With `--version`: also print the commit, the target, and the features
    #[arg(long)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Build and measure every variant of a suite
    Run(Box<run::RunArgs>),
    /// Try remedies for a Dockerfile by building them, and print what they really save, as a patch
    Improve(Box<improve::ImproveArgs>),
    /// Read the build records that CI already makes: what came from cache, and what broke it first
    Import(import::ImportArgs),
    /// Weigh images and archives without building anything
    Weigh(Box<weigh::WeighArgs>),
    /// Compare two records, images, or archives and explain the differences
    Compare(compare::CompareArgs),
    /// Make one record of the shards that several machines measured of a run
    Merge(merge::MergeArgs),
    /// Check sizes against budgets and a baseline (the CI gate)
    Check(check::CheckArgs),
    /// Manage the baseline that `check` compares against
    Baseline(baseline::BaselineArgs),
    /// Regenerate tables, charts, and the HTML page from a record
    Report(report::ReportArgs),
    /// Show how sizes and build times changed across runs
    Trend(trend::TrendArgs),
    /// Write a tonnage.toml for the Dockerfiles found here
    Init(init::InitArgs),
    /// Check the engine, builder, base images, and disk space
    Doctor(doctor::DoctorArgs),
    /// Remove what runs left on the engine, and nothing else
    Clean(clean::CleanArgs),
    /// Print a shell completion script
    Completions(generate::CompletionsArgs),
    /// Print a manual page (roff)
    Man(generate::ManArgs),
}

/// The command line with all of its help.
fn command_line() -> clap::Command {
    help::extend(Cli::command())
}

/// Parses the arguments of the process, does what they say, and returns the exit code.
pub fn main() -> ExitCode {
    let parsed = command_line().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::DisplayVersion && version::wants_more() => {
            let terminal = Terminal::detect(true);
            return match terminal.out(&version::verbose()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => failure.exit.into(),
            };
        }
        Err(error) => {
            // `--help` and `--version` come this way too, and are not errors.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            drop(error.print());
            return exit.into();
        }
    };
    let terminal = Terminal::detect(cli.quiet);
    let done = if cli.verbose {
        Err(usage_error("`--verbose` needs `--version`", "run `tonnage --version --verbose`"))
    } else {
        dispatch(cli.command, &terminal)
    };
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal.failure(&failure);
            failure.exit.into()
        }
    }
}

/// What is wrong on the command line, and what to write instead.
fn usage_error(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, message, hint)
}

fn dispatch(command: Command, terminal: &Terminal) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::run(*args, terminal),
        Command::Improve(args) => improve::run(*args, terminal),
        Command::Import(args) => import::run(args, terminal),
        Command::Weigh(args) => weigh::run(*args, terminal),
        Command::Compare(args) => compare::run(args, terminal),
        Command::Merge(args) => merge::run(args, terminal),
        Command::Check(args) => check::run(args, terminal),
        Command::Baseline(args) => baseline::run(args, terminal),
        Command::Report(args) => report::run(args, terminal),
        Command::Trend(args) => trend::run(args, terminal),
        Command::Init(args) => init::run(args, terminal),
        Command::Doctor(args) => doctor::run(args, terminal),
        Command::Clean(args) => clean::run(args, terminal),
        Command::Completions(args) => generate::completions(args, command_line(), terminal),
        Command::Man(args) => generate::man(args, command_line(), terminal),
    }
}
