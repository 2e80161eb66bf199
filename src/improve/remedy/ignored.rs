//! Files of the context that no image needs: version control, caches, environments, results.

use super::{Change, Content, Remedy};
use crate::improve::recipe::Conditions;
use crate::record::Goal;
use crate::suite::dockerfile::{Draft, is_shown_as_it_is};

/// What a file's path has when it is one of them, and the pattern that ignores it.
const PATTERNS: [(&str, &str); 27] = [
    (".git", ".git"),
    (".hg", ".hg"),
    (".svn", ".svn"),
    ("__pycache__", "**/__pycache__"),
    (".venv", "**/.venv"),
    ("venv", "**/venv"),
    ("node_modules", "**/node_modules"),
    (".pytest_cache", "**/.pytest_cache"),
    (".mypy_cache", "**/.mypy_cache"),
    (".ruff_cache", "**/.ruff_cache"),
    (".tox", "**/.tox"),
    (".nox", "**/.nox"),
    (".eggs", "**/.eggs"),
    (".coverage", "**/.coverage"),
    ("htmlcov", "**/htmlcov"),
    ("coverage", "**/coverage"),
    (".nyc_output", "**/.nyc_output"),
    (".cache", "**/.cache"),
    (".idea", ".idea"),
    (".vscode", ".vscode"),
    (".DS_Store", "**/.DS_Store"),
    (".terraform", "**/.terraform"),
    ("tests", "**/tests"),
    ("test", "**/test"),
    ("results", "results"),
    (".github", ".github"),
    ("tmp", "tmp"),
];

pub(super) fn remedies() -> Vec<Remedy> {
    vec![Remedy {
        name: "dockerignore".to_owned(),
        what: "Keep version control, caches, environments, and tests out of the build context".to_owned(),
        needs: "the build and the application read none of them",
        documentation: "https://docs.docker.com/build/concepts/context/#dockerignore-files",
        goal: Goal::Size,
        content: Content::Changed,
        change: Change::IgnoreFile(apply),
    }]
}

fn apply(ignore: Option<&str>, draft: &Draft<'_>, conditions: &Conditions) -> Option<String> {
    if !ignore.is_none_or(is_shown_as_it_is) {
        return None;
    }
    // What an instruction names itself is wanted.
    let named: Vec<&str> =
        draft.facts.instructions.iter().flat_map(|fact| fact.text.split([' ', '/', '"', ','])).collect();
    let found = PATTERNS.iter().filter(|(name, pattern)| {
        let anywhere = pattern.starts_with("**/");
        let holds = |path: &String| {
            let mut parts = path.split('/');
            if anywhere { parts.any(|part| part == *name) } else { parts.next() == Some(*name) }
        };
        !named.contains(name) && conditions.files.iter().any(holds)
    });
    let mut lines: Vec<&str> = found.map(|(_, pattern)| *pattern).collect();
    if lines.is_empty() {
        return None;
    }
    let mut text = ignore.unwrap_or_default().to_owned();
    // The new file is not one that the image had.
    if ignore.is_none() {
        lines.insert(0, ".dockerignore");
    }
    lines.retain(|line| !text.lines().any(|known| known.trim() == *line));
    if lines.is_empty() {
        return None;
    }
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push_str(newline);
    }
    for line in lines {
        text.push_str(line);
        text.push_str(newline);
    }
    Some(text)
}
