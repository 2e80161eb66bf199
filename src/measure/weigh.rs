//! An engine's export, weighed as it streams by: the engine's side is async, the reading of archives is not, so a
//! thread reads what a bounded channel brings.

use std::io::{self, Read};

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::engine::{ByteStream, Engine, EngineError};
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
    weigher: Weigher,
) -> Result<(Vec<ImageScan>, Weigher), WeighError> {
    weigh_stream(engine.export(references), weigher).await
}

async fn weigh_stream(mut stream: ByteStream, mut weigher: Weigher) -> Result<(Vec<ImageScan>, Weigher), WeighError> {
    let (chunks, queue) = mpsc::channel(WAITING);
    let reader = tokio::task::spawn_blocking(move || {
        let scans = weigher.read_archive(Queue { chunks: queue, chunk: Bytes::new(), ended: false });
        (scans, weigher)
    });
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
    chunks: mpsc::Receiver<Option<Bytes>>,
    chunk: Bytes,
    ended: bool,
}

impl Read for Queue {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !self.ended {
            match self.chunks.blocking_recv() {
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use futures_util::stream;

    use super::*;
    use crate::image::Options;

    fn lost() -> EngineError {
        EngineError::Lost { action: "export".into(), reason: "gone".into() }
    }

    /// A docker archive without an image: its `manifest.json` is an empty list, behind `files` of 1 MiB.
    fn archive(files: usize) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut add = |name: &str, content: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, name, content).unwrap();
        };
        for index in 0..files {
            add(&format!("{index}"), &vec![1; 1 << 20]);
        }
        add("manifest.json", b"[]");
        builder.into_inner().unwrap()
    }

    fn weigh(stream: ByteStream) -> Result<(Vec<ImageScan>, Weigher), WeighError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(weigh_stream(stream, Weigher::new(Options::default())))
    }

    fn chunks(archive: Vec<u8>) -> Vec<Result<Bytes, EngineError>> {
        archive.chunks(32 * 1024).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect()
    }

    #[test]
    fn a_whole_export_is_read_to_its_end() {
        let error = weigh(Box::pin(stream::iter(chunks(archive(3))))).err().unwrap();
        assert!(matches!(error, WeighError::Image(ImageError::NoImage)), "{error}");
    }

    #[test]
    fn an_engine_that_goes_away_is_the_engines_error_wherever_it_happens() {
        let whole = chunks(archive(3));
        for keep in [0, 1, 40, whole.len()] {
            let mut broken: Vec<_> = whole[..keep].to_vec();
            broken.push(Err(lost()));
            let error = weigh(Box::pin(stream::iter(broken))).err().unwrap();
            assert!(matches!(&error, WeighError::Engine(error) if *error == lost()), "{keep}: {error}");
        }
    }

    #[test]
    fn an_export_that_ends_too_early_is_a_broken_archive() {
        let mut cut = chunks(archive(3));
        cut.truncate(40);
        let error = weigh(Box::pin(stream::iter(cut))).err().unwrap();
        assert!(matches!(error, WeighError::Image(ImageError::Read { .. })), "{error}");
    }

    #[test]
    fn a_reader_that_gives_up_stops_the_export() {
        let sent = Rc::new(Cell::new(0));
        let count = Rc::clone(&sent);
        let endless = stream::repeat_with(move || {
            count.set(count.get() + 1);
            Ok(Bytes::from_static(&[7; 4096]))
        });
        let error = weigh(Box::pin(endless)).err().unwrap();
        assert!(matches!(error, WeighError::Image(ImageError::Archive { .. })), "{error}");
        // What fits the channel and the reader's buffer, and one in hand.
        assert!(sent.get() < 200, "{}", sent.get());
    }
}
