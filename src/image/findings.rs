//! What could be better.
use super::weigh::Merged;
use crate::record::Finding;
pub(super) fn all(_merged: &Merged<'_>) -> Vec<Finding> {
    Vec::new()
}
