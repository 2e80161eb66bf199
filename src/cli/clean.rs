//! `tonnage clean`.

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage clean`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs `tonnage clean`.
pub fn run(_args: Args, _terminal: &Terminal) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Bug, "`tonnage clean` is not here yet", "wait for it"))
}
