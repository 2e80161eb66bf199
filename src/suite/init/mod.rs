//! A first suite for a repository: which Dockerfiles there are, how they are built, and the manifest that says so.
//!
//! In: a folder. Out: a [`Survey`] of what was found and guessed, and from it the text of a `tonnage.toml` that
//! [`Suite::load_allowing`](super::Suite::load_allowing) accepts. Nothing is written here.

mod compose;
mod error;
mod found;
mod guess;
mod ignore;
mod interpolate;
mod places;
mod survey;
mod write;

#[cfg(feature = "testing")]
pub(crate) use compose::survey_of as read_compose;
pub(crate) use error::InitError;
pub(crate) use found::{FoundVariant, Survey};
pub(crate) use ignore::to_ignore;
pub(crate) use survey::survey;
pub(crate) use write::manifest;

#[cfg(test)]
mod tests;
