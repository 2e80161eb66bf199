//! Tests of listing and packing.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;
use crate::record::Builder;
use crate::testing::files::directory;

fn stamp_all(root: &Path, seconds: u64) {
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            stamp_all(&path, seconds);
        }
        fs::File::open(&path).unwrap().set_modified(UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 123)).unwrap();
    }
}

fn names(root: &Path, dockerfile: &str, builder: Builder) -> Vec<String> {
    Files::list(root, &root.join(dockerfile), builder, &Own::default()).unwrap().entries.into_keys().collect()
}

/// Path, type, mode, mtime, link and content of each entry of a tar, read back by the tar crate.
fn unpacked(tar: &[u8]) -> Vec<(String, char, u32, u64, String, Vec<u8>)> {
    let mut archive = tar::Archive::new(tar);
    archive
        .entries()
        .unwrap()
        .map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            let link = entry.link_name_bytes().map_or_else(String::new, |link| String::from_utf8(link.into()).unwrap());
            (
                String::from_utf8(entry.path_bytes().into()).unwrap(),
                header.entry_type().as_byte() as char,
                header.mode().unwrap(),
                header.mtime().unwrap(),
                link,
                content,
            )
        })
        .collect()
}

#[test]
fn the_tar_holds_files_folders_links_and_pipes_and_no_sockets() {
    let dir = directory(&[("Dockerfile", "FROM x\n"), ("src/run.sh", "#!/bin/sh\n")]);
    let root = dir.path();
    let long = format!("{}/{}", "d".repeat(120), "f".repeat(120));
    fs::create_dir(root.join("d".repeat(120))).unwrap();
    fs::write(root.join(&long), "long").unwrap();
    fs::set_permissions(root.join("src/run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
    fs::set_permissions(root.join("src"), fs::Permissions::from_mode(0o2755)).unwrap();
    fs::set_permissions(root.join("Dockerfile"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::create_dir(root.join("empty")).unwrap();
    symlink("/etc/passwd", root.join("link")).unwrap();
    symlink("l".repeat(150), root.join("long-link")).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let _socket = UnixListener::bind(root.join("socket")).unwrap();
    stamp_all(&root.join("src"), 1_600_000_000);
    let context = Context::load(root, &root.join("Dockerfile"), Builder::Buildkit, &Own::default()).unwrap();
    let entries = unpacked(&context.tar(&[]).unwrap());
    let seen: Vec<_> = entries.iter().map(|entry| (entry.0.as_str(), entry.1)).collect();
    let folder = format!("{}/", "d".repeat(120));
    assert_eq!(
        seen,
        [
            ("Dockerfile", '0'),
            (folder.as_str(), '5'),
            (long.as_str(), '0'),
            ("empty/", '5'),
            ("link", '2'),
            ("long-link", '2'),
            ("pipe", '6'),
            ("src/", '5'),
            ("src/run.sh", '0'),
        ]
    );
    let run = entries.iter().find(|entry| entry.0 == "src/run.sh").unwrap();
    assert_eq!((run.2, run.3, run.5.as_slice()), (0o750, 1_600_000_000, b"#!/bin/sh\n".as_slice()));
    assert_eq!(entries[7].2, 0o2755);
    assert_eq!(entries[4].4, "/etc/passwd");
    assert_eq!(entries[5].4, "l".repeat(150));
    assert_eq!(context.bytes().0, 7 + 10 + 4);
    assert_eq!(context.dockerfile(), "Dockerfile");
}

#[test]
fn equal_folders_make_the_same_bytes_wherever_they_are() {
    let files = [("Dockerfile", "FROM x\n"), ("b/c", "1"), ("a", "2"), (".dockerignore", "")];
    let mut back = files;
    back.reverse();
    let tars = [directory(&files), directory(&back)].map(|dir| {
        stamp_all(dir.path(), 1_500_000_000);
        Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Classic, &Own::default())
            .unwrap()
            .tar(&[])
            .unwrap()
    });
    assert_eq!(tars[0], tars[1]);
}

#[test]
fn edits_change_their_file_alone_and_nothing_on_disk() {
    let dir = directory(&[("Dockerfile", "FROM x\n"), ("src/a.py", "x = 1\n"), ("z", "z")]);
    stamp_all(dir.path(), 1_500_000_000);
    let context =
        Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit, &Own::default()).unwrap();
    let before = unpacked(&context.tar(&[]).unwrap());
    let edited = edit_line("src/a.py", context.content("src/a.py").unwrap(), "1");
    let edits = [
        Edit::Replace { path: "src/a.py".into(), content: edited },
        Edit::Touch { path: "z".into(), mtime: 1_700_000_000 },
    ];
    let after = unpacked(&context.tar(&edits).unwrap());
    let changed: Vec<_> = before.iter().zip(&after).filter(|(old, new)| old != new).map(|(_, new)| new).collect();
    assert_eq!(changed.len(), 2);
    assert_eq!((changed[0].0.as_str(), changed[0].5.as_slice()), ("src/a.py", b"x = 1\n# tonnage 1\n".as_slice()));
    assert_eq!((changed[1].0.as_str(), changed[1].3, changed[1].5.as_slice()), ("z", 1_700_000_000, b"z".as_slice()));
    assert_eq!(fs::read(dir.path().join("src/a.py")).unwrap(), b"x = 1\n");
    assert_eq!(unpacked(&context.tar(&[]).unwrap()), before);
    let aged = unpacked(&context.tar(&[Edit::Age(7)]).unwrap());
    assert!(aged.iter().zip(&before).all(|(new, old)| new.3 + 7 == old.3 && new.5 == old.5), "{aged:?}");
    assert_eq!(aged.len(), before.len());
    stamp_all(dir.path(), 5);
    let old = Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit, &Own::default()).unwrap();
    assert!(unpacked(&old.tar(&[Edit::Age(7)]).unwrap()).iter().all(|entry| entry.3 == 12), "no time before 1970");
    for path in ["nothing", "src"] {
        let edit = Edit::Touch { path: path.into(), mtime: 0 };
        assert!(matches!(context.tar(&[edit]), Err(ContextError::NoSuchFile { .. })), "{path}");
    }
}

#[test]
fn the_ignore_file_is_the_one_that_the_builder_takes() {
    let dir = directory(&[
        ("Dockerfile", "FROM x\n"),
        ("Dockerfile.dockerignore", "b\n"),
        (".dockerignore", "a\nDockerfile*\n.dockerignore\n"),
        ("a", ""),
        ("b", ""),
    ]);
    let root = dir.path();
    assert_eq!(names(root, "Dockerfile", Builder::Classic), [".dockerignore", "Dockerfile", "b"]);
    assert_eq!(
        names(root, "Dockerfile", Builder::Buildkit),
        [".dockerignore", "Dockerfile", "Dockerfile.dockerignore", "a"]
    );
    fs::remove_file(root.join("Dockerfile.dockerignore")).unwrap();
    assert_eq!(names(root, "Dockerfile", Builder::Buildkit), ["Dockerfile", "b"]);
    fs::write(root.join(".containerignore"), "b\n").unwrap();
    assert_eq!(names(root, "Dockerfile", Builder::Buildah), [".containerignore", ".dockerignore", "Dockerfile", "a"]);
}

#[test]
fn what_is_brought_back_comes_with_its_folders() {
    let dir = directory(&[
        (".dockerignore", "*\n!a/b/keep\n!**/*.md\n"),
        ("a/b/keep", ""),
        ("a/b/drop", ""),
        ("c/x.md", ""),
        ("c/d/y.md", ""),
        ("e/f", ""),
        ("variants/one/Dockerfile", "FROM x\n"),
        ("variants/two/Dockerfile", "FROM x\n"),
    ]);
    let dockerfile = "variants/one/Dockerfile";
    assert_eq!(
        names(dir.path(), dockerfile, Builder::Buildkit),
        ["a", "a/b", "a/b/keep", "c", "c/d", "c/d/y.md", "c/x.md", "variants", "variants/one", dockerfile]
    );
    // The classic client does not look below a folder that no `!` pattern begins with.
    assert_eq!(
        names(dir.path(), dockerfile, Builder::Classic),
        [".dockerignore", "a", "a/b", "a/b/keep", "variants", "variants/one", dockerfile]
    );
}

#[test]
fn a_dockerfile_from_outside_is_put_in_under_a_fresh_name() {
    let dir = directory(&[
        ("app/a", "1"),
        ("app/.dockerignore", "x"),
        ("app/.tonnage.Dockerfile", "taken"),
        ("Dockerfile", "FROM y\n"),
    ]);
    let root = dir.path().join("app");
    for (builder, patterns) in [(Builder::Classic, "x\n.tonnage.Dockerfile_\n"), (Builder::Buildkit, "x")] {
        let stowaway = (builder == Builder::Buildkit).then_some(".tonnage.Dockerfile_");
        let mut context = Context::load(&root, &dir.path().join("Dockerfile"), builder, &Own::default()).unwrap();
        assert_eq!(context.dockerfile(), ".tonnage.Dockerfile_");
        assert_eq!(context.stowaway(), stowaway);
        assert_eq!(context.content(".tonnage.Dockerfile_").unwrap(), "FROM y\n");
        assert_eq!(context.content(".tonnage.Dockerfile").unwrap(), "taken");
        assert_eq!(context.content(".dockerignore").unwrap(), patterns);
        context.with_dockerfile("FROM z\n");
        assert_eq!(context.content(".tonnage.Dockerfile_").unwrap(), "FROM z\n");
    }
}

#[test]
fn a_dockerfile_that_the_patterns_exclude_is_sent_to_buildkit_as_a_stowaway() {
    let dir = directory(&[("a/Dockerfile", "FROM x\n"), ("a/b", "1"), ("c/Dockerfile", "FROM x\n")]);
    for (patterns, builder, stowaway) in [
        ("a\n", Builder::Buildkit, Some("a/Dockerfile")),
        ("**/Dockerfile\n", Builder::Buildkit, Some("a/Dockerfile")),
        ("**/Dockerfile\n", Builder::Classic, None),
        ("**/Dockerfile\n", Builder::Buildah, None),
        ("c\n", Builder::Buildkit, None),
        ("*\n!a/Dockerfile\n", Builder::Buildkit, None),
    ] {
        fs::write(dir.path().join(".dockerignore"), patterns).unwrap();
        let context = Context::load(dir.path(), &dir.path().join("a/Dockerfile"), builder, &Own::default()).unwrap();
        assert_eq!(context.stowaway(), stowaway, "{patterns} {builder}");
        assert!(context.content("a/Dockerfile").is_some());
    }
}

#[test]
fn what_cannot_be_sent_is_an_error_that_names_it() {
    use crate::error::Diagnose as _;
    use std::os::unix::ffi::OsStrExt as _;

    let dir = directory(&[("Dockerfile", "FROM x\n")]);
    let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"a\xff"));
    fs::write(&odd, "").unwrap();
    let error =
        Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit, &Own::default()).unwrap_err();
    assert_eq!(error.to_string(), "the name `a\\xff` is not UTF-8");
    fs::remove_file(odd).unwrap();

    // A sparse file: large without using disk.
    let big = fs::File::create(dir.path().join("core.dump")).unwrap();
    big.set_len(MAX_BYTES + 1).unwrap();
    let error =
        Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit, &Own::default()).unwrap_err();
    assert!(error.hint().unwrap().contains("`core.dump`"), "{error}");

    fs::write(dir.path().join(".dockerignore"), "[\n").unwrap();
    let error =
        Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit, &Own::default()).unwrap_err();
    assert!(crate::error::chain(&error).contains(".dockerignore`: line 1: the pattern `[`"), "{error:?}");
    fs::write(dir.path().join(".dockerignore"), "core.*\n").unwrap();
    assert!(Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit, &Own::default()).is_ok());
}

fn list(root: &Path, builder: Builder, own: &Own) -> Files {
    Files::list(root, &root.join("Dockerfile"), builder, own).unwrap()
}

#[test]
fn hard_links_stay_hard_links_also_if_the_first_name_is_ignored() {
    let dir = directory(&[("Dockerfile", "FROM x\n"), (".dockerignore", "a/x\n"), ("a/x", "12345"), ("e", "")]);
    let root = dir.path();
    for name in ["b", "c", "d-of"] {
        fs::hard_link(root.join("a/x"), root.join(name)).unwrap();
    }
    fs::hard_link(root.join("e"), root.join("f")).unwrap();
    let dockerfile = root.join("Dockerfile");
    for builder in [Builder::Classic, Builder::Buildkit] {
        let context = Context::load(root, &dockerfile, builder, &Own::default()).unwrap();
        let entries = unpacked(&context.tar(&[]).unwrap());
        let links: Vec<_> = entries
            .iter()
            .filter(|entry| entry.0 != "Dockerfile" && entry.0 != ".dockerignore")
            .map(|entry| (entry.0.as_str(), entry.1, entry.4.as_str(), entry.5.len()))
            .collect();
        assert_eq!(
            links,
            [
                ("a/", '5', "", 0),
                ("b", '0', "", 5),
                ("c", '1', "b", 0),
                ("d-of", '1', "b", 0),
                ("e", '0', "", 0),
                ("f", '1', "e", 0)
            ]
        );
        assert_eq!(context.content("d-of").unwrap(), "12345");
        // An edit in place shows under every name.
        for path in ["b", "d-of"] {
            let edit = Edit::Replace { path: path.into(), content: b"new".to_vec() };
            let edited = unpacked(&context.tar(&[edit]).unwrap());
            assert_eq!(edited.iter().find(|entry| entry.0 == "b").unwrap().5, b"new");
            assert_eq!(edited.iter().filter(|entry| entry.1 == '1').count(), 3);
        }
    }
}

#[test]
fn another_text_for_the_dockerfile_leaves_its_other_names_alone() {
    let dir = directory(&[("Dockerfile", "FROM x\n")]);
    for name in ["a", "z", "zz"] {
        fs::hard_link(dir.path().join("Dockerfile"), dir.path().join(name)).unwrap();
    }
    for dockerfile in ["Dockerfile", "a", "z"] {
        let mut context =
            Context::load(dir.path(), &dir.path().join(dockerfile), Builder::Buildkit, &Own::default()).unwrap();
        context.with_dockerfile("FROM other\n");
        for name in ["Dockerfile", "a", "z", "zz"] {
            let expected = if name == dockerfile { "FROM other\n" } else { "FROM x\n" };
            assert_eq!(context.content(name).unwrap(), expected, "{dockerfile} {name}");
        }
        assert_eq!(unpacked(&context.tar(&[]).unwrap()).iter().filter(|entry| entry.1 == '1').count(), 2);
    }
}

#[test]
fn a_state_without_hard_links_is_linked_like_another() {
    let files = [("Dockerfile", "FROM x\n"), ("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "2")];
    let (ours, theirs) = (directory(&files), directory(&files));
    for (root, first, second) in [(&ours, "a", "b"), (&ours, "c", "e"), (&theirs, "a", "d")] {
        fs::remove_file(root.path().join(second)).unwrap();
        fs::hard_link(root.path().join(first), root.path().join(second)).unwrap();
    }
    fs::write(theirs.path().join("only-here"), "3").unwrap();
    let load =
        |dir: &TempDir| Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit, &Own::default());
    let (ours, mut theirs) = (load(&ours).unwrap(), load(&theirs).unwrap());
    theirs.link_like(&ours);
    let links: Vec<_> = unpacked(&theirs.tar(&[]).unwrap())
        .into_iter()
        .map(|(path, _, _, _, link, content)| format!("{path}={link}{}", content.len()))
        .collect();
    // `c` and `e` differ there, `a` and `d` are not links here.
    assert_eq!(links.join(" "), "Dockerfile=7 a=1 b=a0 c=1 d=1 e=1 only-here=1");
}

/// What `tonnage run` leaves behind.
fn with_results(root: &Path) {
    let record = crate::record::to_json(&crate::testing::fixture::record());
    let line = serde_json::to_string(&crate::analyse::trend::history_line(&crate::testing::fixture::record())).unwrap();
    for (path, content) in [
        ("tonnage.toml", "[suite]\n"),
        ("tonnage-baseline.json", "{}"),
        ("results/shop/history.jsonl", &*line),
        ("results/shop/1/run.json", &*record),
        ("results/shop/1/report.html", "x"),
        ("results/shop/1/charts/sizes.svg", "x"),
        (
            "results/shop/2/journal.jsonl",
            &*format!("{{\"begin\":{{\"run\":\"x\",\"record\":{}}}}}\n", record.replace('\n', " ")),
        ),
    ] {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

fn own(root: &Path, sources: &[(&str, bool)]) -> Own {
    Own {
        files: vec![root.join("tonnage.toml"), root.join("tonnage-baseline.json")],
        sources: sources.iter().map(|&(path, glob)| Taken { path: path.into(), glob }).collect(),
    }
}

#[test]
fn what_tonnage_wrote_is_not_sent() {
    let dir = directory(&[("Dockerfile", "FROM x\n"), ("app.py", "")]);
    let root = dir.path();
    let before = list(root, Builder::Buildkit, &own(root, &[])).entries;
    with_results(root);
    for builder in [Builder::Buildkit, Builder::Classic, Builder::Buildah] {
        let files = list(root, builder, &own(root, &[("app.py", false), ("*.py", true), ("*", true)]));
        assert_eq!(files.entries.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
        assert_eq!(
            files.own.iter().map(String::as_str).collect::<Vec<_>>(),
            ["results", "tonnage-baseline.json", "tonnage.toml"]
        );
    }
}

#[test]
fn what_only_looks_like_it_is_sent() {
    let dir = directory(&[
        ("Dockerfile", "FROM x\n"),
        ("results/table.csv", "1"),
        ("results/shop/1/notes.txt", "mine"),
        ("results/shop/1/charts/deep/x.svg", "mine"),
        ("data/run.json", "{\"format_version\":\"1.0\",\"tool\":{\"name\":\"other\",\"version\":\"1\"}}"),
        ("data/report.md", "mine"),
        ("data/charts/x.svg", "mine"),
        ("data/history.jsonl", "{\"suite\":1}\n"),
        ("sub/tonnage.toml", "mine"),
    ]);
    let root = dir.path();
    let before: Vec<String> = list(root, Builder::Buildkit, &own(root, &[])).entries.into_keys().collect();
    with_results(root);
    let files = list(root, Builder::Buildkit, &own(root, &[]));
    assert_eq!(files.entries.into_keys().collect::<Vec<_>>(), before);
    assert!(files.own.contains("results/shop/1/run.json") && files.own.contains("results/shop/2"), "{:?}", files.own);
    assert!(before.contains(&"results/table.csv".to_owned()) && before.contains(&"data/charts/x.svg".to_owned()));
}

#[test]
fn what_an_instruction_names_is_sent_all_the_same() {
    let dir = directory(&[("Dockerfile", "FROM x\n"), ("app.py", "")]);
    let root = dir.path();
    with_results(root);
    for (source, glob, sent) in [
        ("tonnage.toml", false, "tonnage.toml"),
        ("results/shop/1", false, "results/shop/1/charts/sizes.svg results/shop/1/report.html results/shop/1/run.json"),
        ("results/shop/1/report.html", false, "results/shop/1/report.html"),
        ("*.toml", true, "tonnage.toml"),
        ("results/*/history.jsonl", true, "results/shop/history.jsonl"),
        ("app.*", true, ""),
    ] {
        let files = list(root, Builder::Buildkit, &own(root, &[(source, glob)]));
        let found: Vec<_> = files
            .entries
            .iter()
            .filter(|(_, found)| found.kind != EntryKind::Directory)
            .map(|(path, _)| path.as_str())
            .collect();
        let mut expected: Vec<_> =
            sent.split(' ').filter(|path| !path.is_empty()).chain(["Dockerfile", "app.py"]).collect();
        expected.sort_unstable();
        assert_eq!(found, expected, "{source}");
    }
    // Beside a file of the user's, a directory that is named is not named for what tonnage wrote there.
    fs::write(root.join("results/mine.csv"), "1").unwrap();
    let files = list(root, Builder::Buildkit, &own(root, &[("results", false)]));
    let below: Vec<_> = files.entries.keys().filter(|path| path.starts_with("results")).collect();
    assert_eq!(below, ["results", "results/mine.csv"]);
}
