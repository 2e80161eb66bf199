//! Guesses about a Dockerfile: its context, the files worth editing, its port.

use std::path::{Path, PathBuf};

use super::{Found, compose};
use dockerignore::Ignore;

use crate::context::{Files, Kind};
use crate::fsx;
use crate::record::Builder;
use crate::suite::dockerfile::Facts;

/// Files that list what an application depends on, the most telling first, with the extensions of its sources. A name
/// that begins with `*` is the end of one.
const KINDS: [(&str, &[&str]); 20] = [
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
    ("*.csproj", &["cs"]),
    ("*.fsproj", &["fs"]),
    ("Package.swift", &["swift"]),
    ("pubspec.yaml", &["dart"]),
    ("setup.py", &["py"]),
    ("*requirements.in", &["py"]),
];

/// Extensions of files that are an application's own where it has no other sources, the most telling first.
const PLAIN: [&str; 4] = ["html", "css", "sh", "conf"];

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

/// Whether a folder holds something besides Dockerfiles, compose files, documents and hidden files.
fn has_more(folder: &Path) -> bool {
    let Ok(items) = folder.read_dir() else { return false };
    items.filter_map(Result::ok).any(|item| {
        let name = item.file_name().to_string_lossy().to_ascii_lowercase();
        let aside =
            name.starts_with('.') || has_extension(&name, "md") || name == "makefile" || compose::is_name(&name);
        !aside && !name.contains("dockerfile") && !name.contains("containerfile")
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

/// What a HEALTHCHECK asks for on the container itself: the port and the path of an address of http.
pub(super) fn health(check: &str) -> Option<(u16, String)> {
    let (_, rest) = check.split_once("http://")?;
    let end = rest.find(|c: char| c.is_whitespace() || "'\"`,;|)".contains(c)).unwrap_or(rest.len());
    let (address, path) = rest[..end].split_at(rest[..end].find('/').unwrap_or(end));
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "80"));
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let path = if path.is_empty() { "/" } else { path };
    (matches!(host, "localhost" | "127.0.0.1" | "0.0.0.0" | "[::1]") && !path.contains('$'))
        .then(|| (port, path.to_owned()))
}

/// Plain paths that a Dockerfile copies and its context does not hold: what must be made before the build.
pub(super) fn missing(root: &Path, found: &Found, facts: &Facts) -> Vec<String> {
    let folder = root.join(&found.context);
    facts.plain_sources().into_iter().filter(|source| folder.join(source).symlink_metadata().is_err()).collect()
}

/// A source file and the file of dependencies, both among what the Dockerfile copies. A source that the image starts
/// with is the most telling one, then one whose name says so.
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
    let deps = paths
        .iter()
        .filter_map(|path| Some((depth(path), rank(path)?, *path)))
        .filter(|(_, _, path)| copied(path))
        .min();
    let extensions: Vec<&str> = match deps {
        Some((_, rank, _)) => KINDS[rank].1.to_vec(),
        None => KINDS.iter().flat_map(|kind| kind.1.iter().copied()).collect(),
    };
    let started: Vec<&str> = facts.started_words(found.target.as_deref());
    let source = |extensions: &[&str]| {
        let mut sources: Vec<(bool, usize, usize, usize, &str)> = paths
            .iter()
            .filter(|path| !is_of_tools(file_name(path)) && deps.is_none_or(|deps| deps.2 != **path))
            .filter_map(|path| {
                let (stem, extension) = file_name(path).rsplit_once('.')?;
                let kind = extensions.iter().position(|known| *known == extension)?;
                let entry = ENTRIES.iter().position(|entry| stem.eq_ignore_ascii_case(entry)).unwrap_or(ENTRIES.len());
                let other = !started.iter().any(|word| file_name(word) == file_name(path));
                Some((other, entry, depth(path), kind, *path))
            })
            .collect();
        sources.sort_unstable();
        sources.into_iter().map(|source| source.4).find(copied)
    };
    let src = source(&extensions).or_else(|| source(&PLAIN));
    (src.map(PathBuf::from), deps.map(|(_, _, path)| PathBuf::from(path)))
}

/// How telling a file is as a list of what an application depends on, the lowest being the most; `None` for others.
fn rank(path: &str) -> Option<usize> {
    let name = file_name(path);
    let known = |kind: &str| kind.strip_prefix('*').map_or(name == kind, |end| name.ends_with(end));
    if let Some(rank) = KINDS.iter().position(|(kind, _)| known(kind)) {
        return Some(rank);
    }
    // `requirements-prod.txt`, `requirements/base.txt`: as much as `requirements.in` is.
    let in_folder = path.rsplit('/').nth(1) == Some("requirements");
    (has_extension(name, "txt") && (name.starts_with("requirements") || in_folder)).then_some(KINDS.len() - 1)
}

/// Whether a source file tells tools what to do, or was made by one, and is not the application.
fn is_of_tools(name: &str) -> bool {
    let made = [".config.", "_pb2.", "_pb2_grpc.", "_pb.", ".pb.", ".min.", ".d.ts"];
    made.iter().any(|part| name.contains(part))
        || matches!(name, "conftest.py" | "setup.py" | "gulpfile.js" | "Gruntfile.js")
}

/// Whether the suite and its results would get into the image: `COPY . .` of the folder they are written to, without
/// an ignore file that leaves them out.
pub(super) fn takes_results(root: &Path, found: &Found, facts: &Facts) -> bool {
    let written = ["tonnage.toml", "results/suite/run.json"];
    let taken = |path: &str| facts.copies_for(Path::new(path), &found.args, found.target.as_deref()).is_some();
    if found.context != Path::new(".") || !written.into_iter().any(taken) {
        return false;
    }
    let Ok(files) = Files::list(root, &root.join(&found.dockerfile), Builder::Buildkit) else { return false };
    let ignore = files.ignore_file.and_then(|file| Ignore::parse(&fsx::read(&file).ok()?).ok());
    written.into_iter().filter(|path| taken(path)).any(|path| !ignore.as_ref().is_some_and(|known| known.ignores(path)))
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

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|own| own.eq_ignore_ascii_case(extension))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn depth(path: &str) -> usize {
    path.matches('/').count()
}
