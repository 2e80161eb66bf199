//! A part of a layer on its way to those who look at its bytes at the same time.

use std::io::{self, Read};
use std::ops::Range;

use super::blob::read_full;

/// Bytes of the layer in one chunk; only the last one may have less.
pub const CHUNK: usize = 256 * 1024;
/// Bytes before a chunk that come with it.
pub const CARRY: usize = 32 * 1024;

/// A part of a layer, with the end of the part before it.
#[derive(Clone)]
pub struct Chunk {
    bytes: Vec<u8>,
    data: Range<usize>,
}

impl Chunk {
    /// An empty one, before the first.
    pub fn new() -> Self {
        Self { bytes: vec![0; CARRY + CHUNK], data: 0..0 }
    }

    /// Where in [`Chunk::bytes`] its own part of the layer is.
    pub fn data(&self) -> Range<usize> {
        self.data.clone()
    }

    /// What came right before, and its own part.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.data.end]
    }

    /// Its own part.
    pub fn own(&self) -> &[u8] {
        &self.bytes[self.data.clone()]
    }

    /// Fills it with what follows `before` in the layer.
    pub fn fill(&mut self, before: &Self, input: &mut impl Read) -> io::Result<()> {
        let carried = &before.bytes()[before.data.end.saturating_sub(CARRY)..];
        self.bytes[..carried.len()].copy_from_slice(carried);
        let start = carried.len();
        let count = read_full(input, &mut self.bytes[start..start + CHUNK])?;
        self.data = start..start + count;
        Ok(())
    }
}
