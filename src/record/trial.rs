//! What `tonnage improve` tried, and what was measured of it.

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, Nanos};

/// What came of `tonnage improve` as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Improved {
    /// Whether the search came to its end.
    pub complete: bool,
    /// The changes that were kept, as a unified diff for `patch -p0`; empty where there are none, or where they do not work
    /// together.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub patch: String,
}

/// One remedy, built and measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Trial {
    /// A stable word for the remedy: `pip-cache`.
    pub remedy: String,
    /// What it does, as an imperative sentence.
    pub what: String,
    /// What must hold for it to be safe.
    pub needs: String,
    /// Address of the advice's documentation.
    pub documentation: String,
    /// Which figure it is for.
    pub goal: Goal,
    /// Its place among the remedies on top of each other, counted from 1; absent where it was tried alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u32>,
    /// What was measured before it.
    pub before: Figures,
    /// What was measured with it; absent where nothing could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Figures>,
    /// What came of it.
    pub verdict: TrialVerdict,
    /// What the build or the check said; empty where neither failed.
    #[serde(default)]
    pub reason: String,
    /// The end of the log of what failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

impl Trial {
    /// Whether it is one of those on top of each other, and was kept.
    pub fn is_kept_step(&self) -> bool {
        self.step.is_some() && self.verdict == TrialVerdict::Kept
    }
}

/// What a trial measures of a variant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Figures {
    /// Size of the image.
    pub size_bytes: Bytes,
    /// Cacheable instructions that are carried out again after an edit of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_reruns: Option<u32>,
    /// Unpacked bytes to pull after that edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_src_bytes: Option<Bytes>,
    /// Unpacked bytes of own layers to pull after the base image moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_base_bytes: Option<Bytes>,
    /// Bytes that RUN instructions download after an edit of the dependencies, where they can be counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deps_network_bytes: Option<Bytes>,
    /// Median time of a start to the first expected answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_ns: Option<Nanos>,
    /// The lower end of its confidence interval (95 %).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_low_ns: Option<Nanos>,
    /// The upper end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup_high_ns: Option<Nanos>,
    /// User of the image's config; empty means root.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Entrypoint of the image's config.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
}

/// Which figure a remedy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::VariantNames)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Goal {
    /// Bytes of the image.
    Size,
    /// Instructions that are carried out again, and bytes to pull or download, after an edit or when the base image moved.
    Rebuild,
    /// Time to the first expected answer.
    Startup,
    /// Whether a container runs as root.
    User,
}

impl Goal {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Size, Self::Rebuild, Self::Startup, Self::User];
}

/// What came of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TrialVerdict {
    /// It helps, and the image works.
    Kept,
    /// It helps, and nothing says whether the image works: the suite has no check.
    Unverified,
    /// It does not help.
    NoGain,
    /// The remedies before it left nothing for it to do.
    Superfluous,
    /// It could not be built.
    BuildFailed,
    /// The image does not work any more.
    CheckFailed,
    /// The image has another user or entrypoint, and that is not what the remedy is for.
    StartChanged,
    /// There was no time for it.
    NotRun,
}
