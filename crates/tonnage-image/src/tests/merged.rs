//! What is visible and what is dead, with truths counted by hand.

use super::{Item, weigh_layers};
use crate::facts::FileNode;
use crate::testing::archives::{archive, docker_20, file, folder, hard_link, layer, opaque, symlink, whiteout, zeros};

/// Layers, then size, reclaimable and duplicate bytes.
type Case = (&'static str, Vec<Vec<Item>>, u64, u64, u64);

#[test]
fn every_byte_is_counted_once_and_where_it_is() {
    let cases: Vec<Case> = vec![
        ("nothing", vec![], 0, 0, 0),
        ("an empty layer", vec![vec![]], 0, 0, 0),
        ("files and links", vec![vec![folder("a/"), zeros("a/f", 10), symlink("a/l", "f")]], 11, 0, 0),
        // dive says 0 B wasted.
        (
            "a folder deleted later",
            vec![vec![folder("d/"), zeros("d/a", 100), zeros("d/e/b", 20)], vec![whiteout("d")]],
            120,
            120,
            0,
        ),
        ("an opaque folder", vec![vec![zeros("d/a", 100)], vec![opaque("d"), zeros("d/b", 7)]], 107, 100, 0),
        (
            "an opaque mark behind its siblings",
            vec![vec![zeros("d/a", 100)], vec![zeros("d/b", 7), zeros("d/a", 5), opaque("d")]],
            112,
            100,
            0,
        ),
        ("an opaque folder hides folders too", vec![vec![zeros("d/e/f/a", 9)], vec![opaque("d")]], 9, 9, 0),
        // dive says 20 MB wasted: both copies.
        (
            "a chmod of a big file",
            vec![vec![zeros("f", 10_000)], vec![Item::File("f".into(), vec![0; 10_000], 0o755)]],
            20_000,
            10_000,
            0,
        ),
        // dive says 10 MB wasted: what replaced it.
        ("a file that grows from a byte", vec![vec![zeros("f", 1)], vec![zeros("f", 10_000)]], 10_001, 1, 0),
        ("a hard link", vec![vec![zeros("a", 50), hard_link("b", "a")]], 50, 0, 0),
        ("one name of two deleted", vec![vec![zeros("a", 50), hard_link("b", "a")], vec![whiteout("a")]], 50, 0, 0),
        (
            "both names deleted",
            vec![vec![zeros("a", 50), hard_link("b", "a")], vec![whiteout("a")], vec![whiteout("b")]],
            50,
            50,
            0,
        ),
        (
            "a name of a group rewritten",
            vec![vec![zeros("a", 50), hard_link("b", "a"), hard_link("c", "b")], vec![zeros("a", 3)]],
            53,
            0,
            0,
        ),
        ("a hard link upon itself", vec![vec![zeros("a", 50), hard_link("a", "a")]], 50, 0, 0),
        ("a hard link to nothing", vec![vec![hard_link("a", "gone")]], 0, 0, 0),
        ("equal files", vec![vec![file("a", "hello"), file("b", "hello"), file("c", "other")]], 15, 0, 5),
        ("equal files in two layers", vec![vec![file("a", "hello")], vec![file("b", "hello")]], 10, 0, 5),
        (
            "an equal file that is dead",
            vec![vec![file("a", "hello")], vec![whiteout("a"), file("b", "hello")]],
            10,
            5,
            0,
        ),
        ("empty files are not equal files", vec![vec![zeros("a", 0), zeros("b", 0)]], 0, 0, 0),
        ("a file becomes a folder", vec![vec![zeros("x", 8)], vec![folder("x/"), zeros("x/y", 1)]], 9, 8, 0),
        ("a file becomes a folder without an entry", vec![vec![zeros("x", 8)], vec![zeros("x/y", 1)]], 9, 8, 0),
        ("a folder becomes a file", vec![vec![zeros("x/y", 8), zeros("x/z/w", 2)], vec![zeros("x", 1)]], 11, 10, 0),
        ("a link to a folder becomes one", vec![vec![symlink("x", "yy")], vec![zeros("x/y", 1)]], 3, 2, 0),
        ("a link in the same layer is left alone", vec![vec![symlink("x", "yy"), zeros("x/y", 1)]], 3, 0, 0),
        (
            "one path written three ways",
            vec![vec![zeros("./a", 1)], vec![zeros("/a", 2)], vec![zeros("a", 4)]],
            7,
            3,
            0,
        ),
        ("a path twice in a layer", vec![vec![zeros("a", 6), zeros("a", 2)]], 8, 6, 0),
        ("a path that climbs stays inside", vec![vec![zeros("../../a", 6)], vec![zeros("a", 2)]], 8, 6, 0),
        ("a whiteout of what the layer has", vec![vec![zeros("a", 6)], vec![zeros("a", 2), whiteout("a")]], 8, 6, 0),
        ("a whiteout of nothing", vec![vec![zeros("a", 6)], vec![whiteout("b"), whiteout("a/c")]], 6, 0, 0),
        ("a whiteout with content", vec![vec![zeros("a", 6)], vec![zeros(".wh.a", 99)]], 6, 6, 0),
        ("whiteouts of dots", vec![vec![zeros("d/a", 6)], vec![zeros("d/.wh..", 1), zeros("d/.wh...", 1)]], 6, 0, 0),
        (
            "deleted, made again, deleted again",
            vec![
                vec![zeros("d/a", 1)],
                vec![whiteout("d")],
                vec![zeros("d/a", 2)],
                vec![whiteout("d")],
                vec![zeros("d/b", 4)],
            ],
            7,
            3,
            0,
        ),
        ("a layer listed twice", vec![vec![zeros("a", 5)], vec![zeros("a", 5)]], 10, 5, 0),
    ];
    for (name, layers, size, reclaimable, duplicates) in cases {
        let sizes = weigh_layers(&layers).sizes;
        assert_eq!(
            (sizes.size_bytes.0, sizes.reclaimable_bytes.0, sizes.duplicate_bytes.0),
            (size, reclaimable, duplicates),
            "{name}"
        );
    }
}

#[test]
fn dead_bytes_name_who_wrote_and_who_hid_them() {
    let weight = weigh_layers(&[
        vec![zeros("keep", 1), zeros("d/big", 100)],
        vec![zeros("other", 2), zeros("small", 30)],
        vec![whiteout("d"), zeros("small", 3)],
    ]);
    let rows: Vec<_> = weight
        .reclaimable
        .iter()
        .map(|row| (row.path.as_str(), row.size_bytes.0, row.written_by.as_str(), row.removed_by.as_str()))
        .collect();
    assert_eq!(rows, [("/d/big", 100, "step 0", "step 2"), ("/small", 30, "step 1", "step 2")]);
    assert_eq!(weight.layers.iter().map(|layer| layer.waste_bytes.0).collect::<Vec<_>>(), [100, 30, 0]);
}

#[test]
fn a_layer_listed_twice_travels_once() {
    let weight = weigh_layers(&[vec![zeros("a", 5)], vec![zeros("a", 5)]]);
    assert_eq!(weight.layers[0].diff_id, weight.layers[1].diff_id);
    assert!(weight.layers[0].wire_bytes.0 > 0);
    assert_eq!(weight.layers[1].wire_bytes.0, 0);
}

#[test]
fn the_tree_is_small_and_keeps_every_byte() {
    let mut items: Vec<Item> = (0..2000).map(|index| zeros(&format!("many/{}/{index}", index % 50), 10)).collect();
    items.push(zeros("big/file", 1_000_000));
    let weight = weigh_layers(&[items]);
    let tree = weight.tree.unwrap();
    let mut count = 0;
    let mut waiting = vec![&tree];
    while let Some(node) = waiting.pop() {
        count += 1;
        if !node.children.is_empty() {
            let below: u64 = node.children.iter().map(|child| child.size_bytes.0).sum();
            assert_eq!(below, node.size_bytes.0, "{}", node.name);
        }
        waiting.extend(&node.children);
    }
    assert!((100..=300).contains(&count), "{count}");
    assert_eq!(tree.name, "/");
    assert_eq!(tree.children[0].name, "big");
    assert_eq!(tree.children[0].children[0].name, "file");
}

#[test]
fn names_that_are_no_text_are_written_as_hex() {
    let mut tar = layer(&[zeros("a?b", 3)]);
    tar[1] = 0xff;
    // The checksum follows the byte that was changed: 0xff is 0xc0 more than `?`.
    let sum: u32 = u32::from_str_radix(std::str::from_utf8(&tar[148..155]).unwrap(), 8).unwrap() + 0xc0;
    tar[148..155].copy_from_slice(format!("{sum:07o}").as_bytes());
    let archive = archive(&docker_20(&[tar]));
    let scan = super::read_one(&archive);
    let weight = crate::weigh(&scan, &crate::ReportOptions { base_diff_ids: &[], site_layers: 0, top: 5 });
    assert_eq!(weight.paths[0].path, "/a\\xffb");
}

#[test]
fn a_path_through_a_link_of_its_own_layer_lies_where_the_link_points() {
    let cases: Vec<Case> = vec![
        (
            "a file is where the link points, and replaces what is there",
            vec![vec![zeros("usr/lib/x", 100)], vec![symlink("lib", "usr/lib"), zeros("lib/x", 40)]],
            147,
            100,
            0,
        ),
        (
            "an absolute link, a link on its way, and one that goes up",
            vec![
                vec![zeros("usr/lib/x", 100)],
                vec![symlink("a", "/usr"), symlink("b", "a/../a"), symlink("usr/l", "lib"), zeros("b/l/x", 40)],
            ],
            100 + 4 + 6 + 3 + 40,
            100,
            0,
        ),
        (
            "a later layer reaches it by its real name",
            vec![vec![symlink("lib", "usr/lib"), zeros("lib/x", 40)], vec![whiteout("usr/lib/x")]],
            47,
            40,
            0,
        ),
        (
            "a whiteout through a link",
            vec![vec![zeros("usr/lib/x", 100)], vec![symlink("lib", "usr/lib"), whiteout("lib/x")]],
            107,
            100,
            0,
        ),
        (
            "an opaque mark through a link",
            vec![vec![zeros("usr/lib/x", 100)], vec![symlink("lib", "usr/lib"), opaque("lib"), zeros("lib/y", 1)]],
            108,
            100,
            0,
        ),
        (
            "a hard link to a name through a link",
            vec![
                vec![symlink("lib", "usr/lib"), zeros("lib/x", 40), hard_link("y", "lib/x")],
                vec![whiteout("usr/lib/x")],
            ],
            47,
            0,
            0,
        ),
        // Unpacked on its own, a layer does not see the link of a lower one: it makes a directory.
        (
            "a link of a lower layer is replaced",
            vec![vec![zeros("usr/lib/x", 100), symlink("lib", "usr/lib")], vec![zeros("lib/x", 40)]],
            147,
            7,
            0,
        ),
        ("links in a circle", vec![vec![symlink("a", "b"), symlink("b", "a"), zeros("a/x", 5)]], 7, 0, 0),
    ];
    for (name, layers, size, reclaimable, duplicates) in cases {
        let sizes = weigh_layers(&layers).sizes;
        assert_eq!(
            (sizes.size_bytes.0, sizes.reclaimable_bytes.0, sizes.duplicate_bytes.0),
            (size, reclaimable, duplicates),
            "{name}"
        );
    }
}

#[test]
fn a_node_of_the_tree_has_the_layer_and_package_of_most_of_its_bytes() {
    let status = "Package: tool\nStatus: install ok installed\nVersion: 1\n";
    let mut above: Vec<Item> = (0..400).map(|index| zeros(&format!("many/{index:03}"), 3)).collect();
    above.push(zeros("usr/big", 5_000));
    let weight = weigh_layers(&[
        vec![
            file("var/lib/dpkg/status", status),
            file("var/lib/dpkg/info/tool.list", "/usr/tool\n"),
            zeros("usr/tool", 4_000),
            zeros("usr/big", 9_000),
            folder("empty/"),
        ],
        above,
    ]);
    let tree = weight.tree.unwrap();
    let child = |node: &FileNode, name: &str| node.children.iter().find(|child| child.name == name).unwrap().clone();
    let of = |node: &FileNode| (node.size_bytes.0, node.layer, node.package.clone());
    let usr = child(&tree, "usr");
    assert_eq!(of(&child(&usr, "tool")), (4_000, Some(0), "tool".to_owned()));
    assert_eq!(of(&child(&usr, "big")), (5_000, Some(1), String::new()), "the copy that is visible");
    assert_eq!(of(&usr), (9_000, Some(1), String::new()));
    let many = child(&tree, "many");
    let folded = many.children.last().unwrap();
    assert!(folded.name.ends_with(" others]") && folded.layer == Some(1), "{folded:?}");
    assert_eq!(of(&many), (1_200, Some(1), String::new()));
}
