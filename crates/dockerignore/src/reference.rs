//! A second implementation, by the definitions and plain backtracking, to hold the first one against. Its cost is
//! exponential: it is for short patterns only.
//!
//! It shares no code with the first one but [`clean`](crate::clean), and both are tested on what Docker's own clients sent.
//! Of patterns in which moby's translation to regular expressions gives a character a meaning that is not documented it
//! has no opinion.

use crate::clean;

/// A piece of a pattern.
#[derive(Debug)]
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

struct ReferencePattern {
    exception: bool,
    tokens: Vec<Token>,
}

/// What is wrong with a pattern, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Docker refuses it.
    Malformed,
    /// This implementation has no opinion.
    NoOpinion,
}

/// Whether an ignore file ignores the path, by walking down to it.
///
/// # Errors
///
/// Malformed patterns, and those without an opinion.
pub fn ignores(text: &str, path: &str) -> Result<bool, Refusal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.split('\n').filter(|line| !line.starts_with('#')).map(str::trim);
    let mut patterns = Vec::new();
    let mut no_opinion = false;
    for line in lines.filter(|line| !line.is_empty()) {
        match pattern(line) {
            Ok(pattern) => patterns.push(pattern),
            Err(Refusal::NoOpinion) => no_opinion = true,
            Err(Refusal::Malformed) => return Err(Refusal::Malformed),
        }
    }
    if no_opinion {
        return Err(Refusal::NoOpinion);
    }
    let mut above: Vec<&str> = path.match_indices('/').map(|(at, _)| &path[..at]).collect();
    above.push(path);
    Ok(ignored(&patterns, &above))
}

/// Whether the patterns together ignore the last of the paths, each of which is the directory of the next.
fn ignored(patterns: &[ReferencePattern], paths: &[&str]) -> bool {
    let last = (0..patterns.len()).rev().find(|&index| holds(patterns, index, paths));
    last.is_some_and(|index| !patterns[index].exception)
}

/// Whether a pattern counts for the last of the paths: it counted for the directory above, or it would change what the
/// patterns before it say, and matches.
fn holds(patterns: &[ReferencePattern], index: usize, paths: &[&str]) -> bool {
    let Some((path, above)) = paths.split_last() else { return false };
    holds(patterns, index, above)
        || (ignored(&patterns[..index], paths) == patterns[index].exception && matches(&patterns[index].tokens, path))
}

fn pattern(line: &str) -> Result<ReferencePattern, Refusal> {
    let (mut exception, body) = match line.strip_prefix('!') {
        Some(body) => (true, body.trim()),
        None => (false, line),
    };
    let cleaned = clean(body);
    let mut cleaned = cleaned.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&cleaned);
    if body.is_empty() || (exception && cleaned == "/") {
        return Err(Refusal::Malformed);
    }
    // What remains is read once more, so that `/!x` is an exception and `/ x` loses its blank.
    if !exception {
        cleaned = cleaned.trim();
        if let Some(rest) = cleaned.strip_prefix('!') {
            (exception, cleaned) = (true, rest);
        }
        if cleaned.is_empty() {
            return Err(if exception { Refusal::Malformed } else { Refusal::NoOpinion });
        }
    }
    Ok(ReferencePattern { exception, tokens: tokens(cleaned)? })
}

fn tokens(pattern: &str) -> Result<Vec<Token>, Refusal> {
    let mut rest: Vec<char> = pattern.chars().rev().collect();
    let mut tokens = Vec::new();
    let mut no_opinion = false;
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
            '[' => class(&mut rest, &mut no_opinion)?,
            '\\' => {
                let c = rest.pop().ok_or(Refusal::Malformed)?;
                no_opinion |= c.is_ascii_alphanumeric() || !c.is_ascii();
                Token::Escaped(c)
            }
            ']' => Token::Escaped(']'),
            c => Token::Plain(c),
        });
    }
    let anchor = tokens.iter().any(|token| matches!(token, Token::Plain('^')));
    if no_opinion || (anchor && plain(&tokens).is_none()) {
        return Err(Refusal::NoOpinion);
    }
    Ok(tokens)
}

fn class(rest: &mut Vec<char>, no_opinion: &mut bool) -> Result<Token, Refusal> {
    let negated = rest.last() == Some(&'^');
    if negated {
        rest.pop();
    }
    let mut ranges = Vec::new();
    let mut backward = false;
    loop {
        if !ranges.is_empty() && rest.last() == Some(&']') {
            rest.pop();
            return if backward { Err(Refusal::NoOpinion) } else { Ok(Token::Class(negated, ranges)) };
        }
        let low = member(rest, no_opinion)?;
        let mut high = low;
        if rest.last() == Some(&'-') {
            rest.pop();
            high = member(rest, no_opinion)?;
        }
        backward |= low > high;
        ranges.push((low, high));
    }
}

fn member(rest: &mut Vec<char>, no_opinion: &mut bool) -> Result<char, Refusal> {
    match rest.pop().ok_or(Refusal::Malformed)? {
        '-' | ']' => Err(Refusal::Malformed),
        '\\' => {
            let c = rest.pop().ok_or(Refusal::Malformed)?;
            *no_opinion |= c.is_ascii_alphanumeric() || !c.is_ascii();
            Ok(c)
        }
        c => {
            *no_opinion |= matches!(c, '*' | '?' | '[');
            Ok(c)
        }
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
