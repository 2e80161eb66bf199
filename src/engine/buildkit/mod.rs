//! A builder that is not an engine's: `BuildKit` itself, reached at a socket, over TCP, or through a child's pipes.
//!
//! In: the address of a builder and build requests. Out: the same facts as from an engine. Its own gRPC API is spoken
//! (`moby.buildkit.v1.Control`), since Docker's API has none for it. It keeps no images by name and starts no containers:
//! an image is what a build of its request gives, and is exported by building it once more, from cache.

mod address;
mod builder;
mod content;
mod link;
mod records;
mod solve;

pub(crate) use address::{BuilderAddress, option_for};
pub(crate) use builder::BuildKit;
