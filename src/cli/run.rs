//! `tonnage run`.

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage run`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `tonnage run`.
pub fn run(_args: Args, _terminal: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Bug, "`tonnage run` is not here yet", "wait for it"))
}
