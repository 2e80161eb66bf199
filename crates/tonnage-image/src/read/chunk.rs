//! A part of a layer on its way to those who look at its bytes at the same time.

use std::io::{self, Read};
use std::ops::Range;

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
        self.data = carried.len()..carried.len();
        let most = carried.len() + CHUNK;
        while self.data.end < most {
            match input.read(&mut self.bytes[self.data.end..most]) {
                Ok(0) => break,
                Ok(count) => self.data.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
