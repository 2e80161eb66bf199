//! A tar reader for hostile archives: one pass, no seeking, every name and header record bounded.
//!
//! In: a buffered stream. Out: entries with their names as bytes, and the data of each on demand. Written by hand
//! because names of any length, lying sizes and broken numbers must end in an error with an offset, never in an
//! allocation. Formats: v7, ustar, GNU (long names, base-256 numbers, sparse files) and PAX, as Go's `archive/tar`
//! reads them, since that is what engines unpack layers with.

use std::io::{self, BufRead, Read};

use super::blob::{drain, read_buffered};
use super::pax::Pax;

/// Size of a tar block.
pub const BLOCK: usize = 512;
/// Longest name or link target.
const MAX_NAME: u64 = 64 * 1024;
/// Longest PAX header: Go's `archive/tar` has the same limit.
const MAX_PAX: u64 = 1024 * 1024;
/// Bytes behind the end mark: tape blocks have ten kilobytes, and nobody pads to more than a few megabytes.
const MAX_PADDING: u64 = 64 * 1024 * 1024;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// Another name of a file.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A directory.
    Directory,
    /// A device, a fifo, or something unknown.
    Other,
}

/// An entry of a tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path as it is written.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Size of the file: holes of a sparse file included, zero for everything but files.
    pub size: u64,
    /// Target of a hard or symbolic link.
    pub link: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
    /// Whether the data holds a sparse file's pieces instead of its content.
    pub sparse: bool,
    /// Offset of its header.
    pub offset: u64,
}

/// Why a tar could not be read.
#[derive(Debug)]
pub struct TarError {
    /// Where, in bytes from the start of the tar.
    pub offset: u64,
    /// What is wrong.
    pub what: Fault,
}

/// What is wrong with a tar.
#[derive(Debug)]
pub enum Fault {
    /// The stream failed.
    Io(io::Error),
    /// The bytes make no sense.
    Format(String),
    /// There is more than may be kept.
    TooMuch(String),
}

/// Reads a tar from a stream.
pub struct TarReader<R> {
    input: R,
    offset: u64,
    /// Data of the current entry that is still to come.
    remaining: u64,
    /// Zero bytes behind it.
    padding: u64,
}

impl<R: BufRead> TarReader<R> {
    /// Reads from the start of a tar.
    pub fn new(input: R) -> Self {
        Self { input, offset: 0, remaining: 0, padding: 0 }
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next entry; what is left of the data of the one before is skipped.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, TarError> {
        let mut pax: Option<Pax> = None;
        let mut long_name: Option<Vec<u8>> = None;
        let mut long_link: Option<Vec<u8>> = None;
        loop {
            self.skip_data()?;
            let start = self.offset;
            let Some(header) = self.header()? else {
                if pax.is_some() || long_name.is_some() || long_link.is_some() {
                    return Err(format_error(start, "an extended header without its entry"));
                }
                return Ok(None);
            };
            let flag = header[156];
            let size = number(&header[124..136]).ok_or_else(|| format_error(start, "a size that is not a number"))?;
            match flag {
                b'L' | b'K' => {
                    let mut name = self.metadata(start, size, MAX_NAME, "a name longer than 64 KiB")?;
                    name.truncate(terminated(&name).len());
                    *(if flag == b'L' { &mut long_name } else { &mut long_link }) = Some(name);
                }
                b'x' | b'X' => {
                    let text = self.metadata(start, size, MAX_PAX, "an extended header larger than 1 MiB")?;
                    pax = Some(Pax::read(&text).ok_or_else(|| format_error(start, "a broken extended header"))?);
                }
                // To Go it is an entry of its own, which engines pass over: what it says holds for no other entry.
                b'g' => {
                    (pax, long_name, long_link) = (None, None, None);
                    self.begin_data(size);
                }
                _ => {
                    let pax = pax.unwrap_or_default();
                    return self.entry(start, &header, size, pax, long_name, long_link).map(Some);
                }
            }
        }
    }

    /// Reads what is behind the end mark and forgets it: padding, which has an end.
    pub fn drain_input(&mut self) -> Result<(), TarError> {
        let mut left = MAX_PADDING;
        loop {
            let count =
                self.input.fill_buf().map_err(|error| TarError { offset: self.offset, what: Fault::Io(error) })?.len();
            if count == 0 {
                return Ok(());
            }
            self.input.consume(count);
            left = left
                .checked_sub(count as u64)
                .ok_or_else(|| format_error(self.offset, "more than 64 MiB follow the end of the tar"))?;
        }
    }

    /// The next bytes of the current entry's data, as many as are there at once; none at its end.
    pub fn peek(&mut self) -> io::Result<&[u8]> {
        let most = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        let buffer = self.input.fill_buf()?;
        Ok(&buffer[..buffer.len().min(most)])
    }

    /// The data of the current entry.
    pub fn data(&mut self) -> Data<'_, R> {
        Data { tar: self }
    }

    fn entry(
        &mut self,
        start: u64,
        header: &[u8; BLOCK],
        size: u64,
        pax: Pax,
        long_name: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<Entry, TarError> {
        let is_sparse = pax.sparse.is_there();
        let full_size = pax.sparse.full_size();
        let sparse_name = pax.sparse.name.filter(|_| is_sparse);
        // Go's order: what GNU says of a name comes before what PAX says.
        let path = sparse_name.or(long_name).or(pax.path).unwrap_or_else(|| short_name(header));
        if path.len() as u64 > MAX_NAME {
            return Err(format_error(start, "a name longer than 64 KiB"));
        }
        let link = long_link.or(pax.link).unwrap_or_else(|| terminated(&header[157..257]).to_vec());
        if link.len() as u64 > MAX_NAME {
            return Err(format_error(start, "a link target longer than 64 KiB"));
        }
        let mut size = pax.size.unwrap_or(size);
        let kind = match header[156] {
            b'0' | 0 | b'7' | b'S' if path.ends_with(b"/") && header[156] == 0 => Kind::Directory,
            b'0' | 0 | b'7' | b'S' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'5' => Kind::Directory,
            _ => Kind::Other,
        };
        // Links, directories, devices and fifos have no data, whatever their header says (Go: `isHeaderOnly`).
        if matches!(header[156], b'1'..=b'6') || kind == Kind::Directory {
            size = 0;
        }
        let mut real = size;
        let mut sparse = false;
        if header[156] == b'S' {
            real = number(&header[483..495]).ok_or_else(|| format_error(start, "a size that is not a number"))?;
            sparse = true;
            let mut more = header[482] != 0;
            while more {
                let block = self.block()?.ok_or_else(|| format_error(start, "it ends inside a sparse header"))?;
                more = block[504] != 0;
            }
        } else if kind == Kind::File && is_sparse {
            real = full_size.unwrap_or(size);
            sparse = true;
        }
        self.begin_data(size);
        let mode = number(&header[100..108]).unwrap_or(0) as u32 & 0o7777;
        let size = if kind == Kind::File { real } else { 0 };
        Ok(Entry { path, kind, size, link, mode, sparse, offset: start })
    }

    /// The next header, `None` at the end of the tar.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let start = self.offset;
        let Some(block) = self.block()? else { return Ok(None) };
        if block.iter().all(|&byte| byte == 0) {
            return match self.block()? {
                Some(next) if next.iter().any(|&byte| byte != 0) => {
                    Err(format_error(start, "entries behind the end mark"))
                }
                _ => Ok(None),
            };
        }
        if is_header(&block) { Ok(Some(block)) } else { Err(format_error(start, "a header with a wrong checksum")) }
    }

    /// A whole block, `None` at the end of the stream.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            let count = retry(|| self.input.read(&mut block[filled..])).map_err(|error| self.io(error))?;
            if count == 0 {
                if filled == 0 {
                    return Ok(None);
                }
                return Err(format_error(self.offset, "it ends inside a header"));
            }
            filled += count;
            self.offset += count as u64;
        }
        Ok(Some(block))
    }

    fn metadata(&mut self, start: u64, size: u64, limit: u64, too_long: &str) -> Result<Vec<u8>, TarError> {
        if size > limit {
            return Err(format_error(start, too_long));
        }
        self.begin_data(size);
        let mut content = Vec::new();
        self.data().read_to_end(&mut content).map_err(|error| self.io(error))?;
        Ok(content)
    }

    fn begin_data(&mut self, size: u64) {
        self.remaining = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    fn skip_data(&mut self) -> Result<(), TarError> {
        let end = self.offset + self.remaining;
        drain(&mut self.data()).map_err(|error| self.io(error))?;
        debug_assert_eq!(self.offset, end);
        self.remaining = self.padding;
        self.padding = 0;
        // Engines leave the padding of the last entry away in no archive, but a stream may end there.
        match drain(&mut self.data()) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.remaining = 0;
                Ok(())
            }
            other => other.map_err(|error| self.io(error)),
        }
    }

    fn io(&self, error: io::Error) -> TarError {
        TarError { offset: self.offset, what: Fault::Io(error) }
    }
}

/// The data of an entry. A stream that ends inside it is an error, not an end.
pub struct Data<'a, R> {
    tar: &'a mut TarReader<R>,
}

impl<R: BufRead> BufRead for Data<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.tar.remaining == 0 {
            return Ok(&[]);
        }
        let remaining = usize::try_from(self.tar.remaining).unwrap_or(usize::MAX);
        while let Err(error) = self.tar.input.fill_buf() {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
        let buffer = self.tar.input.fill_buf()?;
        if buffer.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends inside an entry's data"));
        }
        Ok(&buffer[..buffer.len().min(remaining)])
    }

    fn consume(&mut self, amount: usize) {
        self.tar.input.consume(amount);
        self.tar.remaining -= amount as u64;
        self.tar.offset += amount as u64;
    }
}

impl<R: BufRead> Read for Data<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, out)
    }
}

/// Whether a block is a tar header: its checksum is right, as unsigned or (old writers) signed bytes.
pub fn is_header(block: &[u8; BLOCK]) -> bool {
    let Some(expected) = number(&block[148..156]) else { return false };
    let mut unsigned: u64 = 0;
    let mut signed: i64 = 0;
    for (index, &byte) in block.iter().enumerate() {
        let byte = if (148..156).contains(&index) { b' ' } else { byte };
        unsigned += u64::from(byte);
        signed += i64::from(byte.cast_signed());
    }
    expected == unsigned || i64::try_from(expected).is_ok_and(|expected| expected == signed)
}

fn short_name(header: &[u8; BLOCK]) -> Vec<u8> {
    let name = terminated(&header[..100]);
    // star keeps times where ustar's prefix goes on (Go: `headerSTAR`).
    let is_star = &header[508..512] == b"tar\0";
    let prefix = terminated(&header[345..if is_star { 476 } else { 500 }]);
    if &header[257..263] == b"ustar\0" && !prefix.is_empty() { [prefix, b"/", name].concat() } else { name.to_vec() }
}

fn terminated(bytes: &[u8]) -> &[u8] {
    bytes.iter().position(|&byte| byte == 0).map_or(bytes, |end| &bytes[..end])
}

/// A number field: octal with spaces or zero bytes around it, or base 256 (GNU); `None` where negative or too large.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        if field[0] & 0x40 != 0 {
            return None;
        }
        return field[1..]
            .iter()
            .try_fold(u64::from(field[0] & 0x3f), |value, &byte| {
                value.checked_mul(256).map(|value| value | u64::from(byte))
            })
            .filter(|&value| i64::try_from(value).is_ok());
    }
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !padding(byte)).unwrap_or(field.len());
    let end = field.iter().rposition(|byte| !padding(byte)).map_or(start, |last| last + 1);
    let text = terminated(&field[start..end]);
    text.iter().try_fold(0u64, |value, &byte| match byte {
        b'0'..=b'7' => value.checked_mul(8).map(|value| value | u64::from(byte - b'0')),
        _ => None,
    })
}

fn retry(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

fn format_error(offset: u64, what: &str) -> TarError {
    TarError { offset, what: Fault::Format(what.to_owned()) }
}
