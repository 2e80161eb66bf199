//! What is to be weighed, wherever it is: archives and layouts, images of a registry or of the engine.

mod from_registry;
mod wanted;
mod weigh;

pub(crate) use wanted::{Extent, TargetNaming, Wanted, WantedPlatform};
pub(crate) use weigh::{Said, weigh};
