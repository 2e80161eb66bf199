//! The committed results of the suites and the block in `README.md` are what their record says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::sandbox::Sandbox;

/// Where the committed results lie, from the repository's root; the first is that of `README.md`.
const LATEST: [&str; 1] = ["results/flask-blog/latest"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The results, copied into a sandbox at the same place. Away from the history, as `scripts/results.sh` makes them.
fn copied(latest: &str) -> Sandbox {
    let record = root().join(latest).join("run.json");
    let content = fs::read_to_string(&record).unwrap_or_else(|error| {
        panic!("`{latest}/run.json`: {error}\nhint: `make bench`, then `make results`, and commit what it makes")
    });
    let sandbox = Sandbox::new();
    sandbox.write(&format!("{latest}/run.json"), &content);
    sandbox
}

/// Every file below a folder with its content, by its path from there.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn the_committed_results_are_what_their_record_says() {
    for latest in LATEST {
        let suite = latest.split('/').nth(1).unwrap();
        let hint = format!("hint: `make results SUITE={suite} ARGS={latest}`");
        let sandbox = copied(latest);
        sandbox.run(&["report", latest, "--out", latest]).expect(0);
        let mut made = files(&sandbox.path(latest));
        made.retain(|name, _| Path::new(name).extension().is_none_or(|extension| extension != "png"));
        let committed = files(&root().join(latest));
        let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&committed), names(&made), "{hint}");
        for (name, content) in &made {
            assert!(committed[name] == *content, "`{latest}/{name}` is another\n{hint}");
        }
    }
}

#[test]
fn the_block_in_the_readme_is_what_the_record_says_and_its_pictures_are_there() {
    let sandbox = copied(LATEST[0]);
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    sandbox.write("README.md", &readme);
    sandbox.run(&["report", LATEST[0], "--into", "README.md"]).expect(0);
    assert!(
        sandbox.read("README.md") == readme,
        "the block in `README.md` is another\nhint: `make results ARGS={}`",
        LATEST[0]
    );
    let target = |rest: &'_ str| Some(rest.split_once("](")?.1.split_once(')')?.0.to_owned());
    let pictures: Vec<String> = readme.split("![").skip(1).filter_map(target).collect();
    assert!(!pictures.is_empty(), "no chart in `README.md`");
    for picture in pictures {
        assert!(root().join(&picture).is_file(), "`README.md` shows `{picture}`, which is not there");
    }
}
