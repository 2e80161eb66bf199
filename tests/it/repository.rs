//! One place names the repository and the version: Cargo.toml. Whatever a user copies from here agrees with it.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The pages, the Action, the workflows, the templates, and the scripts.
fn files() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    let mut found: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "action.yml"].map(|f| root.join(f)).into();
    let mut waiting = ["docs", ".github", "templates", "scripts", "fuzz/oss-fuzz"].map(|name| root.join(name)).to_vec();
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            match (path.is_dir(), path.extension().is_some_and(|kind| kind == "png")) {
                (true, _) => waiting.push(path),
                (false, true) => {}
                (false, false) => found.push(path),
            }
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

#[test]
fn every_page_and_workflow_names_the_repository_of_the_manifest() {
    let repository = env!("CARGO_PKG_REPOSITORY");
    let slug = repository.strip_prefix("https://github.com/").unwrap();
    let named =
        Regex::new(r"(?:github\.com/|githubusercontent\.com/|ghcr\.io/|uses: )([A-Za-z0-9_.-]+/tonnage)\b").unwrap();
    let placeholder = Regex::new(r"\bOWNER\b").unwrap();
    let mut count = 0;
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(!placeholder.is_match(&text), "a placeholder in {}", path.display());
        for name in named.captures_iter(&text) {
            assert_eq!(&name[1], slug, "{}", path.display());
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn what_users_copy_is_of_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let major = version.split('.').next().unwrap();
    let tagged = Regex::new(r"/tonnage@v([0-9][0-9.]*)").unwrap();
    let full = r"[0-9]+\.[0-9]+\.[0-9]+";
    let archive = Regex::new(&format!("(?:tonnage[-_/@]v?|default: |download/v|VERSION=|rev: v)({full})")).unwrap();
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        for tag in tagged.captures_iter(&text) {
            assert!(tag[1] == *major || tag[1] == *version, "{}: {}", path.display(), &tag[0]);
        }
        for name in archive.captures_iter(&text) {
            assert_eq!(&name[1], version, "{}", path.display());
        }
    }
    let changelog = fs::read_to_string(Path::new(ROOT).join("CHANGELOG.md")).unwrap();
    let dated = Regex::new(&format!(r"(?m)^## {} - [0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$", regex::escape(version)));
    assert!(dated.unwrap().is_match(&changelog), "no dated entry for {version}");
}

#[test]
fn archives_have_one_name_wherever_they_are_made_or_looked_for() {
    let read = |name: &str| fs::read_to_string(Path::new(ROOT).join(name)).unwrap();
    for (file, name) in [
        ("scripts/dist.sh", "tonnage-v$version-$1"),
        ("scripts/action.sh", "tonnage-v$version-$target"),
        ("templates/tonnage/template.yml", "tonnage-v$TONNAGE_VERSION-$(uname -m)-unknown-linux-musl"),
        ("docs/install.md", "tonnage-v$VERSION-$(uname -m)-unknown-linux-musl"),
        ("Cargo.toml", "{ repo }/releases/download/v{ version }/tonnage-v{ version }-{ target }.tar.gz"),
        ("Cargo.toml", "tonnage-v{ version }-{ target }/{ bin }{ binary-ext }"),
    ] {
        assert!(read(file).contains(name), "{file}: {name}");
    }
}

#[test]
fn a_run_of_the_main_job_leaves_the_work_tree_clean() {
    for left in ["results/flask-blog/history.jsonl", "results/flask-blog/20261129T103114Z/run.json", ".cache/build.log"]
    {
        let ignored =
            std::process::Command::new("git").args(["check-ignore", "--quiet", left]).current_dir(ROOT).status();
        assert!(ignored.unwrap().success(), "git does not ignore {left}");
        let tracked = std::process::Command::new("git").args(["ls-files", left]).current_dir(ROOT).output().unwrap();
        assert!(tracked.stdout.is_empty(), "git tracks {left}");
    }
}
