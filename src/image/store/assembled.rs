//! A layer's tar, put together again from Docker's record of it and the files that lie in the layer's folder.

use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use super::folder::Folder;
use super::split::{Piece, Pieces};
use crate::text::{for_people, from_bytes};

/// What a look through a layer's record tells beforehand.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outline {
    /// Length of the tar.
    pub tar_bytes: u64,
    /// Sizes of its files that are not empty, in their order.
    pub file_sizes: Vec<u64>,
}

impl Outline {
    /// Goes through a record once, without any file.
    pub(super) fn of<R: Read>(mut pieces: Pieces<R>) -> io::Result<Self> {
        let mut outline = Self::default();
        while let Some(piece) = pieces.next()? {
            let length = match piece {
                Piece::Bytes(bytes) => bytes.len() as u64,
                Piece::File { size, .. } => {
                    outline.file_sizes.push(size);
                    size
                }
            };
            outline.tar_bytes = outline.tar_bytes.saturating_add(length);
        }
        Ok(outline)
    }
}

/// The tar, as a stream. A file that is missing, no regular file, or of another size than recorded is an error.
pub(super) struct Assembled<'a, R: Read> {
    pieces: Pieces<R>,
    folder: Folder,
    stop: &'a AtomicBool,
    piece: Vec<u8>,
    /// How much of the piece is read.
    at: usize,
    file: Option<Open>,
}

/// The file that is being read.
struct Open {
    file: File,
    path: Vec<u8>,
    left: u64,
}

impl<'a, R: Read> Assembled<'a, R> {
    /// The tar of these pieces; it breaks off once `stop` is set.
    pub(super) fn new(pieces: Pieces<R>, folder: Folder, stop: &'a AtomicBool) -> Self {
        Self { pieces, folder, stop, piece: Vec::new(), at: 0, file: None }
    }

    /// Goes on to the next piece; `false` at the end.
    fn advance(&mut self) -> io::Result<bool> {
        match self.pieces.next()? {
            None => return Ok(false),
            Some(Piece::Bytes(bytes)) => {
                self.piece.clear();
                self.piece.extend_from_slice(bytes);
                self.at = 0;
            }
            Some(Piece::File { path, size }) => {
                let open = self.folder.file(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
                let (found, file) = open.map_err(|error| wrong(&path, &error.to_string()))?;
                if found != size {
                    return Err(wrong(&path, &format!("it has {found} bytes, not {size}")));
                }
                self.file = Some(Open { file, path, left: size });
            }
        }
        Ok(true)
    }
}

impl<R: Read> Read for Assembled<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("it was asked to stop"));
        }
        loop {
            if let Some(open) = &mut self.file {
                let most = usize::try_from(open.left).unwrap_or(usize::MAX).min(out.len());
                let count = open.file.read(&mut out[..most])?;
                if count == 0 {
                    return Err(wrong(&open.path, "it ends too early"));
                }
                open.left -= count as u64;
                if open.left == 0 {
                    self.file = None;
                }
                return Ok(count);
            }
            if self.at < self.piece.len() {
                let count = (self.piece.len() - self.at).min(out.len());
                out[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
                self.at += count;
                return Ok(count);
            }
            if !self.advance()? {
                return Ok(0);
            }
        }
    }
}

fn wrong(path: &[u8], what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the file `{}`: {what}", for_people(&from_bytes(path))))
}
