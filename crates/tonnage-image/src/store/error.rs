//! Why an engine's store could not be read in place.

use std::path::PathBuf;
use std::sync::Arc;

use crate::ImageError;
use crate::file::FileError;
use crate::text::for_people;

/// Why a store, or an image in it, could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Layers of this storage driver are not kept as folders that hold their files.
    #[error("layers of the storage driver `{}` cannot be read in place", for_people(driver))]
    Driver {
        /// The driver.
        driver: String,
    },
    /// A file or folder of the store could not be opened.
    #[error(transparent)]
    File(Arc<FileError>),
    /// The engine's id of an image is not the digest of a config.
    #[error("the image id `{}` is not the digest of a config", for_people(id))]
    Id {
        /// The id.
        id: String,
    },
    /// A file of the store is not what it should be.
    #[error("`{}` is not what it should be: {}", path.display(), for_people(what))]
    Unexpected {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// What is kept of an image cannot be read.
    #[error(transparent)]
    Image(Arc<ImageError>),
    /// A layer is not whole, or not the one that the config names.
    #[error("layer {} is not whole in the engine's store: {}", for_people(diff_id), for_people(what))]
    Layer {
        /// Its diff id.
        diff_id: String,
        /// What is wrong.
        what: String,
    },
}

impl From<FileError> for StoreError {
    fn from(error: FileError) -> Self {
        Self::File(Arc::new(error))
    }
}
