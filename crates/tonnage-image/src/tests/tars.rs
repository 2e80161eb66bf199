//! Every dialect of tar that a layer may come in, and headers that say what engines do not go by. What is expected is
//! what Go's `archive/tar` makes of it, which engines unpack layers with.

use super::hostile::{broken, header, octal, padded, paths, read, record};
use crate::testing::archives::{archive, docker_20};
use crate::{ReportOptions, weigh};

/// An extended header of these records before an entry.
fn extended(flag: u8, records: &[(&str, &str)]) -> Vec<u8> {
    let text: String = records.iter().map(|(key, value)| record(key, value)).collect();
    [header(b"PaxHeaders/x", flag, &octal(text.len() as u64)), padded(text.as_bytes())].concat()
}

fn long(flag: u8, text: &[u8]) -> Vec<u8> {
    [header(b"././@LongLink", flag, &octal(text.len() as u64)), padded(text)].concat()
}

fn link(name: &[u8], flag: u8, target: &[u8]) -> Vec<u8> {
    let mut block = header(name, flag, &octal(0));
    block[157..157 + target.len()].copy_from_slice(target);
    with_checksum(block)
}

fn with_checksum(mut block: Vec<u8>) -> Vec<u8> {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

fn after() -> Vec<u8> {
    header(b"after", b'0', &octal(0))
}

#[test]
fn link_targets_of_any_length_are_read() {
    let target = "t/".repeat(300);
    let gnu = [long(b'K', &[target.as_bytes(), b"\0"].concat()), link(b"l", b'2', b"short")].concat();
    let pax = [extended(b'x', &[("linkpath", &target)]), link(b"l", b'2', b"short")].concat();
    // What GNU says comes before what PAX says.
    let both = [
        extended(b'x', &[("linkpath", "x"), ("path", "x")]),
        long(b'K', target.as_bytes()),
        long(b'L', b"l"),
        link(b"s", b'2', b"short"),
    ]
    .concat();
    for tar in [gnu, pax, both] {
        assert_eq!(paths(&read(&[tar, after()].concat()).unwrap()), [("l".to_owned(), 600), ("after".to_owned(), 0)]);
    }
}

#[test]
fn a_global_header_holds_for_no_entry() {
    let tar = [
        extended(b'g', &[("path", "evil"), ("size", "5000"), ("linkpath", "evil"), ("comment", "c0ffee")]),
        header(b"a", b'0', &octal(3)),
        padded(b"abc"),
        link(b"l", b'2', b"a"),
        // Nor does what came before it.
        extended(b'x', &[("path", "evil")]),
        extended(b'g', &[]),
        after(),
    ]
    .concat();
    let expected = [("a".to_owned(), 3), ("l".to_owned(), 1), ("after".to_owned(), 0)];
    assert_eq!(paths(&read(&tar).unwrap()), expected);
}

#[test]
fn every_sparse_format_counts_in_full() {
    let data = vec![7; 512];
    let pax = |records: &[(&str, &str)]| {
        [extended(b'x', records), header(b"stored", b'0', &octal(512)), data.clone(), after()].concat()
    };
    let map = [
        ("GNU.sparse.offset", "0"),
        ("GNU.sparse.numbytes", "10"),
        ("GNU.sparse.offset", "99990"),
        ("GNU.sparse.numbytes", "10"),
    ];
    let format_0_0 =
        pax(&[&[("path", "holes"), ("GNU.sparse.size", "100000"), ("GNU.sparse.numblocks", "2")][..], &map].concat());
    let format_0_1 = pax(&[
        ("GNU.sparse.name", "holes"),
        ("GNU.sparse.size", "100000"),
        ("GNU.sparse.numblocks", "1"),
        ("GNU.sparse.map", "0,10"),
    ]);
    let format_1_0 = pax(&[
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "holes"),
        ("GNU.sparse.realsize", "100000"),
    ]);
    // The old format, its map going on in two blocks of its own.
    let mut old = header(b"holes", b'S', &octal(512));
    old[482] = 1;
    old[483..495].copy_from_slice(&octal(100_000));
    let (mut more, last) = (vec![0; 512], vec![0; 512]);
    more[504] = 1;
    let old = [with_checksum(old), more.clone(), last, data.clone(), after()].concat();
    for tar in [format_0_0, format_0_1, format_1_0, old] {
        assert_eq!(paths(&read(&tar).unwrap()), [("holes".to_owned(), 100_000), ("after".to_owned(), 0)]);
    }
    // A version that nobody knows, and sizes without a map: an ordinary file, as it is stored.
    for records in [
        &[("GNU.sparse.major", "2"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "100000")][..],
        &[("GNU.sparse.size", "100000"), ("GNU.sparse.name", "x")],
    ] {
        assert_eq!(paths(&read(&pax(records)).unwrap())[0], ("stored".to_owned(), 512));
    }
    let mut endless = header(b"holes", b'S', &octal(0));
    endless[482] = 1;
    assert_eq!(broken(&[with_checksum(endless), more].concat()), "it ends inside a sparse header");
}

#[test]
fn numbers_are_padded_with_blanks_or_zero_bytes_on_either_side() {
    for size in
        [b"00000000003\0", b"          3 ", b"\0\0\0\0\0\0\0\0\0\x003 ", b"3\0\0\0\0\0\0\0\0\0\0\0", b"3\0garbage..."]
    {
        let tar = [header(b"a", b'0', size), padded(b"abc"), after()].concat();
        assert_eq!(paths(&read(&tar).unwrap()), [("a".to_owned(), 3), ("after".to_owned(), 0)], "{size:?}");
    }
    let mut large = [0xff; 12];
    large[0] = 0x80;
    for size in [&large, b"8\0\0\0\0\0\0\0\0\0\0\0", b"-3          "] {
        assert_eq!(broken(&header(b"a", b'0', size)), "a size that is not a number");
    }
}

#[test]
fn records_that_contradict_are_read_in_their_order() {
    let tar = [
        extended(b'x', &[("path", "first"), ("path", "b"), ("size", "9"), ("size", ""), ("linkpath", "x")]),
        header(b"a", b'0', &octal(3)),
        padded(b"abc"),
        after(),
    ]
    .concat();
    assert_eq!(paths(&read(&tar).unwrap()), [("b".to_owned(), 3), ("after".to_owned(), 0)]);
    for records in [&[("path", "a\0b")][..], &[("linkpath", "\0")], &[("size", "-1")], &[("size", "1e3")]] {
        assert_eq!(broken(&[extended(b'x', records), after()].concat()), "a broken extended header", "{records:?}");
    }
}

#[test]
fn names_that_no_text_holds_are_kept_as_they_are() {
    let names: [&[u8]; 4] = [b"two\nlines", b"\x1b[2J", b"\xff\xfe", b"tab\there"];
    let tar: Vec<u8> = names.iter().flat_map(|name| [header(name, b'0', &octal(1)), padded(b"x")].concat()).collect();
    let scan = super::read_one(&archive(&docker_20(&[tar])));
    let weight = weigh(&scan, &ReportOptions { base_diff_ids: &[], site_layers: 0, top: 9 });
    let listed: Vec<_> = weight.paths.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(listed, ["/\u{1b}[2J", "/tab\there", "/two\nlines", "/\\xff\\xfe"]);
}

#[test]
fn stars_prefix_is_shorter_than_that_of_ustar() {
    let mut block = header(b"name", b'0', &octal(0));
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[345..476].fill(b'p');
    // The times of access and change, then star's own mark.
    block[476..488].copy_from_slice(b"14000000000\0");
    block[488..500].copy_from_slice(b"14000000001\0");
    let ustar = with_checksum(block.clone());
    block[508..512].copy_from_slice(b"tar\0");
    assert_eq!(paths(&read(&with_checksum(block)).unwrap()), [(format!("{}/name", "p".repeat(131)), 0)]);
    assert_eq!(paths(&read(&ustar).unwrap()), [(format!("{}14000000000/name", "p".repeat(131)), 0)]);
}
