//! Where observed builds were read from.

use serde::{Deserialize, Serialize};

/// A file of somebody else's builds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Import {
    /// Its name, without its directory.
    pub file: String,
    /// `sha256:` over its bytes, by which the same file is known again.
    pub digest: String,
    /// What it is.
    pub kind: ImportKind,
    /// Builds in it.
    pub builds: u32,
}

/// What a file of builds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    /// A build record of `docker buildx history export`.
    #[strum(to_string = "build record")]
    BuildRecord,
    /// The output of `--progress=rawjson`.
    #[strum(to_string = "rawjson")]
    Progress,
}
