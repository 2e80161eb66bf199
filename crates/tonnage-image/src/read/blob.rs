//! Compressed and plain blobs: told apart by their first bytes, unpacked and counted as they stream by; digests.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use sha2::{Digest as _, Sha256, Sha512};

/// Size of the buffers between the stages.
const BUFFER: usize = 256 * 1024;
/// `ZSTD_error_frameParameter_windowTooLarge`, as zstd's functions return it (`zstd_errors.h`).
const WINDOW_TOO_LARGE: usize = 0usize.wrapping_sub(16);

/// How a blob is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    Plain,
    /// In gzip members.
    Gzip,
    /// In zstd frames.
    Zstd,
}

impl Packing {
    /// How many bytes tell it.
    pub const TOLD_BY: usize = 6;

    /// Told by the first bytes.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // A frame, or a skippable frame (RFC 8878, 3.1), which some writers put first.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    /// The format of what is packed in another way, or is not a tar at all.
    pub fn foreign(start: &[u8]) -> Option<&'static str> {
        Some(match start {
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "xz",
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => "bzip2",
            [0x04, 0x22, 0x4d, 0x18, ..] => "lz4",
            [b'L', b'Z', b'I', b'P', ..] => "lzip",
            [0x5d, 0, 0, ..] => "lzma",
            [0x1f, 0x9d, ..] => "compress",
            [b'P', b'K', 3, 4, ..] => "zip",
            [b'7', b'z', 0xbc, 0xaf, ..] => "7z",
            _ => return None,
        })
    }

    /// A reader of the unpacked bytes. A zstd frame whose window is larger than `window` is an error.
    pub fn unpack<'a>(self, input: impl BufRead + 'a, window: u64) -> io::Result<Box<dyn BufRead + 'a>> {
        Ok(match self {
            Self::Plain => Box::new(input),
            Self::Gzip => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(input))),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
                // 10 and 31 are the least and the most that zstd knows.
                decoder.window_log_max(window.max(1).ilog2().clamp(10, 31))?;
                Box::new(BufReader::with_capacity(BUFFER, Windowed { decoder, window }))
            }
        })
    }
}

/// Tells a window that is too large from damage.
struct Windowed<R> {
    decoder: R,
    window: u64,
}

impl<R: Read> Read for Windowed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.decoder.read(out).map_err(|error| {
            if error.to_string() == zstd::zstd_safe::get_error_name(WINDOW_TOO_LARGE) {
                let what = format!("its zstd window takes more than {} bytes of memory", self.window);
                io::Error::new(io::ErrorKind::OutOfMemory, what)
            } else {
                error
            }
        })
    }
}

/// The digest that the name of a blob promises: `blobs/sha256/…` or `blobs/sha512/…`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobName<'a> {
    algorithm: &'a str,
    digits: &'a str,
}

impl<'a> BlobName<'a> {
    /// What a path in the archive promises; nothing if it is not that of a blob.
    pub fn of(path: &'a str) -> Option<Self> {
        let (algorithm, digits) = path.strip_prefix("blobs/")?.split_once('/')?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return None,
        };
        let fine = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        fine.then_some(Self { algorithm, digits })
    }

    /// Whether a digest, `algorithm:digits`, keeps the promise; one of another algorithm cannot break it.
    pub fn agrees(self, digest: &str) -> bool {
        let (algorithm, digits) = digest.split_once(':').unwrap_or_default();
        algorithm != self.algorithm || digits == self.digits
    }

    fn hasher(self) -> Hasher {
        if self.algorithm == "sha256" { Hasher::Sha256(Sha256::new()) } else { Hasher::Sha512(Sha512::new()) }
    }
}

enum Hasher {
    Sha256(Sha256),
    Sha512(Sha512),
}

/// Counts the bytes that pass, and puts the ones that were looked at back in front.
pub struct Counted<R> {
    input: R,
    count: u64,
    hasher: Option<Hasher>,
}

impl<R> Counted<R> {
    /// Counts what is read from `input`, and hashes it as its name does.
    pub fn new(input: R, name: Option<BlobName<'_>>) -> Self {
        Self { input, count: 0, hasher: name.map(BlobName::hasher) }
    }

    /// The digest of what was read, as `algorithm:digits`, if it was asked for.
    pub fn digest(&mut self) -> Option<String> {
        Some(match self.hasher.take()? {
            Hasher::Sha256(hasher) => digest_text(&hasher.finalize()),
            Hasher::Sha512(hasher) => format!("sha512:{}", hex::encode(hasher.finalize())),
        })
    }

    /// Bytes so far.
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is consumed is still in the buffer.
        if let (Some(hasher), Ok(buffer)) = (&mut self.hasher, self.input.fill_buf()) {
            let bytes = &buffer[..amount.min(buffer.len())];
            match hasher {
                Hasher::Sha256(hasher) => hasher.update(bytes),
                Hasher::Sha512(hasher) => hasher.update(bytes),
            }
        }
        self.count += amount as u64;
        self.input.consume(amount);
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, out)
    }
}

/// Lets bytes pass until there are too many.
pub struct Limited<R> {
    input: R,
    count: u64,
    limit: u64,
}

impl<R> Limited<R> {
    /// Reads from `input`, at most `limit` bytes.
    pub fn new(input: R, limit: u64) -> Self {
        Self { input, count: 0, limit }
    }

    /// Bytes so far.
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// The error where there are more bytes than may be.
pub fn too_much(limit: u64) -> io::Error {
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("it unpacks to more than the {limit} bytes that are left to unpack"),
    )
}

impl<R: BufRead> BufRead for Limited<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = self.limit - self.count;
        let buffer = self.input.fill_buf()?;
        if left == 0 && !buffer.is_empty() {
            return Err(too_much(self.limit));
        }
        Ok(&buffer[..buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX))])
    }

    fn consume(&mut self, amount: usize) {
        self.count += amount as u64;
        self.input.consume(amount);
    }
}

impl<R: BufRead> Read for Limited<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, out)
    }
}

/// Reads from what is buffered: how whatever has a buffer reads.
pub fn read_buffered(input: &mut impl BufRead, out: &mut [u8]) -> io::Result<usize> {
    let buffer = input.fill_buf()?;
    let count = buffer.len().min(out.len());
    out[..count].copy_from_slice(&buffer[..count]);
    input.consume(count);
    Ok(count)
}

/// Fills `out` as far as there are bytes: a pipe may hand out one at a time.
pub fn read_full(input: &mut (impl Read + ?Sized), out: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < out.len() {
        match input.read(&mut out[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads what is left and forgets it.
pub fn drain(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let count = input.fill_buf()?.len();
        if count == 0 {
            return Ok(());
        }
        input.consume(count);
    }
}

/// `sha256:` and the digits.
pub fn digest_text(digest: &[u8]) -> String {
    format!("sha256:{}", hex::encode(digest))
}

/// Digest of some bytes.
pub fn digest_of(content: &[u8]) -> String {
    digest_text(&Sha256::digest(content))
}
