//! Runs the steps of a plan: bases, builds, sizes, start-up, host facts, clean-up.
//!
//! In: a suite, a plan and an engine. Out: a [`crate::record::Record`], grown step by step; every finished step is
//! in the journal on disk before the next begins, and everything made on the engine is in a ledger before it is
//! made. It emits [`Event`]s for people who watch and knows nothing of reports.

mod against;
mod base;
mod begin;
mod build;
mod cancel;
mod certificates;
mod error;
mod event;
#[cfg(test)]
mod fault_tests;
mod images;
mod journal;
mod ledger;
mod mask;
mod masked;
mod options;
mod prepare;
mod secret;
mod serve;
mod session;

pub use against::{Other, Suspects};
pub use cancel::Cancel;
pub use event::{Event, Observer};
pub use journal::{Journal, Mark, Replayed};
pub use ledger::{Stale, clean_after, living_runs, stale_runs};
pub use options::{Invocation, RunOptions};
pub use secret::SecretSpec;
pub use session::{Outcome, run, run_against};
