//! For tests of this crate and of others, and for the fuzz targets: makes archives, and leads to private readers of
//! untrusted input.

pub mod archives;

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::KeptLayers;

/// Docker's record of a layer's tar, packed or not, as any bytes: pieces that are kept in memory are those that a second
/// look at the record gives, and their lengths add up. Returns whether there were any.
pub fn tar_split(data: &[u8]) -> bool {
    crate::store::read_twice(data)
}

/// What was kept of layers, in memory.
#[derive(Default)]
pub struct KeptInMemory(Mutex<BTreeMap<String, Vec<u8>>>);

impl KeptInMemory {
    /// The digests of the layers.
    pub fn digests(&self) -> Vec<String> {
        self.0.lock().map(|kept| kept.keys().cloned().collect()).unwrap_or_default()
    }
}

impl KeptLayers for KeptInMemory {
    fn get(&self, digest: &str) -> Option<Vec<u8>> {
        self.0.lock().ok()?.get(digest).cloned()
    }

    fn put(&self, digest: &str, found: &[u8]) {
        if let Ok(mut kept) = self.0.lock() {
            kept.insert(digest.to_owned(), found.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::{Options, Weigher};

    /// Runs each kept input of a fuzz target, and beginnings of it, through a reader.
    fn run_seeds(target: &str, read: fn(&[u8]) -> bool) {
        let mut taken = 0;
        for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target)).unwrap()
        {
            let data = fs::read(entry.unwrap().path()).unwrap();
            taken += usize::from(read(&data));
            for part in 1..8 {
                read(&data[..data.len() * part / 8]);
            }
        }
        assert!(taken >= 2, "the reader of `{target}` took {taken} of its seeds");
    }

    #[test]
    fn the_seeds_of_tar_split_pass() {
        run_seeds("tar_split", tar_split);
    }

    #[test]
    fn the_seeds_of_archives_pass() {
        run_seeds("archive", |data| Weigher::new(Options::default()).read_archive(data).is_ok());
    }
}
