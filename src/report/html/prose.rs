//! The writer of sentences for the page: what is quoted becomes code.

use maud::{Markup, html};

use crate::line::{Line, Span};
use crate::text::for_people;

/// A line.
pub(super) fn said(line: &Line) -> Markup {
    html! {
        @for span in &line.0 {
            @match span {
                Span::Words(text) => (for_people(text)),
                Span::Code(text) | Span::Name(text) => code { (for_people(text)) },
                Span::Strong(_, text) => strong { (for_people(text)) },
            }
        }
    }
}

/// Text in which quoted parts are between backticks.
pub(super) fn quoted(text: &str) -> Markup {
    said(&Line::quoting(text))
}
