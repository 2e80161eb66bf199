//! The end of a build's log.

use std::collections::VecDeque;

use crate::text;

/// Most lines that are kept.
const LINES: usize = 50;
/// Most characters of one line that are kept.
const WIDTH: usize = 500;
/// Bytes of an unfinished line that are held back.
const HELD: usize = 8 * WIDTH;

/// Keeps the last lines of what is written to it, control sequences taken out.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    held: Vec<u8>,
    /// Whether the unfinished line is longer than what is held of it.
    is_cut: bool,
}

impl Tail {
    /// Takes output; `line` is given each line that it completes.
    pub(super) fn write(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.hold(&rest[..end]);
            self.end_line(&mut line);
            rest = &rest[end + 1..];
        }
        self.hold(rest);
    }

    /// The lines, the unfinished one too.
    pub(super) fn finish(mut self) -> Vec<String> {
        if !self.held.is_empty() {
            self.end_line(&mut |_| {});
        }
        self.lines.into()
    }

    /// A carriage return begins the line anew, as progress bars do it; one before the line's end does not.
    fn hold(&mut self, part: &[u8]) {
        let end = part.iter().rposition(|&byte| byte != b'\r').map_or(0, |last| last + 1);
        let anew = part[..end].iter().rposition(|&byte| byte == b'\r').map(|at| at + 1);
        if anew.is_some() || (end > 0 && self.held.last() == Some(&b'\r')) {
            self.held.clear();
            self.is_cut = false;
        }
        let part = &part[anew.unwrap_or(0)..];
        let room = HELD.saturating_sub(self.held.len());
        self.held.extend_from_slice(&part[..part.len().min(room)]);
        self.is_cut |= part.len() > room;
    }

    fn end_line(&mut self, line: &mut impl FnMut(&str)) {
        let clean = text::strip_control(&text::from_bytes(&self.held));
        self.held.clear();
        let mut clean = clean.trim_end();
        if clean.is_empty() {
            return;
        }
        if std::mem::take(&mut self.is_cut) {
            // A part of a URL or of a secret would not be known for one.
            clean = clean.rsplit_once(char::is_whitespace).map_or(clean, |(before, _)| before);
        }
        let short = text::shorten(&text::without_url_credentials(clean), WIDTH);
        line(&short);
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(short);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(parts: &[&[u8]]) -> Vec<String> {
        let mut tail = Tail::default();
        for part in parts {
            tail.write(part, |_| {});
        }
        tail.finish()
    }

    #[test]
    fn lines_are_cleaned_and_put_together() {
        assert_eq!(kept(&[b"Coll", b"ecting\n\n", b"\x1b[91mred\n\x1b[0m"]), ["Collecting", "red"]);
        assert_eq!(kept(&[b"10%\r50%\r100%\r\nnext\r\n"]), ["100%", "next"]);
        assert_eq!(kept(&[b"10%\r", b"50%\r", b"100%\r", b"\n"]), ["100%"]);
        assert_eq!(kept(&[b"\xff\n"]), ["\\xff"]);
    }

    #[test]
    fn no_more_is_kept_than_the_end() {
        let mut tail = Tail::default();
        for number in 0..1_000 {
            tail.write(format!("{number}\n").as_bytes(), |_| {});
        }
        tail.write(&vec![b'x'; 1 << 20], |_| {});
        assert!(tail.held.len() <= HELD);
        let lines = tail.finish();
        assert_eq!(lines.len(), LINES);
        assert_eq!(lines[0], "951");
        assert_eq!(lines[49].chars().count(), WIDTH);
    }
}
