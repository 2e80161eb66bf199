//! Every format that engines write says the same of the same image.

use std::fs;

use super::{assert_adds_up, read_one};
use crate::facts::WireKind;
use crate::testing::archives::{
    archive, config, digest, docker_20, file, folder, gzip, layer, oci, whiteout, zeros, zstd,
};
use crate::{ImageScan, Limits, Options, ReportOptions, Weigher, WireMode, weigh};

fn layers() -> Vec<Vec<u8>> {
    vec![
        layer(&[folder("d/"), zeros("d/a", 3000), file("d/b", "content")]),
        layer(&[whiteout("d/a"), file("c", "other content")]),
        layer(&[]),
    ]
}

/// Size, reclaimable bytes, diff ids and config: what must be equal.
fn facts(scan: &ImageScan) -> (u64, u64, Vec<String>, String) {
    let weight = weigh(scan, &ReportOptions { base_diff_ids: &[], site_layers: 0, top: 10 });
    assert_adds_up(&weight);
    let sizes = weight.sizes;
    (sizes.size_bytes.0, sizes.reclaimable_bytes.0, scan.config.diff_ids.clone(), scan.config_digest.clone())
}

#[test]
fn docker_podman_and_oci_archives_agree() {
    let layers = layers();
    let expected = facts(&read_one(&archive(&docker_20(&layers))));
    assert_eq!((expected.0, expected.1), (3020, 3000));

    let mut docker_25 = oci(&layers, <[u8]>::to_vec);
    let blobs: Vec<String> = docker_25[..3].iter().map(|(path, _)| path.clone()).collect();
    let config = format!("blobs/sha256/{}", &expected.3["sha256:".len()..]);
    let manifest = serde_json::json!([{"Config": config, "RepoTags": null, "Layers": blobs}]);
    docker_25.push(("manifest.json".into(), serde_json::to_vec(&manifest).unwrap()));

    // Podman's: layers by digest, and the old paths as links to them.
    let mut podman = docker_20(&layers);
    for (index, layer) in layers.iter().enumerate() {
        let name = format!("{}.tar", digest(layer));
        let position = podman.iter().position(|(path, _)| *path == format!("{index:064}/layer.tar")).unwrap();
        podman[position] = (format!("{index:064}/layer.tar -> ../{name}"), Vec::new());
        podman.push((name, layer.clone()));
    }

    for (name, members) in [
        ("docker 25", docker_25),
        ("podman", podman),
        ("oci, plain", oci(&layers, <[u8]>::to_vec)),
        ("oci, gzip", oci(&layers, gzip)),
        ("oci, zstd", oci(&layers, zstd)),
    ] {
        let whole = archive(&members);
        assert_eq!(facts(&read_one(&whole)), expected, "{name}");
        assert_eq!(facts(&read_one(&gzip(&whole))), expected, "{name}, packed as a whole");
        let mut reversed = members.clone();
        reversed.reverse();
        assert_eq!(facts(&read_one(&archive(&reversed))), expected, "{name}, the other way round");

        let root = tempfile::tempdir().unwrap();
        for (path, content) in members.iter().filter(|(path, _)| !path.contains(" -> ")) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        if name.starts_with("oci") {
            let scans = Weigher::new(Options::default()).read_path(root.path()).unwrap();
            assert_eq!(facts(&scans[0]), expected, "{name}, as a folder");
        }
        let file = root.path().join("archive.tar");
        fs::write(&file, &whole).unwrap();
        assert_eq!(facts(&Weigher::new(Options::default()).read_path(&file).unwrap()[0]), expected, "{name}, a file");
    }
}

#[test]
fn links_of_a_layout_are_followed_inside_of_it_only() {
    use std::os::unix::fs::symlink;

    let members = oci(&[layer(&[zeros("a", 700)])], <[u8]>::to_vec);
    let read = |root: &std::path::Path| Weigher::new(Options::default()).read_path(root);
    for (path, _) in &members {
        let dir = tempfile::tempdir().unwrap();
        let [root, outside] = ["layout", "outside"].map(|name| dir.path().join(name));
        for (path, content) in &members {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let weighed = facts(&read(&root).unwrap()[0]);
        let (file, inner) = (root.join(path), root.join("moved"));
        // A link that stays inside, and the same layout by way of a link to it.
        fs::rename(&file, &inner).unwrap();
        symlink(&inner, &file).unwrap();
        symlink(&root, dir.path().join("link")).unwrap();
        assert_eq!(facts(&read(&root).unwrap()[0]), weighed, "{path}");
        assert_eq!(facts(&read(&dir.path().join("link")).unwrap()[0]), weighed, "{path}");
        // One that leads out, itself or through a directory; what is not part of the image is never opened.
        fs::rename(&inner, &outside).unwrap();
        fs::remove_file(&file).unwrap();
        symlink(&outside, &file).unwrap();
        match read(&root) {
            Err(error @ crate::ImageError::LeadsOut { .. }) => {
                assert!(error.to_string().contains(path.as_str()), "{error}");
            }
            other => assert!(
                path == "oci-layout" || fs::read(&outside).unwrap().starts_with(b"{\"config\":{}"),
                "{path}: {other:?}"
            ),
        }
    }
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("elsewhere/sha256")).unwrap();
    for (path, content) in &members {
        let path = dir
            .path()
            .join(if path.starts_with("blobs") { "elsewhere" } else { "layout" })
            .join(path.trim_start_matches("blobs/"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    symlink("../elsewhere", dir.path().join("layout/blobs")).unwrap();
    let error = read(&dir.path().join("layout")).unwrap_err();
    assert!(matches!(error, crate::ImageError::LeadsOut { .. }), "{error}");
}

/// Hands out a byte at a time, as a pipe may.
struct Trickle<'a>(&'a [u8]);

impl std::io::Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = out.len().min(1);
        std::io::Read::read(&mut self.0, &mut out[..count])
    }
}

#[test]
fn where_a_stream_is_cut_into_pieces_does_not_matter() {
    let layers = [layer(&[zeros("a", 700), file("b", "content")]), layer(&[whiteout("a")])];
    let plain = archive(&docker_20(&layers));
    let expected = facts(&read_one(&plain));
    for whole in [gzip(&plain), zstd(&plain), archive(&oci(&layers, zstd)), plain] {
        let scans = Weigher::new(Options::default()).read_archive(Trickle(&whole)).unwrap();
        assert_eq!(facts(&scans[0]), expected);
    }
}

#[test]
fn a_layer_of_no_bytes_is_an_empty_one() {
    let layers = [Vec::new(), layer(&[zeros("a", 7)])];
    let plain = facts(&read_one(&archive(&docker_20(&layers))));
    assert_eq!((plain.0, plain), (7, facts(&read_one(&archive(&oci(&layers, gzip))))));
}

#[test]
fn layers_stored_twice_as_links_are_one_layer() {
    let one = layer(&[zeros("a", 10)]);
    let mut members = docker_20(&[one.clone(), one]);
    let second = format!("{:064}/layer.tar", 1);
    let position = members.iter().position(|(path, _)| *path == second).unwrap();
    members[position] = (format!("{second} -> ../{:064}/layer.tar", 0), Vec::new());
    let scan = read_one(&archive(&members));
    assert_eq!(facts(&scan).0, 20);
    assert!(std::sync::Arc::ptr_eq(&scan.layers[0], &scan.layers[1]));
}

#[test]
fn the_compressed_size_is_that_of_the_blobs_where_there_are_some() {
    let layers = layers();
    let report = ReportOptions { base_diff_ids: &[], site_layers: 0, top: 10 };
    let stored: u64 = layers.iter().map(|layer| gzip(layer).len() as u64).sum();
    let exact = weigh(&read_one(&archive(&oci(&layers, gzip))), &report).sizes;
    assert_eq!((exact.wire_kind, exact.wire_bytes.0), (WireKind::Exact, stored));

    let plain = archive(&docker_20(&layers));
    let estimated = weigh(&read_one(&plain), &report).sizes;
    assert_eq!(estimated.wire_kind, WireKind::Estimated);
    let best: u64 = layers
        .iter()
        .map(|layer| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            std::io::Write::write_all(&mut encoder, layer).unwrap();
            encoder.finish().unwrap().len() as u64
        })
        .sum();
    assert_eq!(estimated.wire_bytes.0, best);

    let options = Options { wire: WireMode::Skip, ..Options::default() };
    let scan = Weigher::new(options).read_archive(&plain[..]).unwrap().remove(0);
    assert_eq!(weigh(&scan, &report).sizes.wire_bytes.0, 0);
}

#[test]
fn several_images_share_their_layers() {
    let base = layer(&[zeros("a", 10)]);
    let own = layer(&[zeros("b", 5)]);
    let mut members = docker_20(&[base.clone(), own]);
    let config = config(&[base]);
    let name = format!("{}.json", digest(&config));
    members.push((name.clone(), config));
    let manifest = members.iter().position(|(path, _)| path == "manifest.json").unwrap();
    let mut images: serde_json::Value = serde_json::from_slice(&members[manifest].1).unwrap();
    images
        .as_array_mut()
        .unwrap()
        .push(serde_json::json!({"Config": name, "Layers": [format!("{:064}/layer.tar", 0)]}));
    members[manifest].1 = serde_json::to_vec(&images).unwrap();
    let scans = Weigher::new(Options::default()).read_archive(&archive(&members)[..]).unwrap();
    assert_eq!(scans.iter().map(|scan| facts(scan).0).collect::<Vec<_>>(), [15, 10]);
    assert!(std::sync::Arc::ptr_eq(&scans[0].layers[0], &scans[1].layers[0]));
    assert_eq!(scans[0].tags, ["x:1"]);
}

#[test]
fn a_plain_blob_that_is_known_by_its_name_is_not_analysed_again() {
    let long = |letter: &str, size: usize| zeros(&letter.repeat(90), size);
    let known = layer(&["a", "b", "c", "d", "e", "f", "g", "h"].map(|letter| long(letter, 10)));
    let new = layer(&[long("i", 30), long("j", 40)]);
    let plain = |layers: &[Vec<u8>]| oci(layers, <[u8]>::to_vec);
    // Enough for the names in each layer, too few for those in both.
    let options = Options { limits: Limits { name_bytes: 800, ..Limits::default() }, ..Options::default() };
    let mut weigher = Weigher::new(options);
    weigher.read_archive(&archive(&plain(std::slice::from_ref(&known)))[..]).unwrap();
    let both = plain(&[known.clone(), new]);
    assert_eq!(facts(&weigher.read_archive(&archive(&both)[..]).unwrap()[0]).0, 150);
    assert!(Weigher::new(options).read_archive(&archive(&both)[..]).is_err());
    // What is there must be what the name says, all the same.
    let mut lying = both;
    let blob = lying.iter_mut().find(|(path, _)| path.ends_with(&digest(&known))).unwrap();
    blob.1 = layer(&[zeros("a", 11)]);
    let error = weigher.read_archive(&archive(&lying)[..]).unwrap_err();
    assert!(error.to_string().contains("not its name"), "{error}");
}

#[test]
fn base_and_site_layers_are_told_by_their_diff_ids() {
    let layers = [layer(&[zeros("a", 1)]), layer(&[zeros("b", 10)]), layer(&[zeros("c", 100)])];
    let scan = read_one(&archive(&docker_20(&layers)));
    let ids = &scan.config.diff_ids;
    for (base, site, expected) in [
        (&ids[..0], 0, (0, 111)),
        (&ids[..1], 0, (1, 110)),
        (&ids[..2], 1, (11, 100)),
        // A base whose lowest layer is another one shares nothing.
        (&ids[1..2], 0, (0, 111)),
    ] {
        let weight = weigh(&scan, &ReportOptions { base_diff_ids: base, site_layers: site, top: 3 });
        assert_eq!((weight.sizes.base_bytes.0, weight.sizes.own_bytes.0), expected);
        assert_adds_up(&weight);
        let sites = weight.layers.iter().filter(|layer| layer.origin == crate::facts::LayerOrigin::Site).count();
        assert_eq!(sites, site);
    }
}
