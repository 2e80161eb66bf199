//! `tonnage baseline`.

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage baseline`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `tonnage baseline`.
pub fn run(_args: Args, _terminal: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Bug, "`tonnage baseline` is not here yet", "wait for it"))
}
