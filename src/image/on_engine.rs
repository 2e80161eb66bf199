//! The images of an engine, weighed: in the engine's own store where that can be, else as its export streams by.
//!
//! The engine's side is async, reading is not: a thread reads, of an export what a bounded channel brings.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tonnage_image::{ImageError, ImageScan, StoreError, Weigher};

use super::way::{NotInPlace, StoreInPlace, Way, store_in_place};
use crate::engine::{ByteStream, EngineError, ImageHost, ImageInfo};
use crate::error::{Diagnose, chain};
use crate::exit::Exit;
use crate::record::Via;

/// Bytes that go to the reader at once: engines send 32 KiB at a time, and waking the reader for each costs more than
/// reading it.
const BATCH: usize = 256 * 1024;
/// Batches that may wait between the engine and the reader.
const WAITING: usize = 4;

/// Why an engine's images could not be weighed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WeighError {
    /// The engine could not export them.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The export could not be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The thread that reads died: a bug.
    #[error("the reader of the images ended without a result: {reason}")]
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

/// How an image was read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// The image; from an export of an engine that keeps several platforms perhaps several, from one that is broken
    /// none.
    pub scans: Vec<ImageScan>,
    /// Which way.
    pub via: Via,
    /// Why it was not read in place, where that was tried.
    pub reason: Option<NotInPlace>,
}

/// Images by the reference that they were asked for with; those that could not be read where they had to be are errors.
pub(crate) type Readings = BTreeMap<String, Result<Reading, NotInPlace>>;

/// Reads images of an engine; the weigher comes back with the layers that it has read, and layers that it had read
/// before are not read again in the store. What must be exported is exported in one request, so that shared layers
/// travel once. An error of the engine in the middle is the engine's, whatever the reader makes of the rest.
pub(crate) async fn weigh_on_engine<H: ImageHost>(
    engine: &H,
    images: &BTreeMap<String, ImageInfo>,
    way: Way,
    mut weigher: Weigher,
) -> Result<(Readings, Weigher), WeighError> {
    let mut readings = Readings::new();
    let mut reasons: BTreeMap<&str, NotInPlace> = BTreeMap::new();
    if way != Way::Export {
        match store_in_place(engine.facts(), engine.is_local()) {
            Err(reason) => reasons.extend(images.keys().map(|reference| (reference.as_str(), reason.clone()))),
            Ok(store) => {
                let ids = images.values().map(|info| info.id.clone()).collect();
                let (scans, back) = read_in_place(store, ids, weigher).await?;
                weigher = back;
                for ((reference, info), scans) in images.iter().zip(scans) {
                    match scans {
                        Ok(mut scans) => {
                            put_first(&mut scans, info);
                            let reading = Reading { scans, via: Via::Store, reason: None };
                            readings.insert(reference.clone(), Ok(reading));
                        }
                        Err(error) => drop(reasons.insert(reference, error.into())),
                    }
                }
            }
        }
    }
    if way == Way::Store {
        readings.extend(reasons.into_iter().map(|(reference, reason)| (reference.to_owned(), Err(reason))));
        return Ok((readings, weigher));
    }
    let missing: Vec<String> = images.keys().filter(|&reference| !readings.contains_key(reference)).cloned().collect();
    if missing.is_empty() {
        return Ok((readings, weigher));
    }
    let together = if engine.only_builds() { 1 } else { missing.len() };
    for batch in missing.chunks(together) {
        let (exported, back) = weigh_stream(engine.export(batch), weigher).await?;
        weigher = back;
        for reference in batch {
            let info = &images[reference];
            let mut scans: Vec<_> = exported.iter().filter(|scan| is_of(scan, info, reference)).cloned().collect();
            put_first(&mut scans, info);
            let reason = reasons.remove(reference.as_str());
            if let Some(reason) = &reason {
                tracing::debug!(%reference, reason = chain(reason), "exported");
            }
            readings.insert(reference.clone(), Ok(Reading { scans, via: Via::Export, reason }));
        }
    }
    Ok((readings, weigher))
}

/// Several platforms may go by one name: the engine's own comes first.
fn put_first(scans: &mut [ImageScan], info: &ImageInfo) {
    scans.sort_by_key(|scan| scan.config.diff_ids != info.diff_ids);
}

/// Whether an exported image is the one that was asked for: by its name, else by its id, else by its layers.
fn is_of(scan: &ImageScan, info: &ImageInfo, reference: &str) -> bool {
    let plain = |name: &str| {
        let name = name.strip_prefix("docker.io/").unwrap_or(name);
        let name = name.strip_prefix("library/").unwrap_or(name);
        let name = name.strip_prefix("localhost/").unwrap_or(name);
        let tagged = name.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
        if tagged { name.to_owned() } else { format!("{name}:latest") }
    };
    let names: Vec<String> = scan.tags.iter().map(|tag| plain(tag)).collect();
    names.contains(&plain(reference))
        || info.tags.iter().any(|tag| names.contains(&plain(tag)))
        || scan.config_digest == info.id
        || (scan.tags.is_empty() && scan.config.diff_ids == info.diff_ids)
}

/// Reads in the store, on a thread that ends soon once nobody waits for it any more.
async fn read_in_place(
    store: StoreInPlace,
    ids: Vec<String>,
    mut weigher: Weigher,
) -> Result<(Vec<Result<Vec<ImageScan>, StoreError>>, Weigher), WeighError> {
    struct StopWhenDropped(Arc<AtomicBool>);
    impl Drop for StopWhenDropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let waiting = StopWhenDropped(Arc::clone(&stop));
    let reader = tokio::task::spawn_blocking(move || {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let scans = match store {
            StoreInPlace::Layers(store) => {
                weigher.read_store(&store, &ids, &stop).into_iter().map(|scan| Ok(vec![scan?])).collect()
            }
            StoreInPlace::Content(store) => ids.iter().map(|id| weigher.read_content(&store, id, &stop)).collect(),
        };
        (scans, weigher)
    });
    let read = reader.await.map_err(|error| WeighError::Reader { reason: error.to_string() });
    drop(waiting);
    read
}

async fn weigh_stream(mut stream: ByteStream, mut weigher: Weigher) -> Result<(Vec<ImageScan>, Weigher), WeighError> {
    let (batches, queue) = mpsc::channel(WAITING);
    let reader = tokio::task::spawn_blocking(move || {
        let scans = weigher.read_archive(Queue {
            batches: queue,
            batch: Vec::new().into_iter(),
            chunk: Bytes::new(),
            ended: false,
        });
        (scans, weigher)
    });
    let mut failed = None;
    let (mut batch, mut size) = (Vec::new(), 0);
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => {
                size += chunk.len();
                batch.push(chunk);
                if size >= BATCH {
                    size = 0;
                    // The reader gave up: its error says why.
                    if batches.send(Some(std::mem::take(&mut batch))).await.is_err() {
                        break;
                    }
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
        let _ = batches.send(Some(batch)).await;
        let _ = batches.send(None).await;
    }
    drop(batches);
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
    batches: mpsc::Receiver<Option<Vec<Bytes>>>,
    batch: std::vec::IntoIter<Bytes>,
    chunk: Bytes,
    ended: bool,
}

impl Read for Queue {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !self.ended {
            if let Some(chunk) = self.batch.next() {
                self.chunk = chunk;
                continue;
            }
            match self.batches.blocking_recv() {
                Some(Some(batch)) => self.batch = batch.into_iter(),
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
    use tonnage_image::Options;
    use tonnage_image::testing::archives;

    use super::*;
    use crate::testing::{Script, ScriptedEngine};

    fn lost() -> EngineError {
        EngineError::Lost { action: "export".into(), reason: "gone".into() }
    }

    /// A docker archive without an image: its `manifest.json` is an empty list, behind `files` of 1 MiB.
    fn archive(files: usize) -> Vec<u8> {
        let mut members: Vec<(String, Vec<u8>)> =
            (0..files).map(|index| (index.to_string(), vec![1; 1 << 20])).collect();
        members.push(("manifest.json".to_owned(), b"[]".to_vec()));
        archives::archive(&members)
    }

    fn weigh(stream: ByteStream) -> Result<(Vec<ImageScan>, Weigher), WeighError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(weigh_stream(stream, Weigher::new(Options::default())))
    }

    fn chunks(archive: Vec<u8>) -> Vec<Result<Bytes, EngineError>> {
        archive.chunks(32 * 1024).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect()
    }

    #[test]
    fn an_engine_elsewhere_exports_unless_it_must_not_and_says_why() {
        let engine = ScriptedEngine::new(Script::default());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let read = |way| {
            runtime.block_on(async {
                let mut images = BTreeMap::new();
                for reference in ["python:3.9", "python:3.9-slim"] {
                    images.insert(reference.to_owned(), engine.image(reference).await.unwrap().unwrap());
                }
                weigh_on_engine(&engine, &images, way, Weigher::new(Options::default())).await.unwrap().0
            })
        };
        for (way, tried) in [(Way::Auto, true), (Way::Export, false)] {
            for (reference, reading) in read(way) {
                let reading = reading.unwrap();
                assert_eq!((reading.scans.len(), reading.via), (1, Via::Export), "{reference}");
                assert_eq!(matches!(reading.reason, Some(NotInPlace::Elsewhere)), tried);
            }
        }
        let refused = read(Way::Store);
        assert_eq!(refused.len(), 2);
        assert!(refused.values().all(|reading| matches!(reading, Err(NotInPlace::Elsewhere))));
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
        // What fits the channel and the reader's buffer, and a batch in hand, all of 4 KiB chunks.
        assert!(sent.get() < 8 * BATCH / 4096, "{}", sent.get());
    }
}
