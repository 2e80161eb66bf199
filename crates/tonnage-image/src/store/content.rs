//! Containerd's content store, in which a Docker Engine with the containerd image store keeps manifests, configs, and
//! layers as they are compressed: the blobs that its export sends. Read-only, no engine asked.
//!
//! Everything is under its digest (containerd `plugins/content/local`, `blobs/ALGORITHM/DIGITS`), and each digest is
//! checked, so that a store of another engine gives an error and never another number.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{StoreError, digits, read_small};
use crate::file::{self, FileError};
use crate::read::Blobs;
use crate::{ImageError, ImageScan, Platform, Weigher};

/// Where it is below the directory of a containerd.
const BLOBS: &str = "io.containerd.content.v1.content/blobs/sha256";
/// The containerd of the system, which an engine uses where it is told to.
const OF_THE_SYSTEM: &str = "/var/lib/containerd";
/// Longest manifest: registries take up to 4 MiB (OCI distribution specification, "Pushing Manifests").
const LONGEST_MANIFEST: u64 = 4 << 20;

/// The content store of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentStore {
    blobs: PathBuf,
}

impl ContentStore {
    /// The content store of the engine with this data directory: that of its own containerd, else that of the system's.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let own = root.join("containerd/daemon").join(BLOBS);
        // One that may not be looked into is there all the same.
        let is_missing = std::fs::read_dir(&own).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        let blobs = if is_missing { Path::new(OF_THE_SYSTEM).join(BLOBS) } else { own };
        std::fs::read_dir(&blobs).map_err(|error| FileError::new("list", &blobs, error))?;
        Ok(Self { blobs })
    }

    fn path(&self, digest: &str) -> Result<PathBuf, StoreError> {
        let digits = digits(digest).ok_or_else(|| StoreError::Id { id: digest.to_owned() })?;
        Ok(self.blobs.join(digits))
    }
}

impl Weigher {
    /// Reads the images of an engine's id, which is the digest of a manifest or of an index: those for the platforms that
    /// are there. Once `stop` is set, nothing is read any more.
    pub fn read_content(
        &mut self,
        store: &ContentStore,
        id: &str,
        stop: &Arc<AtomicBool>,
    ) -> Result<Vec<ImageScan>, StoreError> {
        let root = read_small(&store.path(id)?, LONGEST_MANIFEST)?;
        let found = crate::read::blob::digest_of(&root);
        if found != id {
            return Err(StoreError::Unexpected { path: store.path(id)?, what: format!("its digest is {found}") });
        }
        self.read_blobs(&root, &mut Stored { store, stop })
    }
}

/// The blobs of a store, until it is to stop.
struct Stored<'a> {
    store: &'a ContentStore,
    stop: &'a Arc<AtomicBool>,
}

impl Blobs for Stored<'_> {
    type Error = StoreError;

    fn manifest(&mut self, digest: &str) -> Result<Vec<u8>, StoreError> {
        read_small(&self.store.path(digest)?, LONGEST_MANIFEST)
    }

    fn blob(&mut self, digest: &str, size: u64) -> Result<Box<dyn Read + '_>, StoreError> {
        let path = self.store.path(digest)?;
        let file = file::open(&path)?;
        let found = file.metadata().map_err(|error| FileError::new("read", &path, error))?.len();
        if found != size {
            return Err(StoreError::Unexpected { path, what: format!("it has {found} bytes, not {size}") });
        }
        Ok(Box::new(Stoppable { file, stop: Arc::clone(self.stop) }))
    }

    fn choose(&self, platforms: &[Platform]) -> Result<Vec<usize>, StoreError> {
        Ok((0..platforms.len()).collect())
    }

    fn has(&mut self, digest: &str) -> bool {
        self.store.path(digest).is_ok_and(|path| path.is_file())
    }

    fn is_exact(&self) -> bool {
        false
    }
}

struct Stoppable {
    file: File,
    stop: Arc<AtomicBool>,
}

impl Read for Stoppable {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("it is to stop"));
        }
        self.file.read(out)
    }
}

impl From<ImageError> for StoreError {
    fn from(error: ImageError) -> Self {
        Self::Image(Arc::new(error))
    }
}
