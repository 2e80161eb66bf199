//! What changed between two images and why, in lines: the verdict, and the causes as amounts that add up.

mod packages;
mod rows;
mod sentence;
#[cfg(test)]
mod tests;

pub(super) use packages::package_lines;
pub(super) use rows::rows;
pub(crate) use sentence::verdict;
