//! The two streams of the program and what may be written to each: data on stdout, everything else on stderr.

use std::io::{self, IsTerminal, Write};

use crate::error::Failure;
use crate::exit::Exit;
use crate::report::Style;
use crate::text::for_people;

/// stdout and stderr, with what is known about them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// What stdout can do.
    pub style: Style,
    /// Whether stderr is a terminal, where bars can be drawn.
    pub live: bool,
    /// Whether warnings and hints are held back.
    pub quiet: bool,
}

impl Terminal {
    /// Looks at the streams and the environment (`NO_COLOR`, <https://no-color.org>).
    pub(crate) fn detect(quiet: bool) -> Self {
        let out = io::stdout();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = if out.is_terminal() { terminal_columns() } else { None };
        let style = Style { colour: out.is_terminal() && !no_colour, width };
        Self { style, live: io::stderr().is_terminal() && !quiet, quiet }
    }

    /// Writes data to stdout. A closed pipe ends the program quietly; any other failure is an error.
    pub(crate) fn out(&self, text: &str) -> Result<(), Failure> {
        let mut stream = io::stdout().lock();
        match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Failure::new(
                Exit::Unreadable,
                format!("failed to write to standard output: {error}"),
                "check where the output goes",
            )),
        }
    }

    /// Writes data to stdout as the last thing that is done.
    pub(crate) fn finish(&self, text: &str) -> Result<Exit, Failure> {
        self.out(text).map(|()| Exit::Done)
    }

    /// A line for people on stderr.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            to_stderr(text);
        }
    }

    /// `warning: …` on stderr.
    pub(crate) fn warning(&self, text: &str) {
        self.note(&format!("warning: {text}"));
    }

    /// `hint: …` on stderr.
    pub(crate) fn hint(&self, text: &str) {
        self.note(&format!("hint: {text}"));
    }

    /// `error: …` and its hint on stderr, quiet or not.
    pub(crate) fn failure(&self, failure: &Failure) {
        to_stderr(&format!("error: {}", failure.message));
        if let Some(hint) = &failure.hint {
            to_stderr(&format!("hint: {hint}"));
        }
    }
}

/// A question on stderr, without a line break: the answer comes behind it.
pub(super) fn ask(question: &str) {
    let mut stream = io::stderr().lock();
    drop(stream.write_all(question.as_bytes()).and_then(|()| stream.flush()));
}

/// stderr that is gone leaves nobody to tell. Messages quote what records, baselines, and engines say.
fn to_stderr(text: &str) {
    let mut stream = io::stderr().lock();
    drop(stream.write_all(harmless(text).as_bytes()).and_then(|()| stream.write_all(b"\n")));
}

/// A text in which neither a terminal nor the runner of GitHub Actions obeys anything.
fn harmless(text: &str) -> String {
    let line = |line: &str| {
        let line = line.split('\t').map(for_people).collect::<Vec<_>>().join("\t").replace("##[", "# #[");
        if line.trim_start().starts_with("::") { line.replacen("::", ": :", 1) } else { line }
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn terminal_columns() -> Option<u16> {
    crate::report::terminal_width().or_else(|| std::env::var("COLUMNS").ok()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_message_quotes_is_obeyed() {
        for (text, shown) in [
            ("plain\tmessage\n  of two lines", "plain\tmessage\n  of two lines"),
            ("\u{1b}[2Jgone", r"\u{1b}[2Jgone"),
            ("unknown variant `\n::stop-commands::x`", "unknown variant `\n: :stop-commands::x`"),
            ("a\r::error::b", r"a\r::error::b"),
            ("##[group]x", "# #[group]x"),
            ("std::path", "std::path"),
        ] {
            assert_eq!(harmless(text), shown);
        }
    }
}
