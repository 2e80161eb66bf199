//! How the images of an engine are read: in its own store where that can be, from its export elsewhere.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tonnage_image::{ContentStore, Store, StoreError};

use crate::error::Diagnose;
use crate::record::{self, ImageStore};

/// How the images of an engine are to be read.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::Display,
    strum::EnumString,
    strum::VariantNames,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Way {
    /// In its store where that can be, from its export where not.
    #[default]
    Auto,
    /// From its export.
    Export,
    /// In its store or not at all.
    Store,
}

/// Why an engine's images cannot be read in place.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotInPlace {
    /// It runs on another machine, or behind an address that does not tell.
    #[error("an engine that is not known to run on this machine cannot be read in place")]
    Elsewhere,
    /// The store cannot be read, or the image in it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Diagnose for NotInPlace {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Elsewhere => Some("weigh with `--via export`".into()),
            Self::Store(error) => error.hint(),
        }
    }
}

/// A store of an engine on this machine.
#[derive(Debug, Clone)]
pub(crate) enum StoreInPlace {
    /// Layers as directories of their files.
    Layers(Store),
    /// Layers as they are compressed.
    Content(ContentStore),
}

/// The store of an engine whose images can be read in place. The one test for it: `doctor` asks it too.
pub(crate) fn store_in_place(engine: &record::EngineFacts, is_local: bool) -> Result<StoreInPlace, NotInPlace> {
    if !is_local {
        return Err(NotInPlace::Elsewhere);
    }
    let root = Path::new(&engine.root_dir);
    match engine.image_store {
        ImageStore::Graphdriver => Ok(StoreInPlace::Layers(Store::open(root, &engine.storage_driver)?)),
        ImageStore::Containerd => Ok(StoreInPlace::Content(ContentStore::open(root)?)),
        ImageStore::ContainersStorage => Ok(StoreInPlace::Layers(Store::open_podman(root, &engine.storage_driver)?)),
        ImageStore::Unknown => Err(NotInPlace::Elsewhere),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture;

    #[test]
    fn only_a_graph_driver_of_this_machine_that_may_be_read_is_read_in_place() {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["overlay2", "image/overlay2/layerdb/sha256", "image/overlay2/imagedb/content/sha256"] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let good = record::EngineFacts {
            image_store: ImageStore::Graphdriver,
            storage_driver: "overlay2".into(),
            root_dir: dir.path().display().to_string(),
            ..fixture::record().environment.engine
        };
        assert!(store_in_place(&good, true).is_ok());
        assert!(matches!(store_in_place(&good, false), Err(NotInPlace::Elsewhere)));
        let content = "containerd/daemon/io.containerd.content.v1.content/blobs/sha256";
        std::fs::create_dir_all(dir.path().join(content)).unwrap();
        let containerd = record::EngineFacts { image_store: ImageStore::Containerd, ..good.clone() };
        assert!(matches!(store_in_place(&containerd, true), Ok(StoreInPlace::Content(_))));
        for (engine, expected) in [
            (
                record::EngineFacts { image_store: ImageStore::ContainersStorage, ..good.clone() },
                "storage driver `overlay2`",
            ),
            (record::EngineFacts { storage_driver: "zfs".into(), ..good.clone() }, "storage driver `zfs`"),
            (record::EngineFacts { root_dir: "/nonexistent".into(), ..good.clone() }, "failed to list"),
        ] {
            let error = store_in_place(&engine, true).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
            assert!(error.hint().unwrap().contains("--via export"));
        }
    }
}
