//! Whether and how fast an image serves, and what its container was held to.

use serde::{Deserialize, Serialize};

use crate::units::{Bytes, Nanos};

/// Whether and how fast an image serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Serve {
    /// Whether the expected answer came: `state` in the words of format 1.0.
    pub ok: bool,
    /// What came of asking.
    #[serde(default)]
    pub state: ServeState,
    /// Memory held then, page cache left out.
    pub memory_bytes: Bytes,
    /// User that the process runs as.
    pub user: String,
    /// What the container was held to; absent in records that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<ServeLimits>,
    /// What was asked and answered, or why it failed.
    pub detail: String,
    /// Whether the container had a network without a way out.
    #[serde(default)]
    pub isolated: bool,
    /// Every start.
    #[serde(default)]
    pub starts: Vec<ServeStart>,
    /// The end of the container's log where it failed.
    #[serde(default)]
    pub log: Vec<String>,
}

/// What came of asking whether an image serves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ServeState {
    /// The expected answer came.
    #[default]
    Answered,
    /// It ended before, or another answer or none came.
    Failed,
    /// Its port is out of reach from where tonnage runs, so nothing is known.
    NotAsked,
}

/// One start of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServeStart {
    /// Start to first expected answer.
    pub ready_ns: Nanos,
    /// Memory held then.
    pub memory_bytes: Bytes,
    /// CPU time that all processes of the container had used by then; absent where the engine does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ns: Option<Nanos>,
}

/// What a started container is held to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ServeLimits {
    /// Most memory; zero for no limit.
    pub memory_bytes: Bytes,
    /// Most CPU time in billionths of a CPU, as engines count it; zero for no limit.
    #[serde(default)]
    pub nano_cpus: u64,
    /// Whether nothing can be written to its root file system.
    #[serde(default)]
    pub read_only: bool,
    /// User instead of the image's own; empty keeps the image's.
    #[serde(default)]
    pub user: String,
}
