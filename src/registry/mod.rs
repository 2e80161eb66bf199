//! Images in a registry: read over its API, and never stored.
//!
//! In: a [`ImageReference`] that names its registry, the user's [`crate::credentials`], and what may be trusted. Out: manifests
//! and blobs, streamed to `tonnage_image`, which checks their digests. It knows nothing of engines and reports.
//!
//! ```text
//! read ──► blob (resumed by ranges) ──► client (redirects, 401, 429) ──► auth (tokens)
//! ```
//!
//! The client is our own, on the HTTP and TLS crates that the engine's client brings along: `oci-client` 0.18 would add 34
//! crates, a C library that is built with `cmake` among them, and has neither a deadline per read nor a limit on what an
//! answer may hold. It implements what reading takes of the OCI distribution specification 1.1 and of the token
//! protocol (distribution/spec/auth), and pushes nothing.

mod auth;
mod blob;
mod client;
mod error;
mod read;
mod reference;

pub(crate) use client::{RegistryClient, RegistrySettings};
pub(crate) use error::RegistryError;
pub(crate) use read::read;
pub(crate) use reference::{ImageReference, is_registry};

#[cfg(test)]
mod tests;
