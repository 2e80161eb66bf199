//! Findings on caching: what an edit costs that it need not cost, and scenarios that were not what they say.

use std::collections::{BTreeMap, BTreeSet};

use super::paired::paired_ratio;
use super::proof;
use super::timing::{ScenarioTiming, median_time, timings};
use crate::record::{Finding, Record, Sample, Scenario, Step};
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

/// Findings on caching by variant, in the order of the record.
pub fn caching_findings(record: &Record) -> Vec<(String, Finding)> {
    let mut times: BTreeMap<String, Vec<ScenarioTiming>> = BTreeMap::new();
    for timing in timings(record) {
        times.entry(timing.variant.clone()).or_default().push(timing);
    }
    let mut samples: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for sample in record.samples.iter().filter(|sample| !sample.twin && !sample.discarded) {
        samples.entry(&sample.variant).or_default().push(sample);
    }
    let mut found = Vec::new();
    for variant in &record.variants {
        let name = variant.name.as_str();
        let (Some(times), Some(samples)) = (times.get(name), samples.get(name)) else { continue };
        let cold = times.iter().find(|timing| timing.scenario == Scenario::Cold);
        let touch = touch_against_warm(samples);
        // What the self-test says of `touch` need not be said twice.
        let proofs = times.iter().filter(|timing| timing.scenario != Scenario::Touch || touch.is_none());
        let own = needless_installs(samples, cold)
            .into_iter()
            .chain(proofs.filter_map(failed_proof))
            .chain(touch.clone())
            .chain(times.iter().filter_map(differing_downloads));
        found.extend(own.map(|finding| (name.to_owned(), finding)));
    }
    found
}

/// `COPY . .` before `pip install`: the edit of one source line runs the installation again.
fn needless_installs(samples: &[&Sample], cold: Option<&ScenarioTiming>) -> Option<Finding> {
    let edits: Vec<&Sample> =
        samples.iter().copied().filter(|sample| sample.scenario == Scenario::Src && sample.valid).collect();
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
    Some(finding("edit-reinstalls", message, &first, remedy))
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
fn failed_proof(timing: &ScenarioTiming) -> Option<Finding> {
    if timing.invalid == 0 {
        return None;
    }
    let all = timing.invalid + timing.valid;
    let reason = timing.reasons.first().cloned().unwrap_or_default();
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
    Some(finding("scenario-not-proven", message, &blamed, remedy))
}

/// Self-test: a new modification time alone must change nothing.
fn touch_against_warm(samples: &[&Sample]) -> Option<Finding> {
    let of = |scenario| samples.iter().copied().filter(move |sample| sample.scenario == scenario);
    let warm_holds = of(Scenario::Warm).any(|sample| sample.valid);
    let touched = of(Scenario::Touch).find(|sample| !sample.valid);
    if let Some(sample) = touched.filter(|_| warm_holds) {
        let message = format!("`touch` differs from `warm`: {}", sample.reason);
        let blamed = sample.first_miss.clone().unwrap_or_default();
        let remedy = "this builder looks at modification times: pack the context with fixed ones".to_owned();
        return Some(finding("touch-differs", message, &blamed, remedy));
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
    Some(finding("touch-differs", message, "", remedy.to_owned()))
}

/// A series whose downloads are not the same in every round.
fn differing_downloads(timing: &ScenarioTiming) -> Option<Finding> {
    let network = timing.network.as_ref().filter(|network| !network.differing.is_empty())?;
    let rounds = network.differing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let message = format!(
        "downloads of scenario `{}` differ from their median of {} in round {rounds}",
        timing.scenario, network.median
    );
    let remedy = "pin the versions of what is downloaded, or measure behind a caching proxy".to_owned();
    Some(finding("downloads-differ", message, "", remedy))
}

fn finding(code: &str, message: String, instruction: &str, remedy: String) -> Finding {
    Finding { code: code.to_owned(), message, instruction: instruction.to_owned(), size_bytes: Bytes::ZERO, remedy }
}

fn shown(instruction: &str) -> String {
    let line = instruction.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("`{}`", shorten(&line, 60))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::fixture::{self, NAMES};
    use crate::units::Nanos;

    fn codes(record: &Record) -> Vec<(String, String)> {
        caching_findings(record).into_iter().map(|(variant, finding)| (variant, finding.code)).collect()
    }

    #[test]
    fn a_clean_series_has_no_finding_and_one_bad_sample_is_told() {
        let found = caching_findings(&fixture::record());
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, NAMES[1]);
        assert_eq!(
            found[0].1.message,
            "1 of 21 builds of scenario `warm` do not count: `COPY src /app` was not cached, though nothing changed"
        );
    }

    #[test]
    fn copying_everything_before_installing_is_a_finding_with_its_cost() {
        let found = caching_findings(&fixture::with_early_copy());
        let (variant, finding) = &found[0];
        assert_eq!((variant.as_str(), finding.code.as_str()), (NAMES[0], "edit-reinstalls"));
        assert!(
            finding.message.starts_with(
                "`COPY . .` before `RUN pip install --no-cache-dir -r requirements.txt`: a one-line change costs 5."
            ),
            "{}",
            finding.message
        );
        assert!(finding.message.ends_with(" % of a cold build"), "{}", finding.message);
        assert_eq!(finding.instruction, "COPY . .");
        assert!(finding.remedy.contains("that saves 5."), "{}", finding.remedy);
    }

    #[test]
    fn installing_the_application_itself_needs_its_source() {
        for (instruction, expected) in [
            ("RUN pip install -r requirements.txt", true),
            ("RUN pip install .", false),
            ("RUN pip install -e .", false),
            ("RUN pip install -e . --no-deps", false),
            ("RUN apt-get update && apt-get install -y curl", true),
            ("RUN  npm   ci", true),
            ("RUN make install", false),
            ("COPY pip install .", false),
            ("[builder 2/4] RUN apk add --no-cache gcc", true),
        ] {
            assert_eq!(installs_dependencies(instruction), expected, "{instruction}");
        }
    }

    #[test]
    fn a_scenario_without_a_valid_build_is_told() {
        let mut record = fixture::record();
        for sample in record.samples.iter_mut().filter(|sample| sample.scenario == Scenario::Deps) {
            sample.valid = false;
            sample.reason = "no instruction is known to copy the requirements file".to_owned();
        }
        let found = codes(&record);
        assert_eq!(found.iter().filter(|(_, code)| code == "scenario-not-proven").count(), 5);
    }

    #[test]
    fn a_touch_that_is_not_warm_is_told_by_proof_and_by_time() {
        let mut record = fixture::record();
        for sample in &mut record.samples {
            if sample.variant == NAMES[2] && sample.scenario == Scenario::Touch {
                sample.wall_ns = Nanos(sample.wall_ns.0 * 2);
            }
            if sample.variant == NAMES[3] && sample.scenario == Scenario::Touch {
                sample.valid = false;
                sample.reason = "`COPY src /app` was not cached, though nothing changed".to_owned();
            }
        }
        let mut found = caching_findings(&record);
        found.retain(|(variant, _)| variant == NAMES[2] || variant == NAMES[3]);
        assert_eq!(found.len(), 2, "each is told once: {found:?}");
        assert!(found.iter().all(|(_, finding)| finding.code == "touch-differs"));
        assert!(found[0].1.message.contains("`touch` takes"), "{}", found[0].1.message);
        assert!(found[1].1.message.contains("was not cached"), "{}", found[1].1.message);
    }

    #[test]
    fn downloads_that_differ_are_told() {
        let mut record = fixture::record();
        for sample in record.samples.iter_mut().filter(|sample| sample.variant == NAMES[0] && sample.round == 2) {
            sample.network_bytes = sample.network_bytes.map(|bytes| Bytes(bytes.0 * 3));
        }
        let found = codes(&record);
        assert_eq!(found.iter().filter(|(_, code)| code == "downloads-differ").count(), 2, "cold and deps: {found:?}");
    }
}
