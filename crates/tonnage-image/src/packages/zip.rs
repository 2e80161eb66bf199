//! The central directory of a zip archive (PKWARE APPNOTE 4.3.12, 4.3.16, and for zip64 4.3.14), read from the last
//! bytes of the file, and small members of it.

use std::io::Read as _;

use super::numbers::little_endian as number;

const END: &[u8] = b"PK\x05\x06";
const END_SIZE: usize = 22;
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_SIZE: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_SIZE: usize = 30;
/// A comment behind the end has no more.
const MOST_COMMENT: usize = u16::MAX as usize;
/// Entries of one archive that are looked at.
const MOST_ENTRIES: usize = 200_000;
const STORED: u64 = 0;
const DEFLATED: u64 = 8;

/// The end of a zip archive, or all of it.
pub(super) struct Zip<'a> {
    bytes: &'a [u8],
    /// Offset of `bytes` in the archive; negative where something comes before the archive.
    start: i128,
    directory: usize,
}

/// A member, as the central directory has it.
pub(super) struct Member<'a> {
    pub name: &'a [u8],
    /// Bytes that it takes in the archive, without its header.
    pub stored_bytes: u64,
    method: u64,
    offset: u64,
}

impl<'a> Zip<'a> {
    /// Takes the last bytes of an archive; `None` where its directory is not in them.
    pub(super) fn open(bytes: &'a [u8]) -> Option<Self> {
        let least = bytes.len().saturating_sub(END_SIZE + MOST_COMMENT);
        let end = bytes.get(least..)?.windows(4).rposition(|part| part == END)? + least;
        // The directory comes right before its end, so where it lies tells what comes before the archive. Of a zip64
        // archive these figures may be all ones: then it has a record of its own in between, which is not read.
        let (size, offset) = (number(bytes, end + 12, 4)?, number(bytes, end + 16, 4)?);
        let directory = end.checked_sub(usize::try_from(size).ok()?)?;
        Some(Self { bytes, start: i128::from(offset) - directory as i128, directory })
    }

    /// The members; broken ones end the list.
    pub(super) fn members(&self) -> impl Iterator<Item = Member<'a>> {
        let bytes = self.bytes;
        let mut at = self.directory;
        std::iter::from_fn(move || {
            if bytes.get(at..at + 4)? != ENTRY {
                return None;
            }
            let of = |place: usize, length: usize| number(bytes, at + place, length);
            let (name, extra, comment) = (of(28, 2)? as usize, of(30, 2)? as usize, of(32, 2)? as usize);
            let member = Member {
                name: bytes.get(at + ENTRY_SIZE..at + ENTRY_SIZE + name)?,
                stored_bytes: of(20, 4)?,
                method: of(10, 2)?,
                offset: of(42, 4)?,
            };
            at += ENTRY_SIZE + name + extra + comment;
            Some(member)
        })
        .take(MOST_ENTRIES)
    }

    /// A member's bytes as they are stored, where they are here.
    pub(super) fn stored(&self, member: &Member<'_>) -> Option<&'a [u8]> {
        let at = usize::try_from(i128::from(member.offset) - self.start).ok()?;
        if self.bytes.get(at..at.checked_add(4)?)? != LOCAL {
            return None;
        }
        let (name, extra) = (number(self.bytes, at + 26, 2)? as usize, number(self.bytes, at + 28, 2)? as usize);
        let data = at + LOCAL_SIZE + name + extra;
        self.bytes.get(data..data.checked_add(usize::try_from(member.stored_bytes).ok()?)?)
    }

    /// The first bytes of a member, unpacked.
    pub(super) fn content(&self, member: &Member<'_>, most: u64) -> Option<Vec<u8>> {
        let stored = self.stored(member)?;
        let mut content = Vec::new();
        match member.method {
            STORED => content.extend_from_slice(&stored[..stored.len().min(usize::try_from(most).ok()?)]),
            DEFLATED => drop(flate2::read::DeflateDecoder::new(stored).take(most).read_to_end(&mut content).ok()?),
            _ => return None,
        }
        Some(content)
    }

    /// A member that is stored without packing, as it is.
    pub(super) fn plain(&self, member: &Member<'_>) -> Option<&'a [u8]> {
        (member.method == STORED).then(|| self.stored(member)).flatten()
    }
}
