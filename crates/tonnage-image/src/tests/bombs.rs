//! Small archives that name, nest or unpack to large things: each ends in an error before it costs memory or time.

use serde_json::{Value, json};

use super::hostile::{header, octal, padded};
use crate::merge::tree::Tree;
use crate::read::layer::LayerScan;
use crate::testing::archives::{
    archive, config, digest, docker_20, file, gzip, layer, oci, symlink, whiteout, zeros, zstd,
};
use crate::{ImageError, Limits, Options, ReportOptions, Weigher, weigh};

fn fails_with(limits: Limits, archive: &[u8]) -> String {
    let error = Weigher::new(Options { limits, ..Options::default() }).read_archive(archive).unwrap_err();
    super::chain(&error)
}

fn text(value: &Value) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

#[test]
fn blobs_and_archives_that_unpack_to_much_are_stopped() {
    let layers = [layer(&[zeros("a", 20_000_000)])];
    let limits = Limits { unpacked_bytes: 5_000_000, ..Limits::default() };
    for members in [oci(&layers, gzip), oci(&layers, zstd)] {
        let packed = archive(&members);
        assert!(packed.len() < 1_000_000);
        let message = fails_with(limits, &packed);
        assert!(message.contains("unpacks to more than"), "{message}");
    }
    // Packed as a whole, twice over: the layer's limit still holds, then the archive's own.
    let plain = archive(&docker_20(&layers));
    for whole in [gzip(&plain), zstd(&plain)] {
        assert!(fails_with(limits, &whole).contains("unpacks to more than"));
        let stray = [("stray".to_owned(), vec![1; 20_000_000])];
        let message = fails_with(limits, &gzip(&archive(&stray)));
        assert!(message.contains("unpacks to more than"), "{message}");
    }
}

#[test]
fn a_zstd_frame_that_wants_gigabytes_of_window_is_refused() {
    // RFC 8878, 3.1.1.1.2: the exponent stands in the upper five bits, on top of ten. Then the last block, raw, empty.
    let frame = |exponent: u8| [&[0x28, 0xb5, 0x2f, 0xfd, 0x00, (exponent - 10) << 3][..], &[0x01, 0, 0]].concat();
    let build = |frame: Vec<u8>| {
        let config = config(&[Vec::new()]);
        let manifest = text(&json!([{"Config": "config", "Layers": ["blob"]}]));
        archive(&[("blob", frame), ("config", config), ("manifest.json", manifest)])
    };
    assert_eq!(super::read_one(&build(frame(27))).layers.len(), 1);
    let message = fails_with(Limits::default(), &build(frame(31)));
    assert!(message.starts_with("layer `blob` is too large at byte 0") && message.contains("memory"), "{message}");
}

#[test]
fn deep_paths_count_for_every_folder_that_they_name() {
    let deep = "a/".repeat(30_000) + "f";
    let tar =
        [header(b"L", b'L', &octal(deep.len() as u64)), padded(deep.as_bytes()), header(b"short", b'0', &octal(0))]
            .concat();
    let limits = Limits { entries: 10_000, ..Limits::default() };
    assert!(fails_with(limits, &archive(&docker_20(&[tar]))).contains("too many entries"));
    // In the order of a walk each entry counts once, with or without entries for the folders.
    let walked = layer(&[zeros("a", 0), zeros("b/c/d", 0), zeros("b/c/d2", 0), zeros("b/e", 0), zeros("f", 0)]);
    let exactly = Limits { entries: 1 + 3 + 1 + 1 + 1, ..Limits::default() };
    let whole = archive(&docker_20(&[walked]));
    assert!(Weigher::new(Options { limits: exactly, ..Options::default() }).read_archive(&whole[..]).is_ok());
    let message = fails_with(Limits { entries: exactly.entries - 1, ..exactly }, &whole);
    assert!(message.contains("too many entries"), "{message}");
}

#[test]
fn a_layer_listed_often_counts_as_often() {
    let one = layer(&[zeros("a", 1), zeros("b", 1)]);
    let config = text(&json!({"rootfs": {"diff_ids": vec![format!("sha256:{}", digest(&one)); 1000]}}));
    let manifest = text(&json!([{"Config": "config", "Layers": vec!["one"; 1000]}]));
    let members = [("one".to_owned(), one), ("config".to_owned(), config), ("manifest.json".to_owned(), manifest)];
    let whole = archive(&members);
    let scan = super::read_one(&whole);
    let sizes = weigh(&scan, &ReportOptions { base_diff_ids: &[], site_layers: 0, top: 1 }).sizes;
    assert_eq!((sizes.size_bytes.0, sizes.rootfs_bytes.0), (2000, 2));
    let limits = Limits { entries: 1999, ..Limits::default() };
    assert!(fails_with(limits, &whole).contains("more than 1999 entries in the layers of one image"));
}

#[test]
fn documents_that_list_too_much_are_errors() {
    let many = |count: usize, item: Value| vec![item; count];
    for (name, document, expected) in [
        ("index.json", json!({"manifests": many(10_001, json!({}))}), "at most 10000 items"),
        ("manifest.json", json!([{"Config": "c", "Layers": many(4097, json!(""))}]), "at most 4096 items"),
        ("manifest.json", json!(many(1001, json!({"Config": "c"}))), "more than 1000 images"),
        ("manifest.json", json!([{"Config": "big", "Layers": []}]), "at most 4096 items"),
    ] {
        let big = text(&json!({"rootfs": {"diff_ids": many(4097, json!(""))}}));
        let members = [(name.to_owned(), text(&document)), ("c".into(), b"{}".to_vec()), ("big".into(), big)];
        let message = fails_with(Limits::default(), &archive(&members));
        assert!(message.contains(expected), "{name}: {message}, not {expected}");
    }
}

#[test]
fn a_config_that_many_images_share_counts_for_each() {
    let config = [&b"{"[..], &[b' '; 1000], b"}"].concat();
    let images = |count: usize| {
        let manifest = text(&json!(vec![json!({"Config": "c", "Layers": []}); count]));
        archive(&[("c".to_owned(), config.clone()), ("manifest.json".to_owned(), manifest)])
    };
    let limits = Limits { json_total_bytes: 2100, ..Limits::default() };
    assert_eq!(Weigher::new(Options { limits, ..Options::default() }).read_archive(&images(2)[..]).unwrap().len(), 2);
    assert!(fails_with(limits, &images(3)).contains("more than 2100 bytes of configs"));
}

#[test]
fn a_document_too_large_to_keep_is_named_only_where_it_is_wanted() {
    let mut members = docker_20(&[layer(&[zeros("a", 9)])]);
    members.push(("large.json".into(), [&b"["[..], &[b' '; 2000], b"]"].concat()));
    let limits = Limits { json_bytes: 1000, ..Limits::default() };
    let read = |members: &[(String, Vec<u8>)]| {
        Weigher::new(Options { limits, ..Options::default() }).read_archive(&archive(members)[..])
    };
    assert_eq!(read(&members).unwrap().len(), 1);
    let manifest = members.iter_mut().find(|(path, _)| path == "manifest.json").unwrap();
    manifest.1 = text(&json!([{"Config": "large.json", "Layers": []}]));
    match read(&members).unwrap_err() {
        ImageError::Limit { member, limit: 1000, .. } => assert_eq!(member, "large.json"),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_no_image_is_told_so_however_much_it_holds() {
    // As `docker export` writes it: the files themselves.
    let files: Vec<(String, Vec<u8>)> = (0..50).map(|index| (format!("usr/{index}"), b"text".to_vec())).collect();
    let limits = Limits { members: 10, ..Limits::default() };
    assert!(fails_with(limits, &archive(&files)).contains("no image in the archive"));
    let names = Limits { name_bytes: 20, ..limits };
    assert!(fails_with(names, &archive(&files)).contains("more than 20 bytes of names"));
    let long = zeros(&"n".repeat(90), 0);
    let names = Limits { name_bytes: 600, ..Limits::default() };
    let message = fails_with(names, &archive(&docker_20(&[layer(&vec![long; 7])])));
    assert!(message.contains("names too long in all"), "{message}");
}

#[test]
fn packages_beyond_the_limit_are_left_out_and_said_to_be() {
    let status: Vec<String> = (0..100_002).map(|index| format!("Package: p{index}\nVersion: 1\n")).collect();
    let status = status.join("\n");
    let weight = super::weigh_layers(&[vec![file("var/lib/dpkg/status", &status)]]);
    assert_eq!(weight.packages.len(), 100_000);
    assert!(weight.findings.iter().any(|finding| finding.code == "package-database-unread"));
}

#[test]
fn names_looked_up_for_packages_are_counted() {
    let long = "x/".repeat(2000);
    let items = [symlink("l", "d"), symlink("loop", "loop"), zeros("d/f", 1), whiteout("d/x")];
    let limits = Limits::default();
    let mut budget = crate::read::layer::Budget::new(&limits);
    let tar = layer(&items);
    let scan: LayerScan =
        crate::read::layer::scan(&mut &tar[..], crate::read::layer::FileHashes::No, &limits, &mut budget).unwrap();
    let tree = Tree::merge([&scan]);
    let find = |folder: &str, path: &str, lookups: &mut u64| {
        tree.find_through_links(&[&scan], [folder.as_bytes(), path.as_bytes()], lookups)
    };
    let mut lookups = 10;
    assert!(find("l", "f", &mut lookups).is_some());
    assert_eq!(lookups, 7, "the link, the folder behind it, and the file");
    assert!(find("loop", "f", &mut 1000).is_none());
    assert!(find(&long, "f", &mut lookups).is_none());
    assert_eq!(lookups, 0, "splitting a long path costs too");
    assert!(find("l", "f", &mut lookups).is_none());
}
