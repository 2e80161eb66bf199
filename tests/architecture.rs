//! Holds the direction of dependencies between the modules of `src/`: a module names only modules before it.
//!
//! The order is that of the data: the vocabulary of facts first, what computes from facts alone next, then what
//! makes facts, then what presents and judges them. `crate::` paths outside comments are what is checked.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// Modules that all others may use, and which use only each other.
const BY_ALL: [&str; 9] = ["units", "error", "exit", "fsx", "text", "line", "json", "env", "random"];

/// The rest, in the order in which they may use each other.
const ORDER: [&str; 18] = [
    "record",
    "analyse",
    "merge",
    "machine",
    "credentials",
    "registry",
    "context",
    "suite",
    "engine",
    "image",
    "measure",
    "improve",
    "import",
    "gate",
    "report",
    "ui",
    "cli",
    "testing",
];

/// Only these places may hold these words: crates, and what belongs to one form of text. A subject of `report` knows
/// none of them: its writers give it a form, and escape.
const CONFINED: [(&str, &[&str]); 9] = [
    ("bollard::", &["engine"]),
    ("comfy_table::", &["report/terminal.rs"]),
    ("maud::", &["report/html"]),
    ("plotters::", &["report/charts"]),
    ("tokio::", &["registry", "engine", "image", "measure", "cli", "testing"]),
    ("escape::", &["report/markdown.rs"]),
    ("<details>", &["report/markdown.rs"]),
    ("|---", &["report/markdown.rs"]),
    ("```", &["report/markdown.rs"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module that a file belongs to: its folder under `src/`, or its own name.
fn module(src: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(src).unwrap();
    inside.iter().next().unwrap().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Whether a file holds tests, which may use any module.
fn is_test(file: &Path) -> bool {
    file.iter().any(|part| part == "tests" || part.to_string_lossy().ends_with("tests.rs"))
}

/// Code without comments, and without the test module at the end, which may use fixtures of any module.
fn code(text: &str) -> String {
    let end = text.find("\n#[cfg(test)]\nmod ").unwrap_or(text.len());
    text[..end].lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}

/// Names that follow `crate::` (also inside one level of braces).
fn used(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in code.split("crate::").skip(1) {
        let group = part.strip_prefix('{').map(|inner| inner.split('}').next().unwrap_or(""));
        for name in group.map_or_else(|| vec![part], |inner| inner.split(',').collect()) {
            let name: String = name.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

#[test]
fn modules_use_only_modules_before_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 30, "only {} sources found", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let own = module(&src, &file);
        if own == "lib" || own == "main" || is_test(&file) {
            continue;
        }
        let rank = |name: &str| ORDER.iter().position(|module| *module == name);
        assert!(BY_ALL.contains(&own.as_str()) || rank(&own).is_some(), "module `{own}` has no place in the order");
        for name in used(&code(&fs::read_to_string(&file).unwrap())) {
            let fine = name == own
                || BY_ALL.contains(&name.as_str())
                || matches!((rank(&name), rank(&own)), (Some(there), Some(here)) if there < here);
            if !fine {
                wrong.push(format!("{}: crate::{name}", file.strip_prefix(&src).unwrap().display()));
            }
        }
    }
    assert!(wrong.is_empty(), "against the direction of data:\n{}", wrong.join("\n"));
}

#[test]
fn what_belongs_to_one_task_is_named_only_there() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&src).unwrap();
        let code = code(&fs::read_to_string(&file).unwrap());
        for (word, places) in CONFINED {
            if code.contains(word) && !is_test(&file) && !places.iter().any(|place| inside.starts_with(place)) {
                wrong.push(format!("{}: {word}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "named outside its folder:\n{}", wrong.join("\n"));
}

#[test]
fn the_check_itself_sees_what_it_must() {
    assert_eq!(used("use crate::engine::x; use crate::{fsx, record::Y};"), ["engine", "fsx", "record"]);
    assert_eq!(code("a // crate::x\nb\n#[cfg(test)]\nmod tests { crate::y }"), "a \nb");
}
