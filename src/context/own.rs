//! Files that tonnage itself wrote, which never enter a context: a second run would weigh the first one's report.
//!
//! Only what is provably its own counts. A record or history is known by what it says, the files beside a record by
//! their names; a manifest and a baseline are known by where the suite has them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use dockerignore::Ignore;
use serde::Deserialize;

use super::found::{EntryKind, FoundEntry};
use crate::analyse::trend::read_history;
use crate::fsx;
use crate::record;

/// Name of the history, above the results directories of a suite's runs.
const HISTORY: &str = "history.jsonl";
/// What stands in a results directory, beside `charts/`.
const RESULTS: [&str; 9] = [
    record::FILE,
    record::AGAINST_FILE,
    "journal.jsonl",
    "sizes.csv",
    "starts.csv",
    "samples.csv",
    "layers.csv",
    "report.md",
    "report.html",
];
/// The longest line of a history that is looked at, in bytes.
const MAX_LINE: u64 = 16 << 20;

/// What a suite says of its own files.
#[derive(Debug, Clone, Default)]
pub struct Own {
    /// The manifest and the baseline, wherever they are.
    pub files: Vec<PathBuf>,
    /// Paths and patterns of the context that a COPY, an ADD, or a mount names.
    pub sources: Vec<Taken>,
}

/// What an instruction takes from the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The path or pattern, from the context's root.
    pub path: String,
    /// Whether it is a pattern.
    pub glob: bool,
}

/// Removes tonnage's own files from what was found, and the directories that hold nothing else, and says what was
/// removed: the topmost directory of each, or the file.
pub(super) fn remove(root: &Path, own: &Own, entries: &mut BTreeMap<String, FoundEntry>) -> BTreeSet<String> {
    let mut files = find(root, own, entries);
    if files.is_empty() {
        return files;
    }
    let directories = wholly_own(&files, entries);
    keep_named(own, &mut files, &directories, entries);
    let directories = wholly_own(&files, entries);
    entries.retain(|path, _| !files.contains(path) && !directories.contains(path));
    let all: BTreeSet<String> = files.into_iter().chain(directories).collect();
    let is_top = |path: &&String| !path.match_indices('/').any(|(at, _)| all.contains(&path[..at]));
    all.iter().filter(is_top).cloned().collect()
}

fn find(root: &Path, own: &Own, entries: &BTreeMap<String, FoundEntry>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let known: Vec<PathBuf> = own.files.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let is_file = |path: &str| matches!(entries.get(path), Some(FoundEntry { kind: EntryKind::File(_), .. }));
    for path in entries.keys().filter(|path| is_file(path)) {
        let (directory, name) = path.rsplit_once('/').map_or(("", path.as_str()), |(above, name)| (above, name));
        let full = root.join(path);
        let beside = |name: &str| if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
        if known.contains(&full) || (name == HISTORY && is_history(&full)) {
            found.insert(path.clone());
        }
        if (name == record::FILE || name == "journal.jsonl") && is_of_a_run(&full) {
            found.extend(RESULTS.iter().map(|name| beside(name)).filter(|path| is_file(path)));
            let charts = beside("charts/");
            let drawn =
                entries.range(charts.clone()..).map(|(path, _)| path).take_while(|path| path.starts_with(&charts));
            found.extend(drawn.filter(|path| is_file(path) && is_chart(&path[charts.len()..])).cloned());
        }
    }
    found
}

/// Whether a file of a `charts` directory is of the kinds that are drawn there.
fn is_chart(name: &str) -> bool {
    !name.contains('/') && Path::new(name).extension().is_some_and(|extension| extension == "svg" || extension == "png")
}

/// Whether it is a record, or a journal, whose first line holds a record.
fn is_of_a_run(path: &Path) -> bool {
    /// The part of a record that says who wrote it; the rest is skipped over.
    #[derive(Deserialize)]
    struct WrittenBy {
        #[serde(rename = "format_version")]
        _format: String,
        tool: record::Tool,
    }
    let by_us = |written: WrittenBy| written.tool.name == "tonnage";
    let Ok(file) = fsx::open(path) else { return false };
    if path.file_name().is_some_and(|name| name == record::FILE) {
        return serde_json::from_reader(BufReader::new(file)).is_ok_and(by_us);
    }
    let Some(line) = first_line(file) else { return false };
    let Ok(serde_json::Value::Object(line)) = serde_json::from_str(&line) else { return false };
    let in_record = |value: &serde_json::Value| serde_json::from_value(value.get("record")?.clone()).ok();
    line.values().filter_map(in_record).any(by_us)
}

fn is_history(path: &Path) -> bool {
    fsx::open(path).ok().and_then(first_line).is_some_and(|line| !read_history(&line).0.is_empty())
}

fn first_line(file: std::fs::File) -> Option<String> {
    let mut line = String::new();
    BufReader::new(std::io::Read::take(file, MAX_LINE)).read_line(&mut line).ok()?;
    Some(line)
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

/// Directories in which everything is tonnage's own.
fn wholly_own(files: &BTreeSet<String>, entries: &BTreeMap<String, FoundEntry>) -> BTreeSet<String> {
    let above = |path: &str| path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect::<Vec<_>>();
    let mut directories: BTreeSet<String> = files.iter().flat_map(|path| above(path)).collect();
    // Directories come last: an empty one beside them is not theirs.
    let (empty, other): (Vec<_>, Vec<_>) = entries.iter().partition(|(_, entry)| entry.kind == EntryKind::Directory);
    for (path, _) in other.into_iter().chain(empty) {
        if !files.contains(path) && !directories.contains(path) {
            for directory in above(path) {
                directories.remove(&directory);
            }
        }
    }
    directories
}

/// What an instruction names is sent all the same: the file itself, a directory in which all is tonnage's own, and
/// what a pattern finds if it finds nothing else.
fn keep_named(
    own: &Own,
    files: &mut BTreeSet<String>,
    directories: &BTreeSet<String>,
    entries: &BTreeMap<String, FoundEntry>,
) {
    for Taken { path: source, glob } in &own.sources {
        if !glob {
            let whole = directories.contains(source);
            files.retain(|path| path != source && !(whole && is_below(path, source)));
            continue;
        }
        let Ok(pattern) = Ignore::from_patterns([source.as_str()]) else { continue };
        let is_own = |path: &String| files.contains(path) || directories.contains(path);
        if !entries.keys().any(|path| !is_own(path) && pattern.ignores(path)) {
            files.retain(|path| !pattern.ignores(path));
        }
    }
}
