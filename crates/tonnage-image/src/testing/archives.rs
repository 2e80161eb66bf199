//! Makes layers and archives, with the `tar` crate: other code than the one that reads them.

#![expect(clippy::expect_used, reason = "nothing here fails in memory")]

use std::collections::BTreeSet;
use std::io::Write as _;

use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// An entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Path, content, and mode.
    File(String, Vec<u8>, u32),
    /// Path.
    Folder(String),
    /// Path and target.
    Symlink(String, String),
    /// Path and target.
    HardLink(String, String),
}

/// A file of zeros: its size is what counts.
pub fn zeros(path: &str, size: usize) -> Item {
    Item::File(path.into(), vec![0; size], 0o644)
}

/// A file of text.
pub fn file(path: &str, content: &str) -> Item {
    Item::File(path.into(), content.as_bytes().to_vec(), 0o644)
}

/// A directory.
pub fn folder(path: &str) -> Item {
    Item::Folder(path.into())
}

/// A symbolic link.
pub fn symlink(path: &str, target: &str) -> Item {
    Item::Symlink(path.into(), target.into())
}

/// A hard link.
pub fn hard_link(path: &str, target: &str) -> Item {
    Item::HardLink(path.into(), target.into())
}

/// What hides a path of the layers below.
pub fn whiteout(path: &str) -> Item {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    zeros(format!("{folder}/.wh.{name}").trim_start_matches('/'), 0)
}

/// What hides all that the layers below have in a directory.
pub fn opaque(folder: &str) -> Item {
    zeros(&format!("{folder}/.wh..wh..opq"), 0)
}

/// A tar of the items.
pub fn layer(items: &[Item]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for item in items {
        match item {
            Item::File(path, content, mode) => add(&mut builder, path, EntryType::Regular, content, "", *mode),
            Item::Folder(path) => add(&mut builder, path, EntryType::Directory, b"", "", 0o755),
            Item::Symlink(path, target) => add(&mut builder, path, EntryType::Symlink, b"", target, 0o777),
            Item::HardLink(path, target) => add(&mut builder, path, EntryType::Link, b"", target, 0o644),
        }
    }
    builder.into_inner().expect("memory")
}

fn add(builder: &mut Builder<Vec<u8>>, path: &str, kind: EntryType, content: &[u8], link: &str, mode: u32) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    // Written as it is: `./a`, `/a` and `..` are wanted.
    assert!(path.len() < 100 && link.len() < 100, "too long: {path}");
    let gnu = header.as_gnu_mut().expect("memory");
    gnu.name[..path.len()].copy_from_slice(path.as_bytes());
    gnu.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    builder.append(&header, content).expect("memory");
}

/// The digits of a SHA-256 digest.
pub fn digest(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

/// The config of an image of these (unpacked) layers; layer n was made by `step n`.
pub fn config(layers: &[Vec<u8>]) -> Vec<u8> {
    let ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", digest(layer))).collect();
    let mut history = vec![serde_json::json!({"created_by": "ENV x=y", "empty_layer": true})];
    history.extend((0..layers.len()).map(|index| serde_json::json!({"created_by": format!("step {index}")})));
    serde_json::to_vec(&serde_json::json!({
        "architecture": "amd64", "os": "linux", "config": {"User": "app", "WorkingDir": "/work"},
        "history": history, "rootfs": {"type": "layers", "diff_ids": ids},
    }))
    .expect("memory")
}

/// A tar of members, in this order; a member `a -> b` is a symbolic link.
pub fn archive<P: AsRef<str>, C: AsRef<[u8]>>(members: &[(P, C)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, content) in members {
        match path.as_ref().split_once(" -> ") {
            Some((path, target)) => add(&mut builder, path, EntryType::Symlink, b"", target, 0o777),
            None => add(&mut builder, path.as_ref(), EntryType::Regular, content.as_ref(), "", 0o644),
        }
    }
    builder.into_inner().expect("memory")
}

/// An image of a docker archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its name, where it has one: `app:1`.
    pub tag: Option<String>,
    /// Its config.
    pub config: Vec<u8>,
    /// Its layers as they are stored.
    pub layers: Vec<Vec<u8>>,
}

/// A docker archive of images. Layers that they share are in it once.
pub fn docker(images: &[Image]) -> Vec<u8> {
    let mut members: Vec<(String, &[u8])> = Vec::new();
    let mut manifest = Vec::new();
    for image in images {
        let layers: Vec<String> = image.layers.iter().map(|layer| format!("{}/layer.tar", digest(layer))).collect();
        let config = format!("{}.json", digest(&image.config));
        manifest.push(serde_json::json!({"Config": config, "RepoTags": image.tag.as_slice(), "Layers": layers}));
        members.extend(layers.into_iter().zip(image.layers.iter().map(Vec::as_slice)));
        members.push((config, &image.config));
    }
    let manifest = serde_json::Value::from(manifest).to_string();
    members.push(("manifest.json".to_owned(), manifest.as_bytes()));
    let mut written = BTreeSet::new();
    members.retain(|(path, _)| written.insert(path.clone()));
    archive(&members)
}

/// Docker 20.10's: a folder for each layer, in any order, the manifest last.
pub fn docker_20(layers: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let config = config(layers);
    let name = format!("{}.json", digest(&config));
    let paths: Vec<String> = (0..layers.len()).map(|index| format!("{index:064}/layer.tar")).collect();
    let manifest = serde_json::json!([{"Config": name, "RepoTags": ["x:1"], "Layers": paths}]);
    let mut members = Vec::new();
    for (path, layer) in paths.iter().zip(layers).rev() {
        let folder = path.trim_end_matches("layer.tar");
        members.push((format!("{folder}VERSION"), b"1.0".to_vec()));
        members.push((format!("{folder}json"), b"{\"id\":\"x\"}".to_vec()));
        members.push((path.clone(), layer.clone()));
    }
    members.push((name, config));
    members.push(("manifest.json".into(), serde_json::to_vec(&manifest).expect("memory")));
    members.push(("repositories".into(), b"{}".to_vec()));
    members
}

/// An OCI layout: blobs, `index.json`, and an attestation beside the image, no `manifest.json`.
pub fn oci(layers: &[Vec<u8>], pack: fn(&[u8]) -> Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let blob = |content: &[u8]| (format!("blobs/sha256/{}", digest(content)), content.to_vec());
    let point =
        |content: &[u8]| serde_json::json!({"digest": format!("sha256:{}", digest(content)), "size": content.len()});
    let config = config(layers);
    let packed: Vec<Vec<u8>> = layers.iter().map(|layer| pack(layer)).collect();
    let described: Vec<_> = packed.iter().map(|layer| point(layer)).collect();
    let manifest =
        serde_json::to_vec(&serde_json::json!({"config": point(&config), "layers": described})).expect("memory");
    let statement = b"{\"config\":{},\"layers\":[]}".to_vec();
    let mut attestation = point(&statement);
    attestation["annotations"] = serde_json::json!({"vnd.docker.reference.type": "attestation-manifest"});
    let nested =
        serde_json::to_vec(&serde_json::json!({"manifests": [attestation, point(&manifest)]})).expect("memory");
    let mut described = point(&nested);
    described["annotations"] = serde_json::json!({"io.containerd.image.name": "x:1"});
    let index = serde_json::to_vec(&serde_json::json!({"schemaVersion": 2, "manifests": [described]})).expect("memory");
    let mut members: Vec<_> = packed.iter().map(|layer| blob(layer)).collect();
    members.extend([blob(&statement), blob(&nested), blob(&manifest), blob(&config)]);
    members.push(("index.json".into(), index));
    members.push(("oci-layout".into(), b"{\"imageLayoutVersion\":\"1.0.0\"}".to_vec()));
    members
}

/// In a gzip member.
pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

/// In a zstd frame.
pub fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).expect("memory")
}

/// A docker archive of an image with these layers.
pub fn image_of(layers: &[Vec<Item>]) -> Vec<u8> {
    let layers: Vec<Vec<u8>> = layers.iter().map(|items| layer(items)).collect();
    archive(&docker_20(&layers))
}
