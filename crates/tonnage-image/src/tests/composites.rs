//! Go programs and Java archives, put together by hand after their formats.

use std::io::Write as _;

use super::{Item, packages, weigh_layers};
use crate::facts::PackageManager::{Dpkg, Go, Java};
use crate::testing::archives::file;

fn binary(path: &str, content: &[u8]) -> Item {
    Item::File(path.into(), content.to_vec(), 0o755)
}

fn text(text: &str) -> Vec<u8> {
    let mut length = text.len();
    let mut out = Vec::new();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(text.as_bytes());
    out
}

const MODULES: &str = "path\texample.org/cmd/tool\nmod\texample.org/tool\tv1.2.3\th1:x=\n\
    dep\texample.org/dep\tv0.1.0\th1:y=\ndep\texample.org/old\tv2.0.0\n=>\texample.org/new\tv2.0.1\th1:z=\nbuild\tx=y\n";

/// An ELF file with a code and a data segment, the build information `at` bytes into the latter.
fn program(wide: bool, little: bool, at: usize, modules: &str) -> Vec<u8> {
    const DATA: usize = 8200;
    let number = |value: usize, length: usize| {
        let bytes = (value as u64).to_le_bytes()[..length].to_vec();
        if little { bytes } else { bytes.into_iter().rev().collect() }
    };
    let sentinel = "0123456789abcdef";
    let information = [
        &b"\xff Go buildinf:\x08\x02"[..],
        &[0; 16],
        &text("go1.21.1"),
        &text(&format!("{sentinel}{modules}{sentinel}")),
    ]
    .concat();
    let mut bytes = b"\x7fELF".to_vec();
    bytes.extend([if wide { 2 } else { 1 }, if little { 1 } else { 2 }]);
    bytes.resize(64, 0);
    let put = |bytes: &mut Vec<u8>, place: usize, value: Vec<u8>| {
        bytes.resize(bytes.len().max(place + value.len()), 0);
        bytes[place..place + value.len()].copy_from_slice(&value);
    };
    let size = if wide { 56 } else { 32 };
    let word = if wide { 8 } else { 4 };
    put(&mut bytes, if wide { 32 } else { 28 }, number(64, word));
    put(&mut bytes, if wide { 54 } else { 42 }, number(size, 2));
    put(&mut bytes, if wide { 56 } else { 44 }, number(2, 2));
    for (index, (flags, offset, length)) in [(5, 0, 8192), (6, DATA, 100_000)].into_iter().enumerate() {
        let header = 64 + index * size;
        put(&mut bytes, header, number(1, 4));
        put(&mut bytes, header + if wide { 4 } else { 24 }, number(flags, 4));
        put(&mut bytes, header + if wide { 8 } else { 4 }, number(offset, word));
        put(&mut bytes, header + if wide { 32 } else { 16 }, number(length, word));
    }
    bytes.resize((DATA + at).next_multiple_of(16), 0);
    bytes.extend(information);
    bytes.extend([0; 500]);
    bytes
}

#[test]
fn go_programs_name_their_modules_wherever_the_information_lies() {
    for (wide, little) in [(true, true), (true, false), (false, true), (false, false)] {
        // The last one crosses the end of a chunk of the layer.
        for at in [0, 16, 3000, 256 * 1024 - 8200 - 512 * 3 - 64] {
            let content = program(wide, little, at, MODULES);
            let weight = weigh_layers(&[vec![binary("bin/tool", &content)]]);
            // Behind the end of a segment nothing is looked for.
            let expected: &[_] = if at > 100_000 {
                &[]
            } else {
                &[
                    (Go, "example.org/dep", "v0.1.0", 0),
                    (Go, "example.org/new", "v2.0.1", 0),
                    (Go, "example.org/tool", "v1.2.3", content.len() as u64),
                ]
            };
            assert_eq!(packages(&weight), expected, "{wide} {little} {at}");
        }
    }
}

#[test]
fn go_programs_without_modules_are_named_by_their_path_and_those_of_packages_are_not_looked_into() {
    let content = program(true, true, 32, "path\tcmd/gofmt\n");
    let size = content.len() as u64;
    let weight = weigh_layers(&[vec![binary("bin/gofmt", &content)]]);
    assert_eq!(packages(&weight), [(Go, "cmd/gofmt", "go1.21.1", size)]);
    let weight = weigh_layers(&[vec![
        file("var/lib/dpkg/status", "Package: golang\nVersion: 1\n"),
        file("var/lib/dpkg/info/golang.list", "/bin/gofmt\n"),
        binary("bin/gofmt", &content),
        binary("bin/other", &content[..8300]),
        binary("bin/tiny", b"\x7fELF"),
    ]]);
    assert_eq!(packages(&weight), [(Dpkg, "golang", "1", size)]);
}

/// A zip archive: each member is stored, or packed where it says so.
fn zip(members: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content, packed) in members {
        let stored = if *packed {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(content).unwrap();
            encoder.finish().unwrap()
        } else {
            content.to_vec()
        };
        let at = bytes.len() as u32;
        let common = [
            &[20, 0, 0, 0, if *packed { 8 } else { 0 }, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &(stored.len() as u32).to_le_bytes(),
            &(content.len() as u32).to_le_bytes(),
            &(name.len() as u16).to_le_bytes(),
            &[0, 0],
        ]
        .concat();
        bytes.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &stored].concat());
        directory.extend([b"PK\x01\x02\x14\0", &common[..], &[0; 10], &at.to_le_bytes(), name.as_bytes()].concat());
    }
    let (start, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &count.to_le_bytes(), &count.to_le_bytes()].concat());
    bytes.extend([&(directory.len() as u32).to_le_bytes()[..], &start.to_le_bytes(), &[0, 0]].concat());
    bytes
}

#[test]
fn java_archives_own_themselves_and_those_in_them_their_part() {
    let pom = "META-INF/maven/org.example/inner/pom.properties";
    let inner = zip(&[(pom, b"#x\nversion=5.6.7\ngroupId=org.example\n", true), ("A.class", &[1; 500], false)]);
    let plain = zip(&[("META-INF/MANIFEST.MF", b"Manifest-Version: 1.0\r\nImplementation-Version: 9\r\n", true)]);
    let outer = zip(&[
        ("BOOT-INF/lib/inner-5.6.7.jar", &inner, false),
        ("BOOT-INF/lib/plain.jar", &plain, false),
        ("BOOT-INF/lib/packed-1.0.jar", &[7; 3000], true),
        ("BOOT-INF/classes/x", &[1; 100], true),
    ]);
    let packed = {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&[7; 3000]).unwrap();
        encoder.finish().unwrap().len() as u64
    };
    // A program that starts itself may be in front of it.
    for front in [&b""[..], b"#!/bin/sh\nexec java -jar $0\n"] {
        let whole = [front, &outer].concat();
        let weight =
            weigh_layers(&[vec![binary("srv/service-1.0-SNAPSHOT.jar", &whole), binary("srv/plain.war", &plain)]]);
        let parts = inner.len() as u64 + plain.len() as u64 + packed;
        assert_eq!(
            packages(&weight),
            [
                (Java, "org.example:inner", "5.6.7", inner.len() as u64),
                (Java, "packed", "1.0", packed),
                (Java, "plain", "9", 2 * plain.len() as u64),
                (Java, "service", "1.0-SNAPSHOT", whole.len() as u64 - parts),
            ]
        );
    }
}

#[test]
fn archives_that_lie_about_their_members_own_no_more_than_their_size() {
    let inner = zip(&[("a", &[1; 50], false)]);
    let outer = zip(&[("x-1.jar", &inner, false), ("y-2.jar", &inner, false)]);
    let mut lying = outer.clone();
    // The stored length in both entries of the directory.
    let places: Vec<usize> =
        lying.windows(4).enumerate().filter(|(_, part)| part == b"PK\x01\x02").map(|(at, _)| at).collect();
    for at in places.into_iter().rev().take(2) {
        lying[at + 20..at + 24].copy_from_slice(&u32::MAX.to_le_bytes());
    }
    for content in [outer.clone(), lying, outer[..outer.len() - 30].to_vec(), outer[100..].to_vec()] {
        // The sums are checked in there.
        let weight = weigh_layers(&[vec![binary("a.jar", &content)]]);
        let owned: u64 = weight.packages.iter().map(|package| package.size_bytes.0).sum();
        assert!(owned <= content.len() as u64);
    }
}
