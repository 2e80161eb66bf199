//! The readers of package databases that are not lines of text, of Go programs, and of Java archives: the first byte
//! says which, the others are the file. Whatever it holds, bytes are owned once, and memory and time are bounded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tonnage_fuzz::{archive, read, weigh_checked};
use tonnage_image::testing::archives::{self, Item};

const PATHS: [&str; 14] = [
    "var/lib/rpm/rpmdb.sqlite",
    "var/lib/rpm/Packages.db",
    "bin/program",
    "srv/app-1.0.jar",
    "srv/node_modules/a/package.json",
    "srv/node_modules/.package-lock.json",
    "srv/package.json",
    "srv/vendor/composer/installed.json",
    "srv/app.deps.json",
    "opt/conda-meta/a-1-0.json",
    "var/lib/chisel/manifest.wall",
    "usr/lib/ruby/specifications/a-1.gemspec",
    "usr/lib/R/library/a/DESCRIPTION",
    "root/.npmrc",
];
/// Files that may be owned.
const FILES: [&str; 8] = [
    "usr/share/a/x",
    "srv/node_modules/a/index.js",
    "srv/vendor/a/b/x.php",
    "srv/A.dll",
    "opt/lib/x.so",
    "usr/lib/ruby/gems/a-1/x.rb",
    "usr/lib/R/library/a/R/a.rdb",
    "nix/store/0123456789abcdfghijklmnpqrsvwxyz-a-1/x",
];

fuzz_target!(|data: &[u8]| {
    let Some((&kind, content)) = data.split_first() else { return };
    let path = PATHS[usize::from(kind) % PATHS.len()];
    let mut items = vec![Item::File(path.into(), content.to_vec(), 0o755)];
    for (index, name) in FILES.iter().enumerate() {
        items.push(Item::File((*name).into(), vec![index as u8; 1 << index], 0o644));
    }
    let layer = archives::layer(&items);
    let mut scans = read(&archive(&[&layer], <[u8]>::to_vec), false).expect("an archive of our own");
    let weight = weigh_checked(&scans.remove(0));
    for package in &weight.packages {
        assert!(!package.name.is_empty(), "a package without a name");
    }
});
