//! Counts and lists in the words of a finding.

use std::collections::BTreeMap;

use crate::merge::Merged;
use crate::text::for_people;

/// Names that a message lists.
pub(super) const NAMED: usize = 5;

/// So many percents of the image, in bytes.
pub(super) fn share(merged: &Merged<'_>, percents: u64) -> u64 {
    let size: u128 = merged.layers.iter().map(|layer| u128::from(layer.size_bytes)).sum();
    u64::try_from(size * u128::from(percents) / 100).unwrap_or(u64::MAX)
}

/// Counts a file and its bytes under a key.
pub(super) fn add<K: Ord>(sums: &mut BTreeMap<K, (usize, u64)>, key: K, bytes: u64) {
    let sum = sums.entry(key).or_default();
    sum.0 += 1;
    sum.1 += bytes;
}

/// Names, that with the most bytes first.
pub(super) fn largest<'a>(rows: impl Iterator<Item = (u64, &'a str)>) -> Vec<&'a str> {
    let mut rows: Vec<(u64, &str)> = rows.collect();
    rows.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
    rows.into_iter().map(|(_, name)| name).collect()
}

pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The first names in backticks, and how many more of `count` there are.
pub(super) fn listed<S: AsRef<str>>(names: &[S], count: usize) -> String {
    let mut text =
        names.iter().take(NAMED).map(|name| format!("`{}`", for_people(name.as_ref()))).collect::<Vec<_>>().join(", ");
    if count > NAMED {
        text = format!("{text} and {} more", count - NAMED);
    }
    text
}
