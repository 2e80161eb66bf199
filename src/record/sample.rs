//! One build: what changed before it, how long it took, and the proof of what came from cache.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, Nanos};

/// What changes before a build.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantNames,
)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Scenario {
    /// Nothing may come from cache; bases are present.
    Cold,
    /// Nothing changes.
    Warm,
    /// One line of application source.
    Src,
    /// The requirements file.
    Deps,
    /// Only a file's mtime (self-test: must behave as `warm`).
    Touch,
    /// The base images: each has one more layer, as if it had moved.
    Base,
    /// Whatever somebody else's build was for: read from its build record, never compared with what was measured.
    Observed,
}

impl Scenario {
    /// All that can be measured, in the order of a round.
    pub const ALL: [Self; 6] = [Self::Cold, Self::Warm, Self::Touch, Self::Src, Self::Deps, Self::Base];

    /// Those that are measured unless others are asked for.
    pub const USUAL: [Self; 5] = [Self::Cold, Self::Warm, Self::Touch, Self::Src, Self::Deps];

    /// The word used on the command line, in records and in tables.
    pub fn word(self) -> &'static str {
        self.into()
    }
}

/// One build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sample {
    /// Position in the plan, counted from 0: unique among the finished samples of a shard, and what `--resume` goes
    /// by.
    pub step: u32,
    /// Which variant was built.
    pub variant: String,
    /// What changed before the build.
    pub scenario: Scenario,
    /// Round, counted from 0; round 0 is the discarded one where there is one.
    pub round: u32,
    /// Number of the build within its round, variant and scenario, counted from 0.
    #[serde(default)]
    pub repeat: u32,
    /// Whether this is the second measurement of the A/A variant, which only the noise check uses.
    #[serde(default)]
    pub twin: bool,
    /// The shard that it is of ([`Shard`](super::Shard)); absent where a run was not split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<u32>,
    /// Whether it stays out of the statistics: it is of the warm-up round, or of a shard that was dropped.
    pub discarded: bool,
    /// Wall time from the request to the end of the response.
    pub wall_ns: Nanos,
    /// Whether the build came to an end.
    #[serde(default)]
    pub state: SampleState,
    /// Which state of the suite was built.
    #[serde(default)]
    pub side: Side,
    /// Whether the proof of the scenario holds.
    pub valid: bool,
    /// Why it does not, or what was tolerated; empty otherwise.
    pub reason: String,
    /// Cacheable instructions that came from cache.
    pub cached: u32,
    /// Instructions that can come from cache (RUN, COPY, ADD, WORKDIR as the builder reports them).
    pub cacheable: u32,
    /// The first instruction that was not cached; `None` where all were.
    pub first_miss: Option<String>,
    /// Id of the image built; empty where the build failed.
    pub image_id: String,
    /// Per instruction, in the Dockerfile's order.
    pub steps: Vec<Step>,
    /// Where the time went.
    pub parts: Parts,
    /// Bytes that RUN instructions received over the network, headers left out, where they can be attributed.
    #[serde(default)]
    pub network_bytes: Option<Bytes>,
    /// Why they are not attributed; empty where they are.
    #[serde(default)]
    pub network_remark: String,
    /// UTC, RFC 3339.
    #[serde(default)]
    pub started_at: String,
    /// What is known of a build that was read from a build record; `None` of one that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<Observed>,
}

/// What is known of a build that was read from a build record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Observed {
    /// The file that it was read from: its place in `imports`.
    pub import: u32,
    /// Instructions that ran although everything that they build on came from cache.
    #[serde(default)]
    pub causes: Vec<String>,
    /// The scenario that it amounts to, where the suite says which instructions copy which file: `src` if only copies of
    /// the source are among the causes, `deps` likewise.
    #[serde(default)]
    pub edit: Option<Scenario>,
    /// Commit that was built; empty where the record does not say.
    #[serde(default)]
    pub commit: String,
}

impl Sample {
    /// Whether the build came to an end, good or bad. One that did not is done again when the run is resumed.
    pub fn is_finished(&self) -> bool {
        self.state != SampleState::Unfinished
    }
}

/// Whether a build came to an end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SampleState {
    /// It made an image.
    #[default]
    Finished,
    /// It failed.
    Failed,
    /// The engine did not live to end it.
    Unfinished,
}

/// One of the two states of a suite that are built side by side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The suite that is measured.
    #[default]
    Head,
    /// The state that it is measured against.
    Base,
}

impl Side {
    /// Whether it is the suite that is measured.
    pub fn is_head(&self) -> bool {
        *self == Self::Head
    }

    /// A variant of this state as those who watch a run see it: `slim`, `slim@base`.
    pub fn label(self, variant: &str) -> Cow<'_, str> {
        match self {
            Self::Head => variant.into(),
            Self::Base => format!("{variant}@base").into(),
        }
    }
}

/// One instruction of one build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Step {
    /// The instruction as the builder names it, build stage included where it has a name:
    /// `RUN pip install …`.
    pub instruction: String,
    /// Stage name or number as the builder gives it; empty for a single stage.
    #[serde(default)]
    pub stage: String,
    /// Whether it came from cache.
    pub cached: bool,
    /// Its own time; zero where it came from cache.
    pub duration_ns: Nanos,
}

/// Where the time of a build went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Parts {
    /// Sending and unpacking the context.
    pub upload_ns: Nanos,
    /// Resolving base images and reading the Dockerfile.
    pub resolve_ns: Nanos,
    /// All instructions.
    pub steps_ns: Nanos,
    /// Writing the image.
    pub export_ns: Nanos,
    /// Whether the stamps are the client's (classic builder) and so include the stream's delay.
    #[serde(default)]
    pub client_side: bool,
}
