//! `tonnage trend`.

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage trend`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `tonnage trend`.
pub fn run(_args: Args, _terminal: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Bug, "`tonnage trend` is not here yet", "wait for it"))
}
