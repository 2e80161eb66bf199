//! What of tonnage's own files `docker build` would send: lines for `.dockerignore`, so that both agree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dockerignore::Ignore;

use super::InitError;
use crate::context::{Files, Own};
use crate::fsx;
use crate::record::Builder;
use crate::suite::load::from_text;
use crate::suite::{MANIFEST_NAME, Suite, SuiteError};

/// Lines that ignore files lack, by file: those for the manifest, the baseline, and the results of the suite whose
/// manifest has this text, where a build takes them into an image.
pub(crate) fn to_ignore(root: &Path, text: &str) -> Result<BTreeMap<PathBuf, BTreeSet<String>>, InitError> {
    let unreadable = |error: SuiteError| InitError::Unreadable(Box::new(error));
    let suite = from_text(root.join(MANIFEST_NAME), text, &[]).map_err(unreadable)?;
    let mut lacking: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for variant in &suite.variants {
        let context = suite.root.join(&variant.context);
        let dockerfile = suite.root.join(&variant.dockerfile);
        let Ok(files) = Files::list(&context, &dockerfile, Builder::Buildkit, &Own::default()) else { continue };
        let file = files.ignore_file.unwrap_or_else(|| context.join(".dockerignore"));
        let ignore = fsx::read(&file).ok().and_then(|text| Ignore::parse(&text).ok()).unwrap_or_default();
        for (path, inside) in own_paths(&suite, &context) {
            let taken = variant.copies(Path::new(&inside)).is_some();
            if taken && !ignore.ignores(&inside) {
                lacking.entry(file.clone()).or_default().insert(escaped(&path));
            }
        }
    }
    Ok(lacking)
}

/// Paths in a context that runs of the suite write, each with one that stands for what is in it.
fn own_paths(suite: &Suite, context: &Path) -> Vec<(String, String)> {
    let (Ok(context), Ok(root)) = (context.canonicalize(), suite.root.canonicalize()) else { return Vec::new() };
    let Ok(above) = root.strip_prefix(&context) else { return Vec::new() };
    let results = Path::new("results").join(&suite.name);
    let files = suite.own_files.iter().filter_map(|path| path.strip_prefix(&suite.root).ok());
    let mut paths = Vec::new();
    for (path, inside) in files.map(|path| (path, path.to_owned())).chain([(&*results, results.join("x/run.json"))]) {
        if let (Some(path), Some(inside)) = (above.join(path).to_str(), above.join(inside).to_str()) {
            paths.push((path.to_owned(), inside.to_owned()));
        }
    }
    paths
}

/// A path as a pattern that matches nothing else.
fn escaped(path: &str) -> String {
    let mut out = String::new();
    for (index, c) in path.chars().enumerate() {
        if matches!(c, '*' | '?' | '[' | '\\') || (index == 0 && matches!(c, '#' | '!')) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
