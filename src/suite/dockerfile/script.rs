//! The shell commands of a RUN, each word with its bytes in the file.
//!
//! Only what edits need is read: commands, what joins them, and words. A script with something that is not understood
//! (open quotes, back-ticks, a comment that hides the rest) has no commands at all, so that nobody edits it.

use std::ops::Range;

use super::parse::ParsedInstruction;

/// A shell script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShellScript {
    /// Its commands in their order; at least one.
    pub commands: Vec<ShellCommand>,
    /// Whether it is the content of a here-document, where a line is a command.
    pub heredoc: bool,
}

/// A command with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShellCommand {
    /// Its words as they are written; at least one.
    pub words: Vec<ShellWord>,
    /// What is between it and the command before.
    pub joint: Joint,
}

/// A word of a script or of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShellWord {
    /// As it is written.
    pub text: String,
    /// Its bytes in the file.
    pub place: Range<usize>,
}

/// What joins a command to the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joint {
    /// It is the first.
    Begin,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `;`, or the end of a line.
    Then,
    /// `|`
    Pipe,
    /// `&`
    Background,
}

impl ShellCommand {
    /// Its bytes in the file.
    pub(crate) fn place(&self) -> Range<usize> {
        let begin = self.words.first().map_or(0, |word| word.place.start);
        begin..self.words.last().map_or(begin, |word| word.place.end)
    }

    /// Its words without the variables that are set before them (`A=1 command`) and without `sudo`, `exec`, and `env`.
    pub(crate) fn plain(&self) -> &[ShellWord] {
        let is_prefix = |word: &ShellWord| {
            let name = word.text.split('=').next().unwrap_or_default();
            let sets = word.text.contains('=') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            sets || matches!(word.text.as_str(), "sudo" | "exec" | "env" | "!" | "then" | "do" | "else" | "{" | "(")
        };
        let begin = self.words.iter().position(|word| !is_prefix(word)).unwrap_or(self.words.len());
        &self.words[begin..]
    }

    /// Whether it begins with these words; words that begin with `-` may be between them.
    pub(crate) fn is(&self, wanted: &[&str]) -> bool {
        self.after(wanted).is_some()
    }

    /// The word that ends the wanted beginning, and the words behind it.
    pub(crate) fn after(&self, wanted: &[&str]) -> Option<(&ShellWord, &[ShellWord])> {
        let words = self.plain();
        let mut at = 0;
        for (index, wanted) in wanted.iter().enumerate() {
            // Options may be before a subcommand, not before the command; `-m` of `python -m pip` is wanted itself.
            while index > 0 && words.get(at).is_some_and(|word| word.text.starts_with('-') && word.text != *wanted) {
                at += 1;
            }
            let word = words.get(at)?;
            let name = if index == 0 { word.text.rsplit('/').next().unwrap_or_default() } else { &word.text };
            if name != *wanted {
                return None;
            }
            at += 1;
        }
        Some((words.get(at.checked_sub(1)?)?, &words[at..]))
    }
}

impl ShellScript {
    /// The script of a RUN in shell form; `None` for any other instruction and where it is not understood.
    pub(super) fn of(instruction: &ParsedInstruction, text: &str) -> Option<Self> {
        if instruction.command.keyword != "RUN" || !matches!(instruction.json(), Ok(None)) {
            return None;
        }
        match instruction.heredocs.as_slice() {
            [] => {
                let range = instruction.command.arguments.clone();
                let joined = &instruction.joined;
                read(&joined.text[range.clone()], |part| {
                    joined.in_file(&(range.start + part.start..range.start + part.end))
                })
                .map(|commands| Self { commands, heredoc: false })
            }
            // A shell reads it where nothing else does: `RUN <<EOF`.
            [one] if instruction.words().len() == 1 => {
                let at = one.content.start;
                let content = text.get(one.content.clone()).filter(|content| !content.starts_with("#!"))?;
                read(content, |part| at + part.start..at + part.end).map(|commands| Self { commands, heredoc: true })
            }
            _ => None,
        }
    }
}

/// Takes a script apart; `place` says where in the file a part of it is.
fn read(text: &str, place: impl Fn(Range<usize>) -> Range<usize>) -> Option<Vec<ShellCommand>> {
    let bytes = text.as_bytes();
    let mut commands: Vec<ShellCommand> = Vec::new();
    let mut words: Vec<ShellWord> = Vec::new();
    let mut begin = None;
    let mut joint = Joint::Begin;
    let mut at = 0;
    loop {
        let byte = bytes.get(at).copied();
        let next = bytes.get(at + 1).copied();
        let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied();
        let found = match byte {
            None => Some((Joint::Then, 0)),
            Some(b'&') if next == Some(b'&') => Some((Joint::And, 2)),
            Some(b'|') if next == Some(b'|') => Some((Joint::Or, 2)),
            // `2>&1`, `&>file`, and `;;` of a `case` are not ends.
            Some(b'&') if next != Some(b'>') && !matches!(before, Some(b'>' | b'<')) => Some((Joint::Background, 1)),
            Some(b'|') if before != Some(b'>') => Some((Joint::Pipe, 1)),
            Some(b';' | b'\n') => Some((Joint::Then, 1)),
            _ => None,
        };
        let blank = byte.is_some_and(|byte| byte.is_ascii_whitespace());
        if (found.is_some() || blank)
            && let Some(begin) = begin.take()
        {
            words.push(ShellWord { text: text[begin..at].to_owned(), place: place(begin..at) });
        }
        if let Some((next, length)) = found {
            if !words.is_empty() {
                commands.push(ShellCommand { words: std::mem::take(&mut words), joint });
                joint = next;
            }
            if byte.is_none() {
                return (!commands.is_empty()).then_some(commands);
            }
            at += length;
            continue;
        }
        if blank {
            at += 1;
            continue;
        }
        match byte {
            Some(b'`') => return None,
            // A comment hides what follows; in a line of its own it hides nothing else.
            Some(b'#') if begin.is_none() => match text[at..].find('\n') {
                Some(length) if words.is_empty() => {
                    at += length;
                    continue;
                }
                _ => return None,
            },
            _ => {}
        }
        begin.get_or_insert(at);
        at = end_of_part(text, at)?;
    }
}

/// The end of a quoted part, of an expansion, of an escaped character, or of a character.
fn end_of_part(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let mut chars = rest.chars();
    let first = chars.next()?;
    match first {
        '\'' => Some(at + 2 + rest[1..].find('\'')?),
        '"' => quoted(text, at + 1, '"'),
        '\\' => Some(at + 1 + chars.next().map_or(0, char::len_utf8)),
        '$' if rest.starts_with("$(") => quoted(text, at + 2, ')'),
        '$' if rest.starts_with("${") => quoted(text, at + 2, '}'),
        _ => Some(at + first.len_utf8()),
    }
}

/// The place behind the character that closes what begins before `at`; what is nested in between counts as a whole.
fn quoted(text: &str, mut at: usize, close: char) -> Option<usize> {
    // As deep as anybody nests; deeper ones are not understood.
    let mut open = vec![close];
    while let Some(close) = open.last().copied() {
        let rest = text.get(at..)?;
        let c = rest.chars().next()?;
        at += c.len_utf8();
        if c == close {
            open.pop();
        } else if c == '\\' {
            at += text.get(at..)?.chars().next()?.len_utf8();
        } else if rest.starts_with("$(") || rest.starts_with("${") {
            open.push(if rest.starts_with("$(") { ')' } else { '}' });
            at += 1;
        } else if c == '`' || open.len() > 16 {
            return None;
        } else if close != '"' {
            match c {
                '"' => open.push('"'),
                '(' if close == ')' => open.push(')'),
                '\'' => at += text.get(at..)?.find('\'')? + 1,
                _ => {}
            }
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Option<Vec<(Joint, Vec<String>)>> {
        let commands = read(text, |place| place)?;
        for word in commands.iter().flat_map(|command| &command.words) {
            assert_eq!(&text[word.place.clone()], word.text);
        }
        let words = |command: ShellCommand| command.words.into_iter().map(|word| word.text).collect();
        Some(commands.into_iter().map(|command| (command.joint, words(command))).collect())
    }

    #[test]
    fn scripts_are_taken_apart_into_commands_and_words() {
        let of = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(
            commands("a 'b && c' && d \"$(e; f)\" || g 2>&1 | h; i & j >| k").unwrap(),
            [
                (Joint::Begin, of(&["a", "'b && c'"])),
                (Joint::And, of(&["d", "\"$(e; f)\""])),
                (Joint::Or, of(&["g", "2>&1"])),
                (Joint::Pipe, of(&["h"])),
                (Joint::Then, of(&["i"])),
                (Joint::Background, of(&["j", ">|", "k"])),
            ]
        );
        assert_eq!(
            commands("# first\napt x\\ y\n\nb ${C:-\"d e\"}\n").unwrap(),
            [(Joint::Begin, of(&["apt", "x\\ y"])), (Joint::Then, of(&["b", "${C:-\"d e\"}"]))]
        );
    }

    #[test]
    fn what_is_not_understood_has_no_commands() {
        for text in ["a `b`", "a 'b", "a \"b", "a $(b", "a # b && c", "", "  ", "a \"$(b `c`)\"", "x \\\"'"] {
            assert_eq!(commands(text), None, "{text}");
        }
    }

    #[test]
    fn a_command_is_known_by_its_first_words() {
        let command = |text: &str| read(text, |place| place).unwrap().remove(0);
        for (text, wanted, behind) in [
            ("apt-get -y -q install gcc", &["apt-get", "install"][..], Some("gcc")),
            ("DEBIAN_FRONTEND=noninteractive sudo /usr/bin/apt-get install gcc", &["apt-get", "install"], Some("gcc")),
            ("python -m pip install x", &["python", "-m", "pip", "install"], Some("x")),
            ("apt-get update", &["apt-get", "install"], None),
            ("echo apt-get install", &["apt-get", "install"], None),
        ] {
            let command = command(text);
            let found = command.after(wanted).map(|(_, behind)| behind[0].text.as_str());
            assert_eq!(found, behind, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_script_makes_it_panic(text in "[a-c &|;<>$(){}\"'`\\\\#\u{e9}\n-]{0,40}") {
            drop(commands(&text));
        }
    }
}
