//! `tonnage init`.

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage init`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `tonnage init`.
pub fn run(_args: Args, _terminal: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Bug, "`tonnage init` is not here yet", "wait for it"))
}
