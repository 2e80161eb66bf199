//! What `tonnage baseline` says.

use std::collections::BTreeMap;
use std::path::Path;

use super::doc::Doc;
use super::terminal;
use crate::gate::{Baseline, Change};
use crate::line::{command, image, plain};
use crate::units;

/// Columns of what was done to a variant.
const WORDS: usize = 9;

/// What accepting a record did to each variant, and whether the baseline was written.
pub(crate) fn accepted(changes: &BTreeMap<String, Change>, baseline: &Path, written: bool) -> String {
    let mut doc = Doc::default();
    for (name, change) in changes {
        let (word, what) = match change {
            Change::Added(size) => ("added", size.to_string()),
            Change::Updated(old, new) => ("updated", format!("{old} → {new} ({})", (*new - *old).exact())),
            Change::Kept(size) => ("kept", size.to_string()),
            Change::Removed(size) => ("removed", size.to_string()),
            Change::NoImage => ("skipped", "it has no image".to_owned()),
        };
        doc.field(word, WORDS, image(name).and(format!("  {what}")));
    }
    let file = command(baseline.display().to_string());
    doc.sentence(if written {
        plain("wrote ").and(file)
    } else {
        plain("nothing to accept: ").and(file).and(" stays as it is")
    });
    terminal::log(&doc, false)
}

/// That a baseline is what it was.
pub(crate) fn verified(baseline: &Baseline, path: &Path) -> String {
    let mut doc = Doc::default();
    let adds_up = format!(" is as it was written and adds up: {}", units::count(baseline.entries.len(), "variant"));
    doc.sentence(command(path.display().to_string()).and(adds_up));
    terminal::log(&doc, false)
}
