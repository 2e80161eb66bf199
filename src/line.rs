//! A line of text for people in spans, so that each output escapes and marks names in its own way.
//!
//! Whoever judges or explains says it in such lines; only the writers of `report` make text of them.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::text::{for_people, shorten};

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Span {
    /// Our own words.
    Words(String),
    /// Something quoted: an instruction, a path, a package, a command.
    Code(String),
    /// The name of an image: quoted where an output has a form for it, as in Markdown, else as it is.
    Name(String),
    /// Words that stand out: in bold or in colour.
    Strong(Tone, String),
}

/// How text stands out. Never by colour alone: words or marks carry the meaning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It does not.
    #[default]
    Plain,
    /// The best of its column; what holds.
    Best,
    /// Something new, or of no concern.
    News,
    /// To be read with care: a stand-in, too few rounds.
    Care,
    /// Something failed.
    Bad,
}

/// A line in spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line(pub Vec<Span>);

/// Longest name or instruction inside a line.
const LONGEST: usize = 72;
/// Longest name that is quoted.
const LONGEST_NAME: usize = 160;
/// Said where nothing of a name can be seen.
pub(crate) const NO_NAME: &str = "(no name)";

/// A name as it is quoted, cut where it is long; `None` where nothing of it can be seen.
pub(crate) fn visible_name(text: &str) -> Option<String> {
    let name = shorten(&for_people(text), LONGEST_NAME);
    (!name.trim().is_empty()).then_some(name)
}

/// Our own words.
pub(crate) fn plain(text: impl Into<String>) -> Line {
    let text = text.into();
    Line(if text.is_empty() { Vec::new() } else { vec![Span::Words(text)] })
}

/// Something quoted, control characters taken out and the middle cut where it is long.
pub(crate) fn code(text: &str) -> Line {
    command(shorten(&for_people(text), LONGEST))
}

/// Something quoted whole, such as a command that is to be copied.
pub(crate) fn command(text: impl Into<String>) -> Line {
    Line(vec![Span::Code(text.into())])
}

/// The name of an image.
pub(crate) fn image(text: &str) -> Line {
    Line(vec![Span::Name(text.to_owned())])
}

/// Words that stand out.
pub(crate) fn strong(tone: Tone, text: impl Into<String>) -> Line {
    Line(vec![Span::Strong(tone, text.into())])
}

impl Line {
    /// Text in which quoted parts are between back-ticks. One that opens nothing is a word.
    pub(crate) fn quoting(text: &str) -> Self {
        let mut line = Self::default();
        let mut parts = text.split('`').peekable();
        let mut inside = false;
        while let Some(part) = parts.next() {
            line = match (inside, parts.peek()) {
                (true, Some(_)) if !part.trim().is_empty() => line.and(command(part)),
                (true, Some(_)) => line.and(format!("`{part}`")),
                (true, None) => line.and(format!("`{part}")),
                (false, _) => line.and(part),
            };
            inside = !inside;
        }
        line
    }

    /// With more behind it.
    #[must_use]
    pub(crate) fn and(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        self
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// On one line, quoted parts between back-ticks; escaped by whoever writes it.
impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|span| match span {
            Span::Words(text) | Span::Name(text) | Span::Strong(_, text) => f.write_str(text),
            Span::Code(text) => write!(f, "`{text}`"),
        })
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        plain(text)
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        plain(text)
    }
}
