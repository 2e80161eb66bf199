//! The committed results of the suites and the block in `README.md` are what their record says.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use similar::TextDiff;

use crate::sandbox::Sandbox;

/// Where the improved Dockerfiles lie, and the most bytes of a record there.
const IMPROVED: &str = "results/improve";
const MOST: usize = 100_000;
/// Where the committed results lie, from the repository's root; the first is that of `README.md`.
const LATEST: [&str; 2] = ["results/flask-blog/latest", "results/python-2026/latest"];

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

/// The size of a variant in a record.
fn size(record: &Value, variant: &str) -> u64 {
    let mut variants = record["variants"].as_array().unwrap().iter();
    let found = variants.find(|found| found["name"] == variant);
    found.and_then(|found| found["sizes"]["size_bytes"].as_u64()).unwrap_or_else(|| panic!("no size of {variant}"))
}

#[test]
fn the_improved_dockerfiles_their_chart_and_their_table_are_what_their_records_say() {
    let hint = "hint: `make improve ARGS=report`";
    let readme = fs::read_to_string(root().join(IMPROVED).join("README.md")).unwrap();
    let latest: Value = serde_json::from_slice(&fs::read(root().join(LATEST[0]).join("run.json")).unwrap()).unwrap();
    let mut variants = Vec::new();
    for entry in fs::read_dir(root().join(IMPROVED)).unwrap().map(Result::unwrap) {
        if !entry.path().is_dir() {
            continue;
        }
        let name = entry.file_name().into_string().unwrap();
        let latest_name = format!("{IMPROVED}/{name}");
        let sandbox = copied(&latest_name);
        let text = sandbox.read(&format!("{latest_name}/run.json"));
        assert!(text.len() < MOST, "`{latest_name}/run.json` has {} bytes", text.len());
        let record: Value = serde_json::from_str(&text).unwrap();
        let variant = record["variants"][0]["name"].as_str().unwrap();
        let answer = sandbox.run(&["report", &latest_name, "--format", "markdown"]).expect(0).stdout;
        assert!(readme.contains(&answer), "`{IMPROVED}/README.md` lacks the answer of {name}\n{hint}");
        let mut committed: Vec<String> = files(&entry.path()).into_keys().collect();
        committed.sort();
        variants.push(variant.to_owned());
        let Some(patch) = record["improved"]["patch"].as_str() else {
            assert_eq!(committed, ["run.json"], "{name}");
            assert!(answer.contains(&format!("`{variant}` cannot be improved")), "{answer}");
            continue;
        };
        assert_eq!(committed, ["Dockerfile.improved", "run.json", "waterfall.svg"], "{name}");
        let dockerfile = format!("variants/flask-blog/{variant}/Dockerfile");
        let before = fs::read_to_string(root().join(&dockerfile)).unwrap();
        let after = fs::read_to_string(entry.path().join("Dockerfile.improved")).unwrap();
        let diff = TextDiff::from_lines(&before, &after);
        let diff = diff.unified_diff().context_radius(3).header(&dockerfile, &dockerfile).to_string();
        assert_eq!(diff, patch, "{name}\n{hint}");
        assert!(answer.contains(patch.trim_end()), "{answer}");
        sandbox.run(&["report", &latest_name, "--export", "waterfall.svg"]).expect(0);
        let chart = fs::read_to_string(entry.path().join("waterfall.svg")).unwrap();
        assert!(chart == sandbox.read("waterfall.svg"), "`{latest_name}/waterfall.svg` is another\n{hint}");
        // The steps add up to the difference of two weighings.
        let steps = record["trials"].as_array().unwrap().iter();
        let kept = steps.filter(|trial| trial["step"].is_u64() && trial["verdict"] == "kept");
        let bytes = |trial: &Value, end: &str| trial[end]["size_bytes"].as_i64().unwrap();
        let saved: i64 = kept.map(|trial| bytes(trial, "before") - bytes(trial, "after")).sum();
        let improved = size(&record, &format!("{variant}-improved"));
        assert_eq!(saved, i64::try_from(size(&record, variant) - improved).unwrap(), "{name}");
        let best = match name.as_str() {
            "python3.9-glibc" => "python3.9-slim",
            "python3.9" => "python3.9-alpine-multistage",
            _ => continue,
        };
        assert!(improved <= size(&latest, best), "{name}: {improved} is more than {best}");
    }
    variants.sort();
    variants.dedup();
    assert_eq!(variants, ["python3.9", "python3.9-alpine", "python3.9-alpine-multistage", "python3.9-slim"]);
}
