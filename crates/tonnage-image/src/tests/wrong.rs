//! Archives that are not what they say: the error names what is wrong.

use crate::testing::archives::{archive, config, digest, docker_20, gzip, layer, oci, zeros};
use crate::{ImageError, Limits, Options, Weigher};

fn members() -> Vec<(String, Vec<u8>)> {
    docker_20(&[layer(&[zeros("a", 2000)]), layer(&[zeros("b", 10)])])
}

fn fails(archive: &[u8]) -> String {
    super::chain(&Weigher::new(Options::default()).read_archive(archive).unwrap_err())
}

/// The archive with one member's content changed.
fn with(name: &str, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut members = members();
    let member = members.iter_mut().find(|(path, _)| path.contains(name)).unwrap();
    change(&mut member.1);
    archive(&members)
}

#[test]
fn a_layer_that_the_config_does_not_know_is_refused() {
    let message = fails(&with("1/layer.tar", |content| *content = layer(&[zeros("c", 10)])));
    assert!(message.contains("1/layer.tar` has the diff id sha256:"), "{message}");
}

#[test]
fn bytes_behind_a_layers_end_mark_count_for_its_digest() {
    let message = fails(&with("1/layer.tar", |content| content.push(0)));
    assert!(message.contains("has the diff id"), "{message}");
}

#[test]
fn a_config_that_is_not_its_digest_is_refused() {
    let mut members = members();
    let position = members.iter().position(|(_, content)| content.starts_with(b"{\"arch")).unwrap();
    members[position].1.push(b' ');
    let message = fails(&archive(&members));
    assert!(message.contains(".json` has the digest sha256:"), "{message}");
}

#[test]
fn what_is_missing_or_no_layer_is_named() {
    let without = |name: &str| {
        let left: Vec<_> = members().into_iter().filter(|(path, _)| !path.contains(name)).collect();
        fails(&archive(&left))
    };
    assert!(without("manifest.json").contains("no image"));
    assert!(without("1/layer.tar").contains("1/layer.tar`, which its manifest names"));
    let message = fails(&with("1/layer.tar", |content| *content = b"no tar".to_vec()));
    assert!(message.contains("neither a tar"), "{message}");
    let message = fails(&with("manifest.json", |content| content.truncate(20)));
    assert!(message.contains("failed to read `manifest.json`"), "{message}");
    assert!(fails(b"").contains("no image"));
    assert!(fails(&[7; 2000]).contains("byte 0"));
}

#[test]
fn the_number_of_layers_must_fit() {
    let message = fails(&with("manifest.json", |content| {
        let mut value: serde_json::Value = serde_json::from_slice(content).unwrap();
        value[0]["Layers"].as_array_mut().unwrap().pop();
        *content = serde_json::to_vec(&value).unwrap();
    }));
    assert_eq!(message, "the manifest lists 1 layers, the config 2");
}

#[test]
fn a_truncated_archive_is_refused_wherever_it_ends() {
    let whole = archive(&members());
    // What follows the manifest may go.
    let needed = whole.windows(8).rposition(|part| part == b"Layers\":").unwrap();
    for end in (1..needed).step_by(97) {
        let error = Weigher::new(Options::default()).read_archive(&whole[..end]).unwrap_err();
        match error {
            ImageError::Read { offset, .. } | ImageError::Archive { offset, .. } => assert!(offset <= end as u64),
            // The cut is behind a whole member, or in the padding behind one.
            ImageError::NoImage => {}
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_broken_blob_names_the_layer() {
    let layers = [layer(&[zeros("a", 200_000)])];
    let broken = oci(&layers, |layer| {
        let mut packed = gzip(layer);
        let middle = packed.len() / 2;
        packed.truncate(middle);
        packed
    });
    let message = fails(&archive(&broken));
    assert!(message.starts_with("layer `blobs/sha256/") && message.contains("is broken at byte"), "{message}");
}

#[test]
fn limits_are_errors() {
    let whole = archive(&members());
    let limits = Limits::default();
    for (limits, expected) in [
        (Limits { unpacked_bytes: 3000, ..limits }, "unpacks to more"),
        (Limits { entries: 1, ..limits }, "too many entries"),
        (Limits { name_bytes: 1, ..limits }, "more than 1 bytes of names"),
        (Limits { members: 2, ..limits }, "more than 2 layers and documents"),
        (Limits { json_total_bytes: 50, ..limits }, "more than 50 bytes of JSON"),
    ] {
        let error = Weigher::new(Options { limits, ..Options::default() }).read_archive(&whole[..]).unwrap_err();
        let message = super::chain(&error);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_broken_layer_that_nobody_names_is_no_matter() {
    let mut members = members();
    let mut stray = layer(&[zeros("a", 2000)]);
    stray.truncate(700);
    members.insert(0, ("stray".into(), stray));
    members.insert(0, ("stray.gz".into(), vec![0x1f, 0x8b, 1, 2, 3]));
    assert_eq!(super::read_one(&archive(&members)).layers.len(), 2);
}

#[test]
fn links_and_indexes_that_run_in_circles_end() {
    let one = [layer(&[])];
    let name = format!("{}.json", digest(&config(&one)));
    let members = [
        ("a -> b".to_owned(), Vec::new()),
        ("b -> a".to_owned(), Vec::new()),
        (name.clone(), config(&one)),
        (
            "manifest.json".to_owned(),
            serde_json::to_vec(&serde_json::json!([{"Config": name, "Layers": ["a"]}])).unwrap(),
        ),
    ];
    assert!(fails(&archive(&members)).contains("which its manifest names"));
    let index = serde_json::json!({"manifests": [{"digest": "sha256:../../index.json"}, {"digest": ""}]});
    let message = fails(&archive(&[("index.json".to_owned(), serde_json::to_vec(&index).unwrap())]));
    assert!(!message.is_empty());
}
