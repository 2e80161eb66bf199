//! Build events: what an engine says while it builds, folded into facts.
//!
//! In: the JSON lines of an answer with the time of their arrival. Out: [`Folded`]: instructions with their proof
//! of what came from cache, where the time went, the image's id, the end of the log, the failure. Nothing here
//! reads a clock or a socket, so a recorded transcript gives the same facts again. Everything in the lines is
//! hostile: what is kept of them is bounded.

mod folded;
mod folder;
mod lines;
mod recorded;
mod status;
mod steps;
mod tail;
mod vertices;

pub(super) use folded::{Folded, Known};
pub(super) use folder::Folder;
#[cfg(feature = "testing")]
pub(crate) use folder::fold_twice;
pub(super) use lines::{JsonLines, LogLine};
pub(crate) use recorded::{ObservedBuild, RecordedBuild};
pub(crate) use status::{StatusError, StatusLog};

#[cfg(test)]
pub(super) mod transcript;
#[cfg(test)]
mod transcript_tests;
