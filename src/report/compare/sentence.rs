//! The verdict in one line: how much, and the main cause.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::analyse::compare::{Cause, CauseKind, Comparison, Group, LayerOwner, is_downgrade, normal_instruction};
use crate::line::{Line, code};
use crate::text::{for_people, shorten};
use crate::units::{self, SignedBytes};

/// Longest name or instruction inside a sentence.
const LONGEST: usize = 72;
/// Most names in a list.
const MOST_NAMES: usize = 3;
/// Share of the difference from which a second cause is worth saying.
const SECOND: i128 = 5;

/// What the difference is mostly made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Category {
    Base,
    StoredTwice,
    Upgraded,
    Added,
    Removed,
    Package,
    Path,
    Instruction,
    Other,
}

/// `+10.4 MB: 7 packages upgraded on top of the base, stored twice`.
pub(crate) fn verdict(comparison: &Comparison) -> Line {
    let delta = comparison.delta_bytes;
    let start = Line::default();
    if comparison.groups.is_empty() {
        let words = if comparison.base_moved.is_some() { "same size on another base" } else { "no change in size" };
        return start.and(words);
    }
    let sign = if delta.0 == 0 { 1 } else { i128::from(delta.0.signum()) };
    let mut by_category: BTreeMap<Category, i128> = BTreeMap::new();
    for (category, _, bytes) in categories(comparison) {
        *by_category.entry(category).or_default() += bytes * sign;
    }
    let mut sums: Vec<(Category, i128)> = by_category.into_iter().collect();
    sums.sort_by_key(|(_, bytes)| Reverse(*bytes));
    let Some(&(main, first)) = sums.first() else { return start.and("no change in size") };
    let head = if delta.0 == 0 {
        start.and("same size, but ").and(format!("{} moved: ", signed(first)))
    } else {
        start.and(format!("{delta}: "))
    };
    let mut sentence = head.and(say(comparison, main, sign));
    if let Some(&(second, bytes)) = sums.get(1)
        && delta.0 != 0
        && bytes * SECOND >= i128::from(delta.magnitude().0)
    {
        let amount = signed(bytes * sign);
        sentence = sentence.and("; ").and(say(comparison, second, sign)).and(format!(" ({amount})"));
    }
    sentence
}

fn signed(bytes: i128) -> SignedBytes {
    SignedBytes(i64::try_from(bytes).unwrap_or(i64::MAX))
}

/// Every cause with its category and bytes; the base as one.
fn categories(comparison: &Comparison) -> impl Iterator<Item = (Category, (&Group, &Cause), i128)> {
    comparison.groups.iter().flat_map(|group| {
        group.causes.iter().map(move |cause| {
            let category = match (group.part, &cause.kind) {
                (LayerOwner::Base | LayerOwner::Site, _) => Category::Base,
                (LayerOwner::Unlisted, _) => Category::Other,
                (_, CauseKind::PackageStoredTwice { .. }) => Category::StoredTwice,
                (_, CauseKind::PackageUpgraded { .. }) => Category::Upgraded,
                (_, CauseKind::PackageAdded { .. }) => Category::Added,
                (_, CauseKind::PackageRemoved { .. }) => Category::Removed,
                (_, CauseKind::PackageChanged { .. }) => Category::Package,
                (_, CauseKind::Rest) => Category::Instruction,
                (_, _) => Category::Path,
            };
            (category, (group, cause), i128::from(cause.delta_bytes.0))
        })
    })
}

/// The causes of a category that go in the direction of the difference, the largest first.
fn members(comparison: &Comparison, wanted: Category, sign: i128) -> Vec<(&Group, &Cause)> {
    let mut found: Vec<(i128, (&Group, &Cause))> = categories(comparison)
        .filter(|(category, _, bytes)| *category == wanted && bytes * sign > 0)
        .map(|(_, member, bytes)| (bytes * sign, member))
        .collect();
    found.sort_by_key(|member| Reverse(member.0));
    found.into_iter().map(|(_, member)| member).collect()
}

fn say(comparison: &Comparison, category: Category, sign: i128) -> Line {
    let start = Line::default();
    let mut found = members(comparison, category, sign);
    if category == Category::Path {
        // A file that hardly adds to the largest is not worth a name here; the table has it.
        let least = found.first().map_or(0, |(_, cause)| cause.delta_bytes.magnitude().0 / 100);
        found.retain(|(_, cause)| cause.delta_bytes.magnitude().0 >= least);
    }
    let Some(&(group, first)) = found.first() else { return start.and("several changes") };
    let count = found.len();
    let causes: Vec<&Cause> = found.iter().map(|(_, cause)| *cause).collect();
    let by = |sentence: Line| -> Line {
        let one = found.iter().all(|(other, _)| std::ptr::eq(*other, group));
        if one && !group.instruction.is_empty() {
            sentence.and(" in ").and(code(&normal_instruction(&group.instruction)))
        } else {
            sentence
        }
    };
    match category {
        Category::Base => match &comparison.base_moved {
            Some(moved) => start.and("base moved, ").and(code(&moved.from)).and(" → ").and(code(&moved.to)),
            None => start.and("what was put on the base for the build"),
        },
        Category::StoredTwice if count == 1 => {
            let upgraded = versions(first);
            let sentence = start.and("package ").and(code(name(first)));
            let what =
                if upgraded.is_empty() { " copied".to_owned() } else { format!(" {} {upgraded}", moved(&causes)) };
            by(sentence.and(format!("{what} on top of the base, stored twice")))
        }
        Category::StoredTwice => {
            let copied = found.iter().all(|(_, cause)| versions(cause).is_empty());
            let what = if copied { "copied" } else { moved(&causes) };
            by(start.and(format!("{count} packages {what} on top of the base, stored twice")))
        }
        Category::Upgraded if count == 1 => {
            by(start.and(code(name(first))).and(format!(" {} {}", moved(&causes), versions(first))))
        }
        Category::Upgraded => {
            by(list(start, &found, |cause| format!(" {}", versions(cause))).and(format!(" {}", moved(&causes))))
        }
        Category::Added => by(packages(start, &found).and(" added")),
        Category::Removed => by(packages(start, &found).and(" removed")),
        Category::Package => by(packages(start, &found).and(" of the same version changed")),
        Category::Path => {
            let what = match first.kind {
                CauseKind::PathAdded { .. } => " added",
                CauseKind::PathRemoved { .. } => " removed",
                _ => " changed",
            };
            let same =
                found.iter().all(|(_, c)| std::mem::discriminant(&c.kind) == std::mem::discriminant(&first.kind));
            by(list(start, &found, |_| String::new()).and(if same { what } else { " changed" }))
        }
        Category::Instruction => {
            let sentence = start.and(code(&normal_instruction(&group.instruction)));
            let what = match group.change {
                "added" => " is new",
                "removed" => " is gone",
                "edited" => " was edited",
                _ => " wrote something else",
            };
            let more = if count > 1 {
                format!(", and {} more", units::count(count - 1, "instruction"))
            } else {
                String::new()
            };
            sentence.and(format!("{what}{more}"))
        }
        Category::Other => start.and("bytes that no layer of the records accounts for"),
    }
}

fn packages(start: Line, found: &[(&Group, &Cause)]) -> Line {
    let noun = if found.len() == 1 { "package " } else { "packages " };
    list(start.and(noun), found, |_| String::new())
}

/// `a, b, c and 4 others`.
fn list(mut start: Line, found: &[(&Group, &Cause)], after: impl Fn(&Cause) -> String) -> Line {
    let shown = if found.len() > MOST_NAMES + 1 { MOST_NAMES } else { found.len() };
    for (index, (_, cause)) in found.iter().take(shown).enumerate() {
        if index > 0 {
            start = start.and(if index + 1 == found.len() { " and " } else { ", " });
        }
        start = start.and(code(name(cause))).and(after(cause));
    }
    if shown < found.len() { start.and(format!(" and {}", units::count(found.len() - shown, "other"))) } else { start }
}

/// The package or path of a cause.
fn name(cause: &Cause) -> &str {
    match &cause.kind {
        CauseKind::PackageStoredTwice { name, .. }
        | CauseKind::PackageAdded { name, .. }
        | CauseKind::PackageRemoved { name, .. }
        | CauseKind::PackageUpgraded { name, .. }
        | CauseKind::PackageChanged { name, .. } => name,
        CauseKind::PathAdded { path } | CauseKind::PathRemoved { path } | CauseKind::PathChanged { path } => path,
        CauseKind::Rest => "",
    }
}

/// `2.0.1 → 2.0.3`; `to 2.0.3` where the old version is unknown; empty where the version is the same.
fn versions(cause: &Cause) -> String {
    match &cause.kind {
        CauseKind::PackageStoredTwice { from, to, .. } | CauseKind::PackageUpgraded { from, to, .. } => {
            let (from, to) = (shorten(&for_people(from), LONGEST), shorten(&for_people(to), LONGEST));
            if from == to {
                String::new()
            } else if from.is_empty() {
                format!("to {to}")
            } else {
                format!("{from} → {to}")
            }
        }
        _ => String::new(),
    }
}

/// Which way the versions of packages went: `upgraded`, `downgraded`, or `changed` where both occur.
fn moved(causes: &[&Cause]) -> &'static str {
    let is_down = |cause: &&Cause| match &cause.kind {
        CauseKind::PackageStoredTwice { manager, from, to, .. }
        | CauseKind::PackageUpgraded { manager, from, to, .. } => !from.is_empty() && is_downgrade(*manager, from, to),
        _ => false,
    };
    match causes.iter().filter(|cause| is_down(cause)).count() {
        0 => "upgraded",
        all if all == causes.len() => "downgraded",
        _ => "changed",
    }
}

/// A cause on a line of a table: the name as code, what happened in words.
pub(super) fn cause_words(cause: &Cause) -> Line {
    let short = |version: &str| shorten(&for_people(version), LONGEST);
    let what = match &cause.kind {
        CauseKind::PackageStoredTwice { manager, .. } => match versions(cause).as_str() {
            "" => format!(" ({manager}) copied, stored twice"),
            versions => format!(" ({manager}) {} {versions}, stored twice", moved(&[cause])),
        },
        CauseKind::PackageUpgraded { manager, .. } => {
            format!(" ({manager}) {} {}", moved(&[cause]), versions(cause))
        }
        CauseKind::PackageAdded { manager, to, .. } => format!(" {} ({manager}) added", short(to)),
        CauseKind::PackageRemoved { manager, from, .. } => format!(" {} ({manager}) removed", short(from)),
        CauseKind::PackageChanged { manager, to, .. } => format!(" {} ({manager}) changed", short(to)),
        CauseKind::PathAdded { .. } => " added".to_owned(),
        CauseKind::PathRemoved { .. } => " removed".to_owned(),
        CauseKind::PathChanged { .. } => " changed".to_owned(),
        CauseKind::Rest => return "files of no package, not listed".into(),
    };
    code(name(cause)).and(what)
}
