//! Scenarios with figures counted by hand, and the sums of random pairs.

use proptest::prelude::*;

use super::*;
use crate::analyse::compare::{CauseKind, Comparison, compare};
use crate::record::{Base, BaseOrigin, Layer, LayerOrigin, Package, PackageManager, PathSize, Variant};
use crate::report::doc::AmountKind;
use crate::testing::fixture;
use crate::units::{Bytes, SignedBytes};

/// The slim variant of the made-up record: five base layers, then WORKDIR, COPY, pip, COPY src.
fn slim() -> Variant {
    fixture::variants().swap_remove(1)
}

/// Sizes anew from the layers, as weighing would.
fn weighed(mut variant: Variant) -> Variant {
    let of = |origin: Option<LayerOrigin>| -> Bytes {
        variant.layers.iter().filter(|l| origin.is_none_or(|o| l.origin == o)).map(|l| l.size_bytes).sum()
    };
    let (all, base, own) = (of(None), of(Some(LayerOrigin::Base)), of(Some(LayerOrigin::Own)));
    if let Some(sizes) = &mut variant.sizes {
        (sizes.size_bytes, sizes.base_bytes, sizes.own_bytes) = (all, base, own);
        sizes.rootfs_bytes = all;
    }
    variant
}

fn grow(variant: &mut Variant, layer: usize, bytes: u64) {
    variant.layers[layer].size_bytes += Bytes(bytes);
    variant.layers[layer].diff_id = fixture::diff_id(&format!("{layer} grown by {bytes}"));
}

fn package(name: &str, version: &str, layers: &[(u32, u64)]) -> Package {
    Package {
        manager: PackageManager::Dpkg,
        name: name.into(),
        version: version.into(),
        size_bytes: layers.iter().map(|(_, bytes)| Bytes(*bytes)).sum(),
        layers: layers.iter().map(|(layer, bytes)| (*layer, Bytes(*bytes))).collect(),
    }
}

fn own_layer(word: &str, instruction: &str, bytes: u64) -> Layer {
    let mut layer = slim().layers.pop().unwrap();
    layer.diff_id = fixture::diff_id(word);
    layer.instruction = instruction.into();
    layer.size_bytes = Bytes(bytes);
    layer
}

/// Asserts that everything adds up, and gives the verdict.
fn said(old: &Variant, new: &Variant) -> String {
    let comparison = compare(old, new);
    adds_up(&comparison);
    verdict(&comparison).to_string()
}

fn adds_up(comparison: &Comparison) {
    let sum = |deltas: Vec<SignedBytes>| deltas.into_iter().map(|delta| i128::from(delta.0)).sum::<i128>();
    let delta = i128::from(comparison.new_bytes.0) - i128::from(comparison.old_bytes.0);
    assert_eq!(i128::from(comparison.delta_bytes.0), delta);
    assert_eq!(sum(comparison.groups.iter().map(|group| group.delta_bytes).collect()), delta);
    for group in &comparison.groups {
        assert_eq!(
            sum(group.causes.iter().map(|cause| cause.delta_bytes).collect()),
            i128::from(group.delta_bytes.0),
            "{group:?}"
        );
    }
    for most in [0, 1, 3, 100] {
        let rows = rows(comparison, most);
        let mut groups = 0;
        let mut open: Option<(i128, i128)> = None;
        for row in &rows {
            let bytes = i128::from(row.delta.0);
            match row.kind {
                AmountKind::Cause => open.as_mut().unwrap().1 += bytes,
                kind => {
                    if let Some((whole, parts)) = open.take().filter(|(_, parts)| *parts != 0) {
                        assert_eq!(whole, parts);
                    }
                    if kind == AmountKind::Group {
                        groups += bytes;
                        open = Some((bytes, 0));
                    }
                }
            }
        }
        assert_eq!(rows.last().unwrap().kind, AmountKind::Total);
        assert_eq!(groups, delta);
    }
}

#[test]
fn nothing_changed() {
    assert_eq!(said(&slim(), &slim()), "no change in size");
    assert!(compare(&slim(), &slim()).groups.is_empty());
}

#[test]
fn a_requirement_upgraded_names_from_and_to() {
    let old = slim();
    let mut new = slim();
    grow(&mut new, 7, 12_345);
    let werkzeug = new.packages.iter_mut().find(|package| package.name == "Werkzeug").unwrap();
    werkzeug.version = "2.0.3".into();
    werkzeug.layers[0].1 = Bytes(1_210_220 + 12_345);
    assert_eq!(
        said(&old, &weighed(new)),
        "+12.3 kB: `Werkzeug` upgraded 2.0.1 → 2.0.3 in `RUN pip install --no-cache-dir -r requirements.txt`"
    );
}

#[test]
fn packages_upgraded_on_top_of_the_base_are_stored_twice() {
    let mut old = slim();
    let mut new = slim();
    let names = ["apt", "bash", "libc6", "libssl", "openssl", "perl-base", "tzdata"];
    old.packages.extend(names.iter().map(|name| package(name, "1", &[(0, 1_500_000)])));
    new.packages.extend(names.iter().map(|name| package(name, "2", &[(0, 1_500_000), (5, 1_480_000)])));
    // Debian's own record of what is installed is written anew too.
    new.layers.insert(5, own_layer("upgrade", "RUN apt-get upgrade -y", 7 * 1_480_000 + 40_000));
    for package in new.packages.iter_mut().filter(|package| package.name == "Werkzeug" || package.name == "Flask") {
        package.layers[0].0 += 1;
    }
    assert_eq!(
        said(&weighed(old), &weighed(new)),
        "+10.4 MB: 7 packages upgraded on top of the base, stored twice in `RUN apt-get upgrade -y`"
    );
}

#[test]
fn a_package_written_again_is_stored_twice_but_byte_code_beside_it_is_not() {
    let old = slim();
    let mut copied = slim();
    copied.layers.push(own_layer("chown", "RUN chown -R app /usr/local", 8_380_300));
    copied.packages.iter_mut().find(|package| package.name == "pip").unwrap().layers.push((9, Bytes(8_380_300)));
    assert_eq!(
        said(&old, &weighed(copied)),
        "+8.38 MB: package `pip` copied on top of the base, stored twice in `RUN chown -R app /usr/local`"
    );
    let mut compiled = slim();
    grow(&mut compiled, 7, 2_000_000);
    compiled.packages.iter_mut().find(|package| package.name == "pip").unwrap().layers.push((7, Bytes(2_000_000)));
    assert_eq!(
        said(&old, &weighed(compiled)),
        "+2.00 MB: package `pip` of the same version changed in `RUN pip install --no-cache-dir -r requirements.txt`"
    );
}

#[test]
fn an_added_and_a_removed_package_are_named_with_their_instruction() {
    let old = slim();
    let mut new = slim();
    new.layers.insert(6, own_layer("curl", "RUN apt-get install -y curl", 3_000_500));
    new.packages.push(package("curl", "7.88.1", &[(6, 900_500)]));
    new.packages.push(package("libcurl4", "7.88.1", &[(6, 2_100_000)]));
    for package in new.packages.iter_mut().filter(|package| package.manager == PackageManager::Python) {
        package.layers[0].0 += u32::from(package.layers[0].0 > 5);
    }
    let new = weighed(new);
    assert_eq!(said(&old, &new), "+3.00 MB: packages `libcurl4` and `curl` added in `RUN apt-get install -y curl`");
    assert_eq!(said(&new, &old), "-3.00 MB: packages `libcurl4` and `curl` removed in `RUN apt-get install -y curl`");
}

#[test]
fn a_base_that_moved_is_told_from_what_is_own() {
    let old = slim();
    let mut new = slim();
    grow(&mut new, 2, 5_000_000);
    new.bases = vec![Base {
        reference: "python:3.9-slim".into(),
        digest: format!("sha256:{}", "ab".repeat(32)),
        origin: BaseOrigin::Registry,
        ..new.bases.pop().unwrap()
    }];
    let from = old.bases[0].digest["sha256:".len()..][..12].to_owned();
    let new = weighed(new);
    assert_eq!(
        said(&old, &new),
        format!("+5.00 MB: base moved, `python:3.9-slim sha256:{from}` → `python:3.9-slim sha256:abababababab`")
    );
    let comparison = compare(&old, &new);
    assert_eq!(comparison.base_delta_bytes, SignedBytes(5_000_000));
    assert_eq!(comparison.own_delta_bytes, SignedBytes(0));
}

#[test]
fn two_large_causes_are_both_said() {
    let old = slim();
    let mut new = slim();
    grow(&mut new, 2, 5_000_000);
    grow(&mut new, 8, 2_000_000);
    new.paths.push(PathSize {
        path: "/app/model.bin".into(),
        size_bytes: Bytes(2_000_000),
        layer: 8,
        package: String::new(),
    });
    // The list of paths holds everything, so a path that is not in the old one was not there.
    let mut old = weighed(old);
    old.sizes.as_mut().unwrap().rootfs_bytes = Bytes(0);
    let said = said(&old, &weighed(new));
    assert!(said.starts_with("+7.00 MB: base moved, "), "{said}");
    assert!(said.ends_with("; `/app/model.bin` added in `COPY src /app` (+2.00 MB)"), "{said}");
}

#[test]
fn one_side_without_a_known_base_is_compared_as_a_whole() {
    let old = slim();
    let mut new = slim();
    for layer in &mut new.layers {
        layer.origin = LayerOrigin::Own;
    }
    assert_eq!(said(&old, &new), "no change in size");
    new.layers.push(own_layer("x", "RUN dd", 77));
    assert_eq!(said(&old, &weighed(new)), "+77 B: `RUN dd` is new");
}

#[test]
fn what_cancels_out_is_not_hidden() {
    let old = slim();
    let mut new = slim();
    new.layers[7].size_bytes = Bytes(10_486_220 - 1_000);
    new.layers[7].diff_id = "other".into();
    grow(&mut new, 8, 1_000);
    let said = said(&old, &weighed(new));
    assert!(said.starts_with("same size, but "), "{said}");
}

#[test]
fn a_path_near_the_end_of_a_list_that_was_cut_off_is_not_called_new() {
    let path = |path: &str, bytes: u64| PathSize {
        path: path.into(),
        size_bytes: Bytes(bytes),
        layer: 8,
        package: String::new(),
    };
    let mut old = weighed(slim());
    old.paths = vec![path("/a", 900)];
    let mut new = slim();
    grow(&mut new, 8, 2_950);
    new.paths = vec![path("/a", 900), path("/big", 1_900), path("/close", 1_050)];
    let comparison = compare(&old, &weighed(new));
    adds_up(&comparison);
    let kinds: Vec<&CauseKind> = comparison.groups[0].causes.iter().map(|cause| &cause.kind).collect();
    assert_eq!(kinds, [&CauseKind::PathAdded { path: "/big".into() }, &CauseKind::Rest]);
}

#[test]
fn images_that_were_not_weighed_compare_by_their_layers() {
    let mut old = slim();
    old.sizes = None;
    old.layers.clear();
    let comparison = compare(&old, &slim());
    assert_eq!(comparison.delta_bytes, SignedBytes(i64::try_from(slim().sizes.unwrap().size_bytes.0).unwrap()));
    adds_up(&comparison);
}

fn layer() -> impl Strategy<Value = Layer> {
    (0_u8..6, 0_u8..5, 0_u64..10_000, 0_u8..4).prop_map(|(id, word, bytes, origin)| Layer {
        diff_id: if id == 0 { String::new() } else { format!("sha256:{id}") },
        size_bytes: Bytes(bytes),
        wire_bytes: Bytes(0),
        instruction: ["", "RUN a b", "RUN a c", "COPY x y", "RUN a b c d"][usize::from(word)].into(),
        origin: [LayerOrigin::Base, LayerOrigin::Site, LayerOrigin::Own, LayerOrigin::Own][usize::from(origin)],
        entries: 0,
        package_bytes: Bytes(0),
        waste_bytes: Bytes(0),
    })
}

fn image() -> impl Strategy<Value = Variant> {
    let packages =
        prop::collection::vec((0_u8..5, 0_u8..3, prop::collection::vec((0_u32..9, 0_u64..9_000), 0..4)), 0..6);
    let paths = prop::collection::vec((0_u8..6, 0_u64..9_000, 0_u32..9, any::<bool>()), 0..8);
    (prop::collection::vec(layer(), 0..8), packages, paths, prop::option::of(-50_i64..50), 0_u64..50_000).prop_map(
        |(layers, packages, paths, off, rootfs)| {
            let mut variant = slim();
            variant.layers = layers;
            variant.packages = packages
                .into_iter()
                .map(|(name, version, layers)| package(&format!("p{name}"), &version.to_string(), &layers))
                .collect();
            variant.paths = paths
                .into_iter()
                .map(|(path, bytes, layer, owned)| PathSize {
                    path: format!("/{path}"),
                    size_bytes: Bytes(bytes),
                    layer,
                    package: if owned { "p1".into() } else { String::new() },
                })
                .collect();
            let mut variant = weighed(variant);
            match off {
                None => variant.sizes = None,
                // A record whose layers do not add up to its size, every now and then.
                Some(off) => {
                    let sizes = variant.sizes.as_mut().unwrap();
                    sizes.rootfs_bytes = Bytes(rootfs);
                    sizes.size_bytes = Bytes(sizes.size_bytes.0.saturating_add_signed(off.max(0)));
                }
            }
            variant
        },
    )
}

proptest! {
    #[test]
    fn every_byte_of_a_difference_has_a_cause(old in image(), new in image()) {
        adds_up(&compare(&old, &new));
        let there = compare(&old, &new).delta_bytes.0;
        prop_assert_eq!(there, -compare(&new, &old).delta_bytes.0);
        let _ = verdict(&compare(&old, &new)).to_string();
    }
}

#[test]
fn packages_that_changed_are_named_by_manager() {
    let of = |manager: PackageManager, name: &str, version: &str, bytes: u64| Package {
        manager,
        ..package(name, version, &[(8, bytes)])
    };
    let (mut old, mut new) = (weighed(slim()), weighed(slim()));
    old.packages = vec![
        of(PackageManager::Npm, "a", "1.9.0", 10),
        of(PackageManager::Npm, "b", "2.0.0", 10),
        of(PackageManager::Npm, "same", "1", 10),
        of(PackageManager::Go, "example.org/gone", "v1.0.0", 0),
        of(PackageManager::Npm, "twice", "1.0.0", 1),
    ];
    new.packages = vec![
        of(PackageManager::Npm, "a", "1.10.0", 10),
        of(PackageManager::Npm, "b", "2.0.0-rc.1", 10),
        of(PackageManager::Npm, "same", "1", 12),
        of(PackageManager::Npm, "twice", "1.0.0", 1),
        of(PackageManager::Npm, "twice", "2.0.0", 1),
        of(PackageManager::Python, "c", "3", 5),
    ];
    let lines: Vec<String> = package_lines(&compare(&old, &new)).iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "python: 1 added (`c` 3)",
            "npm: 1 upgraded (`a` 1.9.0 → 1.10.0), 1 downgraded (`b` 2.0.0 → 2.0.0-rc.1), 1 changed (`twice` 1.0.0 → \
             1.0.0, 2.0.0)",
            "go: 1 removed (`example.org/gone` v1.0.0)",
        ]
    );
}
