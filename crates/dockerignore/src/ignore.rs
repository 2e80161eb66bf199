//! The patterns of an ignore file together.

use crate::pattern::Pattern;
use crate::read;
use crate::{PatternError, Reason};

/// The patterns of an ignore file, or of `COPY --exclude`.
///
/// ```
/// use dockerignore::Ignore;
///
/// let ignore = Ignore::parse(b"# logs\n**/*.log\n!keep.log\n")?;
/// assert!(ignore.ignores("var/a.log"));
/// assert!(!ignore.ignores("keep.log"));
/// # Ok::<(), dockerignore::PatternError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    patterns: Vec<Pattern>,
}

/// What the patterns say of one path, and what its children must know of it.
#[derive(Debug, Clone, Default)]
pub struct Verdict {
    ignored: bool,
    matched: Vec<bool>,
}

impl Verdict {
    /// Whether the path is ignored.
    pub fn is_ignored(&self) -> bool {
        self.ignored
    }
}

/// Whose walk it is. Docker's two clients leave different directories unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The classic builder's (`archive.TarWithOptions` of moby): an ignored directory is read if the text of an
    /// exception begins with its path, so `!**/keep` brings back nothing from an ignored directory.
    Classic,
    /// BuildKit's (`fsutil`): once an exception has wildcards before its end, every directory is read.
    BuildKit,
}

impl Ignore {
    /// The largest ignore file that is read, in bytes.
    pub const MAX_TEXT: usize = 1 << 20;
    /// The most patterns.
    pub const MAX_PATTERNS: usize = 10_000;
    /// The longest pattern, in bytes. moby's reader stops at lines of 64 KiB.
    pub const MAX_PATTERN: usize = 4096;

    /// Reads an ignore file. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    ///
    /// The first malformed pattern, and files beyond the limits above.
    pub fn parse(text: &[u8]) -> Result<Self, PatternError> {
        if text.len() > Self::MAX_TEXT {
            return Err(PatternError { line: 0, pattern: String::new(), reason: Reason::TooMuchText });
        }
        Self::of(read::lines(&String::from_utf8_lossy(text)))
    }

    /// Reads a list of patterns as they are, which is what `COPY --exclude` does: a leading `/` stays, and nothing
    /// is a comment.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_patterns<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        Self::of((1..).zip(patterns.into_iter().map(str::to_owned)))
    }

    fn of(lines: impl Iterator<Item = (usize, String)>) -> Result<Self, PatternError> {
        let mut patterns = Vec::new();
        for (line, text) in lines {
            let error = |reason| PatternError { line, pattern: text.chars().take(80).collect(), reason };
            if let Some(pattern) = Pattern::new(&text).map_err(error)? {
                if patterns.len() == Self::MAX_PATTERNS {
                    return Err(error(Reason::TooManyPatterns));
                }
                patterns.push(pattern);
            }
        }
        Ok(Self { patterns })
    }

    /// What the patterns say of a path whose directory has the verdict `parent`
    /// (`MatchesUsingParentResults` of moby). For an entry of the root, `parent` is [`Verdict::default`].
    ///
    /// The path is relative to the context's root, with `/` between its parts.
    pub fn verdict(&self, path: &str, parent: &Verdict) -> Verdict {
        let mut verdict = Verdict { ignored: false, matched: vec![false; self.patterns.len()] };
        for (index, pattern) in self.patterns.iter().enumerate() {
            let above = parent.matched.get(index).copied().unwrap_or(false);
            // A pattern that could change nothing is not asked, and therefore counts as not matching for all that is
            // below: that is why `!dir` brings nothing back that is only ignored further down.
            if !above && (pattern.exception != verdict.ignored || !pattern.matches(path)) {
                continue;
            }
            verdict.matched[index] = true;
            verdict.ignored = !pattern.exception;
        }
        verdict
    }

    /// Whether a path is ignored, by walking down to it from the root. Directories that a client would not read are
    /// not considered: see [`may_reinclude_below`](Self::may_reinclude_below).
    pub fn ignores(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]).filter(|above| !above.is_empty());
        let parent = above.fold(Verdict::default(), |parent, above| self.verdict(above, &parent));
        self.verdict(path, &parent).ignored
    }

    /// Whether a client reads an ignored directory because an exception may bring back something below it.
    pub fn may_reinclude_below(&self, directory: &str, client: Client) -> bool {
        let below = format!("{directory}/");
        let exceptions = || self.patterns.iter().filter(|pattern| pattern.exception).map(|pattern| &*pattern.text);
        let begins = |text: &str| format!("{text}/").starts_with(&below);
        match client {
            Client::Classic => exceptions().any(begins),
            Client::BuildKit => exceptions().map(without_trailing_glob).any(|text| text.contains(WILD) || begins(text)),
        }
    }
}

/// Characters that make a pattern more than a path (`patternChars` of fsutil).
const WILD: [char; 6] = ['*', '[', ']', '?', '^', '\\'];

/// `patternWithoutTrailingGlob` of fsutil: one `/**`, then one `/*`.
fn without_trailing_glob(pattern: &str) -> &str {
    let pattern = pattern.strip_suffix("/**").unwrap_or(pattern);
    pattern.strip_suffix("/*").unwrap_or(pattern)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
