//! What `tonnage clean` says, and what is said of the end of a run.

use super::doc::Doc;
use super::{terminal, words};
use crate::engine::{CleanReport, option_for};
use crate::text::for_people;
use crate::units::{Bytes, count};

/// What a clean-up removed, in words.
pub(crate) fn removed(report: &CleanReport) -> String {
    let CleanReport { containers, images, networks, cache_records, .. } = report;
    let each = [(containers, "container"), (images, "image"), (networks, "network"), (cache_records, "cache record")];
    format!("removed {}", each.map(|(number, noun)| count(*number, noun)).join(", "))
}

/// What was removed of the cache of layers.
pub(crate) fn cache_cleared(layers: usize, bytes: Bytes) -> String {
    format!("removed {bytes} kept of {}", words::count(layers, "layer"))
}

/// What a clean-up would remove, a line each.
pub(crate) fn would_remove(report: &CleanReport) -> String {
    let mut doc = Doc::default();
    for object in &report.objects {
        doc.sentence(format!("would remove {object}"));
    }
    terminal::log(&doc, false)
}

/// What is left on the engine, and why.
pub(crate) fn left_in_place(what: &str) -> String {
    format!("left in place: {}", for_people(what))
}

/// What a run left that may still be going on somewhere else: a warning, and a hint.
pub(crate) fn left_by(run: &str, report: &CleanReport) -> [String; 2] {
    let objects = report.objects.join(", ");
    [
        left_in_place(&format!(
            "{objects} of run {run}, whose ledger is not here; another user or container may be running it"
        )),
        format!("if that run is over, `tonnage clean --run {run} --force` cleans up after it"),
    ]
}

/// How to clean up where a run was.
pub(crate) fn elsewhere(run: &str, endpoint: &str) -> String {
    let (option, address) = option_for(endpoint);
    format!("run {run} was on `{address}`: `tonnage clean {option} {address}` removes what is left there")
}

/// Asks whether to clean up after a run.
pub(crate) fn clean_up_after(run: &str) -> String {
    let run = for_people(run);
    format!(
        "The ledger of run {run} is not here; another user or container may be running it.\nClean up after it? [y/N] "
    )
}
