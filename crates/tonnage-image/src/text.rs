//! Names and messages that come from an image, an archive, or an engine, made fit to store and to show.
//!
//! They are untrusted: a file name may hold escape sequences, newlines, or bytes that are not text at all.
//! [`from_bytes`] makes a string of any bytes; [`Untrusted`] escapes what a terminal, a log, or a page would act upon.
//! [`escape`] does the same for JSON and CSV, in a way that their readers undo. Escaping for Markdown and HTML comes on
//! top.

mod build_args;
mod url;

pub use build_args::{build_args_before_shell, without_build_args};
pub use url::{MASKED, url_credentials, without_url_credentials};

use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// Bytes as a string: valid UTF-8 as it is, each other byte as `\xNN`.
pub fn from_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// Text from an image, an archive, or an engine. Its `Display` writes every control character, line separator, and
/// invisible direction mark as `\u{…}`, so that nothing in it moves a cursor, starts a line, or reorders what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Untrusted<'a>(pub &'a str);

impl fmt::Display for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                c if is_unsafe(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// [`Untrusted`] as a string.
pub fn for_people(text: &str) -> String {
    Untrusted(text).to_string()
}

/// The text with what [`for_people`] takes away written as JSON's `\uXXXX`, and so what the runner of GitHub Actions
/// obeys anywhere in a line, `##[` (actions/runner, `ActionCommand.TryParse`).
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) && !text.contains("##[") {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '[' if out.ends_with("##") => {
                out.pop();
                out.push_str("\\u0023[");
            }
            c if is_unsafe(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.into()
}

/// Cuts a text to at most `width` characters, the middle replaced by `…`.
pub fn shorten(text: &str, width: usize) -> String {
    let count = text.chars().count();
    if count <= width || width < 3 {
        return text.chars().take(width.max(1)).collect();
    }
    let head = (width - 1) / 2;
    let tail = width - 1 - head;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start}…{end}")
}

/// Log lines with terminal control sequences taken out (colours, cursor moves), for storing the end of a log.
pub fn strip_control(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            match chars.next() {
                // A control sequence: parameters, then one final byte from @ to ~ (ECMA-48, 5.4).
                Some('[') => {
                    while let Some(&next) = chars.peek() {
                        chars.next();
                        if ('@'..='~').contains(&next) {
                            break;
                        }
                    }
                }
                // An operating system command: to BEL or ESC \ (ECMA-48, 8.3.89).
                Some(']') => {
                    while let Some(next) = chars.next() {
                        if next == '\u{7}' {
                            break;
                        }
                        if next == '\u{1b}' {
                            chars.next();
                            break;
                        }
                    }
                }
                _ => {}
            }
        } else if c == '\t' {
            out.push(' ');
        } else if !is_unsafe(c) {
            out.push(c);
        }
    }
    out
}

/// Control characters (C0, U+007F, C1), line separators, direction marks, and what has no width of its own (Unicode 16,
/// general category Cf, without the joiners' soft hyphen and the marks that Arabic and Indic scripts need).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_written_as_hex() {
        assert_eq!(from_bytes(b"a\xff\xfeb"), "a\\xff\\xfeb");
        assert_eq!(from_bytes("grün".as_bytes()), "grün");
    }

    #[test]
    fn nothing_that_a_terminal_acts_upon_is_left() {
        assert_eq!(for_people("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\nc");
        assert_eq!(for_people("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(strip_control("\u{1b}[1;31mred\u{1b}[0m\tend\r"), "red end");
        assert_eq!(strip_control("\u{1b}]0;title\u{7}text"), "text");
        assert_eq!(strip_control("\u{1b}["), "");
    }

    #[test]
    fn invisible_and_directing_characters_are_written_out() {
        for c in "\u{7f}\u{85}\u{9b}\u{61c}\u{180e}\u{200e}\u{2028}\u{202a}\u{2066}\u{feff}\u{e0001}\u{e007f}".chars() {
            assert_eq!(for_people(&c.to_string()), format!("\\u{{{:x}}}", u32::from(c)));
        }
        assert_eq!(escape("a\u{1b}\n\u{202e}\u{e0041}##[b]"), "a\\u001b\\u000a\\u202e\\udb40\\udc41#\\u0023[b]");
        assert!(matches!(escape("ä \\u001b # ["), Cow::Borrowed(_)));
    }

    #[test]
    fn long_texts_lose_their_middle() {
        assert_eq!(shorten("abcdefghij", 5), "ab…ij");
        assert_eq!(shorten("abc", 5), "abc");
    }
}
