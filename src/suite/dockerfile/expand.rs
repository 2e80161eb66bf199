//! Variables in a Dockerfile's words: `$NAME`, `${NAME}`, `${NAME:-word}` and the other forms, quotes, and escapes.
//!
//! The grammar is that of BuildKit's `frontend/dockerfile/shell`.

use regex::Regex;

/// How deep `${A:-${B:-…}}` may go before it is taken for an attack.
const MAX_DEPTH: u32 = 16;
/// Longest result in bytes: as long as a line of a Dockerfile may be. Variables that double each other end here.
const MAX_LENGTH: usize = 1 << 16;

/// What is known about a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::suite) enum Variable {
    /// Its value.
    Set(String),
    /// It has no value.
    Unset,
    /// Only the builder knows.
    Unknown,
}

/// Where variables come from.
pub(in crate::suite) type Lookup<'a> = dyn Fn(&str) -> Variable + 'a;

/// Why a word has no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::suite) enum ExpandError {
    /// It depends on this variable, which is not known.
    Unknown(String),
    /// The builder refuses it.
    Invalid(String),
}

/// A word with its variables replaced and its quotes removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::suite) struct Expanded {
    /// The text; whatever is unknown is left out of it.
    pub text: String,
    /// The text split at blanks outside of quotes, after the replacement.
    pub words: Vec<String>,
    /// The first variable in it that is not known.
    pub unknown: Option<String>,
    /// Variables without a value for which nothing is put in.
    pub unset: Vec<String>,
}

/// Replaces the variables of a word and removes its quotes.
pub(in crate::suite) fn expand(word: &str, escape: char, lookup: &Lookup<'_>) -> Result<Expanded, String> {
    Lexer::of(word, escape, Quoting::Plain, lookup).until(None, false)
}

/// [`expand`], where everything is known.
pub(in crate::suite) fn expand_known(word: &str, escape: char, lookup: &Lookup<'_>) -> Result<String, ExpandError> {
    let expanded = expand(word, escape, lookup).map_err(ExpandError::Invalid)?;
    match expanded.unknown {
        Some(name) => Err(ExpandError::Unknown(name)),
        None => Ok(expanded.text),
    }
}

/// The words of a command that may begin a here-document. Quotes, escapes, and variables stay as they are. There are
/// none where quotes are not closed.
pub(super) fn raw_words(text: &str) -> Vec<String> {
    kept_words(text, Quoting::Raw).unwrap_or_default()
}

/// A here-document's delimiter with its quotes removed, and whether it had any; `None` where it is not one word.
pub(super) fn delimiter(word: &str) -> Option<(String, bool)> {
    let (plain, quoted) = (kept_words(word, Quoting::Names)?, kept_words(word, Quoting::Quotes)?);
    let [name] = plain.as_slice() else { return None };
    let marks = |text: &str| text.matches(['\'', '"']).count();
    Some((name.clone(), quoted.first().is_none_or(|word| marks(word) != marks(name))))
}

/// The words of a text of which some stays as it is; `None` where quotes are not closed. BuildKit uses the backslash here,
/// whatever `# escape` says.
fn kept_words(text: &str, form: Quoting) -> Option<Vec<String>> {
    let mut lexer = Lexer::of(text, '\\', form, &|_| Variable::Unset);
    Some(lexer.until(None, form == Quoting::Raw).ok()?.words)
}

/// How much of a text stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoting {
    /// Nothing.
    Plain,
    /// Unset variables.
    Names,
    /// Unset variables and quotes.
    Quotes,
    /// Unset variables, quotes, and escapes.
    Raw,
}

struct Lexer<'a> {
    chars: Vec<char>,
    at: usize,
    escape: char,
    form: Quoting,
    depth: u32,
    lookup: &'a Lookup<'a>,
}

/// Collects words: blanks outside of quotes end one.
#[derive(Default)]
struct WordList {
    done: Vec<String>,
    open: String,
}

impl WordList {
    fn split(&mut self, text: &str) {
        for c in text.chars() {
            if !c.is_whitespace() {
                self.open.push(c);
            } else if !self.open.is_empty() {
                self.done.push(std::mem::take(&mut self.open));
            }
        }
    }

    fn finish(mut self) -> Vec<String> {
        if !self.open.is_empty() {
            self.done.push(self.open);
        }
        self.done
    }
}

impl<'a> Lexer<'a> {
    fn of(text: &str, escape: char, form: Quoting, lookup: &'a Lookup<'a>) -> Self {
        Self { chars: text.chars().collect(), at: 0, escape, form, depth: 0, lookup }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    /// Reads up to a character, which is taken too, or to the end. `raw` keeps escapes.
    fn until(&mut self, stop: Option<char>, raw: bool) -> Result<Expanded, String> {
        let mut out = Expanded::default();
        let mut words = WordList::default();
        while let Some(c) = self.peek() {
            if stop == Some(c) {
                self.at += 1;
                out.words = words.finish();
                return Ok(out);
            }
            let before = out.text.len();
            match c {
                '$' => {
                    self.dollar(&mut out)?;
                    words.split(&out.text[before..]);
                }
                '\'' | '"' => {
                    if c == '\'' {
                        self.single_quoted(&mut out)?;
                    } else {
                        self.double_quoted(&mut out, raw)?;
                    }
                    words.open.push_str(&out.text[before..]);
                }
                '<' => {
                    out.text.extend(self.next());
                    if self.peek() == Some('<') {
                        out.text.extend(self.next());
                        // Blanks between `<<` and the delimiter end no word.
                        while matches!(self.peek(), Some('\t' | '\r' | ' ')) {
                            out.text.extend(self.next());
                        }
                    }
                    words.open.push_str(&out.text[before..]);
                }
                _ if c == self.escape => {
                    self.at += 1;
                    if raw {
                        out.text.push(c);
                    }
                    out.text.extend(self.next());
                    words.open.push_str(&out.text[before..]);
                }
                _ => {
                    out.text.extend(self.next());
                    words.split(&out.text[before..]);
                }
            }
            if out.text.len() > MAX_LENGTH {
                return Err("the text is too long".to_owned());
            }
        }
        if let Some(stop) = stop {
            return Err(format!("`{stop}` is missing"));
        }
        out.words = words.finish();
        Ok(out)
    }

    fn keeps_quotes(&self) -> bool {
        matches!(self.form, Quoting::Quotes | Quoting::Raw)
    }

    fn single_quoted(&mut self, out: &mut Expanded) -> Result<(), String> {
        self.at += 1;
        let rest = &self.chars[self.at..];
        let length = rest.iter().position(|c| *c == '\'').ok_or("a single quote is not closed")?;
        let quote = if self.keeps_quotes() { "'" } else { "" };
        out.text.push_str(quote);
        out.text.extend(&rest[..length]);
        out.text.push_str(quote);
        self.at += length + 1;
        Ok(())
    }

    fn double_quoted(&mut self, out: &mut Expanded, raw: bool) -> Result<(), String> {
        self.at += 1;
        let quote = if self.keeps_quotes() { "\"" } else { "" };
        out.text.push_str(quote);
        loop {
            match self.peek().ok_or("a double quote is not closed")? {
                '"' => {
                    self.at += 1;
                    out.text.push_str(quote);
                    return Ok(());
                }
                '$' => self.dollar(out)?,
                c if c == self.escape => {
                    self.at += 1;
                    let escaped = self.peek().filter(|next| matches!(next, '"' | '$') || *next == self.escape);
                    if raw || (escaped.is_none() && self.peek().is_some()) {
                        out.text.push(c);
                    }
                    if escaped.is_some() {
                        out.text.extend(self.next());
                    }
                }
                _ => out.text.extend(self.next()),
            }
            if out.text.len() > MAX_LENGTH {
                return Err("the text is too long".to_owned());
            }
        }
    }

    /// A variable, from its dollar sign on.
    fn dollar(&mut self, out: &mut Expanded) -> Result<(), String> {
        self.at += 1;
        let begin = self.at;
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                out.text.push('$');
            } else {
                self.plain(&name, begin, out);
            }
            return Ok(());
        }
        self.at += 1;
        if matches!(self.peek(), Some('{' | '}' | ':')) {
            return Err("the substitution is invalid".to_owned());
        }
        if self.depth >= MAX_DEPTH {
            return Err("the substitutions are too deep".to_owned());
        }
        self.depth += 1;
        let name = self.name();
        let done = self.braced(&name, begin, out);
        self.depth -= 1;
        done
    }

    /// The value of a variable as it is.
    fn plain(&self, name: &str, begin: usize, out: &mut Expanded) {
        match (self.lookup)(name) {
            Variable::Set(value) => out.text.push_str(&value),
            Variable::Unset if self.form == Quoting::Plain => out.unset.push(name.to_owned()),
            Variable::Unset => {
                out.text.push('$');
                out.text.extend(&self.chars[begin..self.at]);
            }
            Variable::Unknown => out.unknown = out.unknown.take().or_else(|| Some(name.to_owned())),
        }
    }

    /// What follows the name in `${NAME…}`.
    fn braced(&mut self, name: &str, begin: usize, out: &mut Expanded) -> Result<(), String> {
        let mut operator = self.next().ok_or("`}` is missing")?;
        if operator == '}' {
            self.plain(name, begin, out);
            return Ok(());
        }
        let colon = operator == ':';
        if colon {
            operator = self.next().ok_or("`}` is missing")?;
        }
        let unsupported = || format!("`{}{operator}` is not a supported modifier", if colon { ":" } else { "" });
        let (word, replacement) = match operator {
            '-' | '+' | '?' => (self.until(Some('}'), false)?, None),
            '#' | '%' if !colon => (self.until(Some('}'), true)?, None),
            '/' if !colon => {
                let all = self.peek() == Some('/');
                self.at += usize::from(all);
                let pattern = self.until(Some('/'), true)?;
                (pattern, Some((all, self.until(Some('}'), true)?)))
            }
            _ => return Err(unsupported()),
        };
        let value = (self.lookup)(name);
        if value == Variable::Unset && self.form != Quoting::Plain {
            out.text.push('$');
            out.text.extend(&self.chars[begin..self.at]);
            return Ok(());
        }
        let Some(value) = (match value {
            Variable::Unknown => {
                out.unknown = out.unknown.take().or_else(|| Some(name.to_owned()));
                return Ok(());
            }
            Variable::Set(value) => Some(value).filter(|value| !(colon && value.is_empty())),
            Variable::Unset => None,
        }) else {
            match operator {
                '-' => out.append(word),
                '+' => {}
                '?' => {
                    let reason = if word.text.is_empty() { "it must be set" } else { &word.text };
                    return Err(format!("{name}: {reason}"));
                }
                _ => out.unset.push(name.to_owned()),
            }
            return Ok(());
        };
        match (operator, replacement) {
            ('+', _) => out.append(word),
            ('-' | '?', _) => out.text.push_str(&value),
            (_, Some((all, with))) => {
                let pattern = pattern(&word.text, Greed::Longest, false)?;
                let limit = usize::from(!all);
                out.text.push_str(&pattern.replacen(&value, limit, regex::NoExpand(&with.text)));
                out.take_unknown([word, with]);
            }
            (side, None) => {
                out.text.push_str(&trimmed(&value, &word.text, side)?);
                out.take_unknown([word]);
            }
        }
        Ok(())
    }

    /// A name of letters, digits, and `_`; of digits alone where it begins with one; or a special parameter.
    fn name(&mut self) -> String {
        let rest = &self.chars[self.at..];
        let length = match rest.first() {
            Some(c) if c.is_numeric() => rest.iter().take_while(|c| c.is_numeric()).count(),
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => 1,
            _ => rest.iter().take_while(|c| c.is_alphanumeric() || **c == '_').count(),
        };
        let name = rest[..length].iter().collect();
        self.at += length;
        name
    }
}

impl Expanded {
    fn append(&mut self, other: Self) {
        self.text.push_str(&other.text);
        self.unset.extend(other.unset.iter().cloned());
        self.take_unknown([other]);
    }

    fn take_unknown(&mut self, others: impl IntoIterator<Item = Self>) {
        let unknown = others.into_iter().find_map(|other| other.unknown);
        self.unknown = self.unknown.take().or(unknown);
    }
}

/// Whether `*` takes as little or as much as it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Greed {
    Shortest,
    Longest,
}

/// `${V#p}`, `${V##p}`, `${V%p}`, `${V%%p}`: the value without the shortest or longest match at one end. The shortest
/// match at the end is found from there: both are turned round.
fn trimmed(value: &str, word: &str, side: char) -> Result<String, String> {
    let (word, greed) = match word.strip_prefix(side) {
        Some(word) => (word, Greed::Longest),
        None => (word, Greed::Shortest),
    };
    let reversed = |text: &str| text.chars().rev().collect::<String>();
    if side == '#' {
        let found = pattern(word, greed, true)?.find(value).map_or(0, |found| found.end());
        return Ok(value[found..].to_owned());
    }
    let value = reversed(value);
    // An escape stays before what it escapes.
    let mut turned: Vec<String> = Vec::new();
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next() } else { None };
        turned.push(std::iter::once(c).chain(escaped).collect());
    }
    turned.reverse();
    let found = pattern(&turned.concat(), greed, true)?.find(&value).map_or(0, |found| found.end());
    Ok(reversed(&value[found..]))
}

/// A shell pattern, without bracket expressions, as a regular expression.
fn pattern(text: &str, greed: Greed, at_start: bool) -> Result<Regex, String> {
    let mut out = String::from(if at_start { "^" } else { "" });
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str(if greed == Greed::Longest { ".*" } else { ".*?" }),
            '?' => out.push('.'),
            '\\' => match chars.next_if(|next| matches!(next, '*' | '?' | '\\' | '}' | '/')) {
                Some(escaped) => out.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4]))),
                None => return Err("the pattern has an invalid escape".to_owned()),
            },
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    Regex::new(&out).map_err(|_| "the pattern is too large".to_owned())
}

/// The words of an ARG, ENV, or LABEL, split at blanks outside of quotes; quotes and escapes are kept.
pub(super) fn words(text: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == escape && quote != Some('\'') {
            // An escape at the very end is dropped.
            if let Some(next) = chars.next() {
                word.extend([c, next]);
            }
        } else if quote.is_none() && c.is_whitespace() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        } else {
            if quote == Some(c) {
                quote = None;
            } else if quote.is_none() && matches!(c, '"' | '\'') {
                quote = Some(c);
            }
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

    fn lookup(name: &str) -> Variable {
        match name {
            "A" => Variable::Set("1".into()),
            "E" => Variable::Set(String::new()),
            "P" => Variable::Set("linux/amd64/v2".into()),
            "F" => Variable::Set("app.tar.gz".into()),
            "S" => Variable::Set("a*b".into()),
            "SECRET" => Variable::Unknown,
            _ => Variable::Unset,
        }
    }

    fn value(word: &str) -> Result<String, ExpandError> {
        expand_known(word, '\\', &lookup)
    }

    #[test]
    fn variables_are_replaced_as_buildkit_does() {
        for (word, expected) in [
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
            ("${A?must}", "1"),
            (r"\$A", "$A"),
            ("'$A'", "$A"),
            ("\"$A\"", "1"),
            (r#""\$A \x \" 'y'""#, r#"$A \x " 'y'"#),
            ("a$", "a$"),
            ("$-", ""),
            ("$(x)", "$(x)"),
            ("$1x", "x"),
            ("a\\", "a"),
            ("${P#linux/}", "amd64/v2"),
            ("${P#*/}", "amd64/v2"),
            ("${P##*/}", "v2"),
            ("${P%/*}", "linux/amd64"),
            ("${P%%/*}", "linux"),
            ("${P#windows}", "linux/amd64/v2"),
            ("${F%.gz}", "app.tar"),
            ("${F%.*}", "app.tar"),
            ("${F%%.*}", "app"),
            ("${F#*.}", "tar.gz"),
            ("${F%?gz}", "app.tar"),
            ("${F/tar/zip}", "app.zip.gz"),
            ("${F//a/A}", "App.tAr.gz"),
            ("${F/a/A}", "App.tar.gz"),
            (r"${P//\//-}", "linux-amd64-v2"),
            (r"${S#a\*}", "b"),
            (r"${S%\*b}", "a"),
            ("${F//./}", "apptargz"),
            ("${F/*/x}", "x"),
            ("${F//*/x}", "x"),
            ("${F/a/$A}", "1pp.tar.gz"),
            ("${NONE#x}${NONE/a/b}", ""),
            ("${A:-$SECRET}", "1"),
            ("${NONE:+$SECRET}", ""),
        ] {
            assert_eq!(value(word).as_deref(), Ok(expected), "{word}");
        }
        assert_eq!(expand_known("`$A\\b", '`', &lookup).as_deref(), Ok("$A\\b"));
    }

    #[test]
    fn what_is_not_known_or_refused_is_an_error_and_never_a_guess() {
        for word in ["$SECRET", "${SECRET}", "${NONE:-$SECRET}", "${SECRET:-x}", "${F/a/$SECRET}", "\"$SECRET\""] {
            assert_eq!(value(word), Err(ExpandError::Unknown("SECRET".into())), "{word}");
        }
        for word in [
            "${NONE:?must}",
            "${E:?}",
            "${A",
            "${}",
            "${:x}",
            "${A:x}",
            "${A=1}",
            "${A^}",
            "${A:#1}",
            "${A/x}",
            r"${A#\x}",
            "'a",
            "\"a",
        ] {
            assert!(matches!(value(word), Err(ExpandError::Invalid(_))), "{word}: {:?}", value(word));
        }
        let deep = format!("{}x{}", "${N:-".repeat(100), "}".repeat(100));
        assert!(value(&deep).is_err());
        let long = |_: &str| Variable::Set("x".repeat(60_000));
        assert!(expand_known("$A$A", '\\', &long).is_err());
        assert!(expand_known("\"$A$A\"", '\\', &long).is_err());
    }

    #[test]
    fn variables_without_a_value_are_named_unless_something_is_put_in() {
        let unset = |word: &str| expand(word, '\\', &lookup).unwrap().unset;
        assert_eq!(unset("a$X-${Y}${Z#a}$E"), ["X", "Y", "Z"]);
        assert!(unset("${X:-a}${X-}${X:+b}$A").is_empty());
    }

    #[test]
    fn words_end_at_blanks_outside_of_quotes() {
        assert_eq!(words(r#"A="x y" B=1  C=a\ b D='q "r'"#, '\\'), [r#"A="x y""#, "B=1", r"C=a\ b", r#"D='q "r'"#]);
        assert_eq!(words("A=1 \\", '\\'), ["A=1"]);
        let ports = |_: &str| Variable::Set("80 443".into());
        assert_eq!(expand("$P 1 '2 3'", '\\', &ports).unwrap().words, ["80", "443", "1", "2 3"]);
    }

    #[test]
    fn here_documents_are_found_among_raw_words() {
        assert_eq!(raw_words("cat <<EOF > /x"), ["cat", "<<EOF", ">", "/x"]);
        assert_eq!(raw_words("a << EOF 3<<-'B C' \"<<D\" x<<E"), ["a", "<< EOF", "3<<-'B C'", "\"<<D\"", "x<<E"]);
        assert!(raw_words("echo it's <<EOF").is_empty());
        assert_eq!(raw_words(r"a\ b ${X:-y z} <<E"), [r"a\ b", "${X:-y", "z}", "<<E"]);
        for (word, expected) in [
            ("EOF", Some(("EOF", false))),
            ("'E F'", Some(("E F", true))),
            ("\"EOF\"", Some(("EOF", true))),
            ("E'O'F", Some(("EOF", true))),
            ("E F", None),
            ("''", None),
            ("'E", None),
            ("$X", Some(("$X", false))),
        ] {
            assert_eq!(delimiter(word), expected.map(|(name, quoted)| (name.to_owned(), quoted)), "{word}");
        }
    }
}
