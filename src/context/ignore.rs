//! `.dockerignore`: which paths of a context are left out.
//!
//! The rules are those of Docker's documentation ("dockerignore files") as moby/patternmatcher and its ignore-file
//! reader apply them, which are not gitignore's:
//! - a pattern is anchored at the context's root; a leading `/` and `.` and `..` parts are cleaned away;
//! - `*` and `?` do not match `/`; `**` matches any number of folders, none included;
//! - the last pattern that matches wins, and `!` brings back what an earlier one left out;
//! - a pattern that matches a folder matches all below it, and a file below can still be brought back;
//! - `#` begins a comment only as a line's very first character; blanks around a pattern are cut off;
//! - `\` takes the meaning from the next character, `[a-z]` and `[^a-z]` are classes (Go's `filepath.Match`).
//!
//! moby turns patterns into regular expressions character by character, which lets some characters keep a meaning
//! there that the documentation does not give them (`^`, `\d`, `*` inside of a class). Those few are read here as
//! documented. Two shortcuts of it are kept, for they change what is sent: `**x` matches any path that ends in `x`,
//! and `x**` any that begins with it.

use regex::{Regex, RegexBuilder};

/// The longest ignore file that is read, in bytes.
const MAX_TEXT: usize = 1 << 20;
/// The most patterns in one file.
const MAX_PATTERNS: usize = 10_000;
/// The longest pattern, in bytes. moby's reader stops at 64 KiB.
const MAX_PATTERN: usize = 4096;

/// The patterns of one ignore file.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    rules: Vec<Rule>,
}

/// Why an ignore file cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IgnoreError {
    /// A pattern is malformed.
    #[error("line {line}: the pattern `{}` is malformed: {reason}", crate::text::for_people(pattern))]
    Pattern {
        /// Line, counted from 1.
        line: usize,
        /// The pattern, cut at 80 characters.
        pattern: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is too much of it.
    #[error("it has more than {limit} {unit}")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
}

impl IgnoreError {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::Pattern { .. } => "the engine refuses it too; close `[`, and write `\\\\` for a backslash".into(),
            Self::TooLarge { .. } => "name whole folders instead of single files".into(),
        }
    }
}

#[derive(Debug, Clone)]
struct Rule {
    /// Whether it brings back (`!`).
    negated: bool,
    /// The cleaned pattern.
    pattern: String,
    matcher: Matcher,
}

#[derive(Debug, Clone)]
enum Matcher {
    Exact(String),
    Prefix(String),
    /// Ends so; with a leading `/` the whole path without it will do too.
    Suffix(String),
    Expression(Regex),
}

impl Matcher {
    fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text.as_str()),
            Self::Suffix(text) => path.ends_with(text.as_str()) || text.strip_prefix('/') == Some(path),
            Self::Expression(regex) => regex.is_match(path),
        }
    }
}

impl Rule {
    /// Whether it matches the path or a folder above it.
    fn matches(&self, path: &str) -> bool {
        path.match_indices('/').any(|(at, _)| self.matcher.matches(&path[..at])) || self.matcher.matches(path)
    }
}

impl Ignore {
    /// Reads an ignore file. Bytes that are no UTF-8 match nothing.
    pub fn parse(text: &[u8]) -> Result<Self, IgnoreError> {
        if text.len() > MAX_TEXT {
            return Err(IgnoreError::TooLarge { limit: MAX_TEXT, unit: "bytes" });
        }
        let text = String::from_utf8_lossy(text);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut rules = Vec::new();
        for (index, line) in text.split('\n').enumerate() {
            // Comments are told before blanks are cut off: ` #x` is a pattern.
            if line.starts_with('#') {
                continue;
            }
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            let rule = rule(line).map_err(|reason| IgnoreError::Pattern {
                line: index + 1,
                pattern: line.chars().take(80).collect(),
                reason,
            })?;
            if rules.len() == MAX_PATTERNS {
                return Err(IgnoreError::TooLarge { limit: MAX_PATTERNS, unit: "patterns" });
            }
            rules.push(rule);
        }
        Ok(Self { rules })
    }

    /// Whether a path, relative and with `/` between its parts, is left out.
    pub fn excludes(&self, path: &str) -> bool {
        let mut excluded = false;
        for rule in &self.rules {
            // A rule that could change nothing is not tried.
            if rule.negated == excluded && rule.matches(path) {
                excluded = !rule.negated;
            }
        }
        excluded
    }

    /// Whether something below a folder that is left out could be brought back, so that it must be walked.
    ///
    /// The classic builder's client looks only at patterns that begin with the folder's own path
    /// (moby `pkg/archive`), so that `!**/keep` brings nothing back from a folder that is left out. BuildKit's
    /// (`fsutil`) walks everything once a `!` pattern has wildcards.
    pub(super) fn may_bring_back_below(&self, folder: &str, rule: Prune) -> bool {
        let negated = || self.rules.iter().filter(|rule| rule.negated);
        let below = format!("{folder}/");
        match rule {
            Prune::ByPrefix => negated().any(|rule| format!("{}/", rule.pattern).starts_with(&below)),
            Prune::UnlessWildcards => negated().any(|rule| {
                let plain = rule.pattern.trim_end_matches('*').trim_end_matches('/');
                plain.contains(['*', '?', '[', '\\', '^']) || format!("{plain}/").starts_with(&below)
            }),
        }
    }
}

/// When a folder that is left out need not be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prune {
    /// No `!` pattern begins with its path.
    ByPrefix,
    /// Nor has one wildcards.
    UnlessWildcards,
}

fn rule(line: &str) -> Result<Rule, &'static str> {
    let (negated, text) = match line.strip_prefix('!') {
        Some(rest) => (true, rest.trim()),
        None => (false, line),
    };
    if text.is_empty() {
        return Err("`!` stands alone");
    }
    if text.len() > MAX_PATTERN {
        return Err("it is too long");
    }
    let cleaned = clean_path(text);
    let pattern = match cleaned.strip_prefix('/') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => cleaned,
    };
    let matcher = matcher(&pattern)?;
    Ok(Rule { negated, pattern, matcher })
}

/// Translates a cleaned pattern.
fn matcher(pattern: &str) -> Result<Matcher, &'static str> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut expression = String::from("^");
    let mut literal = String::new();
    let mut wild = false;
    // The shortcuts of moby: `**` first and nothing wild after it, or nothing wild before and `**` last.
    let mut leading = false;
    let mut trailing = false;
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '*' if chars.get(at + 1) == Some(&'*') => {
                let first = at == 0;
                at += 2;
                let slash = chars.get(at) == Some(&'/');
                let last = at + usize::from(slash) == chars.len();
                if first && !last {
                    leading = true;
                    literal.push_str(if slash { "/" } else { "" });
                    expression.push_str("(?:.*/)?");
                } else if last && !wild && !leading {
                    trailing = true;
                } else if last {
                    wild = true;
                    expression.push_str(".*");
                } else {
                    wild = true;
                    expression.push_str("(?:.*/)?");
                }
                at += usize::from(slash);
                continue;
            }
            '*' => {
                wild = true;
                expression.push_str("[^/]*");
            }
            '?' => {
                wild = true;
                expression.push_str("[^/]");
            }
            '[' => {
                wild = true;
                at += class(&chars[at..], &mut expression)?;
                continue;
            }
            '\\' => {
                at += 1;
                let next = chars.get(at).ok_or("it ends in a backslash")?;
                wild = true;
                expression.push_str(&regex::escape(&next.to_string()));
            }
            c => {
                wild |= c == ']';
                literal.push(c);
                expression.push_str(&regex::escape(&c.to_string()));
            }
        }
        at += 1;
    }
    Ok(match (wild, leading, trailing) {
        (false, false, false) => Matcher::Exact(literal),
        (false, true, _) => Matcher::Suffix(literal),
        (false, false, true) => Matcher::Prefix(literal),
        (true, ..) => Matcher::Expression(
            RegexBuilder::new(&format!("{expression}$"))
                .dot_matches_new_line(true)
                .size_limit(1 << 20)
                .build()
                .map_err(|_| "it is too complex")?,
        ),
    })
}

/// Translates a class such as `[a-z]` and gives the number of characters it takes (Go's `filepath.Match`).
fn class(chars: &[char], out: &mut String) -> Result<usize, &'static str> {
    const OPEN: &str = "`[` is not closed";
    let mut at = 1;
    out.push('[');
    if chars.get(at) == Some(&'^') {
        out.push('^');
        at += 1;
    }
    let member = |at: &mut usize| -> Result<char, &'static str> {
        let c = match chars.get(*at).ok_or(OPEN)? {
            '-' | ']' => return Err("`-` and `]` in a class want a backslash"),
            '\\' => {
                *at += 1;
                *chars.get(*at).ok_or(OPEN)?
            }
            c => *c,
        };
        *at += 1;
        Ok(c)
    };
    let mut members = 0;
    loop {
        if members > 0 && chars.get(at) == Some(&']') {
            out.push(']');
            return Ok(at + 1);
        }
        let low = member(&mut at)?;
        let mut high = low;
        if chars.get(at) == Some(&'-') {
            at += 1;
            high = member(&mut at)?;
        }
        if low > high {
            return Err("a range in a class runs backwards");
        }
        members += 1;
        out.push_str(&in_class(low));
        out.push('-');
        out.push_str(&in_class(high));
    }
}

/// A character as a member of a class of the regex crate.
fn in_class(c: char) -> String {
    format!("\\x{{{:x}}}", u32::from(c))
}

/// A path with empty, `.` and `..` parts taken out by their text alone, as Go's `path.Clean` does; `.` for none.
pub fn clean_path(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
#[path = "ignore_tests.rs"]
mod tests;
