//! A second implementation of the ignore rules, by the definitions and plain backtracking: what tests and the fuzz
//! target hold the matcher against. Slow on purpose, for short patterns only.

use super::clean_path;

/// A piece of a pattern.
enum Token {
    /// `*`.
    Star,
    /// `**`, and the slash behind it.
    Deep(bool),
    /// `?`.
    One,
    /// `[a-z]`, and whether it begins with `^`.
    Class(bool, Vec<(char, char)>),
    /// A character that means itself.
    Plain(char),
    /// One that had a backslash, or could have had a meaning: moby's shortcuts are not for patterns with these.
    Escaped(char),
}

/// The patterns of an ignore file, `!` included.
pub(crate) fn patterns(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.split('\n').filter(|line| !line.starts_with('#')).map(str::trim);
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// Whether the path is left out; `None` where a pattern is malformed.
pub(crate) fn excludes(patterns: &[String], path: &str) -> Option<bool> {
    let mut above: Vec<&str> = path.match_indices('/').map(|(at, _)| &path[..at]).collect();
    above.push(path);
    let mut out = false;
    for pattern in patterns {
        let (negated, body) = match pattern.strip_prefix('!') {
            Some(body) => (true, body.trim()),
            None => (false, pattern.as_str()),
        };
        if body.is_empty() {
            return None;
        }
        let cleaned = clean_path(body);
        let rooted = cleaned.strip_prefix('/').filter(|rest| !rest.is_empty());
        let tokens = tokens(rooted.unwrap_or(&cleaned))?;
        if above.iter().any(|path| matches(&tokens, path)) {
            out = !negated;
        }
    }
    Some(out)
}

fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut rest: Vec<char> = pattern.chars().rev().collect();
    let mut tokens = Vec::new();
    while let Some(c) = rest.pop() {
        tokens.push(match c {
            '*' if rest.last() == Some(&'*') => {
                rest.pop();
                let slash = rest.last() == Some(&'/');
                if slash {
                    rest.pop();
                }
                Token::Deep(slash)
            }
            '*' => Token::Star,
            '?' => Token::One,
            '[' => class(&mut rest)?,
            '\\' => Token::Escaped(rest.pop()?),
            ']' => Token::Escaped(']'),
            c => Token::Plain(c),
        });
    }
    Some(tokens)
}

fn class(rest: &mut Vec<char>) -> Option<Token> {
    let negated = rest.last() == Some(&'^');
    if negated {
        rest.pop();
    }
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.last() == Some(&']') {
            rest.pop();
            return Some(Token::Class(negated, ranges));
        }
        let low = member(rest)?;
        let mut high = low;
        if rest.last() == Some(&'-') {
            rest.pop();
            high = member(rest)?;
        }
        if low > high {
            return None;
        }
        ranges.push((low, high));
    }
}

fn member(rest: &mut Vec<char>) -> Option<char> {
    match rest.pop()? {
        '-' | ']' => None,
        '\\' => rest.pop(),
        c => Some(c),
    }
}

fn plain(tokens: &[Token]) -> Option<String> {
    tokens.iter().map(|token| if let Token::Plain(c) = token { Some(*c) } else { None }).collect()
}

fn matches(tokens: &[Token], path: &str) -> bool {
    // moby's shortcuts: `**` and plain text, plain text and `**`.
    if let [Token::Deep(slash), rest @ ..] = tokens
        && !rest.is_empty()
        && let Some(rest) = plain(rest)
    {
        return if *slash { path.ends_with(&format!("/{rest}")) || path == rest } else { path.ends_with(&rest) };
    }
    if let [rest @ .., Token::Deep(_)] = tokens
        && let Some(rest) = plain(rest)
    {
        return path.starts_with(&rest);
    }
    backtrack(tokens, &path.chars().collect::<Vec<_>>())
}

fn backtrack(tokens: &[Token], path: &[char]) -> bool {
    let Some((token, rest)) = tokens.split_first() else { return path.is_empty() };
    let one = |fits: &dyn Fn(char) -> bool| path.first().is_some_and(|&c| fits(c)) && backtrack(rest, &path[1..]);
    match token {
        Token::Deep(_) if rest.is_empty() => true,
        Token::Deep(_) => {
            backtrack(rest, path) || (0..path.len()).any(|at| path[at] == '/' && backtrack(rest, &path[at + 1..]))
        }
        Token::Star => {
            (0..=path.len()).take_while(|&at| at == 0 || path[at - 1] != '/').any(|at| backtrack(rest, &path[at..]))
        }
        Token::One => one(&|c| c != '/'),
        Token::Class(negated, ranges) => {
            one(&|c| ranges.iter().any(|&(low, high)| (low..=high).contains(&c)) != *negated)
        }
        Token::Plain(expected) | Token::Escaped(expected) => one(&|c| c == *expected),
    }
}
