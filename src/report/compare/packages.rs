//! Packages that changed, a line for each manager.

use crate::analyse::compare::{Comparison, PackageChange};
use crate::line::{Line, code};
use crate::text::{for_people, shorten};

/// Names listed for each kind of change.
const MOST_NAMES: usize = 4;
/// Longest version.
const LONGEST: usize = 40;

/// `npm: 2 upgraded (`a` 1 → 2, `b` 3 → 4), 1 added (`c` 1)`.
pub(crate) fn package_lines(comparison: &Comparison) -> Vec<Line> {
    let by_manager = comparison.package_changes.chunk_by(|one, other| one.manager == other.manager);
    by_manager
        .map(|changes| {
            let mut line = Line::from(format!("{}: ", changes[0].manager));
            for (index, same) in changes.chunk_by(|one, other| one.change == other.change).enumerate() {
                let comma = if index > 0 { ", " } else { "" };
                line = line.and(format!("{comma}{} {} (", same.len(), same[0].change));
                for (index, change) in same.iter().take(MOST_NAMES).enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    line = line.and(comma).and(code(&change.name)).and(versions(change));
                }
                let more = same.len().saturating_sub(MOST_NAMES);
                line = line.and(if more > 0 { format!(", and {more} more)") } else { ")".to_owned() });
            }
            line
        })
        .collect()
}

fn versions(change: &PackageChange) -> String {
    let short = |version: &str| shorten(&for_people(version), LONGEST);
    match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!(" {} → {}", short(from), short(to)),
        (Some(one), None) | (None, Some(one)) if !one.is_empty() => format!(" {}", short(one)),
        _ => String::new(),
    }
}
