//! Which engine to talk to, and what drives the talk.

use crate::engine::{BuilderChoice, ConnectOptions};
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

/// The one runtime: a single thread, on which streams from the engine cost a quarter of the CPU.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Exit::Bug, format!("failed to start the runtime: {error}"), "report this"))
}
