//! The one pass over an unpacked layer: its bytes go to the tar reader, and at the same time to a thread that hashes
//! them and to the estimator of its compressed size.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use sha2::{Digest as _, Sha256};

use super::blob::{digest_text, drain, read_buffered, too_much};
use super::chunk::{CHUNK, Chunk};
use super::estimate::Estimator;
use crate::DiffIds;

/// Chunks that may wait to be hashed.
const WAITING: usize = 8;

/// Hashes the bytes that pass and hands them to the estimator, a chunk at a time.
pub struct Hashed<R> {
    input: R,
    current: Arc<Chunk>,
    /// Where the reader is in the current chunk.
    at: usize,
    /// Chunks before the current one: free again once nobody else holds them.
    old: Vec<Arc<Chunk>>,
    digest: Digest,
    estimator: Option<Estimator>,
    count: u64,
    limit: u64,
}

impl<R: Read> Hashed<R> {
    /// Reads from `input`, at most `limit` bytes.
    pub fn new(input: R, limit: u64, diff_ids: DiffIds, estimator: Option<Estimator>) -> Self {
        Self {
            input,
            current: Arc::new(Chunk::new()),
            at: 0,
            old: Vec::new(),
            digest: match diff_ids {
                DiffIds::Checked => Digest::Here(Sha256::new()),
                DiffIds::Claimed => Digest::Unasked,
            },
            estimator,
            count: 0,
            limit,
        }
    }

    /// Reads to the end: digest as `sha256:…` (empty where it was not asked for), bytes, and the estimate where one was.
    pub fn finish(mut self) -> io::Result<(String, u64, Option<u64>)> {
        drain(&mut self)?;
        let digest = self.digest.finish()?;
        Ok((digest, self.count, self.estimator.map(Estimator::finish)))
    }

    fn refill(&mut self) -> io::Result<()> {
        let free = self.old.iter().position(|chunk| Arc::strong_count(chunk) == 1);
        let mut next = free.map_or_else(|| Arc::new(Chunk::new()), |free| self.old.swap_remove(free));
        // Nobody else holds it, so nothing is cloned.
        Arc::make_mut(&mut next).fill(&self.current, &mut self.input)?;
        let count = next.own().len() as u64;
        self.at = next.data().start;
        self.old.push(std::mem::replace(&mut self.current, next));
        if count == 0 {
            return Ok(());
        }
        self.count += count;
        if self.count > self.limit {
            return Err(too_much(self.limit));
        }
        if count == CHUNK as u64 {
            self.digest.go_beside();
        }
        self.digest.take(&self.current)?;
        if let Some(estimator) = &mut self.estimator {
            estimator.take(&self.current);
        }
        Ok(())
    }
}

impl<R: Read> BufRead for Hashed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.current.data().end {
            self.refill()?;
        }
        Ok(&self.current.bytes()[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.current.data().end);
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, out)
    }
}

/// The digest of a layer: of a small one made here, of a larger one on a thread beside the reader.
enum Digest {
    Unasked,
    Here(Sha256),
    Beside { chunks: SyncSender<Arc<Chunk>>, thread: JoinHandle<Sha256> },
}

impl Digest {
    /// Goes on with a thread of its own, if one can be had.
    fn go_beside(&mut self) {
        let Self::Here(hash) = self else { return };
        let mut hash = hash.clone();
        let (chunks, queue) = sync_channel::<Arc<Chunk>>(WAITING);
        let started = thread::Builder::new().name("digest".to_owned()).spawn(move || {
            for chunk in queue {
                hash.update(chunk.own());
            }
            hash
        });
        if let Ok(thread) = started {
            *self = Self::Beside { chunks, thread };
        }
    }

    fn take(&mut self, chunk: &Arc<Chunk>) -> io::Result<()> {
        match self {
            Self::Unasked => {}
            Self::Here(hash) => hash.update(chunk.own()),
            Self::Beside { chunks, .. } => chunks.send(Arc::clone(chunk)).map_err(|_| ended())?,
        }
        Ok(())
    }

    fn finish(self) -> io::Result<String> {
        let hash = match self {
            Self::Unasked => return Ok(String::new()),
            Self::Here(hash) => hash,
            Self::Beside { chunks, thread } => {
                drop(chunks);
                thread.join().map_err(|_| ended())?
            }
        };
        Ok(digest_text(&hash.finalize()))
    }
}

fn ended() -> io::Error {
    io::Error::other("the thread that hashes it ended too early")
}

#[cfg(test)]
mod tests {
    use super::super::blob::digest_of;
    use super::super::chunk::CARRY;
    use super::*;

    /// Gives a few bytes at a time, as sockets do.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(out.len()).min(self.0.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn the_digest_is_that_of_the_bytes_however_they_come() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 20 * CHUNK + 7] {
            let content: Vec<u8> = (0..length).map(|index| (index / 7 % 251) as u8).collect();
            for step in [1 << 20, 4093] {
                let mut hashed = Hashed::new(Trickle(&content, step), u64::MAX, DiffIds::Checked, None);
                let mut start = vec![0; length / 2];
                hashed.read_exact(&mut start).unwrap();
                assert_eq!(start, content[..length / 2]);
                let (digest, count, _) = hashed.finish().unwrap();
                assert_eq!((digest, count), (digest_of(&content), length as u64));
            }
        }
    }

    #[test]
    fn a_chunk_comes_with_the_end_of_the_one_before() {
        let content: Vec<u8> = (0..3 * CHUNK).map(|index| (index % 253) as u8).collect();
        let mut before = Chunk::new();
        let mut input = &content[..];
        for index in 0..3 {
            let mut chunk = Chunk::new();
            chunk.fill(&before, &mut input).unwrap();
            let start = index * CHUNK;
            assert_eq!(chunk.own(), &content[start..start + CHUNK]);
            assert_eq!(chunk.bytes(), &content[start.saturating_sub(CARRY)..start + CHUNK]);
            before = chunk;
        }
    }

    #[test]
    fn more_than_the_limit_is_an_error() {
        let content = vec![0; 2 * CHUNK];
        let error = Hashed::new(&content[..], CHUNK as u64, DiffIds::Checked, None).finish().unwrap_err();
        assert!(error.to_string().contains("more than the 262144 bytes"), "{error}");
    }
}
