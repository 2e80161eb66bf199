//! A comparison as a signed table: the largest changes, `[N others]` and a TOTAL that is the difference.

use super::sentence::cause_words;
use crate::analyse::compare::{Comparison, Group, Part, normal_instruction};
use crate::line::{Line, Span};
use crate::text::{for_people, shorten};
use crate::units::{self, SignedBytes};

/// A line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which sum it belongs to.
    pub kind: RowKind,
    /// What it says.
    pub label: Line,
    /// Its bytes, new − old.
    pub delta: SignedBytes,
}

/// Which sum a row belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// A layer, or the base: these add up to the total.
    Group,
    /// A cause within the group above: these add up to the group.
    Cause,
    /// The sum.
    Total,
}

/// Longest instruction in a row.
const LONGEST: usize = 90;

/// The rows, `most` groups and within each `most` causes; what is left out stands in `[N others]`.
pub fn rows(comparison: &Comparison, most: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let shown = shown(comparison.groups.len(), most);
    for group in &comparison.groups[..shown] {
        rows.push(Row { kind: RowKind::Group, label: label(comparison, group), delta: group.delta_bytes });
        let visible = self::shown(group.causes.len(), most);
        for cause in &group.causes[..visible] {
            rows.push(Row { kind: RowKind::Cause, label: cause_words(cause), delta: cause.delta_bytes });
        }
        others(&mut rows, RowKind::Cause, group.causes[visible..].iter().map(|cause| cause.delta_bytes));
    }
    others(&mut rows, RowKind::Group, comparison.groups[shown..].iter().map(|group| group.delta_bytes));
    rows.push(Row { kind: RowKind::Total, label: words("TOTAL"), delta: comparison.delta_bytes });
    rows
}

/// How many of `count` are shown one by one: a single one that is left out is shown as well.
fn shown(count: usize, most: usize) -> usize {
    if count <= most.saturating_add(1) { count } else { most }
}

fn others(rows: &mut Vec<Row>, kind: RowKind, left: impl ExactSizeIterator<Item = SignedBytes>) {
    let count = left.len();
    if count > 0 {
        rows.push(Row { kind, label: words(&format!("[{}]", units::count(count, "other"))), delta: left.sum() });
    }
}

fn words(text: &str) -> Line {
    Line(vec![Span::Words(text.to_owned())])
}

fn label(comparison: &Comparison, group: &Group) -> Line {
    let code = |text: &str| Span::Code(shorten(&for_people(&normal_instruction(text)), LONGEST));
    let said = |text: &str| Span::Words(text.to_owned());
    Line(match (group.part, &comparison.base_moved) {
        (Part::Base, Some(moved)) => {
            vec![said("base moved: "), code(&moved.from), said(" → "), code(&moved.to)]
        }
        (Part::Base, None) => vec![said("base")],
        (Part::Site, _) => vec![said("put on the base for the build")],
        (Part::Unlisted, _) => vec![said("in no listed layer")],
        (Part::Own, _) if group.instruction.is_empty() => vec![said(group.change), said(": a layer without history")],
        (Part::Own, _) => match &group.old_instruction {
            Some(old) => vec![said("edited: "), code(old), said(" → "), code(&group.instruction)],
            None => vec![said(group.change), said(": "), code(&group.instruction)],
        },
    })
}
