//! `tonnage compare`.

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage compare`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `tonnage compare`.
pub fn run(_args: Args, _terminal: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Bug, "`tonnage compare` is not here yet", "wait for it"))
}
