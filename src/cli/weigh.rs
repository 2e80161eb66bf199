//! `tonnage weigh`.

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage weigh`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `tonnage weigh`.
pub fn run(_args: Args, _terminal: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Bug, "`tonnage weigh` is not here yet", "wait for it"))
}
