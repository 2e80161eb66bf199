//! Which engine or builder to talk to, and what drives the talk.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueHint;
use clap::builder::{PossibleValue, TypedValueParser};
use strum::VariantNames as _;

use crate::engine::{BuildKit, BuilderAddress, BuilderChoice, ConnectOptions, EngineError, Surroundings};
use crate::error::Failure;
use crate::exit::Exit;

/// Which engine to talk to.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct EngineArgs {
    /// Engine address, such as `unix:///var/run/docker.sock`, `host:2375`, or `ssh://user@host` [default: `DOCKER_HOST`, the
    /// current Docker context, or the first socket found]
    #[arg(long, short = 'H', value_name = "URL", conflicts_with = "context", help_heading = "Engine")]
    pub(super) host: Option<String>,
    /// Docker context to use [default: `DOCKER_CONTEXT`, or the current context]
    #[arg(long, value_name = "NAME", help_heading = "Engine")]
    pub(super) context: Option<String>,
}

impl EngineArgs {
    /// How to connect to it.
    pub(super) fn connect(&self, builder: BuilderChoice) -> ConnectOptions {
        ConnectOptions { host: self.host.clone(), context: self.context.clone(), builder }
    }
}

/// What builds.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct BuilderArgs {
    /// Builder to use: one of the engine's (`auto`, `buildkit`, `classic`), or BuildKit of its own at `buildx[:NAME]`,
    /// `unix:///PATH`, `tcp://HOST:PORT`, `docker-container://NAME`, `kube-pod://POD?namespace=NAME`, or `ssh://USER@HOST`
    /// [default: BuildKit if available]
    #[arg(long, value_name = "BUILDER", value_parser = BuilderWords, hide_possible_values = true, help_heading = "Engine")]
    pub(super) builder: Option<BuilderArgument>,
    /// Directory with `ca.pem`, and `cert.pem` with `key.pem` if the builder wants them, for `--builder tcp://…`
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "builder", help_heading = "Engine")]
    pub(super) builder_certs: Option<PathBuf>,
}

/// What builds, as it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BuilderArgument {
    /// One of the engine's.
    OfEngine(BuilderChoice),
    /// One of its own, at an address.
    At(String),
}

impl FromStr for BuilderArgument {
    type Err = strum::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if BuilderAddress::is_one(text) { Ok(Self::At(text.to_owned())) } else { text.parse().map(Self::OfEngine) }
    }
}

impl fmt::Display for BuilderArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfEngine(choice) => choice.fmt(f),
            Self::At(address) => f.write_str(address),
        }
    }
}

/// Words that shells complete, and addresses.
#[derive(Debug, Clone, Copy)]
struct BuilderWords;

impl TypedValueParser for BuilderWords {
    type Value = BuilderArgument;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<BuilderArgument, clap::Error> {
        match value.to_str().filter(|text| BuilderAddress::is_one(text)) {
            Some(address) => Ok(BuilderArgument::At(address.to_owned())),
            None => super::words::one_of::<BuilderChoice>(BuilderChoice::VARIANTS)
                .parse_ref(command, argument, value)
                .map(BuilderArgument::OfEngine),
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(BuilderChoice::VARIANTS.iter().chain(&["buildx"]).map(PossibleValue::new)))
    }
}

impl BuilderArgs {
    /// The builder of its own that is named, connected to; or which one of the engine's.
    pub(super) async fn connect(&self) -> Result<Result<BuildKit, BuilderChoice>, EngineError> {
        let address = match &self.builder {
            Some(BuilderArgument::At(address)) => address,
            Some(BuilderArgument::OfEngine(choice)) => return Ok(Err(*choice)),
            None => return Ok(Err(BuilderChoice::Auto)),
        };
        let around = Surroundings::from_env();
        let address = BuilderAddress::find(address, self.builder_certs.as_deref(), &around)?;
        BuildKit::connect(&address, &around).await.map(Ok)
    }
}

/// The one runtime: a single thread, on which streams from the engine cost a quarter of the CPU.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Bug, format!("failed to start the runtime: {error}"), "report this"))
}
