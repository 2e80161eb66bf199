//! What a weight says of a variant.

use super::Weight;
use crate::record::{Sizes, Variant};
use crate::units::Bytes;

/// Puts a weight into the entry of a variant, with the size that an engine reports.
pub(crate) fn put_weight(entry: &mut Variant, weight: Weight, engine_size_bytes: Option<Bytes>) {
    entry.config_digest = weight.config_digest;
    entry.platform = weight.platform;
    entry.user = weight.user;
    entry.sizes = Some(Sizes { engine_size_bytes, ..weight.sizes });
    entry.layers = weight.layers;
    entry.packages = weight.packages;
    entry.remainder = weight.remainder;
    entry.reclaimable = weight.reclaimable;
    entry.duplicates = weight.duplicates;
    entry.paths = weight.paths;
    entry.tree = weight.tree;
    entry.findings = weight.findings;
}
