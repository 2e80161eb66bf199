//! The whole record of a run and what it was asked to do.

use std::ops::Add;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Environment, Finding, Import, Improved, Sample, Scenario, Shard, Trial, Variant};
use crate::units::Nanos;

/// Version of the record format, `major.minor`. A reader refuses a newer major.
pub(crate) const FORMAT_VERSION: &str = "1.1";

/// Version of the definitions in docs/how-the-numbers-are-made.md. Sizes of different versions are not compared.
pub(crate) const METRICS_VERSION: u32 = 1;

/// All that one run saw: the content of `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Record {
    /// Version of this format, `major.minor`.
    pub format_version: String,
    /// Version of the size definitions.
    pub metrics_version: u32,
    /// What wrote the record.
    pub tool: Tool,
    /// What was measured.
    pub suite: SuiteInfo,
    /// How it was asked to be measured.
    pub settings: Settings,
    /// Seed of the order of the plan.
    pub seed: u64,
    /// UTC, RFC 3339.
    pub started_at: String,
    /// UTC, RFC 3339; empty while the run goes on.
    pub finished_at: String,
    /// What ended the run.
    pub ended: Ended,
    /// Wall time of the whole run on the monotonic clock, resumed parts added up.
    #[serde(default)]
    pub elapsed_ns: Nanos,
    /// What the engine was busy with besides the builds of the samples.
    #[serde(default)]
    pub spent: Spent,
    /// Where it was measured.
    pub environment: Environment,
    /// Base images that were pulled before measuring.
    #[serde(default)]
    pub pulls: Vec<Pull>,
    /// One entry per variant, in the order of the suite.
    pub variants: Vec<Variant>,
    /// One entry per build, in the order of measuring.
    pub samples: Vec<Sample>,
    /// What `tonnage improve` tried: each remedy alone, then the kept ones on top of each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<Trial>,
    /// What came of the trials; absent in the record of a run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub improved: Option<Improved>,
    /// The files of somebody else's builds that the samples were read from; a record of a run has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<Import>,
    /// The parts that machines measured of it: one in the record of a shard, all that there are in a merged one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<Shard>,
    /// What the run as a whole has to say: self-test, doubts about clean-up.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

impl Record {
    /// Whether its samples were read from build records: nothing was measured.
    pub fn is_observed(&self) -> bool {
        !self.imports.is_empty()
    }

    /// The variant of that name.
    pub(crate) fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }

    /// Whether it holds a part of a run only, as a machine measured it.
    pub(crate) fn is_shard(&self) -> bool {
        matches!(self.shards.as_slice(), [shard] if shard.part.of > 1)
    }

    /// Whether a variant failed to build or to start.
    pub(crate) fn has_failures(&self) -> bool {
        self.variants.iter().any(|variant| variant.outcome.is_failure())
    }
}

/// Wall time spent on the engine outside the builds of the samples, resumed parts added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Spent {
    /// Exporting and reading images.
    pub exports_ns: Nanos,
    /// Starting, asking and removing containers.
    pub serves_ns: Nanos,
    /// Builds that are not samples: those that put the cache into its state, those that put CA files onto bases.
    #[serde(default)]
    pub other_builds_ns: Nanos,
    /// Removing what the run made.
    #[serde(default)]
    pub cleaning_ns: Nanos,
    /// Before the first build: what is on the engine, the bases (pulls left out), the contexts.
    #[serde(default)]
    pub preparing_ns: Nanos,
    /// Writing finished steps to disk.
    #[serde(default)]
    pub journal_ns: Nanos,
}

impl Add for Spent {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            exports_ns: self.exports_ns + other.exports_ns,
            serves_ns: self.serves_ns + other.serves_ns,
            other_builds_ns: self.other_builds_ns + other.other_builds_ns,
            cleaning_ns: self.cleaning_ns + other.cleaning_ns,
            preparing_ns: self.preparing_ns + other.preparing_ns,
            journal_ns: self.journal_ns + other.journal_ns,
        }
    }
}

/// What wrote the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tool {
    /// `tonnage`.
    pub name: String,
    /// Semantic version.
    pub version: String,
}

/// The suite that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SuiteInfo {
    /// Its name, as directories are named.
    pub name: String,
    /// A line for headings; empty where none is given.
    #[serde(default)]
    pub title: String,
    /// `sha256:` over the manifest, Dockerfiles and context.
    pub digest: String,
    /// Where the reference figures come from, for a source line; empty where none is given.
    #[serde(default)]
    pub source: String,
    /// Commit that the repository around it was at; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
}

/// What the run was asked to do, after flags, environment and suite were resolved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Settings {
    /// `auto`, `buildkit` or `classic`, as asked.
    pub builder: String,
    /// `os/arch[/variant]` as asked; empty means the engine's own.
    #[serde(default)]
    pub platform: String,
    /// Name of the set of base images: `default`, `july-2021`, `stand-in`.
    pub bases: String,
    /// Rounds asked for, the discarded one not counted.
    pub rounds: u32,
    /// Scenarios measured.
    pub scenarios: Vec<Scenario>,
    /// Network mode of RUN instructions; empty means the engine's default.
    #[serde(default)]
    pub network: String,
    /// Names of the build arguments given to every build. Their values are never recorded; records of version 1.0
    /// have names with values as `build_args`, of which the names are read.
    #[serde(default, alias = "build_args", deserialize_with = "argument_names")]
    pub build_arg_names: Vec<String>,
    /// Number of extra CA files put into the bases for the build (a site layer).
    #[serde(default)]
    pub ca_files: u32,
}

fn argument_names<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Argument {
        Name(String),
        WithValue(String, serde::de::IgnoredAny),
    }
    let entries = Vec::<Argument>::deserialize(input)?;
    Ok(entries.into_iter().map(|(Argument::Name(name) | Argument::WithValue(name, _))| name).collect())
}

/// What ended a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It goes on, or was killed.
    Running,
    /// Every step of the plan was done.
    Complete,
    /// The time allowed was used up.
    OutOfTime,
    /// Ctrl-C or SIGTERM.
    Interrupted,
    /// The engine went away, or could not go on.
    EngineLost,
    /// Shards of it are missing.
    ShardsMissing,
}

/// A base image that was pulled before measuring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pull {
    /// What was pulled.
    pub reference: String,
    /// Wall time of the pull.
    pub wall_ns: Nanos,
    /// Why it failed; empty where it did not.
    #[serde(default)]
    pub failure: String,
}
