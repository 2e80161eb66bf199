//! `tonnage check`.

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage check`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `tonnage check`.
pub fn run(_args: Args, _terminal: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Bug, "`tonnage check` is not here yet", "wait for it"))
}
