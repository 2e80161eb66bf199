//! Lines of JSON out of chunks of bytes.

use bollard::moby::buildkit::v1::StatusResponse;
use bollard::models::BuildInfoAux;
use bytes::{Buf, BytesMut};
use serde::Deserialize;
use serde_json::Value;

/// Longest line that is looked at; what is longer is skipped to its end.
const LONGEST: usize = 16 << 20;

/// One event, whichever of its fields the engine sent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(in crate::engine) struct LogLine {
    /// Text for people.
    pub(in crate::engine) stream: Option<String>,
    /// What a transfer does.
    pub(in crate::engine) status: Option<String>,
    /// What it is about.
    pub(in crate::engine) id: Option<String>,
    /// Why it failed.
    pub(in crate::engine) error: Option<String>,
    /// Why it failed, in newer words.
    #[serde(rename = "errorDetail")]
    pub(in crate::engine) error_detail: Option<ErrorDetail>,
    /// How far a transfer is.
    #[serde(rename = "progressDetail")]
    pub(in crate::engine) progress: Option<Progress>,
    /// Data for programs.
    pub(in crate::engine) aux: Option<Value>,
}

/// The message of an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::engine) struct ErrorDetail {
    message: Option<String>,
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(in crate::engine) struct Progress {
    /// Bytes so far.
    pub(in crate::engine) current: Option<i64>,
    /// Bytes in all.
    pub(in crate::engine) total: Option<i64>,
}

impl LogLine {
    /// The message of an error.
    pub(in crate::engine) fn failure(&self) -> Option<&str> {
        let detail = self.error_detail.as_ref().and_then(|detail| detail.message.as_deref());
        detail.filter(|message| !message.is_empty()).or(self.error.as_deref()).filter(|message| !message.is_empty())
    }

    /// The id of the image that was built.
    pub(in crate::engine) fn image_id(&self) -> Option<&str> {
        self.aux.as_ref()?.get("ID")?.as_str().filter(|id| !id.is_empty())
    }

    /// A piece of BuildKit's progress.
    pub(in crate::engine) fn trace(&self) -> Option<StatusResponse> {
        if self.id.as_deref() != Some("moby.buildkit.trace") {
            return None;
        }
        match BuildInfoAux::deserialize(self.aux.as_ref()?) {
            Ok(BuildInfoAux::BuildKit(status)) => Some(status),
            Ok(BuildInfoAux::Default(_)) | Err(_) => None,
        }
    }
}

/// Cuts a stream of bytes into [`LogLine`]s. Several values in one line, values that are not events and lines without
/// end do it no harm.
#[derive(Debug, Default)]
pub(in crate::engine) struct JsonLines {
    rest: BytesMut,
    /// Inside a line that is too long.
    skipping: bool,
}

impl JsonLines {
    /// Takes bytes; `take` is given each line that they complete.
    pub(in crate::engine) fn push(&mut self, chunk: &[u8], mut take: impl FnMut(LogLine)) {
        let mut chunk = chunk;
        while let Some(end) = chunk.iter().position(|&byte| byte == b'\n') {
            if self.rest.is_empty() && !self.skipping {
                decode(&chunk[..end], &mut take);
            } else {
                self.keep(&chunk[..end]);
                decode(&self.rest, &mut take);
                self.rest.clear();
            }
            self.skipping = false;
            chunk.advance(end + 1);
        }
        self.keep(chunk);
    }

    /// The last line, where it has no end.
    pub(in crate::engine) fn finish(self, mut take: impl FnMut(LogLine)) {
        decode(&self.rest, &mut take);
    }

    fn keep(&mut self, part: &[u8]) {
        if self.skipping || self.rest.len() + part.len() > LONGEST {
            self.skipping = true;
            self.rest.clear();
        } else {
            self.rest.extend_from_slice(part);
        }
    }
}

fn decode(line: &[u8], take: &mut impl FnMut(LogLine)) {
    for value in serde_json::Deserializer::from_slice(line).into_iter::<Value>() {
        // What follows a broken value in the same line has no beginning to be found.
        let Ok(value) = value else { return };
        if let Ok(event) = LogLine::deserialize(value) {
            take(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(chunks: &[&[u8]]) -> Vec<String> {
        let mut out = Vec::new();
        let mut lines = JsonLines::default();
        for chunk in chunks {
            lines.push(chunk, |line| out.push(line.stream.unwrap_or_default()));
        }
        lines.finish(|line| out.push(line.stream.unwrap_or_default()));
        out
    }

    #[test]
    fn lines_come_out_whole_however_they_are_cut() {
        let text = b"{\"stream\":\"a\"}\r\n{\"stream\":\"b\\n\"}\n\n{\"stream\":\"c\"}";
        for size in 1..text.len() {
            let chunks: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(lines_of(&chunks), ["a", "b\n", "c"], "{size}");
        }
    }

    #[test]
    fn what_is_no_event_is_passed_over() {
        assert_eq!(lines_of(&[b"{\"stream\":\"a\"}{\"stream\":\"b\"}\n"]), ["a", "b"]);
        assert_eq!(lines_of(&[b"OK\n[1]\nnull\n{\"stream\":7}\n{\"stream\":\"b\"}\n"]), ["b"]);
        assert_eq!(lines_of(&[b"\xff\xfe\n{\"other\":{\"deep\":[]}}\n"]), [""]);
    }

    #[test]
    fn a_line_without_end_takes_no_more_than_its_bound() {
        let mut lines = JsonLines::default();
        let mut seen = 0;
        for _ in 0..40 {
            lines.push(&vec![b'x'; 1 << 20], |_| seen += 1);
            assert!(lines.rest.len() <= LONGEST);
        }
        lines.push(b"\n{\"stream\":\"after\"}\n", |line| {
            seen += 1;
            assert_eq!(line.stream.as_deref(), Some("after"));
        });
        assert_eq!(seen, 1);
    }

    #[test]
    fn the_newer_words_for_an_error_win() {
        let line: LogLine =
            serde_json::from_str(r#"{"errorDetail":{"code":7,"message":"new"},"error":"old"}"#).unwrap();
        assert_eq!(line.failure(), Some("new"));
        let line: LogLine = serde_json::from_str(r#"{"errorDetail":{},"error":"old"}"#).unwrap();
        assert_eq!(line.failure(), Some("old"));
    }
}
