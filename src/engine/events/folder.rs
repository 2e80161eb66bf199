//! One folder for each way in which builders tell of a build.

use bollard::moby::buildkit::v1::StatusResponse;

use super::folded::{Folded, Known};
use super::lines::LogLine;
use super::steps::{Dialect, Steps};
use super::vertices::Vertices;
use crate::engine::BuildEvent;
use crate::record::Builder;
use crate::units::Nanos;

/// Folds the events of one build.
#[derive(Debug)]
pub(in crate::engine) enum Folder {
    /// The line dialects: classic builder and Buildah.
    Steps(Steps),
    /// BuildKit's graph.
    Vertices(Vertices),
}

impl Folder {
    pub(in crate::engine) fn new(builder: Builder, known: Known) -> Self {
        match builder {
            Builder::Buildkit => Self::Vertices(Vertices::new(known)),
            Builder::Classic => Self::Steps(Steps::new(Dialect::Classic, known)),
            Builder::Buildah => Self::Steps(Steps::new(Dialect::Buildah, known)),
        }
    }

    /// Takes one line that arrived `at` after the request.
    pub(in crate::engine) fn line(&mut self, at: Nanos, line: &LogLine, observe: &mut dyn FnMut(BuildEvent)) {
        match self {
            Self::Steps(folder) => folder.line(at, line, observe),
            Self::Vertices(folder) => folder.line(line, observe),
        }
    }

    /// Takes a message of `BuildKit`'s own stream of statuses.
    pub(in crate::engine) fn status(&mut self, status: StatusResponse, observe: &mut dyn FnMut(BuildEvent)) {
        if let Self::Vertices(folder) = self {
            folder.status(status, observe);
        }
    }

    /// Takes why the build failed, where that is not one of its events.
    pub(in crate::engine) fn fail(&mut self, message: &str) {
        if let Self::Vertices(folder) = self {
            folder.fail(message);
        }
    }

    /// The instructions seen so far, those too that never began.
    pub(in crate::engine) fn instructions(&self) -> Vec<String> {
        match self {
            Self::Steps(folder) => folder.instructions(),
            Self::Vertices(folder) => folder.instructions(),
        }
    }

    /// The facts, at the end of the answer.
    pub(in crate::engine) fn finish(self, wall: Nanos) -> Folded {
        match self {
            Self::Steps(folder) => folder.finish(wall),
            Self::Vertices(folder) => folder.finish(wall),
        }
    }
}

/// Folds an answer that arrives in one piece and in pieces of `step` bytes: the facts are the same, and fit to keep.
/// Returns whether there were instructions.
#[cfg(feature = "testing")]
pub(crate) fn fold_twice(builder: u8, step: usize, answer: &[u8]) -> bool {
    use super::folded::{INSTRUCTION, MOST_STEPS};
    use super::lines::JsonLines;

    let builder = [Builder::Buildkit, Builder::Classic, Builder::Buildah][usize::from(builder) % 3];
    let fold = |step: usize| {
        let known = Known { stages: vec!["one".to_owned(), String::new()], has_labels: true, lookup_apart: true };
        let (mut folder, mut lines) = (Folder::new(builder, known), JsonLines::default());
        let mut take = |line: LogLine| folder.line(Nanos(1_000), &line, &mut |_| {});
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
