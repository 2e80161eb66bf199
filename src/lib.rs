//! tonnage weighs container images: it builds every Dockerfile variant of an application through a container
//! engine's API, measures what comes out and how long it took, and turns the measurements into tables, charts
//! and a verdict for CI.
//!
//! Modules depend on each other in one direction, which `tests/architecture.rs` checks: `record` is the vocabulary of facts;
//! `suite` says what to measure, `context` packs it, `engine` builds it, `image` weighs the result, `measure` runs the plan,
//! `improve` tries remedies by such runs, `import` reads builds of others, and `machine` describes the host; `analyse`
//! computes from records alone, `merge` makes one record of several, `report` and `gate` present and judge; `cli` is the
//! only module that talks to the terminal, through `ui`.
//!
//! This library is private to the program: [`main`] is all of it. With the feature `testing`, which is on for the crate's
//! own tests and benches, `testing` is there, too.

#![cfg_attr(feature = "testing", warn(unreachable_pub))]

mod analyse;
mod cli;
mod context;
mod credentials;
mod engine;
mod env;
mod error;
mod exit;
mod fsx;
mod gate;
mod image;
mod import;
mod improve;
mod json;
mod line;
mod machine;
mod measure;
mod merge;
mod random;
mod record;
mod registry;
mod report;
mod suite;
#[cfg(feature = "testing")]
pub mod testing;
mod ui;
mod units;

use tonnage_image::text;

pub use cli::main;
