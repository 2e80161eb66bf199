//! What `tonnage init` says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::words;
use crate::text::for_people;

/// What was written.
pub(crate) fn wrote_suite(manifest: &Path, variants: &[&str]) -> String {
    let count = words::count(variants.len(), "variant");
    format!("wrote `{}` with {count}: {}", manifest.display(), variants.join(", "))
}

/// Which lines an ignore file has now.
pub(crate) fn ignored(lines: &[&str], file: &Path) -> String {
    format!("added {} to `{}`", for_people(&lines.join(", ")), file.display())
}

/// What to do next: which lines the ignore files of the suite in `dir` lack, and to run it.
pub(crate) fn next_steps(lacking: &BTreeMap<PathBuf, BTreeSet<String>>, dir: &Path) -> Vec<String> {
    let suite = if dir == Path::new(".") { String::new() } else { format!(" {}", dir.display()) };
    let lines: BTreeSet<&String> = lacking.values().flatten().collect();
    let lines: Vec<String> = lines.iter().map(|line| format!("`{}`", for_people(line))).collect();
    let ignore = (!lines.is_empty()).then(|| {
        format!(
            "tonnage never sends what it writes, but `docker build` does; add {} to `.dockerignore` with \
             `tonnage init{suite} --dockerignore`",
            lines.join(", ")
        )
    });
    ignore.into_iter().chain([format!("review it, then run `tonnage run{suite}`")]).collect()
}
