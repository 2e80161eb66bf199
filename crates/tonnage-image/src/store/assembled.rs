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
    /// The pieces, where there was room for them.
    pub kept: Option<KeptPieces>,
}

impl Outline {
    /// Goes through a record once, without any file. Pieces are kept while they fit into `room`, which shrinks.
    pub(super) fn of<R: Read>(mut pieces: Pieces<R>, room: &mut usize) -> io::Result<Self> {
        let mut outline = Self { kept: Some(KeptPieces::default()), ..Self::default() };
        while let Some(piece) = pieces.next()? {
            let length = match piece {
                Piece::Bytes(bytes) => bytes.len() as u64,
                Piece::File { size, .. } => {
                    outline.file_sizes.push(size);
                    size
                }
            };
            outline.tar_bytes = outline.tar_bytes.saturating_add(length);
            outline.kept = outline.kept.and_then(|kept| kept.with(&piece, *room));
        }
        *room -= outline.kept.as_ref().map_or(0, KeptPieces::len);
        Ok(outline)
    }
}

/// Pieces in memory, one behind the other: `size` of a file or [`NO_FILE`], a length, and so many bytes of the tar or
/// of the file's path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct KeptPieces {
    bytes: Vec<u8>,
    at: usize,
}

/// No file is so large.
const NO_FILE: u64 = u64::MAX;

impl KeptPieces {
    fn len(&self) -> usize {
        self.bytes.len()
    }

    /// One piece more; nothing at all once it is more than `most` bytes.
    fn with(mut self, piece: &Piece<'_>, most: usize) -> Option<Self> {
        let (size, bytes) = match *piece {
            // Only a damaged record has it: what is not kept is read from there, and fails.
            Piece::File { size: NO_FILE, .. } => return None,
            Piece::Bytes(bytes) => (NO_FILE, bytes),
            Piece::File { path, size } => (size, path),
        };
        self.bytes.extend_from_slice(&size.to_le_bytes());
        self.bytes.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.bytes.extend_from_slice(bytes);
        (self.bytes.len() <= most).then_some(self)
    }

    fn next(&mut self) -> Option<Piece<'_>> {
        let mut number = || {
            let number = self.bytes.get(self.at..)?.first_chunk().copied().map(u64::from_le_bytes)?;
            self.at += size_of::<u64>();
            Some(number)
        };
        let (size, length) = (number()?, usize::try_from(number()?).ok()?);
        let start = self.at;
        self.at = start.checked_add(length)?;
        let bytes = self.bytes.get(start..self.at)?;
        Some(if size == NO_FILE { Piece::Bytes(bytes) } else { Piece::File { path: bytes, size } })
    }
}

/// Where the pieces come from: read before, or from the record.
pub(super) enum PieceSource<R: Read> {
    Kept(KeptPieces),
    Record(Box<Pieces<R>>),
}

impl<R: Read> PieceSource<R> {
    pub(super) fn next(&mut self) -> io::Result<Option<Piece<'_>>> {
        match self {
            Self::Kept(kept) => Ok(kept.next()),
            Self::Record(pieces) => pieces.next(),
        }
    }
}

/// The tar, as a stream. A file that is missing, no regular file, or of another size than recorded is an error.
pub(super) struct Assembled<'a, R: Read> {
    pieces: PieceSource<R>,
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
    left: u64,
}

impl<'a, R: Read> Assembled<'a, R> {
    /// The tar of these pieces; it breaks off once `stop` is set.
    pub(super) fn new(pieces: PieceSource<R>, folder: Folder, stop: &'a AtomicBool) -> Self {
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
                let open = self.folder.file(path).map_err(|error| wrong(path, &error.to_string()));
                let (file, found) = open?;
                if found != size {
                    return Err(wrong(path, &format!("it has {found} bytes, not {size}")));
                }
                self.file = Some(Open { file, left: size });
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
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a file ended while it was read"));
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

/// See [`crate::testing::tar_split`].
#[cfg(feature = "testing")]
pub(crate) fn read_twice(data: &[u8]) -> bool {
    use std::io::Write as _;

    let mut packed = data.to_vec();
    if !data.starts_with(&[0x1f, 0x8b]) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        // Writing into memory does not fail; an empty record is a case of its own.
        packed = encoder.write_all(data).and_then(|()| encoder.finish()).unwrap_or_default();
    }
    let pieces = || Pieces::new(packed.as_slice(), 1_000);
    let mut room = 1 << 20;
    let Ok(outline) = Outline::of(pieces(), &mut room) else { return false };
    let Some(kept) = outline.kept else { return false };
    let (mut kept, mut record) = (PieceSource::<&[u8]>::Kept(kept), PieceSource::Record(Box::new(pieces())));
    let mut total = 0u64;
    loop {
        let (one, other) = (kept.next().ok().flatten(), record.next().ok().flatten());
        assert_eq!(one, other);
        total = total.saturating_add(match one {
            Some(Piece::Bytes(bytes)) => bytes.len() as u64,
            Some(Piece::File { size, .. }) => size,
            None => break,
        });
    }
    assert_eq!(total, outline.tar_bytes);
    total > 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::archives::gzip;

    const RECORD: &str = concat!(
        "{\"type\":2,\"payload\":\"aGVhZA==\",\"position\":0}\n",
        "{\"type\":1,\"name\":\"d/file\",\"size\":5,\"payload\":\"AAAAAAAAAAA=\",\"position\":1}\n",
        "{\"type\":2,\"payload\":\"\",\"position\":2}\n",
        "{\"type\":1,\"name\":\"top\",\"size\":1,\"payload\":\"AAAAAAAAAAA=\",\"position\":3}\n",
        "{\"type\":2,\"payload\":\"ZW5k\",\"position\":4}\n",
    );

    #[test]
    fn pieces_that_were_kept_give_the_tar_that_the_record_gives() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        std::fs::write(dir.path().join("d/file"), "12345").unwrap();
        std::fs::write(dir.path().join("top"), "x").unwrap();
        let packed = gzip(RECORD.as_bytes());
        let pieces = || Pieces::new(&packed[..], 100);
        let mut room = 1000;
        let outline = Outline::of(pieces(), &mut room).unwrap();
        assert_eq!((outline.tar_bytes, &outline.file_sizes[..]), (13, &[5, 1][..]));
        // Five pieces: two numbers each, and 4 + 6 + 0 + 3 + 3 bytes.
        assert_eq!(1000 - room, 5 * 16 + 16);
        let kept = PieceSource::Kept(outline.kept.unwrap());
        let mut room = 50;
        let outline = Outline::of(pieces(), &mut room).unwrap();
        assert_eq!((outline.kept, outline.tar_bytes, room), (None, 13, 50));
        for source in [kept, PieceSource::Record(Box::new(pieces()))] {
            let mut tar = String::new();
            let stop = AtomicBool::new(false);
            let folder = Folder::open(dir.path()).unwrap();
            Assembled::new(source, folder, &stop).read_to_string(&mut tar).unwrap();
            assert_eq!(tar, "head12345xend");
        }
    }
}
