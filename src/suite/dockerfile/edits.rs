//! Changes to a text, collected in any order and made at once.

use std::ops::Range;

/// Changes to a text.
#[derive(Debug, Default)]
pub(crate) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Puts a text in.
    pub(crate) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.0.push((at..at, text.into()));
    }

    /// Puts a text in for another; an empty one takes it away.
    pub(crate) fn replace(&mut self, place: Range<usize>, text: impl Into<String>) {
        self.0.push((place, text.into()));
    }

    /// The text with the changes made; `None` where they change nothing or overlap.
    pub(crate) fn apply(mut self, text: &str) -> Option<String> {
        self.0.sort_by_key(|(place, _)| (place.start, place.end));
        let mut out = String::new();
        let mut done = 0;
        for (place, new) in &self.0 {
            out.push_str(text.get(done..place.start)?);
            out.push_str(new);
            done = place.end;
        }
        out.push_str(text.get(done..)?);
        (out != text).then_some(out)
    }
}
