//! Blobs of a table in an `SQLite` database (<https://www.sqlite.org/fileformat2.html>), read without the library: no index,
//! no journal, only the B-tree of one table.

use super::numbers::big_endian as number;

const MAGIC: &[u8] = b"SQLite format 3\0";
/// The database's header, before the first page's own.
const HEADER: usize = 100;
const INNER: u8 = 5;
const LEAF: u8 = 13;
/// A database of 2^32 pages is no deeper.
const DEEPEST: usize = 40;
/// Columns of a row that are looked at.
const MOST_COLUMNS: usize = 64;

/// Hands over the blob of each row of a table: the last column. False where the database is broken, or `take` wants no
/// more.
pub(super) fn blobs(bytes: &[u8], table: &[u8], mut take: impl FnMut(&[u8]) -> bool) -> bool {
    let Some(database) = Database::open(bytes) else { return false };
    let mut root = None;
    // The first page is the table of tables: type, name, table, root page, text.
    let found = database.rows(1, &mut |row| {
        let columns = columns(row)?;
        if let [kind, name, _, page, ..] = &columns[..]
            && *kind == b"table"
            && *name == table
        {
            root = number(page, 0, page.len());
        }
        Some(())
    });
    let Some(root) = root.and_then(|root| usize::try_from(root).ok()).filter(|_| found.is_some()) else { return false };
    database.rows(root, &mut |row| take(columns(row)?.last()?).then_some(())).is_some()
}

struct Database<'a> {
    bytes: &'a [u8],
    page: usize,
    /// Bytes of a page that are in use.
    usable: usize,
}

impl<'a> Database<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let page = match number(bytes, 16, 2)? as usize {
            1 => 65536,
            page if page >= 512 && page.is_power_of_two() => page,
            _ => return None,
        };
        let usable = page - usize::from(*bytes.get(20)?);
        (usable >= 480).then_some(Self { bytes, page, usable })
    }

    fn page(&self, number: usize) -> Option<&'a [u8]> {
        let start = number.checked_sub(1)?.checked_mul(self.page)?;
        self.bytes.get(start..start.checked_add(self.page)?)
    }

    /// Each row below a page, in order. No page is visited more often than there are pages.
    fn rows(&self, root: usize, row: &mut dyn FnMut(&[u8]) -> Option<()>) -> Option<()> {
        let mut left = self.bytes.len() / self.page;
        // Rows that overlap could be many times as long as the database.
        let mut bytes_left = self.bytes.len();
        let mut waiting = vec![(root, 0)];
        while let Some((at, depth)) = waiting.pop() {
            left = left.checked_sub(1)?;
            if depth > DEEPEST {
                return None;
            }
            let page = self.page(at)?;
            let start = if at == 1 { HEADER } else { 0 };
            let kind = *page.get(start)?;
            let count = number(page, start + 3, 2)? as usize;
            let cells = start + if kind == INNER { 12 } else { 8 };
            let cell = |index: usize| number(page, cells + 2 * index, 2).map(|cell| cell as usize);
            match kind {
                INNER => {
                    waiting.push((number(page, start + 8, 4)? as usize, depth + 1));
                    for index in (0..count).rev() {
                        waiting.push((number(page, cell(index)?, 4)? as usize, depth + 1));
                    }
                    // A page that lists more pages than there are is broken.
                    if waiting.len() > self.bytes.len() / self.page {
                        return None;
                    }
                }
                LEAF => {
                    for index in 0..count {
                        let content = page.get(cell(index)?..self.usable)?;
                        let (length, used) = varint(content)?;
                        let (_, more) = varint(content.get(used..)?)?;
                        let content = &content[used + more..];
                        let length = usize::try_from(length).ok()?;
                        bytes_left = bytes_left.checked_sub(length)?;
                        row(&self.payload(content, length, &mut left)?)?;
                    }
                }
                _ => return None,
            }
        }
        Some(())
    }

    /// A row's bytes: on its page, and what does not fit there on a chain of others.
    fn payload(&self, content: &'a [u8], length: usize, left: &mut usize) -> Option<std::borrow::Cow<'a, [u8]>> {
        let most = self.usable - 35;
        if length <= most {
            return content.get(..length).map(Into::into);
        }
        if length > self.bytes.len() {
            return None;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fits = least + (length - least) % (self.usable - 4);
        let here = if fits <= most { fits } else { least };
        let mut whole = content.get(..here)?.to_vec();
        let mut next = number(content, here, 4)? as usize;
        while whole.len() < length {
            *left = left.checked_sub(1)?;
            let page = self.page(next)?;
            next = number(page, 0, 4)? as usize;
            let part = (length - whole.len()).min(self.usable - 4);
            whole.extend_from_slice(page.get(4..4 + part)?);
        }
        Some(whole.into())
    }
}

/// The columns of a record: a header of types, then their values. An integer is its bytes.
fn columns(record: &[u8]) -> Option<Vec<&[u8]>> {
    let (length, mut at) = varint(record)?;
    let header = record.get(..usize::try_from(length).ok()?)?;
    let mut values = &record[header.len()..];
    let mut found = Vec::new();
    while at < header.len() {
        let (kind, used) = varint(&header[at..])?;
        at += used;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            kind => (kind - 12) / 2,
        };
        let (value, rest) = values.split_at_checked(usize::try_from(length).ok()?)?;
        if found.len() == MOST_COLUMNS {
            return None;
        }
        // 1 without a byte of its own.
        found.push(if kind == 9 { b"\x01" } else { value });
        values = rest;
    }
    Some(found)
}

/// Seven bits a byte, the highest first; of a ninth byte all eight.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(9).enumerate() {
        if index == 8 {
            return Some(((value << 8) | u64::from(byte), 9));
        }
        value = (value << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}
