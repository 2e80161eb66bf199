//! What is known of a build beside its events, and what its events say.

use crate::engine::{BuildFailure, BuildOutput, Downloads};
use crate::record::{Parts, Step};
use crate::units::Nanos;

/// Most instructions that are kept of one build.
pub(super) const MOST_STEPS: usize = 2_000;
/// Longest instruction that is kept, in characters.
pub(super) const INSTRUCTION: usize = 2_000;

/// What is known of a build beside its events.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Known {
    /// Names of the stages in the Dockerfile's order; an unnamed one is empty.
    pub(in crate::engine) stages: Vec<String>,
    /// Whether labels were asked for, which these builders append as an instruction of their own.
    pub(in crate::engine) has_labels: bool,
    /// Whether the time in which only base images are looked up is not part of the build (containerd store).
    pub(in crate::engine) lookup_apart: bool,
}

/// What a build's events say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::engine) struct Folded {
    /// Instructions in the Dockerfile's order.
    pub(in crate::engine) steps: Vec<Step>,
    /// Instructions that another client's build did in this one's place.
    pub(in crate::engine) elsewhere: Vec<String>,
    /// Where the time went.
    pub(in crate::engine) parts: Parts,
    /// The image's id, or the beginning of it; empty where the engine named none.
    pub(in crate::engine) image_id: String,
    /// Whether a base image was fetched.
    pub(in crate::engine) pulled: bool,
    /// The end of the log.
    pub(in crate::engine) log: Vec<String>,
    /// Beginnings of the ids of the intermediate images that this build made.
    pub(in crate::engine) made: Vec<String>,
    /// Time that is not part of the build.
    pub(in crate::engine) apart: Nanos,
    /// Why it failed.
    pub(in crate::engine) failure: Option<Failed>,
    /// The instruction that had begun and not ended; empty where there is none.
    pub(in crate::engine) unfinished: String,
}

impl Folded {
    /// The output of a build that succeeded within `wall`.
    pub(in crate::engine) fn into_output(self, image_id: String, wall: Nanos, downloads: Downloads) -> BuildOutput {
        BuildOutput {
            image_id,
            wall_ns: wall.saturating_sub(self.apart),
            steps: self.steps,
            elsewhere: self.elsewhere,
            parts: self.parts,
            pulled: self.pulled,
            log: self.log,
            intermediate: self.made,
            downloads,
        }
    }

    /// What a build that failed for this reason leaves.
    pub(in crate::engine) fn into_failure(self, message: String, wall_ns: Nanos) -> BuildFailure {
        let instruction = self.failure.map_or(self.unfinished, |failed| failed.instruction);
        BuildFailure { message, instruction, log: self.log, wall_ns, intermediate: self.made }
    }
}

/// Why a build failed, in the engine's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::engine) struct Failed {
    /// One line.
    pub(in crate::engine) message: String,
    /// The instruction; empty where unknown.
    pub(in crate::engine) instruction: String,
}

/// Whether an instruction leaves a cache entry of its own in the image's file system.
pub(super) fn is_base(instruction: &str) -> bool {
    let word = instruction.split_ascii_whitespace().next().unwrap_or_default();
    word.eq_ignore_ascii_case("FROM")
}

/// An instruction made fit to keep: one line, no control sequences, not too long.
pub(super) fn instruction_text(text: &str) -> String {
    let clean = crate::text::strip_control(&text.replace(['\n', '\r'], " "));
    crate::text::shorten(&crate::text::without_url_credentials(clean.trim()), INSTRUCTION)
}
