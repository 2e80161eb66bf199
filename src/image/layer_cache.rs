//! What was found in layers, kept from one call to the next: a file per layer, named by the digest of the layer as the
//! registry stores it, and so does containerd. That digest was checked when the layer was read, so that no registry can pass
//! another layer off as a known one; an uncompressed digest is only claimed by a config until the layer is read.
//!
//! Nothing here is an error: without the cache a layer is read again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tonnage_image::KeptLayers;

use crate::fsx;
use crate::units::Bytes;

/// Bytes of all files; the ones that were used last stay.
const MOST: u64 = 256 << 20;
/// Bytes of one file.
const MOST_OF_ONE: u64 = 32 << 20;

/// What was found in layers, in a directory of its own.
#[derive(Debug, Clone)]
pub(crate) struct LayerCache {
    directory: PathBuf,
}

/// A file of the cache.
struct Stored {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl LayerCache {
    /// The cache in a state directory, which need not be there yet.
    pub(crate) fn in_state(folder: &Path) -> Self {
        Self { directory: folder.join("layers") }
    }

    /// Removes all of it: how many files, and their bytes.
    pub(crate) fn clear(&self) -> (usize, Bytes) {
        let removed: Vec<u64> = self.shrink(0);
        (removed.len(), Bytes(removed.iter().sum()))
    }

    /// Removes files, those first that were used longest ago, until no more than this is left.
    fn shrink(&self, most: u64) -> Vec<u64> {
        let mut stored = self.stored();
        stored.sort_by_key(|file| file.used);
        let mut left: u64 = stored.iter().map(|file| file.bytes).sum();
        let mut removed = Vec::new();
        for file in stored {
            if left > most || most == 0 {
                left -= file.bytes;
                if fs::remove_file(&file.path).is_ok() {
                    removed.push(file.bytes);
                }
            }
        }
        removed
    }

    /// The files of the cache, also half-written ones of interrupted calls; others in its directory are none of its own.
    fn stored(&self) -> Vec<Stored> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().filter_map(Result::ok);
        let own = entries.filter(|entry| {
            let name = entry.file_name();
            let parts: Vec<&str> = name.to_str().unwrap_or_default().split('.').collect();
            matches!(parts[..], [_, EXTENSION] | [_, EXTENSION, _, "part"])
        });
        let stored = |entry: fs::DirEntry| {
            let found = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some(Stored { path: entry.path(), bytes: found.len(), used: found.modified().ok()? })
        };
        own.filter_map(stored).collect()
    }

    fn path(&self, digest: &str) -> Option<PathBuf> {
        let digits =
            digest.strip_prefix("sha256:").filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        Some(self.directory.join(Path::new(digits).with_extension(EXTENSION)))
    }
}

impl KeptLayers for LayerCache {
    fn get(&self, digest: &str) -> Option<Vec<u8>> {
        let path = self.path(digest)?;
        fs::symlink_metadata(&path).ok().filter(|found| found.is_file() && found.len() <= MOST_OF_ONE)?;
        let found = fsx::read(&path).ok()?;
        // What cannot be marked as used is only removed earlier.
        let _ = File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(found)
    }

    /// Also removes what was used longest ago.
    fn put(&self, digest: &str, found: &[u8]) {
        if let Some(path) = self.path(digest)
            && found.len() as u64 <= MOST_OF_ONE
            && fsx::create_dir_all(&self.directory).is_ok()
            && fsx::write_atomic(&path, found).is_ok()
        {
            self.shrink(MOST);
        }
    }
}

const EXTENSION: &str = "layer";

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(letter: &str) -> String {
        format!("sha256:{}", letter.repeat(64))
    }

    #[test]
    fn what_is_kept_comes_back_and_what_was_used_longest_ago_goes_first() {
        let directory = tempfile::tempdir().unwrap();
        let cache = LayerCache::in_state(directory.path());
        assert_eq!(cache.get(&digest("a")), None);
        for letter in ["a", "b", "c"] {
            cache.put(&digest(letter), letter.repeat(1_000).as_bytes());
        }
        let age = |letter: &str, seconds: u64| {
            let file = File::options().append(true).open(cache.path(&digest(letter)).unwrap()).unwrap();
            file.set_modified(SystemTime::now() - std::time::Duration::from_secs(seconds)).unwrap();
        };
        for (letter, seconds) in [("a", 300), ("b", 200), ("c", 100)] {
            age(letter, seconds);
        }
        // Using it makes it the newest.
        assert_eq!(cache.get(&digest("a")).unwrap(), "a".repeat(1_000).as_bytes());
        assert_eq!(cache.shrink(2_000), [1_000]);
        assert!(cache.get(&digest("b")).is_none() && cache.get(&digest("c")).is_some());
        std::fs::write(directory.path().join("layers/notes.txt"), "mine").unwrap();
        assert_eq!(cache.clear(), (2, Bytes(2_000)));
        assert!(directory.path().join("layers/notes.txt").exists());
        assert!(cache.get(&digest("a")).is_none());
    }

    #[test]
    fn what_an_interrupted_call_left_goes_too() {
        let directory = tempfile::tempdir().unwrap();
        let cache = LayerCache::in_state(directory.path());
        cache.put(&digest("a"), b"whole");
        let half = cache.path(&digest("b")).unwrap().with_extension("layer.42.part");
        std::fs::write(&half, "half").unwrap();
        std::fs::write(directory.path().join("layers/notes.part"), "mine").unwrap();
        assert_eq!(cache.clear(), (2, Bytes(9)));
        assert!(!half.exists() && directory.path().join("layers/notes.part").exists());
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let directory = tempfile::tempdir().unwrap();
        let cache = LayerCache::in_state(directory.path());
        cache.put(&digest("a"), &vec![0; MOST_OF_ONE as usize + 1]);
        assert_eq!(cache.clear(), (0, Bytes(0)));
    }
}
