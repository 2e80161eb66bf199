//! The manifest as it is written: keys, types and places. Meaning is `load`'s.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::SuiteError;

/// A whole `tonnage.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    #[serde(default)]
    pub suite: SuiteTable,
    #[serde(default)]
    pub build: BuildTable,
    pub serve: Option<Spanned<ServeTable>>,
    #[serde(default)]
    pub bases: BTreeMap<Spanned<String>, BTreeMap<String, String>>,
    #[serde(default, rename = "variant")]
    pub variants: Vec<Spanned<VariantTable>>,
    #[serde(default, rename = "budget")]
    _budget: Option<IgnoredAny>,
    pub gate: Option<toml::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SuiteTable {
    pub name: Option<Spanned<String>>,
    #[serde(default)]
    pub title: String,
    #[serde(default)]
    pub source: String,
    pub context: Option<Spanned<String>>,
    pub src: Option<Spanned<String>>,
    pub deps: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BuildTable {
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    pub target: Option<String>,
    pub platform: Option<Spanned<String>>,
    pub network: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub ca_files: Vec<Spanned<String>>,
    #[serde(default)]
    pub site_env: BTreeMap<String, String>,
    pub deadline: Option<Spanned<String>>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServeTable {
    pub port: Option<Spanned<u16>>,
    pub path: Option<Spanned<String>>,
    pub expect: Option<String>,
    pub command: Option<Vec<String>>,
    pub timeout: Option<Spanned<String>>,
    pub memory: Option<Spanned<String>>,
    pub network: Option<String>,
    pub starts: Option<Spanned<u32>>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VariantTable {
    pub name: Spanned<String>,
    pub dockerfile: Option<Spanned<String>>,
    pub context: Option<Spanned<String>>,
    pub target: Option<String>,
    pub platform: Option<Spanned<String>>,
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    pub network: Option<String>,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    pub src: Option<Spanned<String>>,
    pub deps: Option<Spanned<String>>,
    pub serve: Option<Spanned<ServeTable>>,
    pub reference: Option<Spanned<String>>,
    #[serde(default, rename = "budget")]
    _budget: Option<IgnoredAny>,
}

/// The text of a manifest with its path: makes errors that point into it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub path: &'a Path,
    pub text: &'a str,
}

impl Source<'_> {
    pub fn parse(&self) -> Result<Manifest, SuiteError> {
        toml::from_str(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let message = error.message().lines().next().unwrap_or_default();
            match unknown_key(message) {
                Some((key, known)) => {
                    let hint = match closest(key, &known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("the keys known here are {}", listed(&known)),
                    };
                    self.error(at, format!("unknown key `{key}`"), hint)
                }
                None => {
                    self.error(at, lower_first(message), "`tonnage init --print` shows a manifest that can be read")
                }
            }
        })
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

/// Takes serde's message apart: "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2);
    let key = quoted.next()?;
    Some((key, quoted.collect()))
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
        let source = Source { path: Path::new("tonnage.toml"), text };
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

    #[test]
    fn what_belongs_to_the_gate_is_let_through() {
        let text =
            "[budget]\nsize = 1\n[gate]\nanything = [1]\n[[variant]]\nname = \"x\"\nbudget = { size = \"1MB\" }\n";
        let manifest = Source { path: Path::new("x"), text }.parse().unwrap();
        assert_eq!(manifest.variants.len(), 1);
    }
}
