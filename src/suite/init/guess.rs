//! Guesses about a Dockerfile: its context, the files worth editing, its port.

use std::path::{Path, PathBuf};

use super::found::FoundVariant;
use super::places::is_compose_file;
use crate::context::{EntryKind, Files, Own};
use crate::record::Builder;
use crate::suite::dockerfile::{ContextPath, Taken};

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
pub(super) fn context(root: &Path, dockerfile: &Path, taken: &Taken<'_>) -> PathBuf {
    let sources = taken.plain();
    let own = dockerfile.parent().unwrap_or(Path::new(""));
    let copies = !taken.instructions.is_empty();
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
        let aside = name.starts_with('.') || has_extension(&name, "md") || name == "makefile" || is_compose_file(&name);
        !aside && !name.contains("dockerfile") && !name.contains("containerfile")
    })
}

/// Ports that the target EXPOSEs as plain numbers.
pub(super) fn ports(exposed: &[String]) -> Vec<u16> {
    let tcp = exposed.iter().filter_map(|port| match port.split_once('/') {
        Some((number, protocol)) => Some(number).filter(|_| protocol.eq_ignore_ascii_case("tcp")),
        None => Some(port.as_str()),
    });
    tcp.filter_map(|port| port.parse().ok()).filter(|port| *port != 0).collect()
}

/// Names by which a container asks itself.
const OWN: [&str; 5] = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]", "::1"];

/// What a health check asks for on the container itself: the port and the path of an address of http. Variables in it
/// are replaced by `fill`.
pub(super) fn health(check: &str, fill: &dyn Fn(&str) -> Option<String>) -> Option<(u16, String)> {
    let ends = |c: char| c.is_whitespace() || "'\"`,;|)".contains(c);
    let begin = match check.find("http://") {
        Some(begin) => begin + "http://".len(),
        // curl and wget also take an address without its scheme.
        None => OWN.iter().filter_map(|own| check.find(&format!("{own}:"))).min()?,
    };
    let rest = &check[begin..];
    let address = fill(&rest[..rest.find(ends).unwrap_or(rest.len())])?;
    let (address, path) = address.split_at(address.find('/').unwrap_or(address.len()));
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "80"));
    let port = port.parse().ok().filter(|port| *port != 0)?;
    let path = if path.is_empty() { "/" } else { path };
    OWN.contains(&host).then(|| (port, path.to_owned()))
}

/// Paths that a Dockerfile copies and its builder does not get.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// Those that are not there: they must be made before the build.
    pub absent: Vec<String>,
    /// Those that the ignore file leaves out.
    pub ignored: Vec<String>,
}

/// What a Dockerfile copies that its context does not have. A pattern that matches nothing counts where the instruction
/// copies nothing else; beside another source it is usually a file that may be missing (`yarn.lock*`).
pub(super) fn missing(root: &Path, found: &FoundVariant, taken: &Taken<'_>, files: Option<&Files>) -> Missing {
    let folder = root.join(&found.context);
    let is_sent = |path: &ContextPath| {
        let Some(files) = files else { return true };
        if path.is_pattern() {
            return files.entries.keys().any(|file| path.takes(file));
        }
        let below = format!("{}/", path.path);
        files.entries.contains_key(&path.path)
            || files.entries.range(below.clone()..).next().is_some_and(|(file, _)| file.starts_with(&below))
    };
    let mut missing = Missing::default();
    for (_, paths) in &taken.instructions {
        let only_patterns = paths.iter().all(ContextPath::is_pattern);
        if only_patterns && !paths.iter().any(is_sent) {
            missing.absent.extend(paths.iter().map(|path| path.path.clone()));
        }
        for path in paths.iter().filter(|path| !path.is_pattern() && !path.path.is_empty()) {
            if folder.join(&path.path).symlink_metadata().is_err() {
                missing.absent.push(path.path.clone());
            } else if !is_sent(path) {
                missing.ignored.push(path.path.clone());
            }
        }
    }
    for list in [&mut missing.absent, &mut missing.ignored] {
        list.sort();
        list.dedup();
    }
    missing
}

/// The files of a variant's context.
pub(super) fn files(root: &Path, found: &FoundVariant) -> Option<Files> {
    Files::list(&root.join(&found.context), &root.join(&found.dockerfile), Builder::Buildkit, &Own::default()).ok()
}

/// A source file and the file of dependencies, both among what the Dockerfile copies. A source that the image starts
/// with is the most telling one, then one whose name says so.
pub(super) fn edited_files(
    started: &[String],
    taken: &Taken<'_>,
    files: Option<&Files>,
) -> (Option<PathBuf>, Option<PathBuf>) {
    let Some(files) = files else { return (None, None) };
    let copied = |path: &&str| taken.first(path).is_some();
    let paths: Vec<&str> = files
        .entries
        .iter()
        .filter(|(path, found)| matches!(found.kind, EntryKind::File(_) | EntryKind::Link(_)) && !is_aside(path))
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
