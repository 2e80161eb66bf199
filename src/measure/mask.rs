//! Values that must not be shown: those of secrets and of build arguments.

use crate::text::{MASKED, url_credentials, without_url_credentials};

/// Shortest value that is masked: shorter ones (`3.9`, `true`) would mask figures and words.
const SHORTEST: usize = 8;

/// Least part of a value, in bytes, that is hidden where a text was cut.
const LEAST_PART: usize = 4;

/// Replaces values by `***`, where they are whole tokens, and the credentials of URLs.
#[derive(Clone, Default)]
pub(super) struct Mask {
    /// Longest first, so that no part of one is left.
    values: Vec<String>,
}

impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Mask of {} values", self.values.len())
    }
}

impl Mask {
    /// Hides a value, each line of it on its own, and the password in it where it is a URL.
    pub(super) fn hide(&mut self, value: &str) {
        let lines = std::iter::once(value).chain(value.lines()).map(|line| line.trim().to_owned());
        let found = lines.chain(url_credentials(value)).filter(|value| value.chars().count() >= SHORTEST);
        self.values.extend(found);
        self.values.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.values.dedup();
    }

    /// Hides the content of a secret, and each word of it: in a `.netrc` or an `.npmrc` the secret is one of them.
    pub(super) fn hide_secret(&mut self, content: &str) {
        self.hide(content);
        for word in content.split(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\'' | ',')) {
            self.hide(word);
        }
    }

    /// Hides the password of a URL.
    pub(super) fn hide_credentials(&mut self, url: &str) {
        for secret in url_credentials(url) {
            self.hide(&secret);
        }
    }

    /// The text without hidden values, nor what is left of one where the text was cut.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = without_url_credentials(text).into_owned();
        for value in &self.values {
            if text.contains(value.as_str()) {
                text = replace_tokens(&text, value);
            }
            if text.contains('…') {
                text = replace_cut(&text, value);
            }
        }
        text
    }

    /// As [`Self::text`], in place.
    pub(super) fn apply(&self, text: &mut String) {
        *text = self.text(text);
    }
}

/// Replaces a value where no letter or digit before or after makes it a part of something longer.
fn replace_tokens(text: &str, value: &str) -> String {
    let glued =
        |a: Option<char>, b: Option<char>| a.is_some_and(char::is_alphanumeric) && b.is_some_and(char::is_alphanumeric);
    let mut out = String::with_capacity(text.len());
    let mut kept = 0;
    for (at, found) in text.match_indices(value) {
        let end = at + found.len();
        let is_token = !glued(text[..at].chars().next_back(), value.chars().next())
            && !glued(value.chars().next_back(), text[end..].chars().next());
        if is_token {
            out.push_str(&text[kept..at]);
            out.push_str(MASKED);
            kept = end;
        }
    }
    out + &text[kept..]
}

/// Replaces what is left of a value before and behind each `…`, which stands where a text was cut.
fn replace_cut(text: &str, value: &str) -> String {
    let lengths = |room: usize| (LEAST_PART..=value.len().min(room)).rev();
    let mut parts: Vec<String> = text.split('…').map(str::to_owned).collect();
    for at in 1..parts.len() {
        let before = &parts[at - 1];
        if let Some(length) =
            lengths(before.len()).find(|&length| value.get(..length).is_some_and(|part| before.ends_with(part)))
        {
            let end = before.len() - length;
            parts[at - 1].replace_range(end.., MASKED);
        }
        let after = &parts[at];
        if let Some(length) = lengths(after.len())
            .find(|&length| value.get(value.len() - length..).is_some_and(|part| after.starts_with(part)))
        {
            parts[at].replace_range(..length, MASKED);
        }
    }
    parts.join("…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked_as_whole_tokens() {
        let mut mask = Mask::default();
        for value in
            ["3.9", "hunter2hunter2", "hunter2hunter2-long", "https://bob:s3cr3ts3cr3t@x/y", "line one\nline two\n"]
        {
            mask.hide(value);
        }
        for (text, masked) in [
            ("python 3.9 took 3.9 s", "python 3.9 took 3.9 s"),
            ("echo hunter2hunter2", "echo ***"),
            ("a=hunter2hunter2;b", "a=***;b"),
            ("_hunter2hunter2_", "_***_"),
            ("xhunter2hunter2 hunter2hunter23", "xhunter2hunter2 hunter2hunter23"),
            ("hunter2hunter2-long", "***"),
            ("password s3cr3ts3cr3t", "password ***"),
            ("GET https://eve:other@z/", "GET https://***@z/"),
            ("> line two", "> ***"),
            ("grün hunter2hunter2ß", "grün hunter2hunter2ß"),
        ] {
            assert_eq!(mask.text(text), masked);
        }
        assert!(!format!("{mask:?}").contains("hunter2"));
    }

    #[test]
    fn what_a_cut_leaves_of_a_value_is_masked() {
        let value = format!("eyJ{}.{}", "a1".repeat(400), "b2ö".repeat(400));
        let mut mask = Mask::default();
        mask.hide(&value);
        for (before, after) in [("+ curl -H 'Bearer ", "' failed"), ("", "")] {
            let whole = format!("{before}{value}{after}");
            for width in [20, 100, 101, 102, 499, 1_500] {
                let masked = mask.text(&crate::text::shorten(&whole, width));
                assert!(!masked.contains("a1") && !masked.contains("b2"), "{width}: {masked}");
            }
        }
        assert_eq!(mask.text("wait… done"), "wait… done");
        assert_eq!(mask.text(&format!("x {}…", &value[..100])), "x ***…");
    }

    #[test]
    fn words_of_a_secret_are_masked_too() {
        let mut mask = Mask::default();
        mask.hide_secret(
            "//registry.example/:_authToken=npm_0123456789\nmachine x login bob password \"correcthorse\"\n",
        );
        assert_eq!(mask.text("npm_0123456789 correcthorse machine x"), "*** *** machine x");
    }
}
