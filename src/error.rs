//! What every error of the crate can say besides its message: what to do next, and with which code to exit.
//!
//! Each module has its own error enum that carries the object (path, variant, endpoint) and implements
//! [`Diagnose`]; the command line turns any of them into `error:` and `hint:` lines through [`Failure`].

use std::error::Error as StdError;
use std::io;

use crate::exit::Exit;

/// An error that knows its way out.
pub trait Diagnose: StdError {
    /// What the user can do next, without the `hint:` prefix.
    fn hint(&self) -> Option<String> {
        None
    }

    /// The exit code that the program should end with; for most errors that something cannot be read or written.
    fn exit(&self) -> Exit {
        Exit::Unreadable
    }
}

/// An error made ready to be shown: message, hint and exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One or more lines, lowercase fragment, without the `error:` prefix.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The exit code.
    pub exit: Exit,
}

impl Failure {
    /// A failure from its parts.
    pub fn new(exit: Exit, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), exit }
    }
}

impl<E: Diagnose> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { message: chain(&error), hint: error.hint(), exit: error.exit() }
    }
}

/// An error and its causes, from the outside in. What an I/O error wraps is one of them; its own `source` passes it over.
pub(crate) fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |current| cause(*current))
}

fn cause<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

/// The messages of an error and of its sources, joined by `: `, each said once.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let part = source.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        next = source.source();
    }
    text
}
