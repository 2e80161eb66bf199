//! What changed between two images and why, in lines: the verdict, and the signed table of causes.

mod rows;
mod sentence;
#[cfg(test)]
mod tests;

pub(super) use rows::{RowKind, rows};
pub use sentence::verdict;
