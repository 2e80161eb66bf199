//! JSON as text: the one place where it is written.
//!
//! JSON allows all characters from U+0020 in its strings as they are. A terminal acts upon some of them, and so does
//! the runner of GitHub Actions: they are written as `\uXXXX`, which every reader of JSON takes for the same text.

use serde::Serialize;

use crate::text::escape;

/// Two spaces of indent and a newline at the end.
pub(crate) fn pretty<T: Serialize + ?Sized>(value: &T) -> String {
    // What is written here has string keys, strings, and finite numbers: nothing that JSON cannot say.
    let mut text = escaped(&serde_json::to_string_pretty(value).unwrap_or_default());
    text.push('\n');
    text
}

/// On one line, without a newline.
pub(crate) fn line<T: Serialize + ?Sized>(value: &T) -> String {
    escaped(&serde_json::to_string(value).unwrap_or_default())
}

/// The JSON of others, its unsafe characters escaped. Line breaks are between values only, and stay.
pub(crate) fn escaped(json: &str) -> String {
    json.split_inclusive('\n').fold(String::with_capacity(json.len()), |mut out, line| {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        out.push_str(&escape(line));
        out.push_str(end);
        out
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::for_people;

    #[test]
    fn nothing_that_a_terminal_or_a_runner_acts_upon_is_left() {
        let hostile =
            "a\u{1b}[31m\u{7}\u{0}\n::error::\r\u{7f}\u{85}\u{9b}\u{61c}\u{202e}\u{2066}\u{feff}\u{e0041}##[x]ä";
        for text in [line(hostile), pretty(hostile).trim_end().to_owned()] {
            assert_eq!(for_people(&text), text);
            assert!(!text.contains("##["), "{text}");
            assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
        }
        assert_eq!(line("\u{7f}\u{9b}\u{202e}\u{e0041}"), r#""\u007f\u009b\u202e\udb40\udc41""#);
        assert_eq!(pretty(&[1, 2]), "[\n  1,\n  2\n]\n");
    }

    proptest! {
        #[test]
        fn json_means_what_it_meant(text in "(\\PC|[\\\\u0-9\u{7f}-\u{9f}\u{202a}-\u{202e}#\\[]){0,40}") {
            prop_assert_eq!(serde_json::from_str::<String>(&line(&text)).unwrap(), &text[..]);
        }
    }
}
