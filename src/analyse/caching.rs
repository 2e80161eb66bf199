//! Findings on caching: what an edit costs that it need not cost, and scenarios that were not what they say.

use std::collections::BTreeSet;

use super::paired::{RatioEstimate, paired_ratio};
use super::proof;
use super::statistics::Interval;
use super::timing::{Network, ScenarioTiming, grouped, median_time, timings};
use crate::record::{Record, Sample, Scenario, Step, Update, Variant};
use crate::units::{Bytes, Nanos, Ratio};

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

/// What an edit costs that it need not cost, or a scenario that was not what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Caching {
    /// An edit of the source installs dependencies again.
    EditReinstalls {
        /// The first instruction that was not cached.
        first: String,
        /// The instructions that install.
        installs: BTreeSet<String>,
        /// What a build after the edit takes.
        wall: Nanos,
        /// That against a cold build.
        of_cold: Option<Ratio>,
        /// What the installing takes of it.
        cost: Nanos,
        /// What every node pulls after the edit, unpacked; `None` where it was not weighed.
        pull: Option<Bytes>,
    },
    /// Some or all builds of a scenario were not one.
    NotProven {
        /// Which.
        scenario: Scenario,
        /// Builds that do not count.
        invalid: u32,
        /// All builds.
        all: u32,
        /// The first reason, as the record has it.
        reason: String,
        /// The first instruction that was not cached.
        first_miss: String,
    },
    /// A new modification time alone changed what is cached: the reason of the record, and the instruction.
    TouchMisses(String, String),
    /// It changed only the time: `touch` against `warm`.
    TouchTime(RatioEstimate, Interval),
    /// Downloads of a scenario are not the same in every round.
    DownloadsDiffer(Scenario, Network),
}

/// What there is to say on caching by variant, in the order of the record.
pub(crate) fn caching(record: &Record) -> Vec<(String, Caching)> {
    let times = grouped(timings(record).into_iter().map(|timing| (timing.variant.clone(), timing)));
    let counted = record.samples.iter().filter(|sample| !sample.twin && !sample.discarded);
    let samples = grouped(counted.map(|sample| (sample.variant.as_str(), sample)));
    let mut found = Vec::new();
    for variant in &record.variants {
        let name = variant.name.as_str();
        let (Some(times), Some(samples)) = (times.get(name), samples.get(name)) else { continue };
        let cold = times.iter().find(|timing| timing.scenario == Scenario::Cold);
        let touch = touch_against_warm(samples);
        // What the self-test says of `touch` need not be said twice.
        let proofs = times.iter().filter(|timing| timing.scenario != Scenario::Touch || touch.is_none());
        let own = needless_installs(variant, samples, cold)
            .into_iter()
            .chain(proofs.filter_map(failed_proof))
            .chain(touch.clone())
            .chain(times.iter().filter_map(differing_downloads));
        found.extend(own.map(|found| (name.to_owned(), found)));
    }
    found
}

/// `COPY . .` before `pip install`: the edit of one source line runs the installation again.
fn needless_installs(variant: &Variant, samples: &[&Sample], cold: Option<&ScenarioTiming>) -> Option<Caching> {
    let edits: Vec<&Sample> =
        samples.iter().copied().filter(|sample| sample.scenario == Scenario::Src && sample.valid).collect();
    let example = edits.iter().find(|sample| !reruns(sample).is_empty())?;
    let (first, again) = (example.first_miss.clone()?, reruns(example));
    let wall = median_time(edits.iter().map(|sample| sample.wall_ns));
    Some(Caching::EditReinstalls {
        first,
        installs: again.iter().map(|step| step.instruction.clone()).collect(),
        wall,
        of_cold: cold.and_then(|cold| cold.estimate).and_then(|cold| Ratio::of(wall.0, cold.median.0)),
        pull: variant.update.src.as_ref().map(Update::most_bytes),
        cost: median_time(edits.iter().map(|sample| reruns(sample).iter().map(|step| step.duration_ns).sum())),
    })
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
fn failed_proof(timing: &ScenarioTiming) -> Option<Caching> {
    if timing.invalid == 0 {
        return None;
    }
    Some(Caching::NotProven {
        scenario: timing.scenario,
        invalid: timing.invalid,
        all: timing.invalid + timing.valid,
        reason: timing.reasons.first().cloned().unwrap_or_default(),
        first_miss: timing.first_miss.clone().unwrap_or_default(),
    })
}

/// Self-test: a new modification time alone must change nothing.
fn touch_against_warm(samples: &[&Sample]) -> Option<Caching> {
    let of = |scenario| samples.iter().copied().filter(move |sample| sample.scenario == scenario);
    let warm_holds = of(Scenario::Warm).any(|sample| sample.valid);
    let touched = of(Scenario::Touch).find(|sample| !sample.valid);
    if let Some(sample) = touched.filter(|_| warm_holds) {
        return Some(Caching::TouchMisses(sample.reason.clone(), sample.first_miss.clone().unwrap_or_default()));
    }
    let as_warm: Vec<Sample> =
        of(Scenario::Touch).map(|sample| Sample { scenario: Scenario::Warm, ..sample.clone() }).collect();
    let ratio = paired_ratio(of(Scenario::Warm), &as_warm)?;
    let interval = ratio.interval.filter(|interval| interval.low > 1.25 || interval.high < 0.8)?;
    Some(Caching::TouchTime(ratio, interval))
}

/// A series whose downloads are not the same in every round.
fn differing_downloads(timing: &ScenarioTiming) -> Option<Caching> {
    let network = timing.network.as_ref().filter(|network| !network.differing.is_empty())?;
    Some(Caching::DownloadsDiffer(timing.scenario, network.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
