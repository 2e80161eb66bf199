//! The build context: which files an engine is sent, as a deterministic tar, with edits in memory.
//!
//! In: a directory, a Dockerfile and the builder, whose rules about `.dockerignore` differ. Out: [`Context`], whose
//! tar is the same bytes for the same input. Edits are made on the way into the tar; nothing on disk is ever
//! touched. It knows neither suites nor engines.

mod edit;
mod error;
mod files;
mod found;
mod own;
mod pack;

pub use edit::edit_line;
pub(crate) use error::ContextError;
pub(crate) use files::{Files, ignore_file};
pub(crate) use found::{EntryKind, FoundEntry};
pub use own::Own;
pub(crate) use own::Taken;
pub(crate) use pack::pack_files;
pub use pack::{Context, Edit};

/// The largest context that is read, in bytes of its files. It is held in memory, and an engine would take minutes
/// to take it in.
pub(crate) const MAX_BYTES: u64 = 2 << 30;

/// The most files and directories that a context may have.
pub(crate) const MAX_ENTRIES: usize = 500_000;

#[cfg(test)]
mod tests;
