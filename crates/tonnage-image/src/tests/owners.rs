//! Package tables and findings, bytes counted by hand.

use super::{Item, weigh_above, weigh_layers};
use crate::Weight;
use crate::facts::PackageManager::{self, Apk, Dpkg, Python};
use crate::testing::archives::{file, symlink, whiteout, zeros};

fn packages(weight: &Weight) -> Vec<(PackageManager, &str, &str, u64)> {
    weight
        .packages
        .iter()
        .map(|package| (package.manager, package.name.as_str(), package.version.as_str(), package.size_bytes.0))
        .collect()
}

fn remainder(weight: &Weight) -> Vec<(&str, u64)> {
    weight.remainder.iter().map(|row| (row.label.as_str(), row.size_bytes.0)).collect()
}

const STATUS: &str = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.31\n\
    Description: x\n Package: none\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
    Package: gcc-10\nStatus: install ok installed\nVersion: 10.2\n";

#[test]
fn dpkg_owns_what_its_lists_name_through_merged_folders() {
    let weight = weigh_layers(&[vec![
        symlink("lib", "usr/lib"),
        file("var/lib/dpkg/status", STATUS),
        file("var/lib/dpkg/info/libc6:amd64.list", "/.\n/lib\n/lib/libc.so.6\n/usr/share/doc/libc6\n"),
        file("var/lib/dpkg/info/gcc-10.list", "/usr/bin/gcc\n"),
        file("var/lib/dpkg/info/gone.list", "/etc/gone\n/usr/bin/gcc\n"),
        zeros("usr/lib/libc.so.6", 5000),
        zeros("usr/lib/libother.so.1", 7),
        zeros("usr/bin/gcc", 800),
        zeros("etc/gone", 3),
    ]]);
    // The list names the link `lib` too: its seven bytes are the package's.
    assert_eq!(packages(&weight), [(Dpkg, "libc6", "2.31", 5000 + 7), (Dpkg, "gcc-10", "10.2", 800)]);
    assert_eq!(remainder(&weight)[1..], [("shared libraries", 7), ("unowned", 3)]);
    let tools = weight.findings.iter().find(|finding| finding.code == "build-tools").unwrap();
    assert_eq!((tools.size_bytes.0, tools.instruction.as_str()), (800, "step 0"));
}

#[test]
fn distroless_lists_are_read() {
    let weight = weigh_layers(&[vec![
        file("var/lib/dpkg/status.d/tzdata", "Package: tzdata\nVersion: 2024a\n"),
        file("var/lib/dpkg/status.d/tzdata.md5sums", "0123  usr/share/zoneinfo/UTC\n"),
        zeros("usr/share/zoneinfo/UTC", 114),
    ]]);
    let own = "Package: tzdata\nVersion: 2024a\n".len() + "0123  usr/share/zoneinfo/UTC\n".len();
    assert_eq!(packages(&weight), [(Dpkg, "tzdata", "2024a", 114 + own as u64)]);
}

#[test]
fn apk_owns_files_below_its_folders() {
    let installed =
        "P:musl\nV:1.2\nF:lib\nR:ld-musl.so.1\na:0:0:755\n\nP:empty\nV:1\n\nP:zlib\nV:1.3\nF:usr/lib\nR:libz.so\n";
    for path in ["lib/apk/db/installed", "usr/lib/apk/db/installed"] {
        let weight = weigh_layers(&[vec![
            file(path, installed),
            zeros("lib/ld-musl.so.1", 600),
            zeros("usr/lib/libz.so", 90),
            zeros("usr/lib/other.so", 1),
        ]]);
        assert_eq!(packages(&weight), [(Apk, "musl", "1.2", 600), (Apk, "zlib", "1.3", 90), (Apk, "empty", "1", 0)]);
        assert_eq!(remainder(&weight), [("package databases", installed.len() as u64), ("shared libraries", 1)]);
    }
}

#[test]
fn python_distributions_own_what_their_records_name() {
    let site = "usr/local/lib/python3.9/site-packages";
    let metadata = "Metadata-Version: 2.1\nName: Flask\nVersion: 1.1.1\n\nName: Other\n";
    let record = "flask/__init__.py,sha256=x,10\n\"flask/a,b.py\",,\n../../../bin/flask,,\nFlask-1.1.1.dist-info/RECORD,,\n\
        Flask-1.1.1.dist-info/METADATA,,\n";
    let weight = weigh_layers(&[vec![
        file(&format!("{site}/Flask-1.1.1.dist-info/METADATA"), metadata),
        file(&format!("{site}/Flask-1.1.1.dist-info/RECORD"), record),
        zeros(&format!("{site}/flask/__init__.py"), 10),
        zeros(&format!("{site}/flask/a,b.py"), 20),
        zeros(&format!("{site}/flask/__pycache__/x.pyc"), 5),
        zeros("usr/local/bin/flask", 40),
        file(&format!("{site}/old.egg-info/PKG-INFO"), "Name: old\nVersion: 2\n"),
        file(&format!("{site}/old.egg-info/installed-files.txt"), "../old.py\n"),
        zeros(&format!("{site}/old.py"), 300),
        file(&format!("{site}/single.egg-info"), "Name: single\nVersion: 3\n"),
        zeros("usr/local/lib/python3.9/os.py", 1000),
    ]]);
    let flask = 70 + metadata.len() as u64 + record.len() as u64;
    let old = 300 + "Name: old\nVersion: 2\n".len() as u64 + "../old.py\n".len() as u64;
    assert_eq!(
        packages(&weight),
        [(Python, "old", "2", old), (Python, "Flask", "1.1.1", flask), (Python, "single", "3", 24)]
    );
    assert_eq!(remainder(&weight), [("Python standard library", 1000), ("byte code", 5)]);
}

#[test]
fn a_distribution_that_dpkg_installed_is_dpkgs() {
    let info = "usr/lib/python3/dist-packages/six.egg-info";
    let weight = weigh_layers(&[vec![
        file("var/lib/dpkg/status", "Package: python3-six\nVersion: 1\n"),
        file("var/lib/dpkg/info/python3-six.list", &format!("/{info}\n")),
        file(info, "Name: six\nVersion: 1\n"),
    ]]);
    assert_eq!(packages(&weight), [(Dpkg, "python3-six", "1", 21)]);
}

#[test]
fn diverted_files_belong_to_the_package_that_they_were_moved_from() {
    let weight = weigh_layers(&[vec![
        file("var/lib/dpkg/status", "Package: dash\n\nPackage: multi\n\nPackage: man\n"),
        file("var/lib/dpkg/info/dash.list", "/bin/sh\n/usr/share/man/sh.1\n"),
        file("var/lib/dpkg/info/multi:amd64.list", "/bin/sh\n"),
        file("var/lib/dpkg/info/multi.list", "/bin/sh\n"),
        // The package that diverts keeps the name; of a local diversion no package does.
        file(
            "var/lib/dpkg/diversions",
            "/bin/sh\n/bin/sh.distrib\nmulti\n/usr/share/man/sh.1\n/usr/share/man/sh.1.local\n:\n",
        ),
        zeros("bin/sh", 10),
        zeros("bin/sh.distrib", 500),
        zeros("usr/share/man/sh.1", 3),
        zeros("usr/share/man/sh.1.local", 40),
    ]]);
    assert_eq!(packages(&weight), [(Dpkg, "dash", "", 540), (Dpkg, "multi", "", 10), (Dpkg, "man", "", 0)]);
}

#[test]
fn files_of_packages_are_listed_in_any_of_three_places() {
    let sums = |path: &str| format!("0123456789abcdef  {path}\n");
    let weight = weigh_layers(&[vec![
        // Paragraphs in one place, lists in another.
        file("var/lib/dpkg/status", "Package: a\nStatus: install ok installed\n"),
        file("var/lib/dpkg/status.d/b", "Package: b\n"),
        file("var/lib/dpkg/status.d/c", "Package: c-name\n"),
        file("var/lib/dpkg/info/a.md5sums", &sums("usr/bin/a")),
        file("var/lib/dpkg/info/b.list", "/usr/bin/b\n"),
        // The list says more than the sums.
        file("var/lib/dpkg/info/b.md5sums", &sums("usr/bin/wrong")),
        file("var/lib/dpkg/status.d/c.md5sums", &sums("usr/bin/c")),
        zeros("usr/bin/a", 100),
        zeros("usr/bin/b", 200),
        zeros("usr/bin/c", 300),
        zeros("usr/bin/wrong", 7),
    ]]);
    let own = sums("usr/bin/c").len() as u64;
    assert_eq!(packages(&weight), [(Dpkg, "c-name", "", 300 + own + 16), (Dpkg, "b", "", 211), (Dpkg, "a", "", 100)]);
}

#[test]
fn packages_are_there_in_every_state_in_which_their_files_are() {
    let states = ["installed", "unpacked", "half-configured", "half-installed", "triggers-awaited", "triggers-pending"];
    for (state, there) in
        states.map(|state| (state, true)).into_iter().chain([("config-files", false), ("not-installed", false)])
    {
        let weight = weigh_layers(&[vec![
            file("var/lib/dpkg/status", &format!("Package: p\nStatus: install ok {state}\n")),
            file("var/lib/dpkg/info/p.list", "/usr/bin/p\n"),
            zeros("usr/bin/p", 90),
        ]]);
        let expected: &[_] = if there { &[(Dpkg, "p", "", 90)] } else { &[] };
        assert_eq!(packages(&weight), expected, "{state}");
    }
}

#[test]
fn python_metadata_is_found_in_every_place_that_installers_write() {
    let site = "opt/app/lib";
    let weight = weigh_layers(&[vec![
        file(&format!("{site}/modern-1.egg-info/METADATA"), "Name: modern\nVersion: 1\n"),
        file(&format!("{site}/modern-1.egg-info/PKG-INFO"), "Name: modern\nVersion: 1\n"),
        file(&format!("{site}/modern-1.egg-info/RECORD"), "modern.py,,\n"),
        zeros(&format!("{site}/modern.py"), 1000),
        file(&format!("{site}/egged-2.egg/EGG-INFO/PKG-INFO"), "Name: egged\nVersion: 2\n"),
        zeros(&format!("{site}/egged-2.egg/egged/deep/x.py"), 500),
        // Within the egg, and part of it.
        file(&format!("{site}/egged-2.egg/egged/_vendor/six.dist-info/METADATA"), "Name: six\n"),
        zeros(&format!("{site}/beside.py"), 3),
    ]]);
    assert_eq!(packages(&weight), [(Python, "modern", "1", 1024), (Python, "egged", "2", 533)]);
}

#[test]
fn what_is_vendored_belongs_to_the_outermost_distribution_whatever_their_names() {
    for outer in ["zeta", "alpha"] {
        let site = "usr/lib/python3/site-packages";
        let record = format!(
            "{outer}/_vendor/mid.dist-info/METADATA,,\n{outer}/_vendor/mid.py,,\n\
            {outer}/_vendor/mid/_vendor/in.dist-info/METADATA,,\n{outer}/_vendor/mid/_vendor/in.py,,\n"
        );
        let weight = weigh_layers(&[vec![
            file(&format!("{site}/{outer}.dist-info/METADATA"), &format!("Name: {outer}\n")),
            file(&format!("{site}/{outer}.dist-info/RECORD"), &record),
            file(&format!("{site}/{outer}/_vendor/mid.dist-info/METADATA"), "Name: mid\n"),
            file(&format!("{site}/{outer}/_vendor/mid.dist-info/RECORD"), "mid.py,,\n"),
            zeros(&format!("{site}/{outer}/_vendor/mid.py"), 100),
            file(&format!("{site}/{outer}/_vendor/mid/_vendor/in.dist-info/METADATA"), "Name: in\n"),
            zeros(&format!("{site}/{outer}/_vendor/mid/_vendor/in.py"), 200),
        ]]);
        let own = format!("Name: {outer}\n").len() as u64 + "Name: mid\nName: in\n".len() as u64;
        assert_eq!(packages(&weight), [(Python, outer, "", 300 + own)]);
    }
}

#[test]
fn an_upgrade_on_top_of_the_base_is_stored_twice() {
    let list = file("var/lib/dpkg/info/openssl.list", "/usr/bin/openssl\n");
    let status = |version: &str| file("var/lib/dpkg/status", &format!("Package: openssl\nVersion: {version}\n"));
    let weight = weigh_above(
        &[
            vec![status("1"), list.clone(), zeros("usr/bin/openssl", 70_000), zeros("etc/other", 40_000)],
            vec![status("2"), zeros("usr/bin/openssl", 71_000), whiteout("etc/other")],
        ],
        1,
    );
    assert_eq!(packages(&weight), [(Dpkg, "openssl", "2", 141_000)]);
    let layers: Vec<_> = weight.packages[0].layers.iter().map(|&(layer, bytes)| (layer, bytes.0)).collect();
    assert_eq!(layers, [(0, 70_000), (1, 71_000)]);
    let found: Vec<_> = weight
        .findings
        .iter()
        .map(|finding| (finding.code.as_str(), finding.size_bytes.0, finding.instruction.as_str()))
        .collect();
    let old_status = "Package: openssl\nVersion: 1\n".len() as u64;
    assert_eq!(found, [("stored-twice", 70_000, "step 1"), ("rewritten", 40_000 + old_status, "step 1")]);
}

#[test]
fn leftovers_are_findings_in_own_layers_only() {
    let left = |size: usize| -> Vec<Item> {
        vec![
            zeros("var/lib/apt/lists/deb_Packages", size),
            zeros("var/cache/apt/pkgcache.bin", size + 1),
            zeros("var/cache/apk/APKINDEX.gz", size + 2),
            zeros("root/.cache/pip/http/x", size + 3),
        ]
    };
    let base = [
        left(10),
        vec![zeros("usr/lib/python3.9/os.py", 1), zeros("usr/lib/python3.9/__pycache__/re.cpython-39.pyc", 9)],
    ]
    .concat();
    let own = vec![
        zeros("usr/lib/python3.9/__pycache__/os.cpython-39.pyc", 500),
        zeros("usr/lib/python3.9/__pycache__/gone.cpython-39.pyc", 600),
        Item::File("bin/su".into(), vec![1], 0o4755),
    ];
    let leftovers = |weight: &Weight| -> Vec<(String, u64)> {
        weight.findings.iter().map(|finding| (finding.code.clone(), finding.size_bytes.0)).collect()
    };
    let row = |code: &str, size: u64| (code.to_owned(), size);
    assert_eq!(leftovers(&weigh_above(&[base.clone(), vec![]], 1)), []);
    assert_eq!(leftovers(&weigh_above(&[base.clone(), own], 1)), [row("byte-code-left", 500), row("setuid", 0)]);
    let all = leftovers(&weigh_layers(&[base]));
    assert_eq!(
        all,
        [row("pip-cache-left", 13), row("apk-cache-left", 12), row("apt-cache-left", 11), row("apt-lists-left", 10)]
    );
}

#[test]
fn what_nobody_owns_is_labelled() {
    let weight = weigh_above(
        &[
            vec![zeros("opt/base", 1), zeros("usr/lib/libx.so.1", 2)],
            vec![zeros("work/app.py", 4), zeros("srv/libmine.so", 8), zeros("tmp/x", 16), zeros("etc/x", 32)],
        ],
        1,
    );
    assert_eq!(remainder(&weight), [("unowned", 33), ("caches", 16), ("app", 12), ("shared libraries", 2)]);
}
