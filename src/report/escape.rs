//! Text made harmless in Markdown: the only escaper for it. (maud escapes HTML, `record::csv` its cells.)

use crate::line::{Line, NO_NAME, Span, visible_name};
use crate::text::{for_people, shorten};

/// Longest text of a cell; more is cut in the middle.
const LONGEST: usize = 600;

/// Where in a document text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In a paragraph, a heading, or a list.
    Text,
    /// In a cell of a table, where a bar would begin the next one.
    Cell,
}

/// Text with code in back-ticks, cut where it is long.
pub(super) fn text(text: &str, place: Place) -> String {
    sentence(&shorten(&for_people(text), LONGEST), place)
}

/// As [`text`], of any length. Nothing in it is markup, a link, a mention, or a new cell. A name with a back-tick only
/// ends its code early.
pub(super) fn sentence(text: &str, place: Place) -> String {
    line(&Line::quoting(text), place)
}

/// A line in spans.
pub(super) fn line(line: &Line, place: Place) -> String {
    let span = |span: &Span| match span {
        Span::Words(text) => words(text, place),
        Span::Code(text) => code(text, place),
        Span::Name(text) => visible_name(text).map_or_else(|| NO_NAME.to_owned(), |name| code(&name, place)),
        Span::Strong(_, text) => format!("**{}**", words(text, place)),
    };
    line.0.iter().map(span).collect()
}

/// A line inside an HTML element of a Markdown document.
pub(super) fn html_line(line: &Line) -> String {
    let span = |span: &Span| match span {
        Span::Words(text) | Span::Code(text) | Span::Name(text) => html(text),
        Span::Strong(_, text) => format!("<b>{}</b>", html(text)),
    };
    line.0.iter().map(span).collect()
}

/// A back-tick that begins no code.
const TICK: &str = "&#96;";

/// Plain words: a back-tick is one.
pub(super) fn words(text: &str, place: Place) -> String {
    let text = for_people(text);
    let mut out = String::with_capacity(text.len() + 8);
    for (index, c) in text.char_indices() {
        match c {
            '\\' | '*' | '_' | '[' | ']' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '|' if place == Place::Cell => out.push_str("\\|"),
            '`' => out.push_str(TICK),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // No mention of people, no link by itself (GFM 6.9), no issue: an invisible joiner breaks them. `@` as an
            // entity is still a mention on GitHub, and an escaped `#1` still leads to an issue.
            '@' => out.push_str("@\u{2060}"),
            '#' => out.push_str("\\#\u{2060}"),
            ':' if text[index..].starts_with("://") => out.push_str(":\u{2060}"),
            '.' if text[..index].ends_with("www") => out.push_str("\u{2060}."),
            c => out.push(c),
        }
    }
    out
}

fn html(text: &str) -> String {
    for_job_logs(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('@', "@\u{2060}")
}

/// Without what the runner of GitHub Actions obeys anywhere in a line (actions/runner, `ActionCommand.TryParse`).
fn for_job_logs(text: &str) -> String {
    for_people(text).replace("##[", "## [")
}

/// The longest run of back-ticks.
pub(super) fn longest_fence(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Text as GFM code: the fence is longer than any run of back-ticks within. In a cell `|` is escaped, which GFM undoes
/// even in code (GFM 4.10, example 200); elsewhere the backslash would be seen. A back-slash before a bar has no such
/// form in a cell, but one as an HTML element.
pub(super) fn code(text: &str, place: Place) -> String {
    let text = shorten(&for_job_logs(text), LONGEST);
    if text.trim().is_empty() {
        return String::new();
    }
    if place == Place::Cell && text.contains("\\|") {
        return format!("<code>{}</code>", words(&text, place));
    }
    let fence = "`".repeat(longest_fence(&text) + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with('`') { " " } else { "" };
    let text = if place == Place::Cell { text.replace('|', "\\|") } else { text };
    format!("{fence}{pad}{text}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use comrak::{Options, markdown_to_html};
    use proptest::prelude::*;

    use super::Place::{Cell, Text};
    use super::*;
    use crate::line::image;

    #[test]
    fn hostile_names_stay_one_harmless_cell() {
        for (given, shown) in [
            ("python3.9-slim", "python3.9-slim"),
            ("a|b", "a\\|b"),
            ("<script>", "&lt;script&gt;"),
            ("**bold** _it_", "\\*\\*bold\\*\\* \\_it\\_"),
            ("[x](http://e)", "\\[x\\](http:\u{2060}//e)"),
            ("a\nb", "a\\\\nb"),
            ("@torvalds", "@\u{2060}torvalds"),
            ("#1", "\\#\u{2060}1"),
            ("![i](x)", "!\\[i\\](x)"),
        ] {
            assert_eq!(text(given, Cell), shown);
        }
        assert_eq!(text("a|b", Text), "a|b");
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("RUN pip install", Cell), "`RUN pip install`");
        assert_eq!(code("RUN a | b", Cell), "`RUN a \\| b`");
        assert_eq!(code("RUN a | b", Text), "`RUN a | b`");
        assert_eq!(code("grep 'a\\|b' *", Cell), "<code>grep 'a\\\\\\|b' \\*</code>");
        assert_eq!(code("grep 'a\\|b' *", Text), "`grep 'a\\|b' *`");
        assert_eq!(code("RUN `x`", Text), "`` RUN `x` ``");
        assert_eq!(code("`", Text), "`` ` ``");
        assert_eq!(code("a``b", Text), "```a``b```");
        assert_eq!(code("``` | x", Cell), "```` ``` \\| x ````");
        assert_eq!(code("a\u{1b}[31m\nb", Text), "`a\\u{1b}[31m\\nb`");
        assert_eq!(code("##[error]", Text), "`## [error]`");
        assert_eq!(code("", Text), "");
    }

    #[test]
    fn a_name_without_a_visible_character_is_said_to_be_none() {
        assert_eq!(line(&image(" "), Text), NO_NAME);
        assert_eq!(line(&image("a_b"), Text), "`a_b`");
    }

    #[test]
    fn what_is_in_back_ticks_is_code() {
        assert_eq!(sentence("raise `size` in a_b.toml", Text), "raise `size` in a\\_b.toml");
        assert_eq!(sentence("`RUN a | b` was edited", Text), "`RUN a | b` was edited");
        assert_eq!(sentence("`RUN a | b` was edited", Cell), "`RUN a \\| b` was edited");
        assert_eq!(sentence("odd ` one", Text), "odd &#96; one");
        assert_eq!(sentence("none `` here", Text), "none &#96;&#96; here");
    }

    /// What a reader sees: the document's text without its tags.
    fn seen(markdown: &str) -> String {
        let mut options = Options::default();
        options.extension.table = true;
        options.extension.strikethrough = true;
        let html = markdown_to_html(markdown, &options);
        let mut text = String::new();
        let mut inside = false;
        for c in html.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => text.push(c),
                _ => {}
            }
        }
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    }

    proptest! {
        #[test]
        fn a_reader_sees_what_was_said(said in "[a-z|\\\\*_~<>&\\[\\]()!`]{0,24}") {
            fn without(text: &str) -> String {
                text.replace(['`', '\u{2060}'], "")
            }
            let whole = without(&format!("x{said}x"));
            let text = seen(&format!("x{}x", sentence(&said, Text)));
            prop_assert_eq!(without(text.trim()), whole.clone());
            let table = format!("| h | i |\n|---|---|\n| x{}x | {} |\n", sentence(&said, Cell), code("b", Cell));
            let text = seen(&table);
            let cells = text.lines().filter(|line| !line.is_empty()).map(without).collect::<Vec<_>>();
            prop_assert_eq!(cells.join("\n"), format!("h\ni\n{whole}\nb"));
        }
    }
}
