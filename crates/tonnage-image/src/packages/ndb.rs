//! rpm's own database, `Packages.db` (rpm, `lib/backend/ndb/rpmpkg.c`): slots of 16 bytes that say where a header lies,
//! all numbers little-endian.

use super::numbers::little_endian;

const MAGIC: &[u8] = b"RpmP";
const SLOT: &[u8] = b"Slot";
const BLOB: &[u8] = b"BlbS";
const SLOT_SIZE: usize = 16;
/// The first two slots are the database's header.
const FIRST: usize = 2;
/// Slots come in pages of this size.
const PAGE: usize = 4096;
/// What offsets are counted in, and the size of a blob's own header.
const BLOCK: usize = 16;

/// The headers; `None` where this is not such a database.
pub(super) fn headers(database: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    if !database.starts_with(MAGIC) {
        return None;
    }
    let pages = little_endian(database, 12, 4)? as usize;
    let slots = database.get(..pages.checked_mul(PAGE)?.min(database.len()))?.chunks_exact(SLOT_SIZE).skip(FIRST);
    // Headers that overlap could be many times as long as the database.
    let mut left = database.len();
    Some(slots.filter_map(|slot| header(database, slot)).take_while(move |header| {
        let enough = left.checked_sub(header.len());
        left = enough.unwrap_or(0);
        enough.is_some()
    }))
}

/// The header that a slot points at; an empty slot has none.
fn header<'a>(database: &'a [u8], slot: &[u8]) -> Option<&'a [u8]> {
    let index = little_endian(slot, 4, 4)?;
    if !slot.starts_with(SLOT) || index == 0 {
        return None;
    }
    let at = (little_endian(slot, 8, 4)? as usize).checked_mul(BLOCK)?;
    let blob = database.get(at..)?;
    if !blob.starts_with(BLOB) || little_endian(blob, 4, 4)? != index {
        return None;
    }
    blob.get(BLOCK..BLOCK.checked_add(little_endian(blob, 12, 4)? as usize)?)
}
