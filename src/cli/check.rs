//! `tonnage check`.

use std::path::{Path, PathBuf};

use super::{Colour, Terminal};
use crate::error::Failure;
use crate::exit::Exit;
use crate::fsx;
use crate::gate::timing::{self, TimingMode, TimingResult};
use crate::gate::{Baseline, Budgets, Input, Judgement, Kind, Measured, Vanished, judge, newest_record};
use crate::record::{self, Against};
use crate::report::{GateFormat, Look, render_judgement};
use crate::suite::{BASELINE_NAME, Boundary, MANIFEST_NAME, SuiteError};

/// Arguments of `tonnage check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Record to check: a run.json, its directory, the output of `tonnage weigh --format json`, or a suite (its newest
    /// run) [default: the newest run of the suite here]
    record: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// Output format: table, json, markdown, junit, github, bmf, benchmark, or hyperfine
    #[arg(long, value_name = "FORMAT", default_value_t = GateFormat::Table)]
    format: GateFormat,
    /// Also write a file, such as `--output markdown=gate.md` (repeatable)
    #[arg(long, value_name = "FORMAT=FILE", value_parser = output)]
    output: Vec<Output>,
    /// Do not fail if a variant in the baseline was not measured
    #[arg(long)]
    allow_vanished: bool,
    /// Maximum number of causes to list
    #[arg(long, value_name = "N", default_value_t = 8)]
    top: usize,
}

/// Where the suite and its baseline are.
#[derive(Debug, Clone, clap::Args)]
pub struct Place {
    /// Suite directory or manifest [default: the tonnage.toml here]
    #[arg(long, value_name = "PATH")]
    suite: Option<PathBuf>,
    /// Baseline file, or a record to use as one [default: `baseline` in `[gate]`, or tonnage-baseline.json next to
    /// tonnage.toml]
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    #[command(flatten)]
    allow: super::AllowArgs,
}

/// A format and the file it goes to.
#[derive(Debug, Clone)]
pub(super) struct Output {
    /// How it is written.
    pub format: GateFormat,
    /// Where to.
    pub file: PathBuf,
}

/// Reads `markdown=gate.md`.
pub(super) fn output(text: &str) -> Result<Output, String> {
    let (format, file) =
        text.split_once('=').ok_or_else(|| "write FORMAT=FILE, such as `markdown=gate.md`".to_owned())?;
    if file.is_empty() {
        return Err("there is no file behind the `=`".to_owned());
    }
    Ok(Output { format: format.parse()?, file: file.into() })
}

/// The suite's directory, its rules, and where its baseline and newest record are.
#[derive(Debug)]
pub(super) struct Suite {
    /// The folder of the manifest, as it was named.
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

impl Place {
    /// Finds the suite and reads its rules. A suite that was named must be there. `record` may be a suite as well.
    pub(super) fn find(&self, record: Option<&Path>) -> Result<Suite, Failure> {
        let (named, record) = match (&self.suite, record) {
            (None, Some(path)) if is_suite(path) => (Some(path), None),
            (suite, record) => (suite.as_deref(), record),
        };
        let manifest = super::manifest_of(named.unwrap_or(Path::new(".")));
        let folder = manifest.parent().unwrap_or(Path::new("")).to_path_buf();
        let here = if folder.is_dir() { &folder } else { Path::new(".") };
        let boundary = Boundary::around(here, &self.allow.allow_outside)?;
        boundary.resolve(&manifest)?;
        // A weighing can be judged without a suite.
        let budgets = if manifest.is_file() || named.is_some_and(|path| !path.is_dir()) {
            Budgets::read(&manifest, &manifest)?
        } else {
            Budgets::default()
        };
        let kept = budgets.options.baseline.clone().unwrap_or_else(|| PathBuf::from(BASELINE_NAME));
        let baseline = self.baseline.clone().unwrap_or_else(|| folder.join(kept));
        if self.baseline.is_none() {
            boundary.resolve(&baseline)?;
        }
        let flags: String = [("--suite", named), ("--baseline", self.baseline.as_deref())]
            .into_iter()
            .filter_map(|(flag, path)| Some(format!(" {flag} {}", path?.display())))
            .collect();
        let flags = flags + &self.allow.again();
        let record = record.map_or_else(|| newest(&manifest), |path| Ok(path.to_path_buf()));
        Ok(Suite { folder, budgets, baseline, flags, record })
    }

    /// The file that was named as baseline, if one was.
    fn named_baseline(&self) -> bool {
        self.baseline.is_some()
    }
}

/// Whether a path is a suite and not a record.
fn is_suite(path: &Path) -> bool {
    let manifest = super::manifest_of(path);
    manifest.file_name().is_some_and(|name| name == MANIFEST_NAME)
        && manifest.is_file()
        && !(path.is_dir() && path.join(record::FILE).is_file())
}

/// The newest run of a suite.
fn newest(manifest: &Path) -> Result<PathBuf, Failure> {
    if !manifest.is_file() {
        let folder = manifest.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return Err(SuiteError::NoManifest { folder: folder.to_path_buf() }.into());
    }
    let [here, beside] = super::results_of(manifest)?;
    Ok(newest_record(&here).or_else(|error| newest_record(&beside).map_err(|_| error))?)
}

/// Runs `tonnage check`.
pub fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut suite = args.place.find(args.record.as_deref())?;
    if args.allow_vanished {
        suite.budgets.options.vanished = Vanished::Allowed;
    }
    let path = suite.record.clone()?;
    let (measured, judgement) = judged(&suite, &path, args.place.named_baseline())?;
    let look = Look { colour: terminal.colour == Colour::On, top: args.top };
    for output in &args.output {
        let text = render_judgement(output.format, &judgement, &measured, Look { colour: false, ..look });
        fsx::write_atomic(&output.file, text.as_bytes())?;
    }
    terminal.out(&render_judgement(args.format, &judgement, &measured, look))?;
    if args.format == GateFormat::Github {
        summary(&judgement, &measured, look, terminal);
    }
    Ok(judgement.exit())
}

/// The record, and the verdict on it.
pub(super) fn judged(suite: &Suite, path: &Path, must_have_baseline: bool) -> Result<(Measured, Judgement), Failure> {
    let (measured, timings, beside) = read(path, &suite.budgets)?;
    let against = beside.as_ref().map(|against| against.label.clone());
    let label = suite.baseline.display().to_string();
    let baseline = if suite.baseline.exists() {
        let read = Measured::read(&suite.baseline)?;
        let baseline = if read.kind == Kind::Baseline {
            Baseline::read(&suite.baseline)?
        } else {
            Baseline::of(&read, &suite.budgets.path_metrics())
        };
        Some((baseline, label))
    } else if must_have_baseline {
        return Err(Failure::new(
            Exit::NotComparable,
            format!("there is no baseline `{label}`"),
            "make one with `tonnage baseline accept`",
        ));
    } else {
        // What was measured in the same job is as good as what was committed.
        beside.map(|against| {
            let label = format!("{} (measured in the same job)", against.label);
            (Baseline::of_state(&against, &measured, &suite.budgets.path_metrics()), label)
        })
    };
    let accept = format!("tonnage baseline accept {}{}", path.display(), suite.flags);
    let judgement = judge(&Input {
        measured: &measured,
        budgets: &suite.budgets,
        baseline: baseline.as_ref().map(|(baseline, label)| (baseline, label.as_str())),
        timings: &timings,
        against: against.as_deref(),
        suite: &suite.folder,
        accept: &accept,
    });
    Ok((measured, judgement))
}

/// The record, the verdicts on its times, and what it was measured against in the same job.
fn read(path: &Path, budgets: &Budgets) -> Result<(Measured, Vec<TimingResult>, Option<Measured>), Failure> {
    let measured = Measured::read(path)?;
    if measured.kind != Kind::Run {
        return Ok((measured, Vec::new(), None));
    }
    let Some(against) = Against::beside(path)? else { return Ok((measured, Vec::new(), None)) };
    let rules = &budgets.options.timing;
    let timings = if rules.mode == TimingMode::Off {
        Vec::new()
    } else {
        timing::judge(&timing::pairs(&record::read(path)?, &against, rules), rules)
    };
    let label = against.label();
    let base = Measured::of_record(against.base, &label, path)?;
    Ok((measured, timings, Some(base)))
}

/// Appends the Markdown to the job's summary page, where GitHub Actions says that there is one.
fn summary(judgement: &Judgement, measured: &Measured, look: Look, terminal: &Terminal) {
    let Some(file) = crate::env::step_summary() else { return };
    let text = render_judgement(GateFormat::Markdown, judgement, measured, Look { colour: false, ..look });
    if let Err(error) = fsx::append_line(&file, &text) {
        terminal.warning(&crate::error::chain(&error));
    }
}
