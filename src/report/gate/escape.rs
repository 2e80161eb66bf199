//! Names from images made harmless in workflow commands and on lines that a workflow reads.

use crate::report::escape::{self, Place};
use crate::text::{for_people, shorten};

/// Longest name in Markdown; more is cut in the middle.
const LONGEST: usize = 160;

/// A name as code.
pub(super) fn code(text: &str, place: Place) -> String {
    let text = shorten(&line(text), LONGEST);
    if text.trim().is_empty() { "(no name)".to_owned() } else { escape::code(&text, place) }
}

/// The value of a workflow command: `%`, carriage return and line feed (actions/toolkit, `escapeData`).
pub(super) fn command_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command: `:` and `,` as well (actions/toolkit, `escapeProperty`).
pub(super) fn command_property(text: &str) -> String {
    command_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A line for people on standard output, or a name at its beginning, which a workflow may read: the runner obeys
/// `##[…]` anywhere in a line and `::…::` at its beginning, blanks left out (actions/runner,
/// `ActionCommand.TryParse`).
pub(super) fn line(text: &str) -> String {
    let text = for_people(text).replace("##[", "## [");
    if text.trim_start().starts_with("::") { text.replacen("::", ": :", 1) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_visible_character_is_said_to_be_none() {
        assert_eq!(code(" ", Place::Text), "(no name)");
    }

    #[test]
    fn workflow_commands_are_escaped_as_the_toolkit_does() {
        assert_eq!(command_data("100 %\r\n::error::x"), "100 %25%0D%0A::error::x");
        assert_eq!(command_property("::error::a,b\n"), "%3A%3Aerror%3A%3Aa%2Cb%0A");
        assert_eq!(line("x ##[error]y"), "x ## [error]y");
        assert_eq!(line(" ::error::y"), " : :error::y");
        assert_eq!(line("x::error::y"), "x::error::y");
    }
}
