//! A time on the command line.

use std::time::Duration;

/// `20min`, `90s`, `1h 30min`: jiff's friendly spans.
pub(super) fn parse_span(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is not a time such as `90s` or `20min`"))?;
    Duration::try_from(span).map_err(|_| "a time cannot be negative".to_owned())
}
