//! Text from images, logs and engines made harmless in Markdown. (maud escapes HTML, `record::csv` its cells.)

use crate::text::for_people;

/// Longest text of a cell; more is cut in the middle.
const LONGEST: usize = 600;

/// Plain text inside a GFM paragraph or table cell: nothing in it is markup, a link, a mention or a new cell.
pub fn text(text: &str) -> String {
    sentence(&crate::text::shorten(&for_people(text), LONGEST))
}

/// Plain text inside an HTML element of a Markdown document.
pub fn html(text: &str) -> String {
    for_people(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('@', "@\u{2060}")
}

/// As [`text`], of any length.
pub fn sentence(text: &str) -> String {
    let text = for_people(text);
    let mut out = String::with_capacity(text.len() + 8);
    for (index, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // No mention of people, no link by itself (GFM 6.9): an invisible joiner breaks both. `@` as an entity
            // is still a mention on GitHub.
            '@' => out.push_str("@\u{2060}"),
            ':' if text[index..].starts_with("://") => out.push_str(":\u{2060}"),
            '.' if text[..index].ends_with("www") => out.push_str("\u{2060}."),
            c => out.push(c),
        }
    }
    out
}

/// Text as GFM code in a table cell: the fence is longer than any run of back-ticks within, and `|` is escaped,
/// which GFM undoes even in code (GFM 4.10, example 200).
pub fn code(text: &str) -> String {
    let text = crate::text::shorten(&for_people(text), LONGEST);
    if text.trim().is_empty() {
        return String::new();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') || text.starts_with(' ') { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("![i](x)", "!\\[i\\](x)"),
        ] {
            assert_eq!(text(given), shown);
        }
    }

    #[test]
    fn code_cannot_be_left() {
        assert_eq!(code("RUN pip install"), "`RUN pip install`");
        assert_eq!(code("RUN a | b"), "`RUN a \\| b`");
        assert_eq!(code("RUN `x`"), "`` RUN `x` ``");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("``` | x"), "```` ``` \\| x ````");
        assert_eq!(code(""), "");
    }
}
