//! Lines of an ignore file, as `patternmatcher/ignorefile.ReadAll` of moby reads them.

use crate::clean;

/// The patterns with the numbers of their lines, counted from 1. `!` still stands before an exception.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.split('\n').enumerate().filter_map(|(index, line)| Some((index + 1, pattern(line)?)))
}

/// The pattern of one line; `None` for a comment or a blank line.
fn pattern(line: &str) -> Option<String> {
    // Comments are recognised before blanks are cut off: ` #x` is a pattern.
    if line.starts_with('#') {
        return None;
    }
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    let (mark, text) = line.strip_prefix('!').map_or(("", line), |rest| ("!", rest.trim()));
    if text.is_empty() {
        return Some(mark.to_owned());
    }
    let cleaned = clean(text);
    let anchored = cleaned.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&cleaned);
    Some(format!("{mark}{anchored}"))
}
