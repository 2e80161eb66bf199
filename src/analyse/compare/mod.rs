//! Two images against each other: what changed in `size` and why, to the byte.
//!
//! In: two [`Variant`](crate::record::Variant)s, from records, weighings or a baseline. Out: a [`Comparison`] whose
//! groups add up to the difference exactly, and within each group the causes to the group's. Layers are aligned by
//! diff id, then by instruction, never by index. Pure: no file, no engine, no escaping for any output.

mod align;
mod attribute;
mod located;
mod versions;

pub(crate) use align::normal_instruction;
pub(crate) use attribute::{Cause, CauseKind, Comparison, Group, LayerOwner, LayerPull, compare};
pub(crate) use versions::{PackageChange, is_downgrade};
