//! From the layers of an image to the file system that the kernel would show, and who owns what in it.

mod merged;
pub(crate) mod tree;

pub(crate) use merged::Merged;
