//! What `tonnage weigh` shows of images, as terminal text, Markdown, JSON and CSV.
//!
//! In: weighed images, each a [`Variant`] named as the target that was asked for. Out: text. The sums under the tables
//! are those of the images, whatever rows are left out.

mod rows;
mod tables;

use serde::Serialize;

use super::Style;
use super::table::Table;
use super::{markdown, terminal};
use crate::analyse::{Sharing, sharing_of};
use crate::record::{
    Duplicate, FileNode, Finding, Layer, METRICS_VERSION, Package, PathSize, Reclaimable, Remainder, Sizes, Variant,
    WireKind,
};
use crate::units::Bytes;

pub use rows::{WeighRows, weigh_csv};

/// Version of what `--format json` prints, `major.minor`.
const VERSION: &str = "1.0";

/// A part of what is said of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeighSection {
    /// The layers.
    Layers,
    /// Packages and what no package owns.
    Packages,
    /// Reclaimable paths, largest files, duplicates.
    Files,
    /// What could be better.
    Findings,
}

/// What is shown below the sizes, and how long its lists may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeighShown<'a> {
    /// The sections, in any order.
    pub sections: &'a [WeighSection],
    /// Rows of each list; sums and layers are never cut.
    pub top: usize,
    /// What was not looked at.
    pub skipped: WeighSkipped,
}

/// What was not looked at, as asked: it is left blank, never a zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WeighSkipped {
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
pub fn weigh_terminal(targets: &[Variant], shown: WeighShown<'_>, style: Style) -> String {
    let mut out = String::new();
    for table in tables::all(targets, shown) {
        out.push_str(&terminal::whole(&table, style));
    }
    out
}

/// Images as GitHub-flavoured Markdown.
pub fn weigh_markdown(targets: &[Variant], shown: WeighShown<'_>) -> String {
    let mut out: String = tables::all(targets, shown).iter().map(markdown::only).collect();
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// Images as JSON, which `Measured::read` of the gate takes back.
pub fn weigh_json(targets: &[Variant], skipped: WeighSkipped) -> String {
    crate::json::pretty(&Weighing {
        format_version: VERSION,
        metrics_version: METRICS_VERSION,
        not_measured: skipped.words(),
        targets: targets.iter().map(Weighed::of).collect(),
        sharing: (targets.len() > 1).then(|| Shared::of(sharing_of(targets))),
    })
}

/// The document of `tonnage weigh --format json`.
#[derive(Debug, Serialize)]
struct Weighing<'a> {
    format_version: &'a str,
    metrics_version: u32,
    /// What was not looked at, as asked: figures of it are zero and mean nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_measured: Vec<&'static str>,
    targets: Vec<Weighed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sharing: Option<Shared>,
}

#[derive(Debug, Serialize)]
struct Weighed<'a> {
    target: &'a str,
    image_id: &'a str,
    config_digest: &'a str,
    platform: &'a str,
    user: &'a str,
    via: Option<crate::record::Via>,
    via_reason: &'a str,
    sizes: Option<&'a Sizes>,
    layers: &'a [Layer],
    packages: &'a [Package],
    remainder: &'a [Remainder],
    reclaimable: &'a [Reclaimable],
    duplicates: &'a [Duplicate],
    paths: &'a [PathSize],
    findings: &'a [Finding],
    tree: Option<&'a FileNode>,
}

impl<'a> Weighed<'a> {
    fn of(image: &'a Variant) -> Self {
        Self {
            target: &image.name,
            image_id: &image.image_id,
            config_digest: &image.config_digest,
            platform: &image.platform,
            user: &image.user,
            via: image.via,
            via_reason: &image.via_reason,
            sizes: image.sizes.as_ref(),
            layers: &image.layers,
            packages: &image.packages,
            remainder: &image.remainder,
            reclaimable: &image.reclaimable,
            duplicates: &image.duplicates,
            paths: &image.paths,
            findings: &image.findings,
            tree: image.tree.as_ref(),
        }
    }
}

/// What several images share. Rows and columns are in the order of `targets`.
#[derive(Debug, Serialize)]
struct Shared {
    targets: Vec<String>,
    /// What keeping all of them takes.
    stored_bytes: Bytes,
    /// What they would take one by one.
    sum_of_sizes_bytes: Bytes,
    saved_bytes: Bytes,
    /// What pulling all of them transfers.
    wire_bytes: Bytes,
    wire_kind: WireKind,
    unique_bytes: Vec<Bytes>,
    matrix_bytes: Vec<Vec<Bytes>>,
}

impl Shared {
    fn of(sharing: Sharing) -> Self {
        Self {
            stored_bytes: sharing.total_stored,
            sum_of_sizes_bytes: sharing.sum_of_sizes,
            saved_bytes: sharing.saved(),
            wire_bytes: sharing.total_wire,
            wire_kind: sharing.wire_kind,
            targets: sharing.variants,
            unique_bytes: sharing.unique,
            matrix_bytes: sharing.matrix,
        }
    }
}

/// Tables need rows to be shown; an image without any has none to show.
fn push_filled(tables: &mut Vec<Table>, table: Table) {
    if !table.rows.is_empty() {
        tables.push(table);
    }
}
