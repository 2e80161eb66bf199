//! Stores made here, with the `tar` crate to take layers apart, against the archive of the same layers.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::json;
use tempfile::TempDir;

use super::super::{ImageScan, KeptLayers as _, Limits, Options, ReportOptions, Weigher, Weight, weigh};
use super::{ContentStore, Store, StoreError};
use crate::testing::KeptInMemory;
use crate::testing::archives::{
    Item, archive, config, digest, docker_20, file, folder, gzip, hard_link, layer, oci, opaque, symlink as link,
    whiteout, zeros, zstd,
};

/// A data folder of an engine.
struct Engine {
    dir: TempDir,
}

impl Engine {
    fn new() -> Self {
        let engine = Self { dir: tempfile::tempdir().unwrap() };
        for folder in ["overlay2", "image/overlay2/layerdb/sha256", "image/overlay2/imagedb/content/sha256"] {
            fs::create_dir_all(engine.dir.path().join(folder)).unwrap();
        }
        engine
    }

    /// An engine with one image, and its id.
    fn with(layers: &[Vec<u8>]) -> (Self, String) {
        let engine = Self::new();
        let id = engine.put(layers);
        (engine, id)
    }

    fn store(&self) -> Store {
        Store::open(self.dir.path(), "overlay2").unwrap()
    }

    fn known(&self, chain: &str) -> PathBuf {
        self.dir.path().join("image/overlay2/layerdb/sha256").join(chain)
    }

    fn files(&self, chain: &str) -> PathBuf {
        self.dir.path().join("overlay2").join(&chain[..20]).join("diff")
    }

    /// Keeps an image as Docker would.
    fn put(&self, layers: &[Vec<u8>]) -> String {
        let config = config(layers);
        let id = digest(&config);
        fs::write(self.dir.path().join("image/overlay2/imagedb/content/sha256").join(&id), config).unwrap();
        for (chain, layer) in chains(layers).iter().zip(layers) {
            fs::create_dir_all(self.known(chain)).unwrap();
            fs::create_dir_all(self.files(chain)).unwrap();
            fs::write(self.known(chain).join("diff"), format!("sha256:{}", digest(layer))).unwrap();
            fs::write(self.known(chain).join("cache-id"), &chain[..20]).unwrap();
            let record = take_apart(layer, &self.files(chain));
            fs::write(self.known(chain).join("tar-split.json.gz"), gzip(&record)).unwrap();
        }
        format!("sha256:{id}")
    }

    fn read(&self, id: &str) -> Result<ImageScan, StoreError> {
        read(&mut Weigher::new(Options::default()), self, id)
    }
}

fn read(weigher: &mut Weigher, engine: &Engine, id: &str) -> Result<ImageScan, StoreError> {
    let mut read = weigher.read_store(&engine.store(), &[id], &AtomicBool::new(false));
    assert_eq!(read.len(), 1);
    read.remove(0)
}

fn chains(layers: &[Vec<u8>]) -> Vec<String> {
    let mut chains: Vec<String> = Vec::new();
    for layer in layers {
        chains.push(match chains.last() {
            None => digest(layer),
            Some(below) => digest(format!("sha256:{below} sha256:{}", digest(layer)).as_bytes()),
        });
    }
    chains
}

/// Unpacks the files of a tar and returns its `tar-split.json`.
fn take_apart(tar: &[u8], into: &Path) -> Vec<u8> {
    let mut lines = Vec::new();
    let mut add = |value: serde_json::Value| {
        lines.extend_from_slice(value.to_string().as_bytes());
        lines.push(b'\n');
    };
    let mut done = 0;
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let entry = entry.unwrap();
        let start = entry.raw_file_position() as usize;
        let size = if entry.header().entry_type().is_file() { entry.size() as usize } else { 0 };
        add(json!({"type": 2, "payload": STANDARD.encode(&tar[done..start])}));
        let name = entry.path_bytes().into_owned();
        let mut line = match std::str::from_utf8(&name) {
            Ok(name) => json!({"type": 1, "name": name, "payload": "AAAAAAAAAAA="}),
            Err(_) => json!({"type": 1, "name_raw": STANDARD.encode(&name), "payload": "AAAAAAAAAAA="}),
        };
        let path = into.join(std::ffi::OsStr::from_bytes(&crate::path::normalise(&name)));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if entry.header().entry_type().is_dir() {
            fs::create_dir_all(&path).unwrap();
        } else if size > 0 {
            line["size"] = json!(size);
            fs::write(&path, &tar[start..start + size]).unwrap();
        } else if entry.header().entry_type().is_symlink() {
            symlink(entry.link_name().unwrap().unwrap(), &path).unwrap();
        }
        add(line);
        done = start + size;
    }
    add(json!({"type": 2, "payload": STANDARD.encode(&tar[done..])}));
    lines
}

fn weight(scan: &ImageScan) -> Weight {
    let weight = weigh(scan, &ReportOptions { base_diff_ids: &scan.config.diff_ids[..1], site_layers: 0, top: 1000 });
    super::super::tests::assert_adds_up(&weight);
    weight
}

fn exported(layers: &[Vec<u8>]) -> Weight {
    weight(&Weigher::new(Options::default()).read_archive(&archive(&docker_20(layers))[..]).unwrap()[0])
}

/// A layer whose names and headers take more than one block.
fn long_names() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let records = [("SCHILY.xattr.user.note", &b"\x01\xff"[..]), ("path", &b"opt/gr\xc3\xbcn"[..])];
    builder.append_pax_extensions(records).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(5);
    builder.append_data(&mut header, "short", &b"12345"[..]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    builder.append_data(&mut header, "d/".repeat(100) + "file", &b"abc"[..]).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_size(4);
    header.as_gnu_mut().unwrap().name[..3].copy_from_slice(b"a\xff\n");
    header.set_cksum();
    builder.append(&header, &b"raw!"[..]).unwrap();
    builder.into_inner().unwrap()
}

/// Images with everything that makes a difference somewhere.
fn images() -> Vec<Vec<Vec<u8>>> {
    let packages = [
        folder("var/lib/dpkg/"),
        file("var/lib/dpkg/status", "Package: p\nVersion: 1\n\n"),
        file("var/lib/dpkg/info/p.list", "/usr/bin/tool\n/usr/bin/other\n"),
        file("usr/bin/tool", "tool"),
        hard_link("usr/bin/other", "usr/bin/tool"),
        link("bin", "usr/bin"),
    ];
    let of = |layers: &[&[Item]]| layers.iter().map(|items| layer(items)).collect::<Vec<_>>();
    let mut padded = layer(&[zeros("x", 10)]);
    padded.resize(20 * 512, 0);
    vec![
        of(&[&packages, &[whiteout("usr/bin/tool"), file("usr/bin/tool2", "tool")]]),
        of(&[&[folder("a/"), zeros("a/b", 700), zeros("a/c", 700)], &[opaque("a"), file("a/d", "new")]]),
        of(&[&[zeros("a/b", 3_000_000), file("./c", "1"), file("/abs", "12")], &[file("a", "no folder any more")]]),
        // The same content in two layers; sizes that stand alone.
        of(&[&[file("one", "equal"), zeros("alone", 77)], &[file("two", "equal"), file("three", "other")]]),
        // A tar of nothing but its end mark, one that is longer than it must be, one twice.
        vec![layer(&[file("a", "1")]), vec![0; 1024], padded.clone(), padded],
        vec![long_names(), layer(&[whiteout("opt/grün")])],
    ]
}

#[test]
fn a_store_gives_what_an_export_gives() {
    for layers in images() {
        let (engine, id) = Engine::with(&layers);
        let scan = engine.read(&id).unwrap();
        assert_eq!(scan.config_digest, id);
        assert_eq!(weight(&scan), exported(&layers));
    }
}

#[test]
fn images_of_one_store_share_their_layers_and_are_read_together() {
    let engine = Engine::new();
    let images = images();
    let ids: Vec<String> = images.iter().map(|layers| engine.put(layers)).collect();
    let mut weigher = Weigher::new(Options::default());
    let ids: Vec<&str> = ids.iter().map(String::as_str).chain(["sha256:gone"]).collect();
    let mut scans = weigher.read_store(&engine.store(), &ids, &AtomicBool::new(false));
    assert!(matches!(scans.pop().unwrap(), Err(StoreError::Id { .. })));
    for (scan, layers) in scans.into_iter().zip(&images) {
        assert_eq!(weight(&scan.unwrap()), exported(layers));
    }
}

#[test]
fn what_is_known_is_not_read_again_but_for_digests_that_are_wanted_only_now() {
    let below = layer(&[file("one", "equal"), file("big", "first in its size")]);
    let above = layer(&[file("two", "equal")]);
    let engine = Engine::new();
    let first = engine.put(std::slice::from_ref(&below));
    let both = [below.clone(), above.clone()];
    let second = engine.put(&both);
    let mut weigher = Weigher::new(Options::default());
    let alone = read(&mut weigher, &engine, &first).unwrap();
    assert_eq!(weight(&alone).sizes.duplicate_bytes.0, 0);
    assert_eq!(alone.layers[0].unhashed(), 2);
    let scan = read(&mut weigher, &engine, &second).unwrap();
    assert_eq!(weight(&scan), exported(&both));
    assert_eq!(weight(&scan).sizes.duplicate_bytes.0, 5);
    // All is known now: the files are not wanted any more.
    fs::remove_dir_all(engine.dir.path().join("overlay2")).unwrap();
    fs::create_dir(engine.dir.path().join("overlay2")).unwrap();
    assert_eq!(weight(&read(&mut weigher, &engine, &second).unwrap()), exported(&both));
    // An export that follows has the digests of all files, and they are kept.
    let scan = weigher.read_archive(&archive(&docker_20(&both))[..]).unwrap().remove(0);
    assert_eq!(scan.layers[0].unhashed(), 0);
    assert_eq!(weight(&scan), exported(&both));
}

/// Something that goes wrong with a store.
type Damage<'a> = Box<dyn Fn(&Engine) + 'a>;

#[test]
fn a_store_that_is_not_as_it_should_be_is_an_error_that_says_so() {
    let layers = [layer(&[file("d/f", "content"), file("g", "another")]), layer(&[file("d/h", "above")])];
    let (lower, upper) = (chains(&layers)[0].clone(), chains(&layers)[1].clone());
    let files = |engine: &Engine| engine.files(&lower);
    let outside = |engine: &Engine, content: &str| {
        let path = engine.dir.path().join("outside");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("f"), content).unwrap();
        path
    };
    let damages: Vec<(&str, Damage<'_>)> = vec![
        ("`d/f`: No such file", Box::new(|engine| fs::remove_file(files(engine).join("d/f")).unwrap())),
        ("`d/f`: it has 6 bytes, not 7", Box::new(|engine| fs::write(files(engine).join("d/f"), "conten").unwrap())),
        ("has the digest sha256:", Box::new(|engine| fs::write(files(engine).join("d/f"), "CONTENT").unwrap())),
        // Links that lead to the very content, but out of the layer.
        (
            "`d/f`: ",
            Box::new(|engine| {
                let outside = outside(engine, "content");
                fs::remove_file(files(engine).join("d/f")).unwrap();
                symlink(outside.join("f"), files(engine).join("d/f")).unwrap();
            }),
        ),
        (
            "`d/f`: ",
            Box::new(|engine| {
                let outside = outside(engine, "content");
                fs::remove_dir_all(files(engine).join("d")).unwrap();
                symlink(outside, files(engine).join("d")).unwrap();
            }),
        ),
        (
            "`d/f`: it is not a regular file",
            Box::new(|engine| {
                fs::remove_file(files(engine).join("d/f")).unwrap();
                fs::create_dir(files(engine).join("d/f")).unwrap();
            }),
        ),
        (
            "tar-split.json.gz",
            Box::new(|engine| fs::remove_file(engine.known(&lower).join("tar-split.json.gz")).unwrap()),
        ),
        (
            "layer sha256:",
            Box::new(|engine| {
                let path = engine.known(&lower).join("tar-split.json.gz");
                let whole = fs::read(&path).unwrap();
                fs::write(&path, &whole[..whole.len() / 2]).unwrap();
            }),
        ),
        (
            // One of the two files goes: the rest is a tar, but another one.
            "has the digest sha256:",
            Box::new(|engine| {
                let record = take_apart(&layers[0], &engine.files(&lower));
                let lines: Vec<&[u8]> = record.split_inclusive(|&byte| byte == b'\n').collect();
                fs::write(
                    engine.known(&lower).join("tar-split.json.gz"),
                    gzip(&[lines[0], lines[1], lines[4]].concat()),
                )
                .unwrap();
            }),
        ),
        ("holds no id", Box::new(|engine| fs::write(engine.known(&lower).join("cache-id"), "../../x").unwrap())),
        ("more than 256", Box::new(|engine| fs::write(engine.known(&lower).join("cache-id"), [b'a'; 300]).unwrap())),
        ("failed to open", Box::new(|engine| fs::write(engine.known(&lower).join("cache-id"), "gone").unwrap())),
        ("is of sha256:0", Box::new(|engine| fs::write(engine.known(&upper).join("diff"), "sha256:0").unwrap())),
        ("failed to open", Box::new(|engine| fs::remove_dir_all(engine.known(&upper)).unwrap())),
        (
            "its digest is sha256:",
            Box::new(|engine| {
                for config in fs::read_dir(engine.dir.path().join("image/overlay2/imagedb/content/sha256")).unwrap() {
                    fs::write(config.unwrap().path(), "{}").unwrap();
                }
            }),
        ),
    ];
    for (expected, damage) in damages {
        let (engine, id) = Engine::with(&layers);
        let mut weigher = Weigher::new(Options::default());
        damage(&engine);
        let error = read(&mut weigher, &engine, &id).unwrap_err();
        let message = super::super::tests::chain(&error);
        assert!(message.contains(expected), "{message}, not {expected}");
        // What was read before the error is in nobody's way.
        let scan = weigher.read_archive(&archive(&docker_20(&layers))[..]).unwrap().remove(0);
        assert_eq!(weight(&scan), exported(&layers));
    }
}

#[test]
fn stores_of_other_kinds_are_refused() {
    let engine = Engine::new();
    for (root, driver, expected) in [
        (engine.dir.path(), "btrfs", "storage driver `btrfs`"),
        (engine.dir.path(), "../x", "storage driver `../x`"),
        (engine.dir.path(), "fuse-overlayfs", "failed to list"),
        (Path::new("/nonexistent"), "overlay2", "failed to list"),
        (Path::new(""), "overlay2", "not absolute"),
    ] {
        let error = Store::open(root, driver).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}, not {expected}");
    }
}

#[test]
fn limits_hold_and_a_reader_that_is_asked_to_stop_stops() {
    let (engine, id) = Engine::with(&[layer(&[zeros("a", 5_000_000), zeros("b", 10)])]);
    for (limits, expected) in [
        (Limits { unpacked_bytes: 1_000_000, ..Limits::default() }, "unpacks to more than"),
        (Limits { entries: 1, ..Limits::default() }, "too many entries"),
        (Limits { entries: 0, ..Limits::default() }, "too many lines"),
        (Limits { json_bytes: 10, ..Limits::default() }, "more than 10 bytes"),
    ] {
        let mut weigher = Weigher::new(Options { limits, ..Options::default() });
        let error = read(&mut weigher, &engine, &id).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}, not {expected}");
    }
    let mut weigher = Weigher::new(Options::default());
    let stopped = weigher.read_store(&engine.store(), &[&id], &AtomicBool::new(true)).remove(0);
    assert!(stopped.unwrap_err().to_string().contains("asked to stop"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_damaged_record_gives_the_same_numbers_or_none(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        packed in any::<bool>(),
    ) {
        let layers = [layer(&[folder("a/"), zeros("a/b", 700), file("c", "content"), hard_link("d", "c"), whiteout("e")])];
        let (engine, id) = Engine::with(&layers);
        let path = engine.known(&chains(&layers)[0]).join("tar-split.json.gz");
        let mut bytes = take_apart(&layers[0], &engine.files(&chains(&layers)[0]));
        if packed {
            bytes = gzip(&bytes);
        }
        for (index, byte) in &flips {
            let at = index.index(bytes.len());
            bytes[at] = *byte;
        }
        fs::write(&path, if packed { bytes } else { gzip(&bytes) }).unwrap();
        if let Ok(scan) = engine.read(&id) {
            prop_assert_eq!(weight(&scan), exported(&layers));
        }
    }
}

#[test]
fn a_content_store_weighs_what_its_export_weighs() {
    let layers =
        [layer(&[file("etc/a", "one"), zeros("big", 70_000)]), layer(&[whiteout("etc/a"), file("etc/b", "two")])];
    let stop = Arc::new(AtomicBool::new(false));
    for pack in [gzip as fn(&[u8]) -> Vec<u8>, zstd, <[u8]>::to_vec] {
        let members = oci(&layers, pack);
        let dir = tempfile::tempdir().unwrap();
        let content = dir.path().join("containerd/daemon/io.containerd.content.v1.content");
        for (path, bytes) in members.iter().filter(|(path, _)| path.starts_with("blobs/")) {
            fs::create_dir_all(content.join(path).parent().unwrap()).unwrap();
            fs::write(content.join(path), bytes).unwrap();
        }
        let store = ContentStore::open(dir.path()).unwrap();
        let index: serde_json::Value =
            serde_json::from_slice(&members.iter().find(|(path, _)| path == "index.json").unwrap().1).unwrap();
        let id = index["manifests"][0]["digest"].as_str().unwrap();
        let read = |id: &str| Weigher::new(Options::default()).read_content(&store, id, &stop);
        let options = ReportOptions { base_diff_ids: &[], site_layers: 0, top: 10 };
        let exported = Weigher::new(Options::default()).read_archive(&archive(&members)[..]).unwrap();
        let stored = read(id).unwrap();
        assert_eq!((stored.len(), exported.len()), (1, 1));
        assert_eq!(weigh(&stored[0], &options), weigh(&exported[0], &options));
        assert_eq!(stored[0].also_stored_bytes, None);

        let kept = Arc::new(KeptInMemory::default());
        let again = |id: &str| {
            let mut weigher = Weigher::new(Options::default());
            weigher.keep_layers(kept.clone(), Some([format!("sha256:{}", digest(&layers[0]))].into()));
            weigher.read_content(&store, id, &stop)
        };
        for _ in 0..2 {
            assert_eq!(weigh(&again(id).unwrap()[0], &options), weigh(&stored[0], &options));
        }
        // What is kept of another transfer is read again, and charged once.
        for name in kept.digests() {
            let json = ::zstd::decode_all(&kept.get(&name).unwrap()[..]).unwrap();
            let mut found: serde_json::Value = serde_json::from_slice(&json).unwrap();
            found["wire_bytes"] = json!(1);
            found["tar_bytes"] = json!(Limits::default().unpacked_bytes);
            kept.put(&name, &::zstd::bulk::compress(found.to_string().as_bytes(), 1).unwrap());
        }
        assert_eq!(weigh(&again(id).unwrap()[0], &options), weigh(&stored[0], &options));
        // The size of a layer that is not packed is estimated here: nothing is known of its transfer.
        let first = content.join("blobs/sha256").join(digest(&pack(&layers[0])));
        let moved = content.join("elsewhere");
        fs::rename(&first, &moved).unwrap();
        let is_packed = pack(&layers[0]) != layers[0];
        assert_eq!(again(id).is_ok(), is_packed);
        assert_eq!(kept.digests().len(), usize::from(is_packed));
        assert!(read(id).is_err());
        fs::rename(&moved, &first).unwrap();

        // A layer that is not there, or another one, is an error.
        let layer = content.join("blobs/sha256").join(digest(&pack(&layers[1])));
        let whole = fs::read(&layer).unwrap();
        fs::remove_file(&layer).unwrap();
        assert!(matches!(read(id), Err(StoreError::File(_))));
        fs::write(&layer, vec![b'x'; whole.len()]).unwrap();
        assert!(read(id).is_err());
        assert!(matches!(read("sha256:../../etc/passwd"), Err(StoreError::Id { .. })));
    }
}

#[test]
fn a_store_of_podman_weighs_what_its_export_weighs() {
    let layers = [
        layer(&[file("etc/a", "one"), hard_link("etc/b", "etc/a"), zeros("big", 70_000)]),
        layer(&[whiteout("etc/a"), opaque("opt"), file("etc/c", "two")]),
        long_names(),
    ];
    let dir = tempfile::tempdir().unwrap();
    let write = |path: &str, content: &[u8]| {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    let config = config(&layers);
    let image = digest(&config);
    let id = format!("sha256:{image}");
    write(&format!("overlay-images/{image}/={}", STANDARD.encode(&id)), &config);
    let ids = chains(&layers);
    let known: Vec<_> = (0..layers.len())
        .map(|n| {
            let mut known = json!({"id": ids[n], "diff-digest": format!("sha256:{}", digest(&layers[n]))});
            if n > 0 {
                known["parent"] = json!(ids[n - 1]);
            }
            let files = dir.path().join("overlay").join(&ids[n]).join("diff");
            fs::create_dir_all(&files).unwrap();
            let record = gzip(&take_apart(&layers[n], &files));
            write(&format!("overlay-layers/{}.tar-split.gz", ids[n]), &record);
            known
        })
        .collect();
    let images = |top: &str| json!([{"id": image, "layer": top}]).to_string();
    write("overlay-layers/layers.json", json!(known).to_string().as_bytes());
    write("overlay-images/images.json", images(&ids[2]).as_bytes());
    let store = Store::open_podman(dir.path(), "overlay").unwrap();
    let read = || Weigher::new(Options::default()).read_store(&store, &[&id], &AtomicBool::new(false)).remove(0);
    assert_eq!(weight(&read().unwrap()), exported(&layers));

    // Layers that are not those of the config, or that lead elsewhere.
    write("overlay-images/images.json", images(&ids[1]).as_bytes());
    assert!(matches!(read(), Err(StoreError::Unexpected { .. })));
    write("overlay-images/images.json", images("../../etc").as_bytes());
    assert!(matches!(read(), Err(StoreError::Unexpected { .. })));
    write("overlay-images/images.json", images(&ids[2]).as_bytes());
    fs::remove_file(dir.path().join("overlay").join(&ids[0]).join("diff/big")).unwrap();
    assert!(read().is_err());
    assert!(matches!(Store::open_podman(dir.path(), "vfs"), Err(StoreError::Driver { .. })));
}
