//! What could be better in an image, with the bytes that it costs, measured on this image.
//!
//! Files count while they are visible; what a later layer hides is counted once, by `rewritten` or `stored-twice`.
//! Leftovers are looked for in the image's own layers: what the base left behind is not the Dockerfile's doing.

mod dead;
mod equal;
mod inside;
mod keys;
mod left;
mod node;
mod rights;
mod tools;
mod unread;
mod words;

use crate::facts::Finding;
use crate::merge::Merged;

/// All findings, the costliest first.
pub(super) fn all(merged: &Merged<'_>) -> Vec<Finding> {
    let mut findings = left::findings(merged);
    findings.extend(dead::findings(merged));
    findings.extend(tools::findings(merged));
    findings.extend(node::development(merged));
    findings.extend(node::several_versions(merged));
    findings.extend(node::managers(merged));
    findings.extend(rights::setuid(merged));
    findings.extend(rights::runs_as_root(merged));
    findings.extend(inside::tests_and_docs(merged));
    findings.extend(inside::byte_code_missing(merged));
    findings.extend(equal::finding(merged));
    findings.extend(keys::findings(merged));
    findings.extend(unread::finding(merged));
    findings.sort_by(|a, b| b.size_bytes.cmp(&a.size_bytes).then_with(|| a.code.cmp(&b.code)));
    findings
}
