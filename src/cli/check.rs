//! `tonnage check`.

use std::path::{Path, PathBuf};

use strum::VariantNames as _;

use super::allow::for_shell;
use super::output::{Output, parse_output};
use super::place::{ChosenSuite, SuitePlace};
use super::registry::RegistryArgs;
use super::weigh::{measured, one_target};
use super::words::one_of;
use super::{Terminal, usage_error};
use crate::error::Failure;
use crate::exit::Exit;
use crate::fsx;
use crate::gate::timing::{self, TimingResult};
use crate::gate::{Baseline, Budgets, Input, Judgement, Measured, MeasuredKind, TimingMode, Vanished, judge};
use crate::image::{Extent, TargetNaming, Wanted, WantedPlatform};
use crate::record::{self, Against};
use crate::report::{GateFormat, Look, render_judgement};

/// Arguments of `tonnage check`.
#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// Record to check: a run.json, its directory, the output of `tonnage weigh --format json`, an image in a registry
    /// (`[NAME=]registry://HOST/NAME:TAG`), or a suite (its newest run) [default: the newest run of the suite here]
    record: Option<PathBuf>,
    #[command(flatten)]
    place: SuitePlace,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value_t = GateFormat::Table, value_parser = one_of::<GateFormat>(GateFormat::VARIANTS))]
    format: GateFormat,
    /// Also write a file, such as `--output markdown=gate.md` (repeatable)
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_output)]
    output: Vec<Output>,
    /// Do not fail if a variant in the baseline was not measured
    #[arg(long)]
    allow_vanished: bool,
    /// Maximum number of causes to list
    #[arg(long, value_name = "N", default_value_t = 8)]
    top: usize,
    /// Platform to check if the image in the registry has several, such as `linux/arm64` [default: all]
    #[arg(long, value_name = "OS/ARCH", help_heading = "Registry")]
    platform: Option<WantedPlatform>,
    /// Only read manifest and config: enough for the budgets `compressed`, `layer_compressed`, `layers`, and `root`
    #[arg(long, help_heading = "Registry")]
    manifest_only: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Runs `tonnage check`.
pub(super) fn run(args: CheckArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let image = args.record.as_deref().and_then(|record| args.registry.image(record));
    if image.is_none() && (args.manifest_only || args.platform.is_some()) {
        let message = "`--manifest-only` and `--platform` are for images in a registry";
        return Err(usage_error(message, "write `registry://HOST/NAME:TAG`, or leave them out"));
    }
    let mut suite = args.place.find(args.record.as_deref())?;
    if args.allow_vanished {
        suite.budgets.options.vanished = Vanished::Allowed;
    }
    let path = suite.record.clone()?;
    let must_have_baseline = args.place.named_baseline();
    let (measured, judgement) = match image {
        Some((name, target)) => {
            let named = name.as_ref().map(|name| format!("{name}=")).unwrap_or_default();
            // What could not be read never passes.
            let unknown = |failure| Failure { exit: Exit::NotComparable, ..failure };
            let wanted = Wanted {
                names: name.into_iter().map(|name| (target.clone(), name)).collect(),
                extent: if args.manifest_only { Extent::Manifest } else { Extent::Layers },
                platform: args.platform.clone(),
                // Of several platforms each is named by the image and its platform.
                ..one_target(&target, TargetNaming::ByTarget, &args.registry)
            };
            let measured = measured(&target, &wanted, terminal).map_err(unknown)?;
            let accept = format!(
                "tonnage weigh {named}{target}{} --format json >weighed.json && tonnage baseline accept weighed.json{}",
                args.registry.again(),
                suite.flags
            );
            verdict(&suite, measured, Vec::new(), None, &accept, must_have_baseline)?
        }
        None => judged(&suite, &path, must_have_baseline)?,
    };
    let look = Look { colour: terminal.style.colour, top: args.top };
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
pub(super) fn judged(
    suite: &ChosenSuite,
    path: &Path,
    must_have_baseline: bool,
) -> Result<(Measured, Judgement), Failure> {
    let (measured, timings, beside) = read(path, &suite.budgets)?;
    let accept = format!("tonnage baseline accept {}{}", for_shell(&path.to_string_lossy()), suite.flags);
    verdict(suite, measured, timings, beside, &accept, must_have_baseline)
}

/// The verdict on what was measured; `accept` makes a baseline of it.
fn verdict(
    suite: &ChosenSuite,
    mut measured: Measured,
    timings: Vec<TimingResult>,
    beside: Option<Measured>,
    accept: &str,
    must_have_baseline: bool,
) -> Result<(Measured, Judgement), Failure> {
    let against = beside.as_ref().map(|against| against.label.clone());
    let label = suite.baseline.display().to_string();
    let baseline = if suite.baseline.exists() {
        let read = Measured::read(&suite.baseline)?;
        let baseline = if read.kind == MeasuredKind::Baseline {
            Baseline::read(&suite.baseline)?
        } else {
            Baseline::of(&read, &suite.budgets.path_metrics())
        };
        Some((baseline, label))
    } else if must_have_baseline {
        return Err(suite.no_baseline());
    } else {
        // What was measured in the same job is as good as what was committed.
        beside.map(|against| {
            let label = format!("{} (measured in the same job)", against.label);
            (Baseline::of_state(&against, &measured, &suite.budgets.path_metrics()), label)
        })
    };
    if let Some((baseline, _)) = &baseline {
        baseline.rename(&mut measured);
    }
    // Sizes are the same on every engine; times are never accepted.
    let elsewhere = (measured.kind == MeasuredKind::Run).then(|| {
        let folder = suite.folder.to_string_lossy();
        let run = if folder.is_empty() { String::new() } else { format!(" {}", super::allow::for_shell(&folder)) };
        format!("tonnage run --quick{run} && tonnage baseline accept{run}")
    });
    let judgement = judge(&Input {
        measured: &measured,
        budgets: &suite.budgets,
        baseline: baseline.as_ref().map(|(baseline, label)| (baseline, label.as_str())),
        timings: &timings,
        against: against.as_deref(),
        suite: &suite.folder,
        accept,
        accept_elsewhere: elsewhere.as_deref(),
    });
    Ok((measured, judgement))
}

/// The record, the verdicts on its times, and what it was measured against in the same job.
fn read(path: &Path, budgets: &Budgets) -> Result<(Measured, Vec<TimingResult>, Option<Measured>), Failure> {
    let measured = Measured::read(path)?;
    if measured.kind != MeasuredKind::Run {
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
