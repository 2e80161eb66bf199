//! Finding Dockerfiles.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Found, InitError, Survey, compose, guess};
use crate::fsx::{self, FileError};
use crate::suite::dockerfile::Facts;
use crate::suite::tag_name;
use crate::text;

/// How many folders deep is looked.
pub(super) const MAX_DEPTH: usize = 6;
/// How many files and folders are looked at.
const MAX_SEEN: usize = 200_000;
/// Folders of what others made, beside hidden ones.
pub(super) const SKIPPED: [&str; 7] =
    ["node_modules", "vendor", "target", "venv", "__pycache__", "site-packages", "bower_components"];

/// Looks through a folder for Dockerfiles and compose files.
///
/// A Dockerfile that a compose file builds is taken as that says; any other by itself, its context guessed from
/// what it copies.
pub fn survey(root: &Path) -> Result<Survey, InitError> {
    let mut files = Files::default();
    files.collect(root)?;
    let mut survey = Survey::default();
    for file in &files.compose {
        match fsx::read_text(&root.join(file)) {
            Ok(text) => compose::read(root, file, &text, &mut survey),
            Err(error) => survey.warnings.push(crate::error::chain(&error)),
        }
    }
    let built: BTreeSet<PathBuf> = survey.variants.iter().map(|found| found.dockerfile.clone()).collect();
    for file in files.docker.into_iter().filter(|file| !built.contains(file)) {
        survey.variants.push(Found { name: name_of(root, &file), dockerfile: file, ..Found::default() });
    }
    for found in &mut survey.variants {
        look_into(root, found, &mut survey.warnings);
    }
    if survey.variants.is_empty() {
        return Err(InitError::Nothing { root: root.to_owned(), warnings: survey.warnings });
    }
    survey.variants.sort_by(|one, other| one.name.cmp(&other.name).then_with(|| one.dockerfile.cmp(&other.dockerfile)));
    let mut taken = BTreeMap::new();
    for found in &mut survey.variants {
        let count: &mut u32 = taken.entry(tag_name(&found.name)).or_default();
        *count += 1;
        if *count > 1 {
            found.name = format!("{}.{count}", found.name);
        }
    }
    Ok(survey)
}

/// Fills in what the Dockerfile itself tells.
fn look_into(root: &Path, found: &mut Found, warnings: &mut Vec<String>) {
    let facts = match fsx::read(&root.join(&found.dockerfile)) {
        Ok(bytes) => Facts::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| error.to_string()),
        Err(error) => Err(crate::error::chain(&error)),
    };
    let facts = facts.unwrap_or_else(|reason| {
        warnings.push(format!("`{}`: {}", found.dockerfile.display(), text::for_people(&reason)));
        Facts::default()
    });
    if found.context.as_os_str().is_empty() {
        found.context = guess::context(root, &found.dockerfile, &facts);
    }
    found.ports = guess::ports(&facts, found.target.as_deref());
    let (src, deps) = guess::edited_files(root, found, &facts);
    found.src = src;
    found.deps = deps;
}

#[derive(Default)]
struct Files {
    docker: Vec<PathBuf>,
    compose: Vec<PathBuf>,
}

impl Files {
    fn collect(&mut self, root: &Path) -> Result<(), FileError> {
        let mut open = vec![(PathBuf::new(), 0)];
        let mut seen = 0;
        while let Some((folder, depth)) = open.pop() {
            let path = root.join(&folder);
            let items = match fs::read_dir(&path) {
                Ok(items) => items,
                Err(error) if depth == 0 => return Err(FileError::new("list", path, error)),
                // A folder that may not be read holds nothing that could be built.
                Err(_) => continue,
            };
            for item in items.filter_map(Result::ok) {
                seen += 1;
                if seen > MAX_SEEN {
                    break;
                }
                let Ok(name) = item.file_name().into_string() else { continue };
                let Ok(kind) = item.file_type() else { continue };
                if kind.is_dir() {
                    if depth + 1 < MAX_DEPTH && !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                        open.push((folder.join(name), depth + 1));
                    }
                } else if is_dockerfile(&name) && item.path().is_file() {
                    self.docker.push(folder.join(name));
                } else if compose::NAMES.contains(&name.as_str()) {
                    self.compose.push(folder.join(name));
                }
            }
        }
        self.docker.sort();
        self.compose.sort();
        Ok(())
    }
}

fn is_dockerfile(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if lower.ends_with(".dockerignore") || lower.ends_with(".containerignore") || lower.ends_with('~') {
        return false;
    }
    ["dockerfile", "containerfile"].iter().any(|word| {
        lower == *word
            || lower.strip_prefix(word).is_some_and(|rest| rest.len() > 1 && rest.starts_with('.'))
            || lower.strip_suffix(word).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    })
}

/// A name from the Dockerfile's place: its folders and what its own name adds, joined by `-`; the repository's name
/// where there is neither.
fn name_of(root: &Path, dockerfile: &Path) -> String {
    let mut parts: Vec<String> = dockerfile
        .parent()
        .into_iter()
        .flat_map(|folder| folder.iter().map(|part| part.to_string_lossy().into_owned()))
        .collect();
    let file = dockerfile.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    if let Some((first, last)) = file.split_once('.') {
        let plain = |word: &str| matches!(word.to_ascii_lowercase().as_str(), "dockerfile" | "containerfile");
        let rest = if plain(first) { last } else { file.rsplit_once('.').map_or(first, |(rest, _)| rest) };
        parts.push(rest.to_owned());
    }
    if parts.is_empty() {
        let full = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        parts.extend(full.file_name().map(|name| name.to_string_lossy().into_owned()));
    }
    fit_name(&parts.join("-"))
}

/// A text made fit to be a name in a manifest.
pub(super) fn fit_name(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
        .take(80)
        .collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "app".to_owned() } else { name.to_owned() }
}
