//! Variables in a compose file (<https://docs.docker.com/reference/compose-file/interpolation/>), and the `.env` file
//! that gives them values.

use std::collections::BTreeMap;

/// How deep `${A:-${B:-…}}` may go before it is taken for an attack.
const MAX_DEPTH: u32 = 16;

/// Names and values of a `.env` file. A line that is not an assignment is passed over.
pub(super) fn env_file(text: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || !name.chars().all(is_name) {
            continue;
        }
        let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.split_once(*quote));
        let value = match quoted {
            Some((inside, _)) => inside,
            // A comment begins with a blank before it.
            None => value.split(" #").next().unwrap_or(value).trim_end(),
        };
        values.insert(name.to_owned(), value.to_owned());
    }
    values
}

/// The text with `$NAME`, `${NAME}`, `${NAME:-default}` and kin filled in; `$$` is a dollar sign. The error is the name
/// of a variable that has neither a value nor a default, or what could not be read.
pub(super) fn interpolate(text: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    fill(text, values, 0)
}

fn fill(text: &str, values: &BTreeMap<String, String>, depth: u32) -> Result<String, String> {
    if depth > MAX_DEPTH {
        return Err(text.to_owned());
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let end = closing_brace(after).ok_or_else(|| text.to_owned())?;
            out.push_str(&braced(&after[..end], values, depth)?);
            rest = &after[end + 1..];
        } else {
            let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            let name = &rest[..length];
            out.push_str(values.get(name).ok_or_else(|| name.to_owned())?);
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn braced(inside: &str, values: &BTreeMap<String, String>, depth: u32) -> Result<String, String> {
    let length = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
    let (name, operator) = inside.split_at(length);
    let value = values.get(name);
    let filled = value.filter(|value| !value.is_empty());
    // The forms with a colon take an empty value for none.
    let (value, operator) = match operator.strip_prefix(':') {
        Some(rest) => (filled, rest),
        None => (value, operator),
    };
    match (operator.chars().next(), value) {
        (None | Some('-' | '?'), Some(value)) => Ok(value.clone()),
        (Some('-'), None) | (Some('+'), Some(_)) => fill(&operator[1..], values, depth + 1),
        (Some('+'), None) => Ok(String::new()),
        _ => Err(name.to_owned()),
    }
}

/// Where the brace that was opened before the text is closed.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open == 0 => return Some(at),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_from_values_and_defaults() {
        let values =
            env_file("A=one\nexport B = 'two # three' # four\nEMPTY=\n# C=no\nD=x # y\nno line\n=z\nE=\"a=b\"\n");
        for (text, expected) in [
            ("plain it's \"so\"", Ok("plain it's \"so\"")),
            ("$A/${A}", Ok("one/one")),
            ("${B}", Ok("two # three")),
            ("${D} ${E}", Ok("x a=b")),
            ("$$A $${A}", Ok("$A ${A}")),
            ("${X:-def}${X-}", Ok("def")),
            ("${EMPTY:-def}${EMPTY-no}", Ok("def")),
            ("${X:-${Y:-in}ner}", Ok("inner")),
            ("${A:+yes}${X:+no}", Ok("yes")),
            ("${A:?wanted}", Ok("one")),
            ("${X:?wanted}", Err("X")),
            ("${X}", Err("X")),
            ("a$X/b", Err("X")),
            ("${X", Err("${X")),
        ] {
            let filled = interpolate(text, &values);
            assert_eq!(filled.as_deref().map_err(String::as_str), expected, "{text}");
        }
        assert!(interpolate(&format!("{}x{}", "${A_:-".repeat(99), "}".repeat(99)), &values).is_err());
    }
}
