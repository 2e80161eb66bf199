//! Build events: what an engine says while it builds, folded into facts.
//!
//! In: the JSON lines of an answer with the time of their arrival. Out: [`Folded`]: instructions with their proof
//! of what came from cache, where the time went, the image's id, the end of the log, the failure. Nothing here
//! reads a clock or a socket, so a recorded transcript gives the same facts again. Everything in the lines is
//! hostile: what is kept of them is bounded.

mod lines;
mod steps;
mod tail;
mod vertices;

pub(super) use lines::{JsonLines, Line};

use super::BuildEvent;
use crate::record::{Builder, Parts, Step};
use crate::units::Nanos;

/// Most instructions that are kept of one build.
const MOST_STEPS: usize = 2_000;
/// Longest instruction that is kept, in characters.
const INSTRUCTION: usize = 2_000;

/// What is known of a build beside its events.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Names of the stages in the Dockerfile's order; an unnamed one is empty.
    pub(super) stages: Vec<String>,
    /// Whether labels were asked for, which these builders append as an instruction of their own.
    pub(super) has_labels: bool,
    /// Whether the time in which only base images are looked up is no part of the build (containerd store).
    pub(super) lookup_apart: bool,
}

/// Folds the events of one build.
#[derive(Debug)]
pub(super) enum Folder {
    /// The line dialects: classic builder and Buildah.
    Steps(steps::Steps),
    /// BuildKit's graph.
    Vertices(vertices::Vertices),
}

/// What a build's events say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Folded {
    /// Instructions in the Dockerfile's order.
    pub(super) steps: Vec<Step>,
    /// Where the time went.
    pub(super) parts: Parts,
    /// The image's id, or the beginning of it; empty where the engine named none.
    pub(super) image_id: String,
    /// Whether a base image was fetched.
    pub(super) pulled: bool,
    /// The end of the log.
    pub(super) log: Vec<String>,
    /// Beginnings of the ids of the intermediate images that this build made.
    pub(super) made: Vec<String>,
    /// Time that is no part of the build.
    pub(super) apart: Nanos,
    /// Why it failed.
    pub(super) failure: Option<Failed>,
    /// The instruction that had begun and not ended; empty where there is none.
    pub(super) unfinished: String,
}

/// Why a build failed, in the engine's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Failed {
    /// One line.
    pub(super) message: String,
    /// The instruction; empty where unknown.
    pub(super) instruction: String,
}

impl Folder {
    pub(super) fn new(builder: Builder, known: Known) -> Self {
        match builder {
            Builder::Buildkit => Self::Vertices(vertices::Vertices::new(known)),
            Builder::Classic => Self::Steps(steps::Steps::classic(known)),
            Builder::Buildah => Self::Steps(steps::Steps::buildah(known)),
        }
    }

    /// Takes one line that arrived `at` after the request.
    pub(super) fn line(&mut self, at: Nanos, line: &Line, observe: &mut dyn FnMut(BuildEvent)) {
        match self {
            Self::Steps(folder) => folder.line(at, line, observe),
            Self::Vertices(folder) => folder.line(line, observe),
        }
    }

    /// The instructions seen so far, those too that never began.
    pub(super) fn instructions(&self) -> Vec<String> {
        match self {
            Self::Steps(folder) => folder.instructions(),
            Self::Vertices(folder) => folder.instructions(),
        }
    }

    /// The facts, at the end of the answer.
    pub(super) fn finish(self, wall: Nanos) -> Folded {
        match self {
            Self::Steps(folder) => folder.finish(wall),
            Self::Vertices(folder) => folder.finish(wall),
        }
    }
}

/// Whether an instruction leaves a cache entry of its own in the image's file system.
fn is_base(instruction: &str) -> bool {
    let word = instruction.split_ascii_whitespace().next().unwrap_or_default();
    word.eq_ignore_ascii_case("FROM")
}

/// An instruction made fit to keep: one line, no control sequences, not too long.
fn instruction_text(text: &str) -> String {
    let clean = crate::text::strip_control(&text.replace(['\n', '\r'], " "));
    crate::text::shorten(clean.trim(), INSTRUCTION)
}

#[cfg(test)]
pub(super) mod transcript;
#[cfg(test)]
mod transcript_tests;
