//! The package readers: databases of any text own each byte at most once, and what they own does not depend on the
//! order in which a layer's tar holds them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tonnage_fuzz::{Packing, archive, read, weigh_checked};

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

fn add(builder: &mut tar::Builder<Vec<u8>>, name: &str, kind: tar::EntryType, link: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    if link.is_empty() {
        builder.append_data(&mut header, name, content).expect("memory");
    } else {
        builder.append_link(&mut header, name, link).expect("memory");
    }
}

fn layer(parts: &[&[u8]], reversed: bool) -> Vec<u8> {
    let mut items: Vec<(&str, tar::EntryType, &str, Vec<u8>)> = Vec::new();
    items.push(("lib64", tar::EntryType::Symlink, "usr/lib", Vec::new()));
    items.push(("loop", tar::EntryType::Symlink, "loop", Vec::new()));
    items.push(("usr/up", tar::EntryType::Symlink, "..", Vec::new()));
    for (name, part) in DATABASES.iter().zip(parts) {
        items.push((name, tar::EntryType::Regular, "", part.to_vec()));
    }
    for (index, name) in FILES.iter().enumerate() {
        items.push((name, tar::EntryType::Regular, "", vec![index as u8; 1 << index]));
    }
    items.push(("usr/bin/a", tar::EntryType::Link, "bin/a", Vec::new()));
    if reversed {
        // The hard link stays behind its file.
        items.reverse();
        items.rotate_left(1);
    }
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, link, content) in items {
        add(&mut builder, name, kind, link, &content);
    }
    builder.into_inner().expect("memory")
}

fuzz_target!(|data: &[u8]| {
    let parts: Vec<&[u8]> = data.split(|&byte| byte == 0xff).take(DATABASES.len()).collect();
    let weigh = |reversed| {
        let layer = layer(&parts, reversed);
        let mut scans = read(&archive(&[&layer], Packing::Plain), false).expect("an archive of our own");
        weigh_checked(&scans.remove(0))
    };
    let (one, other) = (weigh(false), weigh(true));
    assert_eq!((&one.packages, &one.remainder), (&other.packages, &other.remainder));
    for package in &one.packages {
        assert!(!package.name.is_empty(), "a package without a name");
    }
});
