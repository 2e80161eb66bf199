//! The two texts that remedies edit, and what is known of where they are used.

use std::path::{Path, PathBuf};

use globset::GlobMatcher;
use similar::TextDiff;

use crate::context::ignore_file;
use crate::record::{Builder, EngineFacts, ImageStore};
use crate::suite::dockerfile::{Arguments, Draft};
use crate::suite::{Suite, SuiteVariant};
use crate::text::for_people;

/// A Dockerfile and the ignore file of its context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// Text of the Dockerfile.
    pub dockerfile: String,
    /// Text of the ignore file; `None` where there is none.
    pub ignore: Option<String>,
}

impl Recipe {
    /// What makes another recipe of it, for `patch -p0`.
    pub(crate) fn patch(&self, after: &Self, places: &RecipePlaces) -> String {
        let dockerfile = unified(Some(&self.dockerfile), &after.dockerfile, &places.dockerfile);
        let ignore = after.ignore.as_deref().map(|text| unified(self.ignore.as_deref(), text, &places.ignore));
        dockerfile + &ignore.unwrap_or_default()
    }
}

/// Where the texts are.
#[derive(Debug, Clone)]
pub(crate) struct RecipePlaces {
    /// The Dockerfile.
    pub dockerfile: PathBuf,
    /// The ignore file, which need not be there.
    pub ignore: PathBuf,
}

impl RecipePlaces {
    /// Those of a variant, as `builder` reads them.
    pub(crate) fn of(suite: &Suite, variant: &SuiteVariant, builder: Builder) -> Self {
        let (root, dockerfile) = (suite.root.join(&variant.context), suite.root.join(&variant.dockerfile));
        let found = ignore_file(&root, &dockerfile, builder);
        Self { dockerfile, ignore: found.unwrap_or_else(|| root.join(".dockerignore")) }
    }
}

/// Lines of context around a change.
const CONTEXT: usize = 3;

fn unified(before: Option<&str>, after: &str, path: &Path) -> String {
    let path = for_people(&path.strip_prefix(".").unwrap_or(path).display().to_string());
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after);
    let old = if before.is_some() { path.as_str() } else { "/dev/null" };
    diff.unified_diff().context_radius(CONTEXT).header(old, &path).to_string()
}

/// Whether an engine keeps the layers of `COPY --link` when the base image moves: Docker with the containerd image store
/// does from 28 on (seen with 28.5; 26.1 takes `--link` and copies again).
pub(super) fn keeps_links(engine: &EngineFacts) -> bool {
    let major = engine.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    engine.name == "docker"
        && engine.builder == Builder::Buildkit
        && engine.image_store == ImageStore::Containerd
        && major.is_some_and(|major| major >= 28)
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
    /// Whether the layers of `COPY --link` stay when the base image moves.
    pub keeps_links: bool,
}

impl Conditions {
    /// The instructions that the layers of the image are of.
    pub(super) fn own(&self, draft: &Draft<'_>) -> Vec<usize> {
        draft.own(&self.args, self.target.as_deref())
    }
}
