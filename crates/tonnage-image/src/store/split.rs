//! Docker's `tar-split.json.gz`: a layer's tar without the content of its files.
//!
//! Docker unpacks a layer into a folder and keeps what the folder does not tell (headers, order, padding) in this file,
//! to put the same tar together again when the layer is pushed or saved. It is gzip over lines of JSON, as
//! github.com/vbatts/tar-split writes them (`tar/storage/entry.go`, v0.11): type 2 is a raw piece of the tar, base64 in
//! `payload`; type 1 stands for a file's content, with `name` (or `name_raw`, base64, where that is not UTF-8) and
//! `size`, which is left out where it is zero.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

use crate::path::normalise;

const BUFFER: usize = 64 * 1024;
/// Longest line. Padding comes in pieces of 1 MiB, extended headers are 1 MiB at most, and a name in JSON may take six
/// times its length.
const LONGEST: usize = 8 * 1024 * 1024;

/// A piece of a layer's tar.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// These very bytes.
    Bytes(&'a [u8]),
    /// The content of a file: never empty.
    File {
        /// Its path from the layer's folder.
        path: &'a [u8],
        /// Its length.
        size: u64,
    },
}

#[derive(Deserialize)]
struct SplitLine<'a> {
    #[serde(rename = "type")]
    kind: u64,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow, default)]
    name_raw: Option<&'a str>,
    #[serde(default)]
    size: u64,
    #[serde(borrow, default)]
    payload: Option<&'a str>,
}

/// Reads the pieces of a layer, in the order of its tar.
pub(super) struct Pieces<R: Read> {
    input: BufReader<MultiGzDecoder<BufReader<R>>>,
    line: Vec<u8>,
    /// The piece, or the path of the file, that was read last.
    bytes: Vec<u8>,
    lines_left: u64,
}

impl<R: Read> Pieces<R> {
    /// Reads at most `lines` lines.
    pub(super) fn new(input: R, lines: u64) -> Self {
        let unpacked = MultiGzDecoder::new(BufReader::with_capacity(BUFFER, input));
        Self {
            input: BufReader::with_capacity(BUFFER, unpacked),
            line: Vec::new(),
            bytes: Vec::new(),
            lines_left: lines,
        }
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        loop {
            if !self.read_line()? {
                return Ok(None);
            }
            self.lines_left = self.lines_left.checked_sub(1).ok_or_else(|| broken("it has too many lines"))?;
            let line: SplitLine<'_> = serde_json::from_slice(&self.line).map_err(|error| broken(&error.to_string()))?;
            match line.kind {
                1 if line.size == 0 => {}
                1 => {
                    let raw = line.name_raw.filter(|name| !name.is_empty()).map(|name| STANDARD.decode(name));
                    let name = raw.transpose().map_err(|error| broken(&format!("a name: {error}")))?;
                    self.bytes = normalise(name.as_deref().unwrap_or(line.name.as_bytes()));
                    return Ok(Some(Piece::File { path: &self.bytes, size: line.size }));
                }
                2 => {
                    self.bytes.clear();
                    let decoded = STANDARD.decode_vec(line.payload.unwrap_or_default(), &mut self.bytes);
                    decoded.map_err(|error| broken(&format!("a piece: {error}")))?;
                    return Ok(Some(Piece::Bytes(&self.bytes)));
                }
                other => return Err(broken(&format!("lines of the type {other} are not known"))),
            }
        }
    }

    /// The next line, without its end; `false` where there is none.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        let most = LONGEST as u64 + 1;
        (&mut self.input).take(most).read_until(b'\n', &mut self.line)?;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() > LONGEST {
            return Err(broken("a line is longer than 8 MiB"));
        } else if !self.line.is_empty() {
            return Err(broken("it ends inside a line"));
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`tar-split.json.gz`: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::archives::gzip;

    /// Every piece: its bytes, or its path and size.
    fn read(packed: &[u8]) -> io::Result<Vec<(String, u64)>> {
        let mut pieces = Pieces::new(packed, 100);
        let mut found = Vec::new();
        while let Some(piece) = pieces.next()? {
            found.push(match piece {
                Piece::Bytes(bytes) => (format!("={}", crate::text::from_bytes(bytes)), bytes.len() as u64),
                Piece::File { path, size } => (crate::text::from_bytes(path), size),
            });
        }
        Ok(found)
    }

    #[test]
    fn pieces_come_in_the_order_of_the_tar() {
        let text = concat!(
            "{\"type\":2,\"payload\":\"YWI=\",\"position\":0}\n",
            "{\"type\":1,\"name\":\"./a\\u003cb/\",\"payload\":null,\"position\":1}\n",
            "{\"type\":1,\"name\":\"/x/../a\\u003cb\",\"size\":7,\"payload\":\"AAAAAAAAAAA=\",\"position\":2}\n",
            "{\"type\":1,\"name_raw\":\"Yf8=\",\"size\":1,\"payload\":\"AAAAAAAAAAA=\",\"position\":3}\n",
            "{\"type\":2,\"payload\":\"\",\"position\":4}\n",
        );
        let found = read(&gzip(text.as_bytes())).unwrap();
        let expected = [("=ab", 2), ("a<b", 7), ("a\\xff", 1), ("=", 0)];
        assert_eq!(found, expected.map(|(name, size)| (name.to_owned(), size)));
        assert_eq!(read(&gzip(b"")).unwrap(), []);
    }

    #[test]
    fn what_docker_would_not_write_is_refused() {
        let long = format!("{{\"type\":2,\"payload\":\"{}\"}}\n", "A".repeat(LONGEST));
        let many = "{\"type\":2,\"payload\":\"\"}\n".repeat(101);
        for (text, expected) in [
            ("{\"type\":3}\n", "type 3"),
            ("{\"type\":2,\"payload\":\"=\"}\n", "a piece"),
            ("{\"type\":1,\"name_raw\":\"=\",\"size\":1}\n", "a name"),
            ("{\"type\":1,\"name\":\"a\",\"size\":-1}\n", "invalid value"),
            ("{\"type\":2,\"payload\":\"\"}", "inside a line"),
            ("\n", "EOF"),
            ("[]\n", "invalid"),
            (&long, "longer than"),
            (&many, "too many lines"),
        ] {
            let error = read(&gzip(text.as_bytes())).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}, not {expected}");
        }
        let packed = gzip(b"{\"type\":2,\"payload\":\"YWI=\",\"position\":0}\n");
        for end in 0..packed.len() {
            assert!(read(&packed[..end]).is_err(), "{end}");
        }
        assert!(read(b"no gzip at all").is_err());
    }
}
