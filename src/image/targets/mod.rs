//! What is to be weighed, wherever it is: archives and layouts, images of the engine.

mod wanted;
mod weigh;

pub(crate) use wanted::{Naming, Wanted, WantedPlatform};
pub(crate) use weigh::{Said, weigh};
