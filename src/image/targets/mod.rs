//! What is to be weighed, wherever it is: archives and layouts, images of the engine.

mod wanted;
mod weigh;

pub use wanted::{Naming, Wanted, WantedPlatform};
pub use weigh::{Said, weigh};
