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
    /// Instructions that another client's build did in this one's place.
    pub(super) elsewhere: Vec<String>,
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

/// Folds an answer that arrives in one piece and in pieces of `step` bytes: the facts are the same, and fit to keep.
/// Returns whether there were instructions.
#[cfg(feature = "testing")]
pub(crate) fn fold_twice(builder: u8, step: usize, answer: &[u8]) -> bool {
    let builder = [Builder::Buildkit, Builder::Classic, Builder::Buildah][usize::from(builder) % 3];
    let fold = |step: usize| {
        let known = Known { stages: vec!["one".to_owned(), String::new()], has_labels: true, lookup_apart: true };
        let (mut folder, mut lines) = (Folder::new(builder, known), JsonLines::default());
        let mut take = |line: Line| folder.line(Nanos(1_000), &line, &mut |_| {});
        for piece in answer.chunks(step) {
            lines.push(piece, &mut take);
        }
        lines.finish(&mut take);
        let _ = folder.instructions();
        folder.finish(Nanos(1_000_000))
    };
    let whole = fold(answer.len().max(1));
    assert_eq!(whole, fold(step));
    assert!(whole.steps.len() <= MOST_STEPS);
    for step in &whole.steps {
        assert_eq!(crate::text::for_people(&step.instruction), step.instruction);
        assert!(step.instruction.chars().count() <= INSTRUCTION);
    }
    !whole.steps.is_empty()
}

#[cfg(test)]
pub(super) mod transcript;
#[cfg(test)]
mod transcript_tests;
