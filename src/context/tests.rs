//! Tests of listing and packing.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use tempfile::TempDir;

use super::*;
use crate::record::Builder;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    dir
}

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
    Files::list(root, &root.join(dockerfile), builder).unwrap().entries.into_keys().collect()
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
    let dir = folder(&[("Dockerfile", "FROM x\n"), ("src/run.sh", "#!/bin/sh\n")]);
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
    let context = Context::load(root, &root.join("Dockerfile"), Builder::Buildkit).unwrap();
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
    let tars = [folder(&files), folder(&back)].map(|dir| {
        stamp_all(dir.path(), 1_500_000_000);
        Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Classic).unwrap().tar(&[]).unwrap()
    });
    assert_eq!(tars[0], tars[1]);
}

#[test]
fn edits_change_their_file_alone_and_nothing_on_disk() {
    let dir = folder(&[("Dockerfile", "FROM x\n"), ("src/a.py", "x = 1\n"), ("z", "z")]);
    stamp_all(dir.path(), 1_500_000_000);
    let context = Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit).unwrap();
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
    let old = Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit).unwrap();
    assert!(unpacked(&old.tar(&[Edit::Age(7)]).unwrap()).iter().all(|entry| entry.3 == 12), "no time before 1970");
    for path in ["nothing", "src"] {
        let edit = Edit::Touch { path: path.into(), mtime: 0 };
        assert!(matches!(context.tar(&[edit]), Err(ContextError::NoSuchFile { .. })), "{path}");
    }
}

#[test]
fn the_ignore_file_is_the_one_that_the_builder_takes() {
    let dir = folder(&[
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
    let dir = folder(&[
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
    let dir = folder(&[
        ("app/a", "1"),
        ("app/.dockerignore", "x"),
        ("app/.tonnage.Dockerfile", "taken"),
        ("Dockerfile", "FROM y\n"),
    ]);
    let root = dir.path().join("app");
    for (builder, patterns) in [(Builder::Classic, "x\n.tonnage.Dockerfile_\n"), (Builder::Buildkit, "x")] {
        let mut context = Context::load(&root, &dir.path().join("Dockerfile"), builder).unwrap();
        assert_eq!(context.dockerfile(), ".tonnage.Dockerfile_");
        assert_eq!(context.content(".tonnage.Dockerfile_").unwrap(), "FROM y\n");
        assert_eq!(context.content(".tonnage.Dockerfile").unwrap(), "taken");
        assert_eq!(context.content(".dockerignore").unwrap(), patterns);
        context.with_dockerfile("FROM z\n");
        assert_eq!(context.content(".tonnage.Dockerfile_").unwrap(), "FROM z\n");
    }
}

#[test]
fn what_cannot_be_sent_is_an_error_that_names_it() {
    use crate::error::Diagnose as _;
    use std::os::unix::ffi::OsStrExt as _;

    let dir = folder(&[("Dockerfile", "FROM x\n")]);
    let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"a\xff"));
    fs::write(&odd, "").unwrap();
    let error = Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit).unwrap_err();
    assert_eq!(error.to_string(), "the name `a\\xff` is no UTF-8");
    fs::remove_file(odd).unwrap();

    // A sparse file: large without using disk.
    let big = fs::File::create(dir.path().join("core.dump")).unwrap();
    big.set_len(MAX_BYTES + 1).unwrap();
    let error = Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit).unwrap_err();
    assert!(error.hint().unwrap().contains("`core.dump`"), "{error}");

    fs::write(dir.path().join(".dockerignore"), "[\n").unwrap();
    let error = Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit).unwrap_err();
    assert!(crate::error::chain(&error).contains(".dockerignore`: line 1: the pattern `[`"), "{error:?}");
    fs::write(dir.path().join(".dockerignore"), "core.*\n").unwrap();
    assert!(Context::load(dir.path(), &dir.path().join("Dockerfile"), Builder::Buildkit).is_ok());
}
