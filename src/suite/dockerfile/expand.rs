//! Variables in a Dockerfile's words: `$NAME`, `${NAME}`, `${NAME:-word}` and kin, quotes and escapes.

/// How deep `${A:-${B:-…}}` may go before it is taken for an attack.
const MAX_DEPTH: u32 = 16;

/// Fills in the variables of a word and takes its quotes away.
///
/// `lookup` gives a variable's value, `Ok(None)` where it is unset, `Err` where it cannot be known; the error is the
/// name of the variable. Forms of substitution beyond `:-`, `-`, `:+`, `+`, `:?` and `?` end in an error too.
pub(super) fn expand(
    word: &str,
    escape: char,
    lookup: &dyn Fn(&str) -> Result<Option<String>, String>,
) -> Result<String, String> {
    let chars: Vec<char> = word.chars().collect();
    expand_chars(&chars, escape, lookup, 0)
}

fn expand_chars(
    chars: &[char],
    escape: char,
    lookup: &dyn Fn(&str) -> Result<Option<String>, String>,
    depth: u32,
) -> Result<String, String> {
    let mut out = String::new();
    let mut single = false;
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        at += 1;
        match c {
            '\'' => single = !single,
            _ if single => out.push(c),
            '"' => {}
            _ if c == escape => {
                if let Some(&next) = chars.get(at) {
                    out.push(next);
                    at += 1;
                }
            }
            '$' => match chars.get(at) {
                Some('{') => {
                    let end = closing_brace(&chars[at + 1..]).ok_or_else(|| chars.iter().collect::<String>())?;
                    let inner = &chars[at + 1..at + 1 + end];
                    out.push_str(&braced(inner, escape, lookup, depth)?);
                    at += end + 2;
                }
                Some(next) if is_name(*next) => {
                    let length = chars[at..].iter().take_while(|c| is_name(**c)).count();
                    let name: String = chars[at..at + length].iter().collect();
                    out.push_str(&lookup(&name)?.unwrap_or_default());
                    at += length;
                }
                _ => out.push('$'),
            },
            _ => out.push(c),
        }
    }
    Ok(out)
}

/// What is between the braces of `${…}`.
fn braced(
    inner: &[char],
    escape: char,
    lookup: &dyn Fn(&str) -> Result<Option<String>, String>,
    depth: u32,
) -> Result<String, String> {
    let length = inner.iter().take_while(|c| is_name(**c)).count();
    let name: String = inner[..length].iter().collect();
    if name.is_empty() || depth >= MAX_DEPTH {
        return Err(inner.iter().collect());
    }
    let value = lookup(&name)?;
    let rest = &inner[length..];
    if rest.is_empty() {
        return Ok(value.unwrap_or_default());
    }
    // With the colon an empty value counts as unset.
    let (value, rest) = match rest.split_first() {
        Some((':', rest)) => (value.filter(|value| !value.is_empty()), rest),
        _ => (value, rest),
    };
    let word = |rest: &[char]| expand_chars(rest, escape, lookup, depth + 1);
    match rest.split_first() {
        Some(('-', rest)) => value.map_or_else(|| word(rest), Ok),
        Some(('+', rest)) => value.map_or(Ok(String::new()), |_| word(rest)),
        Some(('?', _)) => value.ok_or(name),
        _ => Err(inner.iter().collect()),
    }
}

/// Position of the brace that closes one opened just before, inner pairs skipped.
fn closing_brace(chars: &[char]) -> Option<usize> {
    let mut open = 0_usize;
    for (index, c) in chars.iter().enumerate() {
        match c {
            '{' => open += 1,
            '}' if open == 0 => return Some(index),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The words of an ARG or ENV, split at blanks outside of quotes; quotes and escapes are kept.
pub(super) fn words(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == escape && quote != Some('\'') {
            word.push(c);
            word.extend(chars.next());
        } else if quote == Some(c) {
            quote = None;
            word.push(c);
        } else if quote.is_none() && matches!(c, '"' | '\'') {
            quote = Some(c);
            word.push(c);
        } else if quote.is_none() && c.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        } else {
            word.push(c);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_a(word: &str) -> Result<String, String> {
        expand(word, '\\', &|name| match name {
            "A" => Ok(Some("1".into())),
            "E" => Ok(Some(String::new())),
            "SECRET" => Err("SECRET".into()),
            _ => Ok(None),
        })
    }

    #[test]
    fn variables_are_filled_in_as_the_reference_says() {
        for (word, value) in [
            ("python:$A", "python:1"),
            ("python:${A}-slim", "python:1-slim"),
            ("$A$A.$NONE", "11."),
            ("${NONE:-x}", "x"),
            ("${E:-x}", "x"),
            ("${E-x}", ""),
            ("${A:+y}", "y"),
            ("${E:+y}", ""),
            ("${E+y}", "y"),
            ("${NONE:-${A}b}", "1b"),
            ("${A:?must}", "1"),
            (r"\$A", "$A"),
            ("'$A'", "$A"),
            ("\"$A\"", "1"),
            ("a$", "a$"),
            ("$-", "$-"),
        ] {
            assert_eq!(with_a(word).as_deref(), Ok(value), "{word}");
        }
    }

    #[test]
    fn what_cannot_be_known_is_an_error_and_never_a_guess() {
        for word in ["$SECRET", "${NONE:?must}", "${A", "${}", "${A#1}", "${NONE:-$SECRET}"] {
            assert!(with_a(word).is_err(), "{word}");
        }
        let deep = format!("{}x{}", "${N:-".repeat(100), "}".repeat(100));
        assert!(with_a(&deep).is_err());
    }

    #[test]
    fn words_end_at_blanks_outside_of_quotes() {
        assert_eq!(words(r#"A="x y" B=1  C=a\ b D='q "r'"#, '\\'), [r#"A="x y""#, "B=1", r"C=a\ b", r#"D='q "r'"#]);
    }
}
