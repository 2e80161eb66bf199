//! Go's regular expressions, as far as moby makes them of patterns.
//!
//! moby turns a pattern into an expression character by character, classes included, so that some characters keep
//! a meaning that no documentation gives them: `\d` is a digit, `^` inside a pattern never matches, and `[*]` is the
//! class `[[^/]`, any number of times, and `]`. What Docker's clients send depends on that, so the same text is made
//! here and read by Go's grammar.

use std::iter::Peekable;
use std::str::Chars;

use regex::bytes::{Regex, RegexBuilder};

use crate::Reason;

/// The largest automaton of one pattern, in bytes.
const MAX_AUTOMATON: usize = 1 << 20;

/// Refuses what Go's `filepath.Match` calls a bad pattern.
pub(crate) fn check(pattern: &str) -> Result<(), Reason> {
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next().ok_or(Reason::TrailingBackslash)?),
            '[' => {
                chars.next_if_eq(&'^');
                let mut empty = true;
                while empty || chars.next_if_eq(&']').is_none() {
                    member(&mut chars)?;
                    if chars.next_if_eq(&'-').is_some() {
                        member(&mut chars)?;
                    }
                    empty = false;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A member of a class by `filepath.Match`: something must follow it.
fn member(chars: &mut Peekable<Chars<'_>>) -> Result<(), Reason> {
    match chars.next().ok_or(Reason::OpenClass)? {
        '-' | ']' => return Err(Reason::BareMember),
        '\\' => drop(chars.next().ok_or(Reason::OpenClass)?),
        _ => {}
    }
    chars.peek().map(|_| ()).ok_or(Reason::OpenClass)
}

/// Compiles an expression that moby made.
pub(crate) fn compile(go: &str) -> Result<Regex, Reason> {
    let expression = translate(go)?;
    RegexBuilder::new(&expression).size_limit(MAX_AUTOMATON).build().map_err(|_| Reason::TooComplex)
}

/// Writes Go's expression in the syntax of the regex crate. The operators that occur (`^`, `$`, `.*`, `(…)?`, `[^/]*`)
/// are the same in both; escapes and classes are not.
fn translate(go: &str) -> Result<String, Reason> {
    let mut out = String::new();
    let mut chars = go.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match escape(&mut chars, true)? {
                Escape::Char(c) => literal(c, &mut out),
                Escape::Set(set) => out.extend(["[", &set, "]"]),
                Escape::Assertion(text) => out.push_str(text),
                Escape::Quote => quote(&mut chars, &mut out),
            },
            '[' => class(&mut chars, &mut out)?,
            '^' | '$' | '.' | '(' | ')' | '*' | '?' => out.push(c),
            c => literal(c, &mut out),
        }
    }
    Ok(out)
}

fn literal(c: char, out: &mut String) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

/// `\Q…\E`; without an end, all that is left.
fn quote(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            return;
        }
        literal(c, out);
    }
}

/// What a backslash makes of what follows it.
enum Escape {
    Char(char),
    /// A set of characters, to stand inside brackets.
    Set(String),
    Assertion(&'static str),
    Quote,
}

fn escape(chars: &mut Peekable<Chars<'_>>, outside: bool) -> Result<Escape, Reason> {
    let c = chars.next().ok_or(Reason::TrailingBackslash)?;
    Ok(match c {
        'A' if outside => Escape::Assertion(r"\A"),
        'z' if outside => Escape::Assertion(r"\z"),
        'b' if outside => Escape::Assertion(r"(?-u:\b)"),
        'B' if outside => Escape::Assertion(r"(?-u:\B)"),
        'Q' if outside => Escape::Quote,
        'd' => Escape::Set("0-9".into()),
        'D' => Escape::Set("[^0-9]".into()),
        's' => Escape::Set(r"\t\n\x0c\r ".into()),
        'S' => Escape::Set(r"[^\t\n\x0c\r ]".into()),
        'w' => Escape::Set("0-9A-Za-z_".into()),
        'W' => Escape::Set("[^0-9A-Za-z_]".into()),
        // Of names in braces moby escapes the braces, which leaves the categories of one letter.
        'p' | 'P' => match chars.next() {
            Some(category @ ('C' | 'L' | 'M' | 'N' | 'P' | 'S' | 'Z')) => Escape::Set(format!("\\{c}{category}")),
            _ => return Err(Reason::UnknownEscape),
        },
        'a' => Escape::Char('\x07'),
        'f' => Escape::Char('\x0c'),
        'n' => Escape::Char('\n'),
        'r' => Escape::Char('\r'),
        't' => Escape::Char('\t'),
        'v' => Escape::Char('\x0b'),
        'x' => Escape::Char(hexadecimal(chars).ok_or(Reason::UnknownEscape)?),
        '0'..='7' => Escape::Char(octal(c, chars).ok_or(Reason::UnknownEscape)?),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Escape::Char(c),
        _ => return Err(Reason::UnknownEscape),
    })
}

/// Two digits; moby escapes the braces of the longer form.
fn hexadecimal(chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    let high = chars.next()?.to_digit(16)?;
    char::from_u32(high * 16 + chars.next()?.to_digit(16)?)
}

/// Up to three digits. One alone that is not 0 would be a reference back, which Go does not have.
fn octal(first: char, chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    if first != '0' && !chars.peek().is_some_and(|next| next.is_digit(8)) {
        return None;
    }
    let mut value = first.to_digit(8)?;
    for _ in 0..2 {
        let Some(digit) = chars.peek().and_then(|next| next.to_digit(8)) else { break };
        chars.next();
        value = value * 8 + digit;
    }
    char::from_u32(value)
}

/// A class, from behind its `[` to its `]`.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), Reason> {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut empty = true;
    while empty || chars.next_if_eq(&']').is_none() {
        empty = false;
        if let Some(named) = named(chars)? {
            out.push_str(&named);
            continue;
        }
        let low = match class_member(chars)? {
            Escape::Char(c) => c,
            Escape::Set(set) => {
                out.push_str(&set);
                continue;
            }
            Escape::Assertion(_) | Escape::Quote => return Err(Reason::UnknownEscape),
        };
        let mut high = low;
        let mut ahead = chars.clone();
        if ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']') {
            chars.next();
            let Escape::Char(c) = class_member(chars)? else { return Err(Reason::UnknownEscape) };
            high = c;
        }
        if low > high {
            return Err(Reason::BackwardRange);
        }
        out.extend(low.escape_unicode());
        out.push('-');
        out.extend(high.escape_unicode());
    }
    out.push(']');
    Ok(())
}

fn class_member(chars: &mut Peekable<Chars<'_>>) -> Result<Escape, Reason> {
    match chars.next().ok_or(Reason::OpenClass)? {
        '\\' => escape(chars, false),
        c => Ok(Escape::Char(c)),
    }
}

/// A class such as `[:alpha:]` inside of brackets.
fn named(chars: &mut Peekable<Chars<'_>>) -> Result<Option<String>, Reason> {
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
        "word", "xdigit",
    ];
    let rest: String = chars.clone().collect();
    let Some((name, _)) = rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else { return Ok(None) };
    if !NAMES.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Err(Reason::UnknownEscape);
    }
    for _ in 0..name.chars().count() + 4 {
        chars.next();
    }
    Ok(Some(format!("[:{name}:]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_by_gos_grammar() {
        for (go, path, matches) in [
            (r"^a\d$", "a1", true),
            (r"^a\d$", "a\u{661}", false),
            (r"^\Qa.b$", "a.b$", true),
            (r"^\Qa.b\Ec$", "a.bc", true),
            (r"^[[^/]*]$", "[^[]", true),
            (r"^[[^/]*]$", "x]", false),
            (r"^[[:digit:]x]$", "7", true),
            (r"^[\d\-]$", "-", true),
            (r"^[a-]$", "-", true),
            (r"^[a&&b]$", "&", true),
            (r"^[a~~b]$", "~", true),
            (r"^\x41\101\0$", "AA\0", true),
            (r"^\_\-\/$", "_-/", true),
            (r"^a^b$", "a^b", false),
            (r"^a]$", "a]", true),
            (r"^\pL$", "ö", true),
        ] {
            assert_eq!(compile(go).unwrap().is_match(path.as_bytes()), matches, "{go} {path:?}");
        }
        for go in [r"^\y$", r"^\1$", r"^\ö$", r"^\p\{Greek\}$", "^[z-a]$", "^[[:x:]]$", r"^\xz1$", r"^[\A]$", r"^\8$"]
        {
            assert!(compile(go).is_err(), "{go}");
        }
    }
}
