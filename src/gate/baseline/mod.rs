//! The committed baseline: what was last accepted, small enough to review and rich enough to explain growth later
//! without the old image.
//!
//! `tonnage-baseline.json` has one line an entry, sorted, so that a diff in a pull request reads as a list of what
//! changed. A digest over the values shows an edit by hand or a merge; the sums are checked as well.

mod accept;
mod entries;
mod read;
mod text;

pub(crate) use accept::{Accepting, Change, accept};
pub(crate) use entries::{Accepted, Baseline, Entry};

#[cfg(test)]
mod tests;
