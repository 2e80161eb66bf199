//! The package readers: databases of any text own each byte at most once, and what they own does not depend on the
//! order in which a layer's tar holds them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tonnage_fuzz::{archive, read, weigh_checked};
use tonnage_image::testing::archives::{self, Item, hard_link, symlink};

/// Where the parts of the input go, in order.
const DATABASES: [&str; 12] = [
    "var/lib/dpkg/status",
    "var/lib/dpkg/info/a.list",
    "var/lib/dpkg/info/b:amd64.list",
    "var/lib/dpkg/status.d/c",
    "var/lib/dpkg/status.d/c.md5sums",
    "lib/apk/db/installed",
    "usr/lib/apk/db/installed",
    "usr/lib/python3/site-packages/d-1.dist-info/METADATA",
    "usr/lib/python3/site-packages/d-1.dist-info/RECORD",
    "usr/lib/python3/site-packages/e.egg-info/PKG-INFO",
    "usr/lib/python3/site-packages/e.egg-info/installed-files.txt",
    "usr/lib/python3/site-packages/f.egg-info",
];
/// Files that may be owned.
const FILES: [&str; 8] = [
    "bin/a",
    "usr/bin/b",
    "usr/lib/x.so.1",
    "usr/lib/python3/site-packages/d/__init__.py",
    "usr/lib/python3/site-packages/e.py",
    "usr/lib/python3/os.py",
    "usr/share/doc/a/copyright",
    "etc/c",
];

fn layer(parts: &[&[u8]], reversed: bool) -> Vec<u8> {
    let mut items = vec![symlink("lib64", "usr/lib"), symlink("loop", "loop"), symlink("usr/up", "..")];
    for (name, part) in DATABASES.iter().zip(parts) {
        items.push(Item::File((*name).into(), part.to_vec(), 0o644));
    }
    for (index, name) in FILES.iter().enumerate() {
        items.push(Item::File((*name).into(), vec![index as u8; 1 << index], 0o644));
    }
    items.push(hard_link("usr/bin/a", "bin/a"));
    if reversed {
        // The hard link stays behind its file.
        items.reverse();
        items.rotate_left(1);
    }
    archives::layer(&items)
}

fuzz_target!(|data: &[u8]| {
    let parts: Vec<&[u8]> = data.split(|&byte| byte == 0xff).take(DATABASES.len()).collect();
    let weigh = |reversed| {
        let layer = layer(&parts, reversed);
        let mut scans = read(&archive(&[&layer], <[u8]>::to_vec), false).expect("an archive of our own");
        weigh_checked(&scans.remove(0))
    };
    let (one, other) = (weigh(false), weigh(true));
    assert_eq!((&one.packages, &one.remainder), (&other.packages, &other.remainder));
    for package in &one.packages {
        assert!(!package.name.is_empty(), "a package without a name");
    }
});
