//! Packages of languages and of other systems, bytes counted by hand. Names and versions as the ecosystems' own tools
//! give them are compared by `benches/ecosystems.sh`.

use super::{Item, packages, weigh_layers};
use crate::Weight;
use crate::facts::PackageManager::{Chisel, Conda, Dotnet, Dpkg, Java, Nix, Npm, Php, Python, R, Rpm, Ruby};
use crate::testing::archives::{file, hard_link, symlink, zeros};

fn codes(weight: &Weight) -> Vec<&str> {
    weight.findings.iter().map(|finding| finding.code.as_str()).collect()
}

fn len(text: &str) -> u64 {
    text.len() as u64
}

#[test]
fn the_nearest_node_package_owns_a_file() {
    let (outer, inner) = (r#"{"name":"outer","version":"1.0.0"}"#, r#"{"name":"@s/inner","version":"2.0.0","x":[1]}"#);
    let weight = weigh_layers(&[vec![
        file("srv/node_modules/outer/package.json", outer),
        zeros("srv/node_modules/outer/lib/x.js", 1000),
        // Not a package: it is not where Node looks for one.
        file("srv/node_modules/outer/esm/package.json", "not JSON"),
        file("srv/node_modules/outer/node_modules/@s/inner/package.json", inner),
        zeros("srv/node_modules/outer/node_modules/@s/inner/y.js", 300),
        zeros("srv/node_modules/.bin/x", 7),
        zeros("srv/index.js", 11),
        file("other/node_modules/@s/inner/package.json", inner),
    ]]);
    assert_eq!(
        packages(&weight),
        [(Npm, "@s/inner", "2.0.0", 300 + 2 * len(inner)), (Npm, "outer", "1.0.0", 1000 + 8 + len(outer))]
    );
}

#[test]
fn pnpm_and_yarn_keep_packages_in_places_of_their_own() {
    let described = r#"{"name":"a","version":"4.0.0"}"#;
    let weight = weigh_layers(&[vec![
        file("srv/node_modules/.pnpm/a@4.0.0/node_modules/a/package.json", described),
        zeros("srv/node_modules/.pnpm/a@4.0.0/node_modules/a/a.js", 50),
        symlink("srv/node_modules/a", ".pnpm/a@4.0.0/node_modules/a"),
        zeros("srv/.yarn/cache/@s-b-npm-1.0.0-rc.1-0123456789-abcdef.zip", 70),
        zeros("srv/.yarn/cache/c-npm-2.0.0-0123456789-abcdef.zip", 80),
        zeros("srv/.yarn/cache/typo-patch-0123456789-abcdef.zip", 90),
    ]]);
    assert_eq!(
        packages(&weight),
        [(Npm, "@s/b", "1.0.0-rc.1", 70), (Npm, "a", "4.0.0", 50 + len(described)), (Npm, "c", "2.0.0", 80)]
    );
}

#[test]
fn a_list_of_files_wins_over_a_directory_and_a_system_over_a_language() {
    let (of_dpkg, own) = (r#"{"name":"deb","version":"1"}"#, r#"{"name":"own","version":"2"}"#);
    let weight = weigh_layers(&[vec![
        file("var/lib/dpkg/status", "Package: node-deb\nVersion: 1-1\n"),
        file(
            "var/lib/dpkg/info/node-deb.list",
            "/usr/lib/node_modules/deb/package.json\n/usr/lib/node_modules/own/listed.js\n",
        ),
        file("usr/lib/node_modules/deb/package.json", of_dpkg),
        zeros("usr/lib/node_modules/deb/left-over.js", 5),
        file("usr/lib/node_modules/own/package.json", own),
        zeros("usr/lib/node_modules/own/listed.js", 40),
        zeros("usr/lib/node_modules/own/free.js", 600),
    ]]);
    assert_eq!(packages(&weight), [(Dpkg, "node-deb", "1-1", len(of_dpkg) + 40), (Npm, "own", "2", len(own) + 600)]);
}

#[test]
fn dead_copies_below_a_directory_are_its_packages_too() {
    let described = r#"{"name":"a","version":"2"}"#;
    let weight = weigh_layers(&[
        vec![file("m/node_modules/a/package.json", "{}"), zeros("m/node_modules/a/old/x", 500)],
        vec![
            file("m/node_modules/a/package.json", described),
            super::super::testing::archives::whiteout("m/node_modules/a/old"),
        ],
    ]);
    assert_eq!(packages(&weight), [(Npm, "a", "2", 2 + 500 + len(described))]);
}

#[test]
fn rpms_own_what_their_headers_list() {
    // Made by rpm 4.18 of two specifications of two packages each; one has a header longer than a page.
    let database = zstd::decode_all(&include_bytes!("data/rpmdb.sqlite.zst")[..]).unwrap();
    let mut items = vec![Item::File("var/lib/rpm/rpmdb.sqlite".into(), database.clone(), 0o644)];
    items.extend((1..=60).map(|index| zeros(&format!("usr/share/gamma/file-number-{index}"), 10)));
    items.extend([zeros("usr/share/alpha/data", 1000), zeros("usr/bin/alpha", 20), zeros("usr/bin/other", 3)]);
    let weight = weigh_layers(&[items]);
    assert_eq!(
        packages(&weight),
        [
            (Rpm, "alpha", "4:1.2-3", 1020),
            (Rpm, "beta", "4:1.2-3", 0),
            (Rpm, "delta", "1.2-3", 0),
            (Rpm, "gamma", "1.2-3", 600),
        ]
    );
    assert_eq!(weight.remainder[0].label, "package databases");
    assert!(!codes(&weight).contains(&"package-database-unread"));
    // Wherever it ends, it is said that it is not whole.
    for part in 0..3 {
        let cut = [&database[..database.len() * part / 4], b"\0"].concat();
        let weight = weigh_layers(&[vec![Item::File("var/lib/rpm/rpmdb.sqlite".into(), cut, 0o644)]]);
        assert!(codes(&weight).contains(&"package-database-unread"), "{part} quarters");
    }
}

/// An rpm header: texts, lists of texts, and numbers by tag.
fn header(values: &[(u32, &[&str])], numbers: &[(u32, &[u32])]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    let mut entry = |tag: u32, kind: u32, at: usize, count: usize| {
        for number in [tag, kind, at as u32, count as u32] {
            index.extend(number.to_be_bytes());
        }
    };
    for (tag, texts) in values {
        entry(*tag, 8, data.len(), texts.len());
        data.extend(texts.iter().flat_map(|text| [text.as_bytes(), b"\0"].concat()));
    }
    for (tag, numbers) in numbers {
        entry(*tag, 4, data.len(), numbers.len());
        data.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
    }
    let count = (values.len() + numbers.len()) as u32;
    [&count.to_be_bytes()[..], &(data.len() as u32).to_be_bytes(), &index, &data].concat()
}

/// rpm's own format: a page of slots, then blobs.
fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let mut database = vec![0; 4096];
    database[..4].copy_from_slice(b"RpmP");
    database[12] = 1;
    for (index, header) in headers.iter().enumerate() {
        let number = (index as u32 + 1).to_le_bytes();
        let at = (database.len() as u32 / 16).to_le_bytes();
        let slot = [&b"Slot"[..], &number, &at, &1u32.to_le_bytes()].concat();
        database[32 + 16 * index..48 + 16 * index].copy_from_slice(&slot);
        database.extend([&b"BlbS"[..], &number, &[0; 4], &(header.len() as u32).to_le_bytes(), header].concat());
        database.resize(database.len().next_multiple_of(16), 0);
    }
    database
}

#[test]
fn rpms_own_database_is_read_and_files_that_are_not_there_are_not_owned() {
    let a = header(
        &[(1000, &["a"]), (1001, &["1"]), (1002, &["2"]), (1117, &["x", "y"]), (1118, &["/opt/", "/srv/"])],
        &[(1116, &[0, 1])],
    );
    let key = header(&[(1000, &["gpg-pubkey"]), (1001, &["k"]), (1002, &["l"]), (1117, &["x"])], &[(1116, &[0])]);
    for home in ["var/lib/rpm", "usr/lib/sysimage/rpm"] {
        let database = Item::File(format!("{home}/Packages.db"), ndb(&[a.clone(), key.clone()]), 0o644);
        let weight = weigh_layers(&[vec![database, zeros("opt/x", 100), zeros("srv/y", 30), zeros("srv/z", 5)]]);
        assert_eq!(packages(&weight), [(Rpm, "a", "1-2", 130), (Rpm, "gpg-pubkey", "k-l", 0)]);
    }
    let weight = weigh_layers(&[vec![zeros("var/lib/rpm/Packages", 100)]]);
    assert_eq!(codes(&weight), ["package-database-unread"]);
    assert!(weight.findings[0].message.contains("Berkeley DB"), "{:?}", weight.findings);
}

#[test]
fn gems_own_their_directory_and_what_was_compiled_for_them() {
    let spec = "Gem::Specification.new do |s|\n  s.name = \"puma\".freeze\n  s.version = \"6.4.0\"\nend\n";
    let home = "usr/local/bundle";
    let weight = weigh_layers(&[vec![
        file(&format!("{home}/specifications/puma-6.4.0.gemspec"), spec),
        zeros(&format!("{home}/gems/puma-6.4.0/lib/puma.rb"), 100),
        zeros(&format!("{home}/extensions/x86_64-linux/3.1.0/puma-6.4.0/puma.so"), 30),
        zeros(&format!("{home}/cache/puma-6.4.0.gem"), 5),
        zeros(&format!("{home}/gems/other-1/x.rb"), 2),
    ]]);
    assert_eq!(packages(&weight), [(Ruby, "puma", "6.4.0", 135 + len(spec))]);
}

#[test]
fn composer_packages_lie_where_their_list_says() {
    let second = r#"{"packages":[{"name":"psr/log","version":"3.0.0","install-path":"../psr/log"},
        {"name":"x/dev","version":"1","install-path":"../../elsewhere/dev"},
        {"name":"evil/all","version":"1","install-path":"../.."},{"name":"evil/up","version":"1","install-path":"../../../../../.."}],
        "dev":true,"dev-package-names":["x/dev"]}"#;
    let first = r#" [{"name":"psr/log","version":"1.1"}]"#;
    let weight = weigh_layers(&[vec![
        file("srv/a/vendor/composer/installed.json", second),
        zeros("srv/a/vendor/psr/log/x.php", 100),
        zeros("srv/a/elsewhere/dev/y.php", 20),
        zeros("srv/a/vendor/autoload.php", 3),
        file("srv/b/vendor/composer/installed.json", first),
        zeros("srv/b/vendor/psr/log/x.php", 200),
    ]]);
    assert_eq!(
        packages(&weight),
        [
            (Php, "evil/all", "1", 0),
            (Php, "evil/up", "1", 0),
            (Php, "psr/log", "1.1", 200),
            (Php, "psr/log", "3.0.0", 100),
            (Php, "x/dev", "1", 20),
        ]
    );
}

#[test]
fn dotnet_libraries_lie_beside_their_application_and_frameworks_below_their_version() {
    // After the format of `dotnet publish` and the layout of /usr/share/dotnet; not run against the tool.
    let json = r#"{"targets":{".NETCoreApp,Version=v8.0":{"App/1.0.0":{"runtime":{"App.dll":{}}},
        "Lib/2.0.0":{"runtime":{"lib/net8.0/Lib.dll":{}},"resources":{"lib/net8.0/de/Lib.resources.dll":{"locale":"de"}},
        "runtimeTargets":{"runtimes/linux-x64/native/lib.so":{"rid":"linux-x64"}}}}}}"#;
    let framework = "usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1";
    let weight = weigh_layers(&[vec![
        file("app/App.deps.json", json),
        zeros("app/App.dll", 10),
        zeros("app/App.pdb", 4),
        zeros("app/Lib.dll", 20),
        zeros("app/de/Lib.resources.dll", 300),
        zeros("app/runtimes/linux-x64/native/lib.so", 4000),
        file(&format!("{framework}/Microsoft.NETCore.App.deps.json"), "{}"),
        zeros(&format!("{framework}/System.dll"), 50_000),
    ]]);
    assert_eq!(
        packages(&weight),
        [
            (Dotnet, "App", "1.0.0", 14),
            (Dotnet, "Lib", "2.0.0", 4320),
            (Dotnet, "Microsoft.NETCore.App", "8.0.1", 50_002),
        ]
    );
}

#[test]
fn conda_owns_its_files_and_what_pip_added_to_the_environment_is_pythons() {
    // After conda's "package metadata"; not run against the tool.
    let meta = r#"{"name":"zlib","version":"1.3","build":"h0_0","files":["lib/libz.so","lib/site-packages/z.dist-info/METADATA"]}"#;
    let weight = weigh_layers(&[vec![
        file("opt/conda/conda-meta/zlib-1.3-h0_0.json", meta),
        file("opt/conda/conda-meta/history", "x"),
        zeros("opt/conda/lib/libz.so", 400),
        file("opt/conda/lib/site-packages/z.dist-info/METADATA", "Name: z\n"),
        file("opt/conda/lib/site-packages/pipped.dist-info/METADATA", "Name: pipped\nVersion: 1\n"),
        zeros("opt/conda/pkgs/zlib-1.3-h0_0/info/x", 7),
        hard_link("opt/conda/pkgs/zlib-1.3-h0_0/lib/libz.so", "opt/conda/lib/libz.so"),
    ]]);
    assert_eq!(packages(&weight), [(Python, "pipped", "1", 24), (Conda, "zlib", "1.3", 400 + 8 + 7 + len(meta))]);
}

#[test]
fn paths_of_nixs_store_are_packages() {
    // After the store's layout; not run against the tool.
    let hash = "0123456789abcdfghijklmnpqrsvwxyz";
    let weight = weigh_layers(&[vec![
        zeros(&format!("nix/store/{hash}-glibc-2.38-44/lib/libc.so.6"), 900),
        zeros(&format!("nix/store/{hash}-unversioned"), 10),
        file(&format!("nix/store/{hash}-python3.11-x-1/x.dist-info/METADATA"), "Name: x\n"),
        zeros("nix/store/.links/x", 1),
        zeros("nix/var/db.sqlite", 2),
    ]]);
    assert_eq!(
        packages(&weight),
        [(Nix, "glibc", "2.38-44", 900), (Nix, "python3.11-x", "1", 8), (Nix, "unversioned", "", 10)]
    );
}

#[test]
fn r_packages_are_built_ones_in_a_directory_of_their_name() {
    let built = "Package: jsonlite\nVersion: 1.8\nBuilt: R 4.2.2; ; 2024-01-01; unix\n";
    let weight = weigh_layers(&[vec![
        file("usr/local/lib/R/site-library/jsonlite/DESCRIPTION", built),
        zeros("usr/local/lib/R/site-library/jsonlite/R/jsonlite.rdb", 100),
        file("src/jsonlite/DESCRIPTION", "Package: jsonlite\nVersion: 1.8\n"),
        file("elsewhere/DESCRIPTION", built),
    ]]);
    assert_eq!(packages(&weight), [(R, "jsonlite", "1.8", 100 + len(built))]);
}

#[test]
fn a_chisel_manifest_lists_files_by_slices() {
    // After Chisel's manifest format 1.0; not run against the tool.
    let lines = concat!(
        "{\"jsonwall\":\"1.0\",\"schema\":\"1.0\",\"count\":4}\n",
        "{\"kind\":\"package\",\"name\":\"libc6\",\"version\":\"2.39\",\"sha256\":\"x\",\"arch\":\"amd64\"}\n",
        "{\"kind\":\"path\",\"path\":\"/usr/lib/libc.so.6\",\"mode\":\"0755\",\"slices\":[\"libc6_libs\"],\"size\":5}\n",
        "{\"kind\":\"path\",\"path\":\"/etc/\",\"mode\":\"0755\",\"slices\":[\"libc6_config\",\"none_x\"]}\n",
        "{\"kind\":\"slice\",\"name\":\"libc6_libs\"}\n",
    );
    let manifest = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    let weight = weigh_layers(&[vec![
        Item::File("var/lib/chisel/manifest.wall".into(), manifest.clone(), 0o644),
        zeros("usr/lib/libc.so.6", 700),
    ]]);
    assert_eq!(packages(&weight), [(Chisel, "libc6", "2.39", 700)]);
    let broken = Item::File("var/lib/chisel/manifest.wall".into(), manifest[..manifest.len() / 2].to_vec(), 0o644);
    assert_eq!(codes(&weigh_layers(&[vec![broken]])), ["package-database-unread"]);
}

#[test]
fn a_java_runtime_is_known_by_its_release_file() {
    let release = "IMPLEMENTOR=\"X\"\nJAVA_VERSION=\"17.0.8\"\n";
    let weight = weigh_layers(&[vec![
        file("opt/java/openjdk/release", release),
        zeros("opt/java/openjdk/lib/modules", 1000),
        file("boot/release", "6.1\n"),
    ]]);
    assert_eq!(packages(&weight), [(Java, "java-runtime", "17.0.8", 1000 + len(release))]);
}

#[test]
fn databases_that_are_none_are_said_and_own_nothing() {
    for path in [
        "m/node_modules/a/package.json",
        "m/node_modules/.package-lock.json",
        "vendor/composer/installed.json",
        "app/a.deps.json",
        "opt/conda-meta/a.json",
        "var/lib/rpm/rpmdb.sqlite",
        "var/lib/rpm/Packages.db",
        "var/lib/chisel/manifest.wall",
    ] {
        for content in ["x", "{\"packages\":[[", "[[[[", "RpmP", "SQLite format 3\0"] {
            let weight = weigh_layers(&[vec![file(path, content)]]);
            assert_eq!(packages(&weight), [], "{path}: {content}");
            assert_eq!(codes(&weight), ["package-database-unread"], "{path}: {content}");
        }
    }
}

#[test]
fn what_node_does_not_need_to_run_is_found() {
    let described = |name: &str, version: &str| format!(r#"{{"name":"{name}","version":"{version}"}}"#);
    let package = |at: &str, name: &str, version: &str, size: usize| {
        [file(&format!("{at}/package.json"), &described(name, version)), zeros(&format!("{at}/x.js"), size)]
    };
    let lock = r#"{"packages":{"node_modules/jest":{"dev":true},"node_modules/app":{"version":"1"}}}"#;
    let mut items = vec![file("srv/node_modules/.package-lock.json", lock)];
    items.extend(package("srv/node_modules/jest", "jest", "29.0.0", 9000));
    items.extend(package("srv/node_modules/app", "app", "1.0.0", 100));
    items.extend(package("srv/node_modules/app/node_modules/ms", "ms", "2.0.0", 40));
    items.extend(package("srv/node_modules/ms", "ms", "1.0.0", 70));
    items.extend(package("usr/lib/node_modules/npm", "npm", "9.0.0", 5000));
    items.extend(package("usr/lib/node_modules/npm/node_modules/ms", "ms", "3.0.0", 600));
    // Without npm's lock file, what the project says.
    let project = r#"{"name":"p","devDependencies":{"mocha":"1","absent":"1"}}"#;
    items.push(file("opt/p/package.json", project));
    items.extend(package("opt/p/node_modules/mocha", "mocha", "1.0.0", 300));
    let weight = weigh_layers(&[items]);
    let cost = |code: &str| weight.findings.iter().find(|finding| finding.code == code).unwrap().size_bytes.0;
    let of = |name: &str, version: &str| len(&described(name, version));
    assert_eq!(cost("development-dependencies"), 9000 + of("jest", "29.0.0") + 300 + of("mocha", "1.0.0"));
    assert_eq!(cost("several-versions"), 40 + of("ms", "2.0.0"));
    assert_eq!(cost("npm-in-image"), 5600 + of("npm", "9.0.0") + of("ms", "3.0.0"));
    assert!(packages(&weight).contains(&(Npm, "ms", "3.0.0", 600 + of("ms", "3.0.0"))));
}
