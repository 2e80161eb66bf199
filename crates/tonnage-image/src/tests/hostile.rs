//! Input made to break a reader: it ends in the right numbers or in an error, never in a panic.

use proptest::prelude::*;

use crate::read::layer::{Budget, FileHashes, LayerScan, scan};
use crate::read::tar::{Fault, TarError};
use crate::testing::archives::{
    archive, docker_20, file, folder, gzip, hard_link, layer, oci, symlink, whiteout, zeros, zstd,
};
use crate::{Limits, Options, ReportOptions, Weigher, weigh};

/// A header as old tars write it, checksum and all.
pub(super) fn header(name: &[u8], flag: u8, size: &[u8; 12]) -> Vec<u8> {
    let mut block = vec![0u8; 512];
    block[..name.len()].copy_from_slice(name);
    block[100..107].copy_from_slice(b"0000644");
    block[124..136].copy_from_slice(size);
    block[148..156].fill(b' ');
    block[156] = flag;
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

pub(super) fn octal(size: u64) -> [u8; 12] {
    format!("{size:011o}\0").into_bytes().try_into().unwrap()
}

pub(super) fn padded(content: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    content.resize(content.len().div_ceil(512) * 512, 0);
    content
}

/// A PAX record: its length counts its own digits.
pub(super) fn record(key: &str, value: &str) -> String {
    let body = format!(" {key}={value}\n");
    let mut length = body.len() + 1;
    while format!("{length}").len() + body.len() != length {
        length += 1;
    }
    format!("{length}{body}")
}

pub(super) fn read(tar: &[u8]) -> Result<LayerScan, TarError> {
    let limits = Limits::default();
    scan(&mut &tar[..], FileHashes::Yes, &limits, &mut Budget::new(&limits))
}

pub(super) fn paths(scan: &LayerScan) -> Vec<(String, u64)> {
    scan.entries.iter().map(|entry| (crate::text::from_bytes(scan.path(entry)), entry.size)).collect()
}

pub(super) fn broken(tar: &[u8]) -> String {
    match read(tar).unwrap_err() {
        TarError { what: Fault::Format(what) | Fault::TooMuch(what), .. } => what,
        TarError { what: Fault::Io(error), .. } => error.to_string(),
    }
}

#[test]
fn every_way_to_write_a_name_or_a_size_is_read() {
    let long = "d/".repeat(200) + "file";
    let content = vec![1u8; 1000];
    let gnu = [
        header(b"././@LongLink", b'L', &octal(long.len() as u64 + 1)),
        padded(&[long.as_bytes(), b"\0"].concat()),
        header(b"short", b'0', &octal(1000)),
        padded(&content),
    ]
    .concat();
    let text = record("path", &long) + &record("mtime", "1.5") + &record("size", "1000");
    let pax = [
        header(b"PaxHeaders/x", b'x', &octal(text.len() as u64)),
        padded(text.as_bytes()),
        header(b"short", b'0', &octal(0)),
        padded(&content),
    ]
    .concat();
    let mut base_256 = [0u8; 12];
    base_256[0] = 0x80;
    base_256[10..].copy_from_slice(&1000u16.to_be_bytes());
    let base_256 = [header(b"short", 0, &base_256), padded(&content)].concat();
    assert_eq!(paths(&read(&gnu).unwrap()), [(long.clone(), 1000)]);
    assert_eq!(paths(&read(&pax).unwrap()), [(long, 1000)]);
    assert_eq!(paths(&read(&base_256).unwrap()), [("short".to_owned(), 1000)]);
    // Hard links may carry a size, and have no data.
    let link = [header(b"link", b'1', &octal(1000)), header(b"after", b'0', &octal(0))].concat();
    assert_eq!(paths(&read(&link).unwrap()), [("link".to_owned(), 0), ("after".to_owned(), 0)]);
}

#[test]
fn lies_are_errors_with_a_reason() {
    let negative = [0xff; 12];
    for (tar, expected) in [
        (header(b"a", b'0', &octal(5000)), "ends inside an entry's data"),
        (header(b"a", b'0', &negative), "not a number"),
        (header(b"a", b'0', b"99999999999\0"), "not a number"),
        (header(b"a", b'L', &octal(1 << 30)), "longer than 64 KiB"),
        (header(b"a", b'x', &octal(1 << 30)), "larger than 1 MiB"),
        ([header(b"a", b'x', &octal(10)), padded(b"99 path=a\n")].concat(), "broken extended header"),
        ([header(b"a", b'x', &octal(3)), padded(b"0 \n")].concat(), "broken extended header"),
        ([header(b"a", b'L', &octal(2)), padded(b"b\0")].concat(), "without its entry"),
        ([header(b"a", b'0', &octal(0)), vec![1; 512]].concat(), "checksum"),
        ([header(b"a", b'0', &octal(0)), vec![1; 100]].concat(), "ends inside a header"),
        ([vec![0; 512], header(b"a", b'0', &octal(0))].concat(), "behind the end mark"),
    ] {
        let what = broken(&tar);
        assert!(what.contains(expected), "{what}, not {expected}");
    }
    let huge = record("GNU.sparse.size", "900000000000000000") + &record("GNU.sparse.map", "0,0");
    let tar = [header(b"x", b'x', &octal(huge.len() as u64)), padded(huge.as_bytes()), header(b"a", b'0', &octal(0))]
        .concat();
    assert!(broken(&tar).contains("pebibyte"));
}

#[test]
fn deep_paths_and_many_deletions_cost_no_stack_and_little_time() {
    // One folder of many files, deleted again and again: quadratic work would take minutes.
    let mut all: Vec<Vec<super::Item>> = vec![(0..20_000).map(|index| zeros(&format!("d/{index}"), 1)).collect()];
    for _ in 0..500 {
        all.push(vec![whiteout("d"), zeros("d/x", 1)]);
    }
    let weight = super::weigh_layers(&all);
    assert_eq!((weight.sizes.size_bytes.0, weight.sizes.rootfs_bytes.0), (20_500, 1));

    let deep = "a/".repeat(30_000) + "f";
    let tar =
        [header(b"L", b'L', &octal(deep.len() as u64)), padded(deep.as_bytes()), header(b"short", b'0', &octal(0))]
            .concat();
    let scan = super::read_one(&archive(&docker_20(&[tar, layer(&[whiteout("a")])])));
    let weight = weigh(&scan, &ReportOptions { base_diff_ids: &[], site_layers: 0, top: 3 });
    assert_eq!(weight.sizes.size_bytes.0, 0);
}

#[test]
fn loops_of_links_in_package_lists_end() {
    let weight = super::weigh_layers(&[vec![
        symlink("x", "y"),
        symlink("y", "x"),
        symlink("up", ".."),
        file("var/lib/dpkg/status", "Package: p\nVersion: 1\n"),
        file("var/lib/dpkg/info/p.list", "/x/f\n/up/up/up/f\n/../../f\n\n//\n"),
        zeros("f", 10),
    ]]);
    assert_eq!(weight.packages[0].size_bytes.0, 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_archives_never_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12), cut in any::<prop::sample::Index>()) {
        let layers = [
            layer(&[folder("a/"), zeros("a/b", 700), hard_link("c", "a/b"), symlink("d", "a"), file("var/lib/dpkg/status", "Package: p\n")]),
            layer(&[whiteout("a"), file("lib/apk/db/installed", "P:x\nF:a\nR:b\n")]),
        ];
        for members in [docker_20(&layers), oci(&layers, gzip), oci(&layers, zstd)] {
            let mut bytes = archive(&members);
            for (index, byte) in &flips {
                let at = index.index(bytes.len());
                bytes[at] = *byte;
            }
            bytes.truncate(bytes.len() - cut.index(bytes.len() / 4));
            if let Ok(scans) = Weigher::new(Options::default()).read_archive(&bytes[..]) {
                for scan in &scans {
                    super::assert_adds_up(&weigh(scan, &ReportOptions { base_diff_ids: &[], site_layers: 0, top: 5 }));
                }
            }
        }
    }

    #[test]
    fn headers_of_any_bytes_never_panic(tail in prop::collection::vec(any::<u8>(), 0..2000), flag in any::<u8>(), size in any::<[u8; 12]>()) {
        let mut tar = header(b"name", flag, &size);
        tar.extend_from_slice(&tail);
        let _ = read(&tar);
    }
}
