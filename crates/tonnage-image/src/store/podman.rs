//! Podman's store (containers/storage, `layers.go`, `images.go`): `overlay-images/images.json` names the topmost layer of
//! each image, and `overlay-images/ID/` has its config under a name in base64; `overlay-layers/layers.json` has the layer
//! below each, and its diff id, `overlay-layers/ID.tar-split.gz` the record of its tar, and `overlay/ID/diff/` its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{LayerPlace, Store, StoreError, StoreOwner, is_id, read_small};
use crate::Limits;

/// The only driver whose directories hold what a layer changes.
const DRIVER: &str = "overlay";

#[derive(Deserialize)]
struct KeptImage {
    id: String,
    #[serde(default)]
    layer: String,
}

#[derive(Deserialize)]
struct KeptLayer {
    id: String,
    #[serde(default)]
    parent: String,
    #[serde(default, rename = "diff-digest")]
    diff_digest: String,
}

/// Where the config of an image is.
pub(super) fn config(images: &Path, id: &str, digits: &str) -> PathBuf {
    images.join(digits).join(format!("={}", STANDARD.encode(id)))
}

impl Store {
    /// Podman's store in a directory, if it is one that can be read.
    pub fn open_podman(root: &Path, driver: &str) -> Result<Self, StoreError> {
        if driver != DRIVER {
            return Err(StoreError::Driver { driver: driver.to_owned() });
        }
        let store = Self {
            configs: root.join("overlay-images"),
            layers: root.join("overlay-layers"),
            files: root.join(DRIVER),
            owner: StoreOwner::Podman,
        };
        store.listed(root)
    }

    /// The layers of an image, lowest first, which must be those of its config.
    pub(super) fn podman_layers(
        &self,
        image: &str,
        diff_ids: &[String],
        limits: &Limits,
    ) -> Result<Vec<LayerPlace>, StoreError> {
        let path = self.configs.join("images.json");
        let images: Vec<KeptImage> = read_json(&path, limits)?;
        let image = images.into_iter().find(|kept| kept.id == image);
        let mut id = image.map(|image| image.layer).unwrap_or_default();
        let path = self.layers.join("layers.json");
        let layers: Vec<KeptLayer> = read_json(&path, limits)?;
        let layers: BTreeMap<&str, &KeptLayer> = layers.iter().map(|layer| (layer.id.as_str(), layer)).collect();
        let mut places = Vec::new();
        for diff_id in diff_ids.iter().rev() {
            let layer = layers.get(id.as_str()).filter(|layer| layer.diff_digest == *diff_id && is_id(&layer.id));
            let layer = layer.ok_or_else(|| StoreError::Unexpected {
                path: path.clone(),
                what: format!("it does not name the layer {diff_id} of the image"),
            })?;
            let chain = std::mem::replace(&mut id, layer.parent.clone());
            places.push(LayerPlace { diff_id: diff_id.clone(), chain });
        }
        places.reverse();
        Ok(places)
    }
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path, limits: &Limits) -> Result<T, StoreError> {
    let content = read_small(path, limits.json_bytes)?;
    serde_json::from_slice(&content)
        .map_err(|error| StoreError::Unexpected { path: path.to_owned(), what: error.to_string() })
}
