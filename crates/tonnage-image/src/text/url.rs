//! Credentials inside URLs: `https://user:password@host/`.

use std::borrow::Cow;

/// Stands in the place of what is secret.
pub const MASKED: &str = "***";

/// The text with the user information of every URL in it replaced (RFC 3986, 3.2.1), but for a mere user name of ssh
/// (`ssh://git@host`), which is not a secret.
pub fn without_url_credentials(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut kept = 0;
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let begin = from + found + 3;
        let authority = authority(&text[begin..]);
        from = begin;
        let Some(at) = authority.rfind('@') else { continue };
        let scheme = scheme(&text[..begin - 3]);
        let is_name_only = scheme.ends_with("ssh") && !authority[..at].contains(':');
        if at > 0 && !is_name_only {
            out.push_str(&text[kept..begin]);
            out.push_str(MASKED);
            kept = begin + at;
            from = kept;
        }
    }
    if kept == 0 { Cow::Borrowed(text) } else { Cow::Owned(out + &text[kept..]) }
}

/// User name and password of a URL that has both, or the one that it has.
pub fn url_credentials(url: &str) -> Vec<String> {
    let Some((_, rest)) = url.split_once("://") else { return Vec::new() };
    let Some((user, _)) = authority(rest).rsplit_once('@') else { return Vec::new() };
    let secret = user.split_once(':').map_or(user, |(_, password)| password);
    let decoded = percent_decoded(secret);
    [secret.to_owned(), decoded].into_iter().filter(|secret| !secret.is_empty()).collect()
}

/// The text up to what ends an authority, or cannot be in one. Passwords hold more than they may, so only what surely
/// ends a URL in prose, shell, and JSON counts.
fn authority(text: &str) -> &str {
    let end =
        text.find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | '<' | '>' | '\\') || c.is_whitespace());
    &text[..end.unwrap_or(text.len())]
}

fn scheme(before: &str) -> &str {
    let begin = before.rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')));
    begin.map_or(before, |at| &before[at..])
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).filter(|_| *first == b'%').and_then(|two| std::str::from_utf8(two).ok());
        if let Some(byte) = hex.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            bytes.push(byte);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_information_goes_and_the_rest_stays() {
        for (text, masked) in [
            (
                "pip install -i https://bob:s3cr3t@pypi.example/simple flask",
                "pip install -i https://***@pypi.example/simple flask",
            ),
            ("git clone https://ghp_0123@github.com/a/b", "git clone https://***@github.com/a/b"),
            ("a http://u:p@x:3128 b https://u:p@y/z", "a http://***@x:3128 b https://***@y/z"),
            ("proxy http://u:p@ss@x", "proxy http://***@x"),
            ("\"https://u:p@x\"", "\"https://***@x\""),
            ("git+ssh://git@github.com/a", "git+ssh://git@github.com/a"),
            ("ssh://git:pw@host/a", "ssh://***@host/a"),
            ("https://example.com/a@b", "https://example.com/a@b"),
            ("https://@x", "https://@x"),
            ("mail a@b.example, see http://x", "mail a@b.example, see http://x"),
            ("://", "://"),
            ("", ""),
        ] {
            assert_eq!(without_url_credentials(text), masked, "{text}");
        }
    }

    #[test]
    fn the_secret_of_a_url_is_its_password() {
        assert_eq!(url_credentials("http://bob:a%40b@x"), ["a%40b", "a@b"]);
        assert_eq!(url_credentials("https://token@x")[0], "token");
        assert!(url_credentials("http://x:3128").is_empty() && url_credentials("bob:pw@x").is_empty());
    }
}
