//! The text of a manifest, and errors that point into it.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use jiff::SignedDuration;
use toml::Spanned;

use super::tables::Manifest;
use crate::suite::SuiteError;

/// The text of a manifest with its path: makes errors that point into it.
#[derive(Debug, Clone, Copy)]
pub struct ManifestText<'a> {
    pub path: &'a Path,
    pub text: &'a str,
}

impl ManifestText<'_> {
    /// Reads the manifest.
    pub fn parse(&self) -> Result<Manifest, SuiteError> {
        toml::from_str(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let message = error.message().lines().next().unwrap_or_default();
            let Some((what, word, known)) = unknown(message) else {
                return self.error(at, lower_first(message), hint(message));
            };
            if word == "engine_size" {
                let message =
                    "`engine_size` is another number on every engine and image store, so nothing can be held to it";
                return self.error(at, message, "limit `size`, which is the same everywhere");
            }
            let hint = match closest(word, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the {what}s known here are {}", listed(&known)),
            };
            self.error(at, format!("unknown {what} `{word}`"), hint)
        })
    }

    /// A span of time such as `30 s`, `1m 30s` (jiff's friendly format), from `least` on.
    pub fn time(&self, text: &Spanned<String>, least: Duration) -> Result<Duration, SuiteError> {
        let span = SignedDuration::from_str(text.get_ref().trim()).ok().and_then(|span| Duration::try_from(span).ok());
        span.filter(|span| *span >= least).ok_or_else(|| {
            self.error(
                text.span().start,
                format!("`{}` is not a duration", crate::text::for_people(text.get_ref())),
                "write a number and a unit: `30 s`, `2 min`, `1 h`",
            )
        })
    }

    /// Line of a byte, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        position(self.text, at).0
    }

    /// An error at a byte of the text.
    pub fn error(&self, at: usize, message: impl Into<String>, hint: impl Into<String>) -> SuiteError {
        let (line, column) = position(self.text, at);
        SuiteError::Manifest {
            manifest: self.path.to_owned(),
            line,
            column,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Line and column of a byte, both counted from 1, the column in characters.
fn position(text: &str, at: usize) -> (usize, usize) {
    let mut end = at.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// Takes serde's message apart, "unknown field `x`, expected one of `a`, `b`": what is not known, its word, those known.
fn unknown(message: &str) -> Option<(&'static str, &str, Vec<&str>)> {
    let kinds = [("key", "unknown field "), ("value", "unknown variant ")];
    let (what, rest) = kinds.into_iter().find_map(|(what, start)| Some((what, message.strip_prefix(start)?)))?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let word = quoted.next()?;
    Some((what, word, quoted.collect()))
}

/// What to write instead, from serde's "invalid type: …, expected …".
fn hint(message: &str) -> String {
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
    match expected.unwrap_or_default() {
        "" => "`tonnage init --print` shows a manifest that can be read".to_owned(),
        "a boolean" => "write `true` or `false`".to_owned(),
        "a string" => "write it in quotes".to_owned(),
        "u16" | "u32" => "write a whole number, without quotes".to_owned(),
        other => format!("write {other}"),
    }
}

fn closest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= 2.max(candidate.len() / 3))
        .min()
        .map(|(_, candidate)| candidate)
}

fn listed(known: &[&str]) -> String {
    known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> (usize, usize, String, String) {
        let source = ManifestText { path: Path::new("tonnage.toml"), text };
        match source.parse().unwrap_err() {
            SuiteError::Manifest { line, column, message, hint, .. } => (line, column, message, hint),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn an_unknown_key_is_named_where_it_stands_with_the_nearest_known_one() {
        assert_eq!(
            failure("[suite]\nname = \"x\"\ntitel = \"y\"\n"),
            (3, 1, "unknown key `titel`".into(), "did you mean `title`?".into())
        );
        assert_eq!(
            failure("[[variant]]\nname = \"x\"\n  dockerfle = \"y\"\n"),
            (3, 3, "unknown key `dockerfle`".into(), "did you mean `dockerfile`?".into())
        );
        let (_, _, message, hint) = failure("[qqqqqqqqq]\n");
        assert_eq!(message, "unknown key `qqqqqqqqq`");
        assert!(hint.contains("`variant`") && hint.contains("`serve`"), "{hint}");
    }

    #[test]
    fn malformed_toml_and_wrong_types_say_line_and_column() {
        let (line, column, message, _) = failure("[suite]\nname = \"x\n");
        assert_eq!(line, 2);
        assert!(column >= 8, "{column} {message}");
        let (line, column, message, _) = failure("[serve]\nport = \"5000\"\n");
        assert_eq!((line, column), (2, 8));
        assert!(message.contains("invalid type"), "{message}");
        let (line, _, message, _) = failure("[[variant]]\ndockerfile = \"a\"\n");
        assert_eq!((line, message.as_str()), (1, "missing field `name`"));
    }

    #[test]
    fn columns_count_characters_and_never_cut_one() {
        assert_eq!(position("ä = 打x", 6), (1, 5));
        assert_eq!(position("ä = 打x", 8), (1, 6));
        assert_eq!(position("ä = 打x", 6 + 1), (1, 5));
        assert_eq!(position("a\nb", 99), (2, 2));
    }
}
