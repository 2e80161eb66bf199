//! Advice that is proven by building it: remedies for a Dockerfile, each built, weighed, started, and kept only if it
//! helps and the application still works.
//!
//! In: a variant of a suite and an engine. Out: an [`Improvement`]: a record with every trial, and the edited texts.
//! Remedies are pure functions from texts to texts; all building is done by [`crate::measure::run`], so that whatever holds
//! for a run (bases, proofs, clean-up) holds for a trial.
//!
//! ```text
//!   remedy ─► Recipe ─► trial (a run of edited variants) ─► judge ─► search: alone, then combined ─► Improvement
//! ```

mod judge;
mod recipe;
mod remedy;
mod search;
#[cfg(test)]
mod search_tests;
mod trial;

pub(crate) use judge::LEAST_BYTES;
pub(crate) use recipe::{Recipe, RecipePlaces};
pub(crate) use search::{ImproveEvent, ImproveOptions, Improvement, improve, improved_name};
