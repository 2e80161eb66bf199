//! `tonnage report`.

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage report`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `tonnage report`.
pub fn run(_args: Args, _terminal: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Bug, "`tonnage report` is not here yet", "wait for it"))
}
