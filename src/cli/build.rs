//! How to build: the options that `run` and `improve` have in common.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;
use strum::VariantNames as _;

use super::engine::BuilderArgs;
use super::span::parse_span;
use super::usage_error;
use super::words::one_of;
use crate::engine::{Engine, Secrets};
use crate::env;
use crate::error::Failure;
use crate::fsx;
use crate::image::{ParsePlatformError, Platform, Way};
use crate::measure::{Invocation, RunOptions, SecretSpec};
use crate::random;
use crate::record::{Builder, Scenario};
use crate::suite::{PlanOptions, Suite, commit_of};

/// Seed of the order by default.
pub(super) const SEED: u64 = 1;
/// Limit on one pull by default.
const PULL_DEADLINE: Duration = Duration::from_secs(15 * 60);

/// How to build: what a run and a search for improvements have in common.
#[derive(Debug, clap::Args)]
pub(super) struct BuildArgs {
    #[command(flatten)]
    pub(super) builder: BuilderArgs,
    /// Set of base images to use: a `[bases.NAME]` table in tonnage.toml [default: `default`]
    #[arg(long, value_name = "NAME", help_heading = "What to measure")]
    pub(super) bases: Option<String>,
    /// Platform to build for, such as `linux/arm64` [default: the engine's]
    #[arg(long, value_name = "OS/ARCH", value_parser = platform, help_heading = "What to measure")]
    pub(super) platform: Option<String>,
    /// Time limit for pulling one base image [default: 15min]
    #[arg(long, value_name = "TIME", value_parser = parse_span, help_heading = "Engine")]
    pub(super) pull_timeout: Option<Duration>,
    /// Set a build argument in every build (repeatable); NAME alone takes its value from the environment. Not for
    /// secrets: the image keeps the value
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]", value_parser = parse_build_arg, help_heading = "What to measure")]
    pub(super) build_args: Vec<(String, String)>,
    /// Pass a secret to `RUN --mount=type=secret` (repeatable, BuildKit only); it is never recorded
    #[arg(long = "secret", value_name = "id=ID,src=FILE|env=NAME", help_heading = "What to measure")]
    pub(super) secrets: Vec<SecretSpec>,
    /// Network mode for RUN instructions
    #[arg(long, value_name = "MODE", help_heading = "What to measure")]
    pub(super) network: Option<String>,
    /// CA certificates (PEM) to trust in builds (repeatable), added in a layer on top of each base image
    #[arg(long = "ca-file", value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Behind a proxy")]
    pub(super) ca_files: Vec<PathBuf>,
    /// Environment variable for builds, such as `PIP_INDEX_URL=URL` (repeatable), added in the same layer
    #[arg(long = "site-env", value_name = "NAME=VALUE", value_parser = parse_pair, help_heading = "Behind a proxy")]
    pub(super) site_env: Vec<(String, String)>,
    /// Where to read images from: the engine's storage (requires root on its host) or an export
    #[arg(long, value_name = "HOW", value_parser = one_of::<Way>(Way::VARIANTS), help_heading = "Engine")]
    pub(super) via: Option<Way>,
}

/// A platform as it was typed, for engines have their own ideas of it, if it is one.
fn platform(text: &str) -> Result<String, ParsePlatformError> {
    text.parse::<Platform>().map(|_| text.to_owned())
}

impl BuildArgs {
    pub(super) fn bases(&self) -> &str {
        self.bases.as_deref().unwrap_or("default")
    }

    /// A run of one round of cold builds with these options.
    pub(super) fn options(&self, suite: &Suite, out: PathBuf, started_at: String) -> RunOptions {
        let stamp: String = started_at.chars().filter(char::is_ascii_alphanumeric).collect();
        RunOptions {
            invocation: Invocation::default(),
            out,
            resume: false,
            state: env::state_folder(),
            run: format!("{}-{}", stamp.to_lowercase(), random::hex()),
            commit: commit_of(&suite.root),
            builder: self.builder.builder.as_ref().map_or_else(|| "auto".to_owned(), ToString::to_string),
            bases: self.bases().to_owned(),
            plan: PlanOptions {
                rounds: 1,
                scenarios: vec![Scenario::Cold],
                warm_repeats: 1,
                seed: SEED,
                ..PlanOptions::default()
            },
            only: Vec::new(),
            max_time: None,
            pull_deadline: self.pull_timeout.unwrap_or(PULL_DEADLINE),
            keep: false,
            via: self.via.unwrap_or_default(),
            serve: true,
            platform: self.platform.clone().or_else(|| suite.build.platform.clone()),
            network: self.network.clone(),
            build_args: self.build_args.iter().cloned().collect::<BTreeMap<_, _>>(),
            secrets: Secrets::default(),
            ca_files: self.ca_files.iter().map(|path| fsx::absolute(path)).collect(),
            site_env: self.site_env.iter().cloned().collect(),
            started_at,
        }
    }

    /// The secrets. They are read before an engine is looked for; see [`check_secrets`].
    pub(super) fn read_secrets(&self) -> Result<Secrets, Failure> {
        SecretSpec::read_all(&self.secrets)
    }
}

/// That the engine takes the secrets, where there are any.
pub(super) fn check_secrets(secrets: &Secrets, engine: &impl Engine) -> Result<(), Failure> {
    if secrets.0.is_empty() || engine.facts().builder == Builder::Buildkit {
        return Ok(());
    }
    let message = format!("secrets need BuildKit, and this engine builds with {}", engine.facts().builder);
    Err(usage_error(message, "use a Docker Engine with BuildKit, and not `--builder classic`"))
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
