//! Packages that came, went, or have another version, by manager: also those without bytes of their own, and those
//! whose change no byte shows.

use std::cmp::Ordering;

use serde::Serialize;

use super::located::Located;
use crate::record::PackageManager;

/// A package that is not the same in both images.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PackageChange {
    /// Package manager.
    pub manager: PackageManager,
    /// What happened.
    pub change: VersionChange,
    /// Name.
    pub name: String,
    /// Version before, several joined; absent where it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Version now; absent where it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What happened to a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum VersionChange {
    Upgraded,
    Downgraded,
    /// Several versions are installed, and others than before.
    Changed,
    Added,
    Removed,
}

/// All changes, sorted by manager, kind, and name.
pub(super) fn changes(old: &Located<'_>, new: &Located<'_>) -> Vec<PackageChange> {
    let mut found: Vec<PackageChange> = old
        .keys()
        .chain(new.keys().filter(|&key| old.version(key).is_none()))
        .filter_map(|key| {
            let (from, to) = (old.version(key), new.version(key));
            let change = match (&from, &to) {
                (None, _) => VersionChange::Added,
                (_, None) => VersionChange::Removed,
                (Some(from), Some(to)) if from == to => return None,
                // Joined ones.
                (Some(from), Some(to)) if from.contains(", ") || to.contains(", ") => VersionChange::Changed,
                (Some(from), Some(to)) => match order(key.0, from, to) {
                    Ordering::Greater => VersionChange::Downgraded,
                    Ordering::Less => VersionChange::Upgraded,
                    Ordering::Equal => VersionChange::Changed,
                },
            };
            Some(PackageChange { manager: key.0, change, name: key.1.to_owned(), from, to })
        })
        .collect();
    found.sort_by(|a, b| (a.manager, a.change, &a.name).cmp(&(b.manager, b.change, &b.name)));
    found
}

/// Whether a single version became a lower one.
pub(crate) fn is_downgrade(manager: PackageManager, from: &str, to: &str) -> bool {
    !from.contains(", ") && !to.contains(", ") && order(manager, from, to).is_gt()
}

/// How a version compares with another one, as dpkg compares (deb-version(7)), which fits rpm and plain numbers too.
/// Where a dash or a letter marks what comes before a release, it counts as dpkg's `~`.
fn order(manager: PackageManager, one: &str, other: &str) -> Ordering {
    let (one, other) = (comparable(manager, one), comparable(manager, other));
    let epoch = |version: &str| version.split_once(':').and_then(|(epoch, _)| epoch.parse().ok()).unwrap_or(0u64);
    epoch(&one).cmp(&epoch(&other)).then_with(|| parts(&one, &other))
}

fn comparable(manager: PackageManager, version: &str) -> String {
    let version = version.strip_prefix('v').unwrap_or(version);
    match manager {
        PackageManager::Npm
        | PackageManager::Go
        | PackageManager::Php
        | PackageManager::Dotnet
        | PackageManager::Java => version.split('+').next().unwrap_or_default().replace('-', "~"),
        // `1.0rc1`, `1.0.dev2`, `2.0.pre3`.
        PackageManager::Python | PackageManager::Ruby => {
            let mut out = String::new();
            let mut rest = version;
            while let Some(letter) = rest.chars().next() {
                let mark = rest.strip_prefix('.').unwrap_or(rest);
                let is_before = ["a", "b", "c", "rc", "dev", "pre"].iter().any(|word| mark.starts_with(word));
                if is_before && out.ends_with(|last: char| last.is_ascii_digit()) {
                    // What is in development comes before what is tested.
                    out.push_str(if mark.starts_with("dev") { "~~" } else { "~" });
                    rest = mark;
                    continue;
                }
                out.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
            out
        }
        _ => version.to_owned(),
    }
}

/// Letters and digits in turns; `~` comes before everything, also before the end.
fn parts(mut one: &str, mut other: &str) -> Ordering {
    let weight = |letter: Option<char>| match letter {
        Some('~') => -1,
        Some(digit) if digit.is_ascii_digit() => 0,
        None => 0,
        Some(letter) if letter.is_alphabetic() => i64::from(u32::from(letter)),
        Some(letter) => i64::from(u32::from(letter)) + (1 << 32),
    };
    // What is before the first letter of the other kind, and the rest.
    let split =
        |text: &str, digits: bool| text.find(|letter: char| letter.is_ascii_digit() != digits).unwrap_or(text.len());
    while !one.is_empty() || !other.is_empty() {
        let ((words, one_rest), (other_words, other_rest)) =
            (one.split_at(split(one, false)), other.split_at(split(other, false)));
        let (mut letters, mut other_letters) = (words.chars(), other_words.chars());
        loop {
            let (letter, other_letter) = (letters.next(), other_letters.next());
            let found = weight(letter).cmp(&weight(other_letter));
            if found.is_ne() {
                return found;
            }
            if letter.is_none() && other_letter.is_none() {
                break;
            }
        }
        let ((digits, one_rest), (other_digits, other_rest)) =
            (one_rest.split_at(split(one_rest, true)), other_rest.split_at(split(other_rest, true)));
        let (digits, other_digits) = (digits.trim_start_matches('0'), other_digits.trim_start_matches('0'));
        let found = digits.len().cmp(&other_digits.len()).then_with(|| digits.cmp(other_digits));
        if found.is_ne() {
            return found;
        }
        (one, other) = (one_rest, other_rest);
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_their_managers_order_them() {
        use PackageManager::{Apk, Dpkg, Go, Npm, Python, Rpm, Ruby};
        for (manager, lower, higher) in [
            (Dpkg, "1.2-3", "1.2-10"),
            (Dpkg, "1.0~rc1-1", "1.0-1"),
            (Dpkg, "9.0-1", "1:1.0-1"),
            (Dpkg, "1.0", "1.0a"),
            (Dpkg, "1.0a", "1.0+b"),
            (Dpkg, "1.0", "1.0.0.1"),
            (Dpkg, "7.88.1-10+deb12u5", "7.88.1-10+deb12u12"),
            (Apk, "1.2.3-r1", "1.2.3-r2"),
            (Dpkg, "", "1"),
            (Rpm, "1.2-3.el8", "1.2-3.el9"),
            (Npm, "1.0.0-rc.1", "1.0.0"),
            (Npm, "2.9.0", "2.10.0"),
            (Go, "v0.0.0-20200101000000-abcdef", "v0.1.0"),
            (Python, "1.0rc1", "1.0"),
            (Python, "1.0.dev3", "1.0a1"),
            (Python, "1.0", "1.0.post1"),
            (Ruby, "2.0.pre3", "2.0"),
        ] {
            assert_eq!(order(manager, lower, higher), Ordering::Less, "{lower} {higher}");
            assert_eq!(order(manager, higher, lower), Ordering::Greater, "{lower} {higher}");
            assert_eq!(order(manager, lower, lower), Ordering::Equal, "{lower}");
        }
        assert_eq!(order(Dpkg, "1.01", "1.1"), Ordering::Equal);
        assert_eq!(order(Dpkg, "\u{fffd}é", "\u{fffd}é"), Ordering::Equal);
        assert_eq!(order(Npm, "1.0.0+x", "1.0.0+y"), Ordering::Equal);
    }
}
