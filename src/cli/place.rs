//! Where a suite, its results, and its baseline are.

use std::path::{Path, PathBuf};

use super::allow::{AllowArgs, for_shell};
use super::usage_error;
use crate::error::Failure;
use crate::exit::Exit;
use crate::gate::{Budgets, newest_record};
use crate::record;
use crate::suite::{BASELINE_NAME, Boundary, Document, MANIFEST_NAME, Suite, SuiteError};
use crate::text::for_people;

/// The manifest of a suite that is named by its directory or by the manifest itself.
pub(super) fn manifest_of(suite: &Path) -> PathBuf {
    let manifest = if suite.is_dir() { suite.join(MANIFEST_NAME) } else { suite.to_path_buf() };
    // `./tonnage.toml` reads worse than it is.
    manifest.strip_prefix(".").map_or_else(|_| manifest.clone(), Path::to_path_buf)
}

/// Where the results of a suite may be: below the current directory, where a run puts them, or beside the manifest,
/// where they are if it was started there.
pub(super) fn results_of(manifest: &Document) -> Result<[PathBuf; 2], SuiteError> {
    let name = manifest.suite_name()?;
    let beside = manifest.path.parent().unwrap_or(Path::new(""));
    Ok([Path::new("results").join(&name), beside.join("results").join(&name)])
}

/// The names of the variants of a suite, for a hint.
pub(super) fn names_of(suite: &Suite) -> String {
    suite.variants.iter().map(|variant| format!("`{}`", variant.name)).collect::<Vec<_>>().join(", ")
}

/// A variant was named that the suite does not have.
pub(super) fn no_variant(suite: &Suite, name: &str) -> Failure {
    let message = format!("the suite has no variant `{}`", for_people(name));
    usage_error(message, format!("choose one of {}", names_of(suite)))
}

/// Where the suite and its baseline are.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SuitePlace {
    /// Suite directory or manifest [default: the tonnage.toml here]
    #[arg(long, value_name = "PATH")]
    suite: Option<PathBuf>,
    /// Baseline file, or a record to use as one [default: `baseline` in `[gate]`, or tonnage-baseline.json next to
    /// tonnage.toml]
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    allow: AllowArgs,
}

/// The suite's directory, its rules, and where its baseline and newest record are.
#[derive(Debug)]
pub(super) struct ChosenSuite {
    /// The directory of the manifest, as it was named.
    pub folder: PathBuf,
    /// The rules; empty where there is no manifest.
    pub budgets: Budgets,
    /// The baseline's path.
    pub baseline: PathBuf,
    /// The flags that lead here again, each with a space in front.
    pub flags: String,
    /// The record that was named, or the newest of this suite.
    pub record: Result<PathBuf, Failure>,
}

impl SuitePlace {
    /// Finds the suite and reads its rules. A suite that was named must be there. `record` may be a suite as well.
    pub(super) fn find(&self, record: Option<&Path>) -> Result<ChosenSuite, Failure> {
        let (named, record) = match (&self.suite, record) {
            (None, Some(path)) if is_suite(path) => (Some(path), None),
            (suite, record) => (suite.as_deref(), record),
        };
        let manifest = manifest_of(named.unwrap_or(Path::new(".")));
        let folder = manifest.parent().unwrap_or(Path::new("")).to_path_buf();
        let here = if folder.is_dir() { &folder } else { Path::new(".") };
        let boundary = Boundary::around(here, &self.allow.allow_outside)?;
        boundary.resolve(&manifest)?;
        // A weighing can be judged without a suite.
        let document = if manifest.is_file() || named.is_some_and(|path| !path.is_dir()) {
            Some(Document::read(&manifest)?)
        } else {
            None
        };
        let budgets = document.as_ref().map(Budgets::of).transpose()?.unwrap_or_default();
        let kept = budgets.options.baseline.clone().unwrap_or_else(|| PathBuf::from(BASELINE_NAME));
        let baseline = self.baseline.clone().unwrap_or_else(|| folder.join(kept));
        if self.baseline.is_none() {
            boundary.resolve(&baseline)?;
        }
        let flags: String = [("--suite", named), ("--baseline", self.baseline.as_deref())]
            .into_iter()
            .filter_map(|(flag, path)| Some(format!(" {flag} {}", for_shell(&path?.to_string_lossy()))))
            .collect();
        let flags = flags + &self.allow.again();
        let record = match (record, &document) {
            (Some(path), _) => Ok(path.to_path_buf()),
            (None, Some(document)) => newest(document),
            (None, None) => Err(SuiteError::NoManifest { folder: here.to_path_buf() }.into()),
        };
        Ok(ChosenSuite { folder, budgets, baseline, flags, record })
    }

    /// The file that was named as baseline, if one was.
    pub(super) fn named_baseline(&self) -> bool {
        self.baseline.is_some()
    }
}

impl ChosenSuite {
    /// The error for a missing baseline where one is required.
    pub(super) fn no_baseline(&self) -> Failure {
        let message = format!("there is no baseline `{}`", self.baseline.display());
        Failure::new(Exit::NotComparable, message, "make one with `tonnage baseline accept`")
    }
}

/// Whether a path is a suite and not a record.
fn is_suite(path: &Path) -> bool {
    let manifest = manifest_of(path);
    manifest.file_name().is_some_and(|name| name == MANIFEST_NAME)
        && manifest.is_file()
        && !(path.is_dir() && path.join(record::FILE).is_file())
}

/// The newest run of a suite.
fn newest(manifest: &Document) -> Result<PathBuf, Failure> {
    let [here, beside] = results_of(manifest)?;
    Ok(newest_record(&here).or_else(|error| newest_record(&beside).map_err(|_| error))?)
}
