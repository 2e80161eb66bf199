//! tonnage weighs container images: it builds every Dockerfile variant of an application through a container
//! engine's API, measures what comes out and how long it took, and turns the measurements into tables, charts
//! and a verdict for CI.
//!
//! The modules stand in one direction, which `tests/architecture.rs` holds: [`record`] is the vocabulary of
//! facts; [`suite`] says what to measure, [`context`] packs it, [`engine`] builds it, [`image`] weighs what came
//! out, [`measure`] runs the plan; [`analyse`] computes from records alone, [`report`] and [`gate`] present and
//! judge; [`cli`] is the only place that talks to the terminal, through [`ui`].

pub mod analyse;
pub mod cli;
pub mod context;
pub mod credentials;
pub mod engine;
pub mod env;
pub mod error;
pub mod exit;
pub mod fsx;
pub mod gate;
pub mod image;
pub mod json;
pub mod line;
pub mod measure;
pub mod random;
pub mod record;
pub mod report;
pub mod suite;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub use tonnage_image::text;
pub mod ui;
pub mod units;
