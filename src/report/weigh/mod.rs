//! What `tonnage weigh` shows of images, as terminal text, Markdown, JSON and CSV.
//!
//! In: weighed images, each a [`Variant`] named as the target that was asked for. Out: text. The sums under the tables
//! are those of the images, whatever rows are left out.

mod manifest;
mod ncdu;
mod rows;
mod screen;
mod tables;
mod tree;
mod why;

use serde_json::{Value, json};

use super::doc::Doc;
use super::html;
use super::markdown::{self, Form};
use super::terminal::{self, Style};
use super::{ReportError, words};
use crate::analyse::{Sharing, sharing_of};
use crate::record::{METRICS_VERSION, Variant};
use crate::units::Bytes;

pub(crate) use ncdu::weigh_ncdu;
pub(crate) use rows::{WeighRows, weigh_csv};
pub(crate) use why::{has_path, why};

/// Version of what `--format json` prints, `major.minor`.
const VERSION: &str = "1.0";

/// Images in the table of the screen of several, and those whose answer is below it: with more, those with most to do.
const SIZES: usize = 6;
const ANSWERS: usize = 4;

/// A part of what is said of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WeighSection {
    /// The layers.
    Layers,
    /// Packages and what no package owns.
    Packages,
    /// Reclaimable paths, largest files, duplicates.
    Files,
    /// What could be better.
    Findings,
}

impl WeighSection {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Layers, Self::Packages, Self::Files, Self::Findings];
}

/// What is shown below the sizes, and how long its lists may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WeighShown<'a> {
    /// The sections, in any order.
    pub sections: &'a [WeighSection],
    /// Rows of each list; sums and layers are never cut.
    pub top: usize,
    /// What was not looked at.
    pub skipped: WeighSkipped,
    /// Whether sizes are shown in exact bytes, too.
    pub bytes: bool,
    /// What the visible files that match each pattern weigh, image by image.
    pub sums: &'a [Vec<PathSum>],
}

impl WeighShown<'static> {
    /// All sections of a weighing that left nothing out, with so many rows of each list.
    pub(crate) fn all(top: usize) -> Self {
        Self { sections: &WeighSection::ALL, top, skipped: WeighSkipped::default(), bytes: false, sums: &[] }
    }
}

/// What the visible files of an image that match a pattern weigh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PathSum {
    /// The pattern, as it was written.
    pub glob: String,
    pub size: Bytes,
    pub files: usize,
}

/// What was not looked at, as asked: it is left blank, never a zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WeighSkipped {
    /// Equal files.
    pub duplicates: bool,
    /// The compressed size of plain layers.
    pub wire: bool,
    /// Whether the layers are those of the config.
    pub diff_ids: bool,
}

impl WeighSkipped {
    fn words(self) -> Vec<&'static str> {
        let all = [(self.duplicates, "duplicates"), (self.wire, "wire"), (self.diff_ids, "diff_ids")];
        all.into_iter().filter_map(|(skipped, word)| skipped.then_some(word)).collect()
    }
}

/// Images on a terminal.
pub(crate) fn weigh_terminal(targets: &[Variant], shown: WeighShown<'_>, style: Style) -> String {
    terminal::write(&tables::document(targets, shown), style)
}

/// Images on a terminal at first sight: one with what costs most and where its bytes are, several beside each other.
pub(crate) fn weigh_screen(targets: &[Variant], shown: WeighShown<'_>, style: Style) -> String {
    let sums = |index: usize| shown.sums.get(index).map_or(&[][..], Vec::as_slice);
    if targets.iter().any(|image| image.manifest.is_some()) {
        return weigh_terminal(targets, shown, style);
    }
    if let [image] = targets {
        return terminal::write(&screen::screen(image, sums(0), terminal::columns(style)), style);
    }
    let mut doc = Doc::default();
    let mut sizes = tables::sizes(&targets[..targets.len().min(SIZES)], shown);
    sizes.others(targets.len(), SIZES);
    doc.section(sizes.dense());
    for note in crate::report::tables::sharing(&sharing_of(targets), "Image").notes {
        doc.sentence(note);
    }
    doc.gap();
    let mut answered: Vec<(usize, &Variant)> = targets.iter().enumerate().collect();
    if targets.len() > ANSWERS {
        doc.sentence("Most to reclaim or to check:");
        answered.sort_by_key(|(_, image)| std::cmp::Reverse(tables::answered_bytes(image)));
        answered.truncate(ANSWERS);
    }
    for (index, image) in answered {
        doc.sentence(tables::answer(image));
        for sum in sums(index) {
            doc.under(2, screen::path_sum(sum));
        }
    }
    doc.gap().sentence("`--full` shows every list of every image.");
    terminal::write(&doc, style)
}

/// Images as a page; several begin with their sizes as a chart.
pub(crate) fn weigh_html(targets: &[Variant], shown: WeighShown<'_>) -> Result<String, ReportError> {
    let names: Vec<&str> = targets.iter().map(|image| image.name.as_str()).collect();
    let images: Vec<&Variant> = targets.iter().collect();
    let chart = if targets.len() > 1 { Some(html::sizes_chart(targets)?) } else { None };
    let page = html::Page { title: &words::names(&names, 3), images: &images, chart };
    Ok(html::document_page(&page, &tables::document(targets, shown)))
}

/// Images as GitHub-flavoured Markdown.
pub(crate) fn weigh_markdown(targets: &[Variant], shown: WeighShown<'_>) -> String {
    markdown::write(&tables::document(targets, shown), Form::File)
}

/// Images as JSON, which `Measured::read` of the gate takes back.
pub(crate) fn weigh_json(targets: &[Variant], skipped: WeighSkipped) -> String {
    let mut document = json!({ "format_version": VERSION, "metrics_version": METRICS_VERSION });
    let not_measured = skipped.words();
    if !not_measured.is_empty() {
        // Figures of it are zero and mean nothing.
        document["not_measured"] = json!(not_measured);
    }
    document["targets"] = targets.iter().map(target).collect();
    if targets.len() > 1 && targets.iter().all(|image| image.sizes.is_some()) {
        document["sharing"] = shared(&sharing_of(targets));
    }
    crate::json::pretty(&document)
}

fn target(image: &Variant) -> Value {
    if let Some(manifest) = &image.manifest {
        // What was not read is left out, never a zero.
        return json!({
            "target": image.name,
            "config_digest": image.config_digest,
            "platform": image.platform,
            "user": image.user,
            "via": image.via,
            "manifest": manifest,
            "also_stored_bytes": image.also_stored_bytes,
        });
    }
    let mut target = json!({
        "target": image.name,
        "image_id": image.image_id,
        "config_digest": image.config_digest,
        "platform": image.platform,
        "user": image.user,
        "via": image.via,
        "via_reason": image.via_reason,
        "sizes": image.sizes,
        "layers": image.layers,
        "packages": image.packages,
        "remainder": image.remainder,
        "reclaimable": image.reclaimable,
        "duplicates": image.duplicates,
        "paths": image.paths,
        "findings": image.findings,
        "tree": image.tree,
    });
    if let Some(bytes) = image.also_stored_bytes {
        target["also_stored_bytes"] = json!(bytes);
    }
    target
}

/// What several images share: what keeping all of them takes, what they would take one by one, and what pulling them
/// transfers. Rows and columns are in the order of the targets.
fn shared(sharing: &Sharing) -> Value {
    json!({
        "targets": sharing.variants,
        "stored_bytes": sharing.total_stored,
        "sum_of_sizes_bytes": sharing.sum_of_sizes,
        "saved_bytes": sharing.saved(),
        "wire_bytes": sharing.total_wire,
        "wire_kind": sharing.wire_kind,
        "unique_bytes": sharing.unique,
        "matrix_bytes": sharing.matrix,
    })
}
