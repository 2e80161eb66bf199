//! Runs the steps of a plan: bases, builds, sizes, startup, facts about this machine, clean-up.
//!
//! In: a suite, options, and an engine. Out: a [`crate::record::Record`], grown step by step. It emits [`Event`]s for
//! people who watch, and knows nothing of reports. The course of a run, and who takes part in it:
//!
//! ```text
//!   start ──► prepare ──► builds: for each round, for each turn, for each step ──► end
//!     │          │           │                     └─ images: weigh, start         │
//!     └──────────┴───────────┴──────────────────┬──────────────────────────────────┘
//!                                               ▼
//!   Observer ◄─ events ─ Masked ◄───────────── Run ─────────────► Diary
//!   (people)             (no secrets)           │                   ├ Record   facts, in memory
//!                                               │                   ├ Journal  the same facts on disk, for --resume
//!   Subject ─ BuildRequest ─► ImageBuilder ◄────┤                   └ Ledger   what is made on the engine, for clean
//!   (a variant, its context)  build, clean      │
//!                                               │
//!   Bases ── pull ──────────► ImageHost ◄───────┘
//!                             images, containers
//! ```
//!
//! Every finished step is in the journal before the next begins, and everything made on the engine is in the ledger
//! before it is made: whatever is killed when, [`run`] resumes and [`clean_after`] cleans up.

mod against;
mod base;
mod begin;
mod builds;
mod cancel;
mod certificates;
mod course;
mod diary;
mod end;
mod error;
mod event;
#[cfg(test)]
mod fault_tests;
mod images;
mod journal;
mod ledger;
mod left;
mod mask;
mod masked;
mod options;
mod prepare;
mod run;
mod secret;
mod serve;
mod start;
mod subject;
mod updates;

pub(crate) use against::{Other, Suspects};
pub use cancel::Cancel;
pub use course::run;
pub(crate) use course::run_beside;
pub use end::RunOutcome;
pub(crate) use error::MeasureError;
pub use event::{Event, Observer};
pub(crate) use journal::{Journal, Mark, Replayed};
pub(crate) use ledger::{Stale, clean_after, living_runs, stale_runs};
pub(crate) use options::Invocation;
pub use options::RunOptions;
pub(crate) use secret::SecretSpec;
