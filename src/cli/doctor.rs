//! `tonnage doctor`.

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `tonnage doctor`.
pub fn run(_args: Args, _terminal: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Bug, "`tonnage doctor` is not here yet", "wait for it"))
}
