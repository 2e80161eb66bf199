//! Guesses about a Dockerfile: its context, the files worth editing, its port.

use std::path::{Path, PathBuf};

use super::Found;
use crate::context::{Files, Kind};
use crate::record::Builder;
use crate::suite::dockerfile::Facts;

/// Files that list what an application depends on, the most telling first, with the extensions of its sources.
const KINDS: [(&str, &[&str]); 14] = [
    ("requirements.txt", &["py"]),
    ("pyproject.toml", &["py"]),
    ("Pipfile", &["py"]),
    ("package.json", &["ts", "js", "tsx", "jsx", "mjs", "cjs"]),
    ("go.mod", &["go"]),
    ("Cargo.toml", &["rs"]),
    ("Gemfile", &["rb"]),
    ("pom.xml", &["java", "kt", "scala"]),
    ("build.gradle.kts", &["kt", "java"]),
    ("build.gradle", &["java", "kt", "groovy"]),
    ("build.sbt", &["scala"]),
    ("composer.json", &["php"]),
    ("mix.exs", &["ex"]),
    ("CMakeLists.txt", &["cpp", "cc", "c"]),
];

/// Names, without extension, of files that an application often begins with.
const ENTRIES: [&str; 8] = ["server", "main", "app", "index", "program", "application", "wsgi", "lib"];

/// The nearest folder above the Dockerfile, up to the root, that holds most of what it copies. A Dockerfile that
/// copies everything is built in its own folder where that has anything else in it, one that copies nothing always.
pub(super) fn context(root: &Path, dockerfile: &Path, facts: &Facts) -> PathBuf {
    let sources = facts.plain_sources();
    let own = dockerfile.parent().unwrap_or(Path::new(""));
    let copies = facts.takes_context();
    let mut best: Option<(usize, &Path)> = None;
    for folder in own.ancestors() {
        let full = root.join(folder);
        let there = sources.iter().filter(|source| full.join(source).exists()).count();
        let alone = folder == own && copies && sources.is_empty() && !has_more(&full);
        if !alone && best.is_none_or(|(most, _)| there > most) {
            best = Some((there, folder));
        }
    }
    let folder = best.map_or(Path::new(""), |(_, folder)| folder);
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() }
}

/// Whether a folder holds something besides Dockerfiles and hidden files.
fn has_more(folder: &Path) -> bool {
    let Ok(items) = folder.read_dir() else { return false };
    items.filter_map(Result::ok).any(|item| {
        let name = item.file_name().to_string_lossy().to_ascii_lowercase();
        !name.starts_with('.') && !name.contains("dockerfile") && !name.contains("containerfile")
    })
}

/// Ports that the target EXPOSEs as plain numbers.
pub(super) fn ports(facts: &Facts, target: Option<&str>) -> Vec<u16> {
    facts
        .exposed(target)
        .iter()
        .filter_map(|port| match port.split_once('/') {
            Some((number, "tcp")) => number.parse().ok(),
            Some(_) => None,
            None => port.parse().ok(),
        })
        .filter(|port| *port != 0)
        .collect()
}

/// A source file and the file of dependencies, both among what the Dockerfile copies.
pub(super) fn edited_files(root: &Path, found: &Found, facts: &Facts) -> (Option<PathBuf>, Option<PathBuf>) {
    let folder = root.join(&found.context);
    let Ok(files) = Files::list(&folder, &root.join(&found.dockerfile), Builder::Buildkit) else {
        return (None, None);
    };
    let copied = |path: &&str| facts.copies_for(Path::new(path), &found.args, found.target.as_deref()).is_some();
    let paths: Vec<&str> = files
        .entries
        .iter()
        .filter(|(path, found)| matches!(found.kind, Kind::File(_)) && !is_aside(path))
        .map(|(path, _)| path.as_str())
        .collect();
    let deps = KINDS
        .iter()
        .enumerate()
        .flat_map(|(rank, (name, _))| {
            paths.iter().filter(move |path| file_name(path) == *name).map(move |path| (depth(path), rank, *path))
        })
        .filter(|(_, _, path)| copied(path))
        .min();
    let extensions: Vec<&str> = match deps {
        Some((_, rank, _)) => KINDS[rank].1.to_vec(),
        None => KINDS.iter().flat_map(|kind| kind.1.iter().copied()).collect(),
    };
    let mut sources: Vec<(usize, usize, usize, &str)> = paths
        .iter()
        .filter_map(|path| {
            let (stem, extension) = file_name(path).rsplit_once('.')?;
            let kind = extensions.iter().position(|known| *known == extension)?;
            let entry = ENTRIES.iter().position(|entry| stem.eq_ignore_ascii_case(entry)).unwrap_or(ENTRIES.len());
            Some((entry, depth(path), kind, *path))
        })
        .collect();
    sources.sort_unstable();
    let src = sources.into_iter().map(|source| source.3).find(copied);
    (src.map(PathBuf::from), deps.map(|(_, _, path)| PathBuf::from(path)))
}

/// Whether a file is none of the application's own: tests, examples, what others made, hidden.
fn is_aside(path: &str) -> bool {
    path.split('/').any(|part| {
        part.starts_with('.')
            || matches!(part, "node_modules" | "vendor" | "target" | "venv" | "__pycache__" | "dist" | "docs")
            || matches!(part, "test" | "tests" | "spec" | "examples" | "migrations" | "results")
            || part.contains("_test.")
            || part.contains(".test.")
            || part.starts_with("test_")
    })
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn depth(path: &str) -> usize {
    path.matches('/').count()
}
