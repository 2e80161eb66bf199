//! Facts about a Dockerfile: its instructions, its stages, which images it needs, and which instruction first takes
//! in a file of the context.
//!
//! In: the text. Out: owned facts, all positions as lines. The builder has the last word on what a Dockerfile
//! means; where this module does not understand one it says so, and nothing else depends on it.
//! Reference: <https://docs.docker.com/reference/dockerfile/>.

mod expand;
mod facts;
mod inputs;
mod rewrite;
mod stages;

use std::collections::BTreeMap;

pub use facts::{Fact, Facts, Kind, StageFact};
pub use rewrite::rewrite_bases;
pub use stages::same_image;

/// What cannot be said about a Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DockerfileError {
    /// It cannot be parsed.
    #[error("line {line}: {message}")]
    Syntax {
        /// Line, counted from 1.
        line: u32,
        /// What is wrong.
        message: String,
    },
    /// The image of a FROM depends on something that is not known here.
    #[error("line {line}: `{text}` depends on `{name}`, which is not known before the build")]
    Unresolved {
        /// Line, counted from 1.
        line: u32,
        /// The image as it is written.
        text: String,
        /// The variable.
        name: String,
    },
    /// The image of a FROM is empty once its variables are filled in.
    #[error("line {line}: `{text}` names no image")]
    Blank {
        /// Line, counted from 1.
        line: u32,
        /// The image as it is written.
        text: String,
    },
    /// There is no stage of that name.
    #[error("there is no stage `{0}`")]
    NoStage(String),
}

/// The build arguments that BuildKit sets by itself for a platform `os/arch[/variant]`: `TARGETPLATFORM`,
/// `TARGETOS`, `TARGETARCH`, `TARGETVARIANT`, and the same for `BUILD…` (the build runs there too).
/// Reference: "Automatic platform ARGs in the global scope".
pub fn platform_args(platform: &str) -> BTreeMap<String, String> {
    let mut parts = platform.splitn(3, '/');
    let (os, arch, variant) =
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let mut args = BTreeMap::new();
    for side in ["TARGET", "BUILD"] {
        for (name, value) in [("PLATFORM", platform), ("OS", os), ("ARCH", arch), ("VARIANT", variant)] {
            args.insert(format!("{side}{name}"), value.to_owned());
        }
    }
    args
}

/// An instruction's text with each run of blanks as one, to compare what different builders print for it.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
