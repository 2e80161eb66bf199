//! Findings on caching: what an edit costs that it need not cost, and scenarios that were not what they say.

use std::collections::BTreeSet;

use super::paired::paired_ratio;
use super::proof;
use super::timing::{ScenarioTiming, in_statistics, median_time, timings};
use crate::record::{Finding, Record, Sample, Scenario, Step, Variant};
use crate::text::shorten;
use crate::units::{Bytes, Ratio};

/// What installs dependencies and needs no source of the application: where one of these runs again after an edit of
/// a source file, the Dockerfile copies too much too early.
const INSTALLERS: [&str; 26] = [
    "pip install",
    "pip3 install",
    "pip2 install",
    "pipenv install",
    "pipenv sync",
    "poetry install",
    "uv sync",
    "uv pip install",
    "conda install",
    "mamba install",
    "conda env",
    "apt-get install",
    "apt install",
    "apk add",
    "yum install",
    "dnf install",
    "npm ci",
    "npm install",
    "yarn install",
    "pnpm install",
    "bundle install",
    "composer install",
    "go mod download",
    "cargo fetch",
    "dotnet restore",
    "mvn dependency:",
];

/// Findings on caching by variant, in the order of the record; findings of one variant by code.
pub fn caching_findings(record: &Record) -> Vec<(String, Finding)> {
    let timings = timings(record);
    let mut found = Vec::new();
    for variant in &record.variants {
        let of = |scenario| timings.iter().find(|timing| timing.variant == variant.name && timing.scenario == scenario);
        let samples: Vec<&Sample> = record.samples.iter().filter(|sample| sample.variant == variant.name).collect();
        found.extend(needless_installs(variant, &samples, of(Scenario::Cold)));
        found.extend(Scenario::ALL.into_iter().filter_map(of).filter_map(failed_proof));
        found.extend(touch_against_warm(variant, &samples));
        found.extend(Scenario::ALL.into_iter().filter_map(of).filter_map(differing_downloads));
    }
    found
}

/// `COPY . .` before `pip install`: the edit of one source line runs the installation again.
fn needless_installs(
    variant: &Variant,
    samples: &[&Sample],
    cold: Option<&ScenarioTiming>,
) -> Option<(String, Finding)> {
    let edits: Vec<&Sample> =
        samples.iter().copied().filter(|sample| sample.scenario == Scenario::Src && in_statistics(sample)).collect();
    let example = edits.iter().find(|sample| !reruns(sample).is_empty())?;
    let (first, again) = (example.first_miss.clone()?, reruns(example));
    let names: BTreeSet<&str> = again.iter().map(|step| step.instruction.as_str()).collect();
    let cost = median_time(edits.iter().map(|sample| reruns(sample).iter().map(|step| step.duration_ns).sum()));
    let wall = median_time(edits.iter().map(|sample| sample.wall_ns));
    let share = cold
        .and_then(|cold| cold.estimate)
        .and_then(|cold| Ratio::of(wall.0, cold.median.0))
        .map_or_else(String::new, |share| format!(", {:.0} % of a cold build", share.0 * 100.0));
    let installs = names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    let message = format!("{} before {installs}: a one-line change costs {wall}{share}", shown(&first));
    let remedy = format!(
        "copy only what {installs} reads (the requirements file) before it, and the sources after it; that saves {cost} a change"
    );
    Some((variant.name.clone(), finding("edit-reinstalls", message, &first, remedy)))
}

/// The installing instructions that an edit of the source ran again.
fn reruns(sample: &Sample) -> Vec<&Step> {
    sample.steps.iter().filter(|step| !step.cached && installs_dependencies(&step.instruction)).collect()
}

/// Whether an instruction installs dependencies and nothing of the application itself.
fn installs_dependencies(instruction: &str) -> bool {
    if proof::kind(instruction) != Some("RUN") {
        return false;
    }
    let text = instruction.split_whitespace().collect::<Vec<_>>().join(" ");
    let of_the_application = [" .", " ./", " -e .", " --editable ."];
    INSTALLERS.iter().any(|installer| text.contains(installer))
        && !of_the_application.iter().any(|end| text.ends_with(end) || text.contains(&format!("{end} ")))
}

/// A scenario without a single valid sample, or with some that failed.
fn failed_proof(timing: &ScenarioTiming) -> Option<(String, Finding)> {
    if timing.invalid == 0 {
        return None;
    }
    let all = timing.invalid + timing.valid;
    let reason = timing.reasons.iter().find(|reason| !reason.starts_with("tolerated")).cloned().unwrap_or_default();
    let message = if timing.valid == 0 {
        format!("no build of scenario `{}` was one: {reason}", timing.scenario)
    } else {
        format!("{} of {all} builds of scenario `{}` do not count: {reason}", timing.invalid, timing.scenario)
    };
    let remedy = match timing.scenario {
        Scenario::Cold | Scenario::Deps | Scenario::Src => {
            "see which instruction copies what, and whether the suite names the files that are edited".to_owned()
        }
        Scenario::Warm | Scenario::Touch => {
            "see whether something else uses or clears the build cache, or an instruction never caches".to_owned()
        }
    };
    let blamed = timing.first_miss.clone().unwrap_or_default();
    Some((timing.variant.clone(), finding("scenario-not-proven", message, &blamed, remedy)))
}

/// Self-test: a new modification time alone must change nothing.
fn touch_against_warm(variant: &Variant, samples: &[&Sample]) -> Option<(String, Finding)> {
    let of =
        |scenario: Scenario| samples.iter().copied().filter(move |sample| sample.scenario == scenario && !sample.twin);
    let holds = |scenario| of(scenario).any(|sample| sample.valid && !sample.discarded);
    let touched = of(Scenario::Touch).find(|sample| !sample.discarded && !sample.valid);
    if let Some(sample) = touched.filter(|_| holds(Scenario::Warm)) {
        let message = format!("`touch` differs from `warm`: {}", sample.reason);
        let blamed = sample.first_miss.clone().unwrap_or_default();
        let remedy = "this builder looks at modification times: pack the context with fixed ones".to_owned();
        return Some((variant.name.clone(), finding("touch-differs", message, &blamed, remedy)));
    }
    let as_warm: Vec<Sample> =
        of(Scenario::Touch).map(|sample| Sample { scenario: Scenario::Warm, ..sample.clone() }).collect();
    let ratio = paired_ratio(of(Scenario::Warm), &as_warm)?;
    let interval = ratio.interval.filter(|interval| interval.low > 1.25 || interval.high < 0.8)?;
    let message = format!(
        "`touch` takes {} as long as `warm` (95 % interval {} to {}), though every instruction is cached",
        Ratio(ratio.ratio),
        Ratio(interval.low),
        Ratio(interval.high)
    );
    let remedy = "take both times with care: something besides the instructions depends on the order of builds";
    Some((variant.name.clone(), finding("touch-differs", message, "", remedy.to_owned())))
}

/// A series whose downloads are not the same in every round.
fn differing_downloads(timing: &ScenarioTiming) -> Option<(String, Finding)> {
    let network = timing.network.as_ref().filter(|network| !network.differing.is_empty())?;
    let rounds = network.differing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let message = format!(
        "downloads of scenario `{}` differ from their median of {} in round {rounds}",
        timing.scenario, network.median
    );
    let remedy = "pin the versions of what is downloaded, or measure behind a caching proxy".to_owned();
    Some((timing.variant.clone(), finding("downloads-differ", message, "", remedy)))
}

fn finding(code: &str, message: String, instruction: &str, remedy: String) -> Finding {
    Finding { code: code.to_owned(), message, instruction: instruction.to_owned(), size_bytes: Bytes::ZERO, remedy }
}

fn shown(instruction: &str) -> String {
    let line = instruction.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("`{}`", shorten(&line, 60))
}
