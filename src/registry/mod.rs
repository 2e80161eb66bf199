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
mod quota;
mod read;
mod reference;

pub(crate) use client::{RegistryClient, RegistrySettings};
pub(crate) use error::RegistryError;
pub(crate) use quota::PullQuota;
pub(crate) use read::{PlatformChoice, read, read_manifests};
pub(crate) use reference::{ImageReference, is_registry};

/// Reads what may stand in a target, a challenge, or a limit of requests: what it was taken for, in words.
#[cfg(feature = "testing")]
pub(crate) fn read_header(text: &str) -> String {
    let target = ImageReference::parse(text).map(|reference| reference.to_string());
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = http::HeaderValue::from_str(text) {
        for name in [http::header::WWW_AUTHENTICATE, http::header::RETRY_AFTER] {
            headers.insert(name, value.clone());
        }
        headers.insert("ratelimit-remaining", value);
    }
    let challenge = auth::Challenge::of(&headers).is_some();
    let (wait, quota) = (client::retry_after(&headers), PullQuota::of(&headers));
    format!("{} {challenge} {wait:?} {quota:?}", target.unwrap_or_else(|error| error.to_string()))
}

#[cfg(test)]
mod tests;
