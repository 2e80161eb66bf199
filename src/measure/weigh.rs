//! An engine's export, weighed as it streams by: the engine's side is async, the reading of archives is not, so a
//! thread reads what a bounded channel brings.

use std::io::{self, Read};

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::engine::{Engine, EngineError};
use crate::error::Diagnose;
use crate::exit::Exit;
use crate::image::{ImageError, ImageScan, Weigher};

/// Chunks that may wait between the engine and the reader: engines send 32 KiB at a time.
const WAITING: usize = 32;

/// Why an engine's images could not be weighed.
#[derive(Debug, thiserror::Error)]
pub enum WeighError {
    /// The engine could not export them.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The export could not be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The thread that reads died: a bug.
    #[error("the reader of the export ended without a result: {reason}")]
    Reader {
        /// What is known.
        reason: String,
    },
}

impl Diagnose for WeighError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Reader { .. } => None,
        }
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Engine(error) => error.exit(),
            Self::Image(error) => error.exit(),
            Self::Reader { .. } => Exit::Bug,
        }
    }
}

/// Exports images in one request and reads them as they come; the weigher comes back with the layers that it has
/// read. An error of the engine in the middle is the engine's, whatever the reader makes of the rest.
pub async fn weigh_exported<E: Engine>(
    engine: &E,
    references: &[String],
    mut weigher: Weigher,
) -> Result<(Vec<ImageScan>, Weigher), WeighError> {
    let (chunks, queue) = mpsc::channel(WAITING);
    let reader = tokio::task::spawn_blocking(move || {
        let scans = weigher.read_archive(Queue { queue, chunk: Bytes::new(), ended: false });
        (scans, weigher)
    });
    let mut stream = engine.export(references);
    let mut failed = None;
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => {
                // The reader gave up: its error says why.
                if chunks.send(Some(chunk)).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
    }
    if failed.is_none() {
        // An end that is meant, told apart from a sender that was dropped.
        let _ = chunks.send(None).await;
    }
    drop(chunks);
    drop(stream);
    let ended = reader.await;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let (scans, weigher) = ended.map_err(|error| WeighError::Reader { reason: error.to_string() })?;
    Ok((scans?, weigher))
}

/// The reader's end of the channel.
struct Queue {
    queue: mpsc::Receiver<Option<Bytes>>,
    chunk: Bytes,
    ended: bool,
}

impl Read for Queue {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !self.ended {
            match self.queue.blocking_recv() {
                Some(Some(chunk)) => self.chunk = chunk,
                Some(None) => self.ended = true,
                None => return Err(io::Error::new(io::ErrorKind::BrokenPipe, "the engine's export broke off")),
            }
        }
        let count = self.chunk.len().min(out.len());
        out[..count].copy_from_slice(&self.chunk.split_to(count));
        Ok(count)
    }
}
