//! A line of text for people in spans, so that each output escapes and marks names in its own way.
//!
//! Whoever judges or explains says it in such lines; only `report` makes text of them.

use crate::text::{for_people, shorten};

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Our own words.
    Words(String),
    /// Something quoted: an instruction, a path, a package, an identity.
    Code(String),
}

/// A line in spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(pub Vec<Span>);

/// Longest name or instruction inside a line.
const LONGEST: usize = 72;

impl Line {
    /// With more words.
    #[must_use]
    pub fn and_words(mut self, text: impl Into<String>) -> Self {
        self.0.push(Span::Words(text.into()));
        self
    }

    /// With something quoted, control characters taken out and the middle cut where it is long.
    #[must_use]
    pub fn and_code(mut self, text: &str) -> Self {
        self.0.push(Span::Code(shorten(&for_people(text), LONGEST)));
        self
    }

    /// With another line behind it.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// On one line for people, quoted parts in back-ticks.
    pub fn plain(&self) -> String {
        self.render(Clone::clone, |code| format!("`{code}`"))
    }

    /// On one line, pieces passed through the escaping of an output.
    pub fn render(&self, words: impl Fn(&String) -> String, code: impl Fn(&str) -> String) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Span::Words(text) => words(text),
                Span::Code(text) => code(text),
            })
            .collect()
    }
}
