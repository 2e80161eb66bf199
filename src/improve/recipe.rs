//! The two texts that remedies edit, and what is known of where they are used.

use globset::GlobMatcher;

use crate::suite::dockerfile::Arguments;

/// A Dockerfile and the ignore file of its context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// Text of the Dockerfile.
    pub dockerfile: String,
    /// Text of the ignore file; `None` where there is none.
    pub ignore: Option<String>,
}

impl Recipe {
    /// With another Dockerfile.
    pub(super) fn with_dockerfile(&self, dockerfile: String) -> Self {
        Self { dockerfile, ignore: self.ignore.clone() }
    }
}

/// What remedies know besides the texts.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    /// Path of each file of the context that is sent.
    pub files: Vec<String>,
    /// Build arguments.
    pub args: Arguments,
    /// Stage to stop at.
    pub target: Option<String>,
    /// Base images that may be used instead of those of the Dockerfile.
    pub allowed: Vec<(String, GlobMatcher)>,
    /// Whether BuildKit builds, which knows `--mount` and `--chmod`.
    pub buildkit: bool,
}
