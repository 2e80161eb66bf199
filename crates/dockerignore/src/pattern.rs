//! One pattern, as `patternmatcher.New` and `Pattern.compile` of moby read it.

use regex::bytes::Regex;

use crate::expression;
use crate::{Ignore, Reason, clean};

/// A pattern that was read.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    /// Whether it begins with `!`.
    pub exception: bool,
    /// The cleaned text, without `!`.
    pub text: String,
    matcher: Matcher,
}

/// moby has three shortcuts beside regular expressions, and they change what matches.
#[derive(Debug, Clone)]
enum Matcher {
    Exact,
    /// `x**`: everything that begins with the text.
    Prefix(String),
    /// `**x`: everything that ends with the text; `**/x` matches `x` itself too.
    Suffix(String),
    Expression(Regex),
}

impl Pattern {
    /// Reads a pattern; `None` for a blank one.
    pub(crate) fn new(text: &str) -> Result<Option<Self>, Reason> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > Ignore::MAX_PATTERN {
            return Err(Reason::TooLong);
        }
        // Cleaned before `!` is taken away: `!a/../b` is `b` here, which an ignore file's reader prevents.
        let cleaned = clean(text);
        let (exception, text) = match cleaned.strip_prefix('!') {
            Some("") => return Err(Reason::EmptyException),
            Some(rest) => (true, rest.to_owned()),
            None => (false, cleaned),
        };
        expression::check(&text)?;
        let matcher = Matcher::new(&text)?;
        Ok(Some(Self { exception, text, matcher }))
    }

    /// Whether it matches the path itself. A directory above is the caller's business.
    pub(crate) fn matches(&self, path: &str) -> bool {
        match &self.matcher {
            Matcher::Exact => path == self.text,
            Matcher::Prefix(text) => path.starts_with(text.as_str()),
            Matcher::Suffix(text) => path.ends_with(text.as_str()) || text.strip_prefix('/') == Some(path),
            Matcher::Expression(regex) => regex.is_match(path.as_bytes()),
        }
    }
}

impl Matcher {
    fn new(pattern: &str) -> Result<Self, Reason> {
        let mut go = String::from("^");
        let mut chars = pattern.chars().peekable();
        let mut kind = Kind::Exact;
        let mut first = true;
        while let Some(c) = chars.next() {
            match c {
                '*' if chars.next_if_eq(&'*').is_some() => {
                    chars.next_if_eq(&'/');
                    if chars.peek().is_some() {
                        go.push_str("(.*/)?");
                        kind = Kind::Expression;
                    } else if kind == Kind::Exact {
                        kind = Kind::Prefix;
                    } else {
                        go.push_str(".*");
                        kind = Kind::Expression;
                    }
                    if first {
                        kind = Kind::Suffix;
                    }
                }
                '*' | '?' => {
                    go.push_str(if c == '*' { "[^/]*" } else { "[^/]" });
                    kind = Kind::Expression;
                }
                '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => go.extend(['\\', c]),
                '\\' => {
                    go.push('\\');
                    if let Some(next) = chars.next() {
                        go.push(next);
                        kind = Kind::Expression;
                    }
                }
                '[' | ']' => {
                    go.push(c);
                    kind = Kind::Expression;
                }
                c => go.push(c),
            }
            first = false;
        }
        Ok(match kind {
            Kind::Exact => Self::Exact,
            Kind::Prefix => Self::Prefix(pattern.strip_suffix("**").unwrap_or(pattern).to_owned()),
            Kind::Suffix => Self::Suffix(pattern.strip_prefix("**").unwrap_or(pattern).to_owned()),
            Kind::Expression => Self::Expression(expression::compile(&format!("{go}$"))?),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exact,
    Prefix,
    Suffix,
    Expression,
}
