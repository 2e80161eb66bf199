//! From a Dockerfile's text to its instructions, each with its bytes in the file.
//!
//! The grammar is that of BuildKit's `frontend/dockerfile/parser`. What an instruction means is not known here.

use std::ops::Range;

use super::error::DockerfileError;
use super::expand::{delimiter, raw_words};

/// Longest line in bytes without its newline (Go's `bufio.Scanner`).
const MAX_LINE: usize = (1 << 16) - 1;
/// Most instructions that are read.
const MAX_INSTRUCTIONS: usize = 20_000;

/// A Dockerfile's parser directives and instructions.
#[derive(Debug)]
pub(super) struct ParsedDockerfile {
    /// The escape character: `\` or `` ` ``.
    pub escape: char,
    /// What `# syntax=` says, up to the first blank.
    pub syntax: Option<String>,
    /// The instructions in their order.
    pub instructions: Vec<ParsedInstruction>,
}

/// One instruction.
#[derive(Debug)]
pub(super) struct ParsedInstruction {
    /// Line that it begins on, counted from 1.
    pub line: u32,
    /// Its bytes in the file: from its keyword to the end of its last line, here-documents included, without the line's
    /// end. Comments between its lines are part of it.
    pub span: Range<usize>,
    /// Its lines joined, without comments, blank lines, and here-documents.
    pub joined: Joined,
    /// Its keyword, flags, and arguments.
    pub command: ParsedCommand,
    /// The instruction that an ONBUILD keeps for later.
    pub trigger: Option<ParsedCommand>,
    /// Its here-documents in their order.
    pub heredocs: Vec<Heredoc>,
}

/// Lines of a file joined to one, each byte of which has a place in the file.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// The joined text.
    pub text: String,
    /// Where the parts begin: in the text and in the file.
    parts: Vec<(usize, usize)>,
}

/// Keyword, flags, and arguments. Ranges are of the joined text.
#[derive(Debug)]
pub(super) struct ParsedCommand {
    /// Its keyword in upper case.
    pub keyword: String,
    /// What follows `--`, in its order.
    pub flags: Vec<Flag>,
    /// What follows the flags, without the blanks around it.
    pub arguments: Range<usize>,
}

/// `--name=value`.
#[derive(Debug)]
pub(super) struct Flag {
    /// Its name as it is written.
    pub name: String,
    /// Its value without quotes and escapes; `None` without a `=`.
    pub value: Option<String>,
    /// For each byte of the value, its place in the joined text.
    places: Vec<usize>,
}

/// A here-document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heredoc {
    /// Its delimiter, which is also the name of the file that COPY and ADD make of it.
    pub name: String,
    /// Its content in the file, without the delimiter.
    pub content: Range<usize>,
    /// Whether its delimiter is quoted, so that variables in it stay.
    pub quoted: bool,
    /// Whether tabs at the beginnings of its lines are taken away.
    pub tabs: Tabs,
}

/// What happens to tabs at the beginnings of a here-document's lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tabs {
    /// `<<`
    Kept,
    /// `<<-`
    Removed,
}

impl Joined {
    fn push(&mut self, text: &str, place: usize) {
        self.parts.push((self.text.len(), place));
        self.text.push_str(text);
    }

    /// The bytes in the file of a range of the text.
    pub(super) fn in_file(&self, range: &Range<usize>) -> Range<usize> {
        let place = |at: usize| {
            let part = self.parts.partition_point(|(begin, _)| *begin <= at).saturating_sub(1);
            self.parts.get(part).map_or(0, |(begin, place)| place + at.saturating_sub(*begin))
        };
        if range.is_empty() {
            place(range.start)..place(range.start)
        } else {
            place(range.start)..place(range.end - 1) + 1
        }
    }
}

impl Flag {
    /// The bytes in the file of a part of its value.
    pub(super) fn in_file(&self, part: &Range<usize>, joined: &Joined) -> Option<Range<usize>> {
        let last = part.end.checked_sub(1).filter(|last| *last >= part.start)?;
        Some(joined.in_file(&(*self.places.get(part.start)?..self.places.get(last)? + 1)))
    }
}

impl ParsedInstruction {
    /// The instruction that is carried out, now or later: the trigger of an ONBUILD, else itself.
    pub(super) fn effective(&self) -> &ParsedCommand {
        self.trigger.as_ref().unwrap_or(&self.command)
    }

    /// Arguments that are separated by blanks, with their places in the joined text.
    pub(super) fn words(&self) -> Vec<(&str, Range<usize>)> {
        let range = self.effective().arguments.clone();
        let mut words = Vec::new();
        let mut begin = range.start;
        for (at, c) in self.joined.text[range.clone()].char_indices() {
            if is_blank(c) {
                words.push(begin..range.start + at);
                begin = range.start + at + c.len_utf8();
            }
        }
        words.push(begin..range.end);
        words.into_iter().filter(|word| !word.is_empty()).map(|word| (&self.joined.text[word.clone()], word)).collect()
    }

    /// The text of its arguments.
    pub(super) fn arguments(&self) -> &str {
        &self.joined.text[self.effective().arguments.clone()]
    }

    /// Its arguments in the JSON form; `None` in any other. An array of anything but strings is an error.
    pub(super) fn json(&self) -> Result<Option<Vec<String>>, String> {
        strings(self.arguments())
    }
}

/// The JSON form: an array of strings.
pub(super) fn strings(text: &str) -> Result<Option<Vec<String>>, String> {
    if !text.starts_with('[') {
        return Ok(None);
    }
    let Ok(values) = serde_json::from_str::<Vec<serde_json::Value>>(text) else { return Ok(None) };
    let strings = values.into_iter().map(|value| match value {
        serde_json::Value::String(text) => Some(text),
        _ => None,
    });
    strings.collect::<Option<_>>().map(Some).ok_or_else(|| "an array must be of strings only".to_owned())
}

impl ParsedCommand {
    /// Value of the flag of that name, the last where there are several.
    pub(super) fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().rev().find(|flag| flag.name == name)
    }
}

/// Reads a Dockerfile.
pub(super) fn parse(text: &str) -> Result<ParsedDockerfile, DockerfileError> {
    let mut lines = Lines::of(text);
    let mut directives = Directives { escape: '\\', syntax: None, seen: Vec::new(), open: true };
    let mut instructions = Vec::new();
    while let Some(first) = lines.next()? {
        let content = first.text.trim_start();
        let at = first.at + (first.text.len() - content.len());
        directives.read(content).map_err(|message| syntax(first.number, message))?;
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let escape = directives.escape;
        let mut joined = Joined::default();
        let (part, mut goes_on) = continued(content, escape);
        joined.push(part, at);
        let mut end = first.end();
        while goes_on {
            let Some(line) = lines.next()? else { break };
            let content = line.text.trim_start();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let (part, more) = continued(line.text, escape);
            joined.push(part, line.at);
            end = line.end();
            goes_on = more;
        }
        let command = ParsedCommand::read(&joined.text, 0, escape);
        let trigger = (command.keyword == "ONBUILD" && !command.arguments.is_empty())
            .then(|| ParsedCommand::read(&joined.text, command.arguments.start, escape));
        let mut instruction =
            ParsedInstruction { line: first.number, span: at..end, joined, command, trigger, heredocs: Vec::new() };
        instruction.read_heredocs(&mut lines)?;
        if instructions.len() == MAX_INSTRUCTIONS {
            return Err(syntax(first.number, format!("there are more than {MAX_INSTRUCTIONS} instructions")));
        }
        instructions.push(instruction);
    }
    if instructions.is_empty() {
        return Err(syntax(lines.number.max(1), "there are no instructions".to_owned()));
    }
    Ok(ParsedDockerfile { escape: directives.escape, syntax: directives.syntax, instructions })
}

fn syntax(line: u32, message: String) -> DockerfileError {
    DockerfileError::Syntax { line, message }
}

/// A line without the escape character that joins it with the next, and whether it has one. A doubled one is none.
fn continued(line: &str, escape: char) -> (&str, bool) {
    match line.trim_end_matches([' ', '\t']).strip_suffix(escape) {
        Some(rest) if !rest.ends_with(escape) => (rest, true),
        _ => (line, false),
    }
}

/// `[\t\v\f\r ]`
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\u{b}' | '\u{c}' | '\r' | ' ')
}

struct SourceLine<'t> {
    /// Counted from 1.
    number: u32,
    /// Its text without its end.
    text: &'t str,
    /// Where it begins in the file.
    at: usize,
}

impl SourceLine<'_> {
    fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

struct Lines<'t> {
    text: &'t str,
    at: usize,
    number: u32,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }, number: 0 }
    }

    fn next(&mut self) -> Result<Option<SourceLine<'t>>, DockerfileError> {
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return Ok(None);
        }
        let whole = rest.split_inclusive('\n').next().unwrap_or(rest);
        self.number = self.number.saturating_add(1);
        if whole.trim_end_matches('\n').len() > MAX_LINE {
            return Err(syntax(self.number, format!("the line is longer than {MAX_LINE} bytes")));
        }
        let line = SourceLine { number: self.number, text: whole.trim_end_matches(['\r', '\n']), at: self.at };
        self.at += whole.len();
        Ok(Some(line))
    }
}

/// `# syntax=…`, `# escape=…`, `# check=…`: comments before everything else.
struct Directives {
    escape: char,
    syntax: Option<String>,
    seen: Vec<String>,
    open: bool,
}

impl Directives {
    fn read(&mut self, line: &str) -> Result<(), String> {
        if !self.open {
            return Ok(());
        }
        let directive = line.strip_prefix('#').and_then(|comment| comment.split_once('='));
        let (name, value) = match directive {
            Some((name, value)) => (name.trim().to_ascii_lowercase(), value.trim()),
            None => (String::new(), ""),
        };
        if value.is_empty() || !matches!(name.as_str(), "syntax" | "escape" | "check") {
            // A line such as `#!/usr/bin/…` may come before `# syntax`, which the builder reads by itself.
            self.open = false;
            return Ok(());
        }
        if self.seen.contains(&name) {
            return Err(format!("there is more than one parser directive `{name}`"));
        }
        match name.as_str() {
            "syntax" => self.syntax = value.split(' ').next().map(str::to_owned),
            "escape" => {
                let mut chars = value.chars();
                match (chars.next(), chars.next()) {
                    (Some(escape @ ('\\' | '`')), None) => self.escape = escape,
                    _ => return Err(format!("the escape character must be `\\` or a backtick, not `{value}`")),
                }
            }
            _ => {}
        }
        self.seen.push(name);
        Ok(())
    }
}

impl ParsedCommand {
    /// Takes the text apart from a byte on.
    fn read(text: &str, from: usize, escape: char) -> Self {
        let begin = from + (text[from..].len() - text[from..].trim_start().len());
        let end = begin + text[begin..].trim_end().len();
        let keyword_end = text[begin..end].find(is_blank).map_or(end, |length| begin + length);
        let mut command =
            Self { keyword: text[begin..keyword_end].to_ascii_uppercase(), flags: Vec::new(), arguments: end..end };
        let mut at = keyword_end;
        loop {
            at += text[at..end].len() - text[at..end].trim_start().len();
            if !text[at..end].starts_with("--") {
                break;
            }
            let (flag, length) = Flag::read(&text[at..end], at, escape);
            at += length;
            // `--` ends the flags.
            let Some(flag) = flag else {
                at += text[at..end].len() - text[at..end].trim_start().len();
                break;
            };
            command.flags.push(flag);
        }
        command.arguments = at..end;
        command
    }
}

impl Flag {
    /// The flag at the start of a text, and its length there; no flag for `--` alone.
    fn read(text: &str, at: usize, escape: char) -> (Option<Self>, usize) {
        let (mut word, mut places) = (String::new(), Vec::new());
        let mut quote = None;
        let mut length = text.len();
        let mut chars = text.char_indices();
        while let Some((place, c)) = chars.next() {
            let (place, c) = match quote {
                None if c.is_whitespace() => {
                    length = place;
                    break;
                }
                None if matches!(c, '"' | '\'') => {
                    quote = Some(c);
                    continue;
                }
                Some(open) if open == c => {
                    quote = None;
                    continue;
                }
                _ if c == escape => match chars.next() {
                    Some(escaped) => escaped,
                    None => break,
                },
                _ => (place, c),
            };
            word.push(c);
            places.extend((0..c.len_utf8()).map(|byte| at + place + byte));
        }
        if word == "--" {
            return (None, length);
        }
        let name = word.trim_start_matches("--");
        let flag = match name.split_once('=') {
            Some((name, value)) => {
                let places = places.split_off(word.len() - value.len());
                Self { name: name.to_owned(), value: Some(value.to_owned()), places }
            }
            None => Self { name: name.to_owned(), value: None, places: Vec::new() },
        };
        (Some(flag), length)
    }
}

impl ParsedInstruction {
    /// Reads the here-documents that its words name.
    fn read_heredocs(&mut self, lines: &mut Lines<'_>) -> Result<(), DockerfileError> {
        let takes = matches!(self.effective().keyword.as_str(), "RUN" | "COPY" | "ADD");
        if !takes || !self.joined.text.contains("<<") || self.json().is_ok_and(|json| json.is_some()) {
            return Ok(());
        }
        for (name, quoted, tabs) in raw_words(&self.joined.text).iter().filter_map(|word| heredoc(word)) {
            let begin = lines.at;
            loop {
                let line =
                    lines.next()?.ok_or_else(|| syntax(self.line, format!("the here-document `{name}` has no end")))?;
                let text = if tabs == Tabs::Removed { line.text.trim_start_matches('\t') } else { line.text };
                if text == name {
                    self.heredocs.push(Heredoc { name, content: begin..line.at, quoted, tabs });
                    self.span.end = line.end();
                    break;
                }
            }
        }
        Ok(())
    }

    /// Its text on one line, each run of blanks as one, to compare what different builders print for it; of here-documents
    /// only the first line.
    pub(super) fn text(&self) -> String {
        self.joined.text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Delimiter of the here-document that a word begins: `<<NAME`, `<<-NAME`, `3<<"NAME"`.
pub(super) fn heredoc(word: &str) -> Option<(String, bool, Tabs)> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix("<<")?;
    let (rest, tabs) = match rest.strip_prefix('-') {
        Some(rest) => (rest, Tabs::Removed),
        None => (rest, Tabs::Kept),
    };
    let rest = rest.trim_start();
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    delimiter(rest).map(|(name, quoted)| (name, quoted, tabs))
}
