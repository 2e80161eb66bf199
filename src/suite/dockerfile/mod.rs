//! Facts about a Dockerfile: its instructions, its stages, which images it needs, and which instruction first takes
//! in a file of the context.
//!
//! In: the text. Out: owned facts, with their lines and bytes. The grammar is BuildKit's. The builder has the last word
//! on what a Dockerfile means: what this module does not understand stays unknown, and it says so.
//! Reference: <https://docs.docker.com/reference/dockerfile/>.
//!
//! ```text
//! parse ─► facts ─► variables ─► stages ─► scope ─► inputs, container
//!   └───────────────────────────────┴────► edits, rewrite, script, draft
//! ```

mod arguments;
mod container;
mod draft;
mod edits;
mod error;
mod expand;
mod facts;
mod inputs;
mod parse;
mod rewrite;
mod scope;
mod script;
mod source;
mod stages;
mod variables;

pub use arguments::{Arguments, platform_args};
pub(crate) use draft::{Draft, is_shown_as_it_is, join};
pub(crate) use edits::Edits;
pub(crate) use error::DockerfileError;
pub use facts::Facts;
pub(crate) use facts::{Fact, Kind};
pub(in crate::suite) use inputs::{ContextPath, Taken};
pub(crate) use rewrite::rewrite_bases;
pub(crate) use script::{Joint, ShellCommand, ShellScript, ShellWord};
pub(crate) use stages::Bases;
pub use stages::same_image;

#[cfg(test)]
mod tests;
