//! Why patterns cannot be read.

use std::fmt;

/// A pattern, or an ignore file, that Docker refuses too, or that is larger than this crate reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternError {
    /// The line of the ignore file, or the position in the list of patterns, counted from 1.
    pub line: usize,
    /// The pattern, cut at 80 characters. It is untrusted: [`Display`](fmt::Display) escapes what cannot be printed.
    pub pattern: String,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a pattern or an ignore file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// `!` without a pattern behind it.
    EmptyException,
    /// `[` without `]`.
    OpenClass,
    /// `-` or `]` as a member of a class without a backslash.
    BareMember,
    /// A range such as `z-a`.
    BackwardRange,
    /// A backslash with nothing behind it.
    TrailingBackslash,
    /// A backslash before a letter or digit that Go's regular expressions give no meaning.
    UnknownEscape,
    /// The pattern is longer than [`MAX_PATTERN`](crate::Ignore::MAX_PATTERN) bytes.
    TooLong,
    /// The pattern needs too large an automaton.
    TooComplex,
    /// The file has more than [`MAX_TEXT`](crate::Ignore::MAX_TEXT) bytes.
    TooMuchText,
    /// There are more than [`MAX_PATTERNS`](crate::Ignore::MAX_PATTERNS) patterns.
    TooManyPatterns,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::Ignore;

        match self {
            Self::EmptyException => f.write_str("`!` without a pattern"),
            Self::OpenClass => f.write_str("`[` is not closed"),
            Self::BareMember => f.write_str("`-` and `]` in a class need a backslash"),
            Self::BackwardRange => f.write_str("a range in a class runs backwards"),
            Self::TrailingBackslash => f.write_str("it ends with a backslash"),
            Self::UnknownEscape => f.write_str("a backslash precedes a letter or digit without a special meaning"),
            Self::TooLong => write!(f, "it is longer than {} bytes", Ignore::MAX_PATTERN),
            Self::TooComplex => f.write_str("it is too complex"),
            Self::TooMuchText => write!(f, "the file is larger than {} bytes", Ignore::MAX_TEXT),
            Self::TooManyPatterns => write!(f, "there are more than {} patterns", Ignore::MAX_PATTERNS),
        }
    }
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.reason, Reason::TooMuchText | Reason::TooManyPatterns) {
            return self.reason.fmt(f);
        }
        write!(f, "line {}: the pattern `", self.line)?;
        for c in self.pattern.chars() {
            // Quotes and backslashes are printable; only what is not gets escaped.
            match c {
                '\\' | '\'' | '"' => write!(f, "{c}")?,
                c => write!(f, "{}", c.escape_debug())?,
            }
        }
        write!(f, "` is malformed: {}", self.reason)
    }
}

impl std::error::Error for PatternError {}
