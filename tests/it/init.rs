//! `tonnage init` as a process: what it writes where, and how it ends.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

fn init(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output = Command::cargo_bin("tonnage").unwrap().arg("init").arg(dir).args(args).output().unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn it_writes_once_prints_on_request_and_overwrites_only_by_force() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = dir.path().join("tonnage.toml");
    fs::write(dir.path().join("Dockerfile"), "FROM scratch\nCOPY app.py /\n").unwrap();
    fs::write(dir.path().join("app.py"), "").unwrap();

    let (code, out, _) = init(dir.path(), &["--print", "--name", "mine"]);
    assert_eq!(code, 0);
    assert!(out.contains("name = \"mine\"") && out.contains("src = \"app.py\""), "{out}");
    assert!(!manifest.exists());

    let (code, out, err) = init(dir.path(), &[]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert!(err.contains("with 1 variant: ") && err.contains("hint: review it, then run `tonnage run"), "{err}");
    tonnage::testing::suite::Suite::load(dir.path()).unwrap();

    fs::write(&manifest, "mine").unwrap();
    let (code, _, err) = init(dir.path(), &[]);
    assert_eq!(code, 7);
    assert!(err.contains("is there already\nhint: ") && err.contains("--force"), "{err}");
    assert_eq!(fs::read_to_string(&manifest).unwrap(), "mine");

    assert_eq!(init(dir.path(), &["--force"]).0, 0);
    assert_ne!(fs::read_to_string(&manifest).unwrap(), "mine");
}

#[test]
fn without_a_dockerfile_it_ends_with_7_and_says_what_it_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (code, out, err) = init(dir.path(), &[]);
    assert_eq!((code, out.as_str()), (7, ""));
    assert!(err.starts_with("error: there is no Dockerfile in `"), "{err}");
    assert!(err.contains("hint: searched 6 directories deep for `Dockerfile`"), "{err}");
    assert_eq!(init(dir.path(), &["--name", "a/b"]).0, 2);
}
