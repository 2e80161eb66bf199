//! A comparison as amounts with their signs: the largest changes, `[N others]` and a TOTAL that is the difference.

use super::sentence::cause_words;
use crate::analyse::compare::{Comparison, Group, LayerOwner, normal_instruction};
use crate::line::{Line, command, plain};
use crate::report::doc::{Amount, AmountKind};
use crate::text::{for_people, shorten};
use crate::units::{self, SignedBytes};

/// Longest instruction in a row.
const LONGEST: usize = 90;

/// The rows, `most` groups and within each `most` causes; what is left out stands in `[N others]`.
pub(crate) fn rows(comparison: &Comparison, most: usize) -> Vec<Amount> {
    let mut rows = Vec::new();
    let shown = shown(comparison.groups.len(), most);
    for group in &comparison.groups[..shown] {
        rows.push(Amount { kind: AmountKind::Group, label: label(comparison, group), delta: group.delta_bytes });
        let visible = self::shown(group.causes.len(), most);
        for cause in &group.causes[..visible] {
            rows.push(Amount { kind: AmountKind::Cause, label: cause_words(cause), delta: cause.delta_bytes });
        }
        others(&mut rows, AmountKind::Cause, group.causes[visible..].iter().map(|cause| cause.delta_bytes));
    }
    others(&mut rows, AmountKind::Group, comparison.groups[shown..].iter().map(|group| group.delta_bytes));
    rows.push(Amount { kind: AmountKind::Total, label: "TOTAL".into(), delta: comparison.delta_bytes });
    rows
}

/// How many of `count` are shown one by one: a single one that is left out is shown as well.
fn shown(count: usize, most: usize) -> usize {
    if count <= most.saturating_add(1) { count } else { most }
}

fn others(rows: &mut Vec<Amount>, kind: AmountKind, left: impl ExactSizeIterator<Item = SignedBytes>) {
    let count = left.len();
    if count > 0 {
        rows.push(Amount { kind, label: format!("[{}]", units::count(count, "other")).into(), delta: left.sum() });
    }
}

fn label(comparison: &Comparison, group: &Group) -> Line {
    let code = |text: &str| command(shorten(&for_people(&normal_instruction(text)), LONGEST));
    match (group.part, &comparison.base_moved) {
        (LayerOwner::Base, Some(moved)) => plain("base moved: ").and(code(&moved.from)).and(" → ").and(code(&moved.to)),
        (LayerOwner::Base, None) => "base".into(),
        (LayerOwner::Site, _) => "put on the base for the build".into(),
        (LayerOwner::Unlisted, _) => "in no listed layer".into(),
        (LayerOwner::Own, _) if group.instruction.is_empty() => plain(group.change).and(": a layer without history"),
        (LayerOwner::Own, _) => match &group.old_instruction {
            Some(old) => plain("edited: ").and(code(old)).and(" → ").and(code(&group.instruction)),
            None => plain(group.change).and(": ").and(code(&group.instruction)),
        },
    }
}
