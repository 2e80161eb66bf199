//! Names from images made harmless in Markdown, in workflow commands and on lines that a workflow reads.

use crate::line::Line;
use crate::text::{for_people, shorten};

/// Longest name in Markdown; more is cut in the middle.
const LONGEST: usize = 160;

/// Words inside a GFM paragraph or table cell: nothing in them is markup, a link, a mention or a new cell.
pub(super) fn words(text: &str) -> String {
    let text = for_people(text);
    let mut out = String::with_capacity(text.len() + 8);
    for (index, c) in text.char_indices() {
        match c {
            '\\' | '*' | '_' | '[' | ']' | '|' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // The same joiner: an escaped `#1` still leads to an issue.
            '#' => out.push_str("\\#\u{2060}"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // An invisible joiner, for `&#64;` is still a mention on GitHub.
            '@' => out.push_str("@\u{2060}"),
            ':' if text[index..].starts_with("://") => out.push_str(":\u{2060}"),
            '.' if text[..index].ends_with("www") => out.push_str("\u{2060}."),
            c => out.push(c),
        }
    }
    out
}

/// A name as GFM code in a table cell: the fence is longer than any run of back-ticks within, and `|` is escaped,
/// which GFM undoes even in code (GFM 4.10, example 200).
pub(super) fn code(text: &str) -> String {
    let text = shorten(&line(text), LONGEST);
    if text.trim().is_empty() {
        return "(no name)".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// A sentence in Markdown.
pub(super) fn sentence(sentence: &Line) -> String {
    sentence.render(|text| words(text), code)
}

/// Our own message in Markdown: what stands in back-ticks as code, the rest as words. Names inside messages have no
/// line breaks; a name with a back-tick only ends its code early.
pub(super) fn message(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut parts = text.split('`').peekable();
    let mut inside = false;
    while let Some(part) = parts.next() {
        if inside && parts.peek().is_some() {
            out.push_str(&code(part));
        } else {
            if inside {
                out.push_str("\\`");
            }
            out.push_str(&words(part));
        }
        inside = !inside;
    }
    out
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
    fn markup_in_names_is_text() {
        for (given, shown) in [
            ("a|b", "a\\|b"),
            ("<img src=x>", "&lt;img src=x&gt;"),
            ("@team", "@\u{2060}team"),
            ("https://x", "https:\u{2060}//x"),
            ("**b**", "\\*\\*b\\*\\*"),
            ("#1", "\\#\u{2060}1"),
            ("a\nb", "a\\\\nb"),
        ] {
            assert_eq!(words(given), shown);
        }
    }

    #[test]
    fn code_cannot_be_left_from_within() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a\u{1b}[31m\nb"), "`a\\u{1b}[31m\\nb`");
        assert_eq!(code(""), "(no name)");
    }

    #[test]
    fn messages_keep_their_code() {
        assert_eq!(message("raise `size` in a_b.toml"), "raise `size` in a\\_b.toml");
        assert_eq!(message("odd ` one"), "odd \\` one");
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
