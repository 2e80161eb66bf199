//! Makes layers and archives, with the `tar` crate: other code than the one under test.

use std::fmt::Write as _;
use std::io::Write as _;

use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

/// An entry of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    File(String, Vec<u8>, u32),
    Folder(String),
    Symlink(String, String),
    HardLink(String, String),
}

/// A file of zeros: its size is what counts.
pub fn zeros(path: &str, size: usize) -> Item {
    Item::File(path.into(), vec![0; size], 0o644)
}

pub fn file(path: &str, content: &str) -> Item {
    Item::File(path.into(), content.as_bytes().to_vec(), 0o644)
}

pub fn folder(path: &str) -> Item {
    Item::Folder(path.into())
}

pub fn symlink(path: &str, target: &str) -> Item {
    Item::Symlink(path.into(), target.into())
}

pub fn hard_link(path: &str, target: &str) -> Item {
    Item::HardLink(path.into(), target.into())
}

pub fn whiteout(path: &str) -> Item {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    zeros(format!("{folder}/.wh.{name}").trim_start_matches('/'), 0)
}

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
    builder.into_inner().unwrap()
}

fn add(builder: &mut Builder<Vec<u8>>, path: &str, kind: EntryType, content: &[u8], link: &str, mode: u32) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    // Written as it is: `./a`, `/a` and `..` are wanted.
    assert!(path.len() < 100 && link.len() < 100);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.name[..path.len()].copy_from_slice(path.as_bytes());
    gnu.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_cksum();
    builder.append(&header, content).unwrap();
}

pub fn digest(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
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
    .unwrap()
}

/// A tar of members, in this order; a member `a -> b` is a symbolic link.
pub fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (path, content) in members {
        match path.split_once(" -> ") {
            Some((path, target)) => add(&mut builder, path, EntryType::Symlink, b"", target, 0o777),
            None => add(&mut builder, path, EntryType::Regular, content, "", 0o644),
        }
    }
    builder.into_inner().unwrap()
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
    members.push(("manifest.json".into(), serde_json::to_vec(&manifest).unwrap()));
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
    let manifest = serde_json::to_vec(&serde_json::json!({"config": point(&config), "layers": described})).unwrap();
    let statement = b"{\"config\":{},\"layers\":[]}".to_vec();
    let mut attestation = point(&statement);
    attestation["annotations"] = serde_json::json!({"vnd.docker.reference.type": "attestation-manifest"});
    let nested = serde_json::to_vec(&serde_json::json!({"manifests": [attestation, point(&manifest)]})).unwrap();
    let mut described = point(&nested);
    described["annotations"] = serde_json::json!({"io.containerd.image.name": "x:1"});
    let index = serde_json::to_vec(&serde_json::json!({"schemaVersion": 2, "manifests": [described]})).unwrap();
    let mut members: Vec<_> = packed.iter().map(|layer| blob(layer)).collect();
    members.extend([blob(&statement), blob(&nested), blob(&manifest), blob(&config)]);
    members.push(("index.json".into(), index));
    members.push(("oci-layout".into(), b"{\"imageLayoutVersion\":\"1.0.0\"}".to_vec()));
    members
}

pub fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

pub fn image_of(layers: &[Vec<Item>]) -> Vec<u8> {
    let layers: Vec<Vec<u8>> = layers.iter().map(|items| layer(items)).collect();
    archive(&docker_20(&layers))
}
