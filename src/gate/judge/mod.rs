//! Every rule held against what was measured.

mod limits;
mod place;
mod structure;
mod unlike;

use std::collections::BTreeMap;
use std::path::Path;

pub use unlike::{Alike, alike};

use serde::Serialize;

use super::baseline::{Accepted, Baseline, Entry};
use super::budget::{Budgets, Level, Vanished};
use super::measured::{Kind, Measured};
use super::timing::{TimingMode, TimingResult, TimingVerdict};
use crate::analyse::compare::{Comparison, compare};
use crate::exit::Exit;
use crate::line::{Line, command, plain};
use crate::record::{Outcome, Sample, Variant};
use crate::units::{Bytes, Ratio};

/// What is judged, by what.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// What was measured.
    pub measured: &'a Measured,
    /// The rules.
    pub budgets: &'a Budgets,
    /// What was accepted before, and how it is named in messages.
    pub baseline: Option<(&'a Baseline, &'a str)>,
    /// Times of this job against those of its base; empty where none were measured so.
    pub timings: &'a [TimingResult],
    /// What those times were measured against, as messages name it; `None` where nothing was.
    pub against: Option<&'a str>,
    /// The suite's folder as it is named in annotations: from the repository's root.
    pub suite: &'a Path,
    /// The command that makes this record the baseline.
    pub accept: &'a str,
}

/// The verdict on a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The whole.
    pub verdict: Verdict,
    /// What was judged.
    pub record: String,
    /// When it was measured; empty where unknown.
    pub measured_at: String,
    /// What it was held against; `None` where there is no baseline.
    pub baseline: Option<String>,
    /// The rules, variant by variant.
    pub rules: Vec<RuleResult>,
    /// The variants: those of the record, then those that vanished.
    pub variants: Vec<VariantResult>,
    /// Times of this job against those of its base.
    pub timings: Vec<TimingResult>,
    /// What they were measured against.
    pub against: Option<String>,
    /// What else should be known.
    pub notes: Vec<Line>,
    /// The command that makes this record the baseline.
    pub accept: String,
}

/// The outcome of a rule or of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not concern what was measured.
    Skipped,
    /// There is nothing in the baseline to hold it against yet.
    New,
    /// It is exceeded, and only to be said.
    Warn,
    /// What was measured does not allow a verdict.
    Inconclusive,
    /// Baseline and record are unlike, or there is no baseline.
    NotComparable,
    /// It does not hold.
    Fail,
}

/// What kind of rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleKind {
    /// An absolute limit.
    Budget,
    /// A limit relative to the baseline, or the presence of a variant in it.
    Baseline,
    /// How an image is made and what it does.
    Structure,
    /// A build time.
    Timing,
}

/// A rule and how it came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleResult {
    /// The variant.
    pub variant: String,
    /// What is limited, by its key: `size`, `path /usr/share/doc/**`, `serve`.
    pub metric: String,
    /// What kind of rule.
    pub kind: RuleKind,
    /// What exceeding it means.
    pub level: Level,
    /// The limit as written; empty where there is none.
    pub limit: String,
    /// The largest value that the limit allows, in bytes or as a count.
    pub allowed: Option<u64>,
    /// The value.
    pub actual: Option<u64>,
    /// The value in the baseline.
    pub baseline: Option<u64>,
    /// How it came out.
    pub verdict: Verdict,
    /// One sentence.
    pub message: Line,
    /// What to do next; empty where nothing is to be done.
    pub next: Line,
    /// Where the rule stands: `tonnage.toml:12`; empty for a default.
    pub place: String,
}

/// A variant and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct VariantResult {
    /// Its name.
    pub name: String,
    /// How it stands to the baseline.
    pub state: State,
    /// Its Dockerfile as it is named in annotations; empty where unknown.
    pub dockerfile: String,
    /// The line of the Dockerfile that the difference points at; 0 where unknown.
    pub line: u32,
    /// `size` now.
    pub size: Option<Bytes>,
    /// Whether it was measured on a stand-in for a base image.
    pub stand_in: bool,
    /// `size` in the baseline.
    pub baseline_size: Option<Bytes>,
    /// The reason for the difference in `size`.
    pub comparison: Option<Comparison>,
    /// Who accepted the baseline's figure, from which measurement and why.
    pub accepted: Option<Accepted>,
}

/// How a variant stands to the baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// In both, and alike enough to compare.
    Compared,
    /// Not in the baseline.
    New,
    /// In the baseline only.
    Vanished,
    /// In both, and not to be compared: why.
    Unlike(String),
    /// There is no baseline.
    NoBaseline,
    /// There is no image of it.
    NoImage,
}

impl Verdict {
    /// What it counts as among the other verdicts on a variant: a rule that does not concern it takes nothing away.
    #[must_use]
    pub fn counted(self) -> Self {
        if self == Self::Skipped { Self::Pass } else { self }
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skipped => "skipped",
            Self::New => "new",
            Self::Warn => "warn",
            Self::Inconclusive => "inconclusive",
            Self::NotComparable => "not comparable",
            Self::Fail => "fail",
        }
    }
}

impl Judgement {
    /// The exit code of the gate.
    pub fn exit(&self) -> Exit {
        match self.verdict {
            Verdict::Fail => Exit::GateFailed,
            Verdict::NotComparable => Exit::NotComparable,
            Verdict::Inconclusive => Exit::Inconclusive,
            _ => Exit::Done,
        }
    }

    /// The rules of a variant.
    pub fn rules_of<'a>(&'a self, variant: &'a str) -> impl Iterator<Item = &'a RuleResult> {
        self.rules.iter().filter(move |rule| rule.variant == variant)
    }

    /// The worst verdict on a variant.
    pub fn verdict_of(&self, variant: &str) -> Verdict {
        self.rules_of(variant).map(|rule| rule.verdict.counted()).max().unwrap_or(Verdict::Pass)
    }

    /// The variants with a rule that fails, warns or cannot be compared, or that are new.
    pub fn exceeding(&self) -> Vec<String> {
        let judged = |name: &String| self.verdict_of(name) >= Verdict::New;
        self.variants.iter().map(|variant| variant.name.clone()).filter(judged).collect()
    }
}

/// Holds every rule against what was measured.
pub fn judge(input: &Input<'_>) -> Judgement {
    let mut rules = Vec::new();
    let mut variants = Vec::new();
    let mut notes = Vec::new();
    let mut samples: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for sample in &input.measured.samples {
        samples.entry(&sample.variant).or_default().push(sample);
    }
    let mut timings: BTreeMap<&str, Vec<&TimingResult>> = BTreeMap::new();
    for timing in input.timings {
        timings.entry(&timing.variant).or_default().push(timing);
    }
    for variant in &input.measured.variants {
        let entry = input.baseline.and_then(|(baseline, _)| baseline.entries.get(&variant.name));
        let result = stand(input, variant, entry);
        if let Some(rule) = built(variant) {
            rules.push(rule);
        } else {
            limits::judge(&mut rules, input, variant, &result.state, entry);
            let samples = samples.get(variant.name.as_str()).map_or(&[][..], Vec::as_slice);
            structure::judge(&mut rules, input, variant, samples);
        }
        for timing in timings.get(variant.name.as_str()).into_iter().flatten() {
            rules.extend(timed(timing, input.budgets));
        }
        variants.push(result);
    }
    if let Some((baseline, _)) = input.baseline {
        for (name, entry) in &baseline.entries {
            if input.measured.variant(name).is_none() {
                rules.push(vanished(name, input));
                variants.push(gone(name, entry));
            }
        }
    }
    if input.measured.variants.is_empty() && variants.is_empty() {
        rules.push(RuleResult {
            verdict: Verdict::Inconclusive,
            message: "there is no variant in the record".into(),
            next: "measure something".into(),
            ..blank("", "variants", RuleKind::Structure)
        });
    }
    unheard(&mut rules, input);
    note(&mut notes, input);
    let verdict = rules.iter().map(|rule| rule.verdict).max().unwrap_or(Verdict::Pass);
    Judgement {
        verdict: if verdict < Verdict::Inconclusive { Verdict::Pass } else { verdict },
        record: input.measured.label.clone(),
        measured_at: input.measured.measured_at.clone(),
        baseline: input.baseline.map(|(_, label)| label.to_owned()),
        rules,
        variants,
        timings: input.timings.to_vec(),
        against: input.against.map(str::to_owned),
        notes,
        accept: input.accept.to_owned(),
    }
}

/// A rule result to be filled in.
fn blank(variant: &str, metric: &str, kind: RuleKind) -> RuleResult {
    RuleResult {
        variant: variant.to_owned(),
        metric: metric.to_owned(),
        kind,
        level: Level::Fail,
        limit: String::new(),
        allowed: None,
        actual: None,
        baseline: None,
        verdict: Verdict::Pass,
        message: Line::default(),
        next: Line::default(),
        place: String::new(),
    }
}

/// `tonnage.toml:12`; empty for a rule that stands in no file.
fn at(manifest: &Path, line: usize) -> String {
    if line == 0 || manifest.as_os_str().is_empty() { String::new() } else { format!("{}:{line}", manifest.display()) }
}

fn stand(input: &Input<'_>, variant: &Variant, entry: Option<&Entry>) -> VariantResult {
    let state = match (input.baseline, entry) {
        _ if variant.sizes.is_none() => State::NoImage,
        (None, _) => State::NoBaseline,
        (Some(_), None) => State::New,
        (Some((baseline, _)), Some(entry)) => {
            match alike(&entry.variant, baseline.metrics_version, variant, input.measured.metrics_version) {
                Alike::No(reason) => State::Unlike(reason),
                Alike::Yes => State::Compared,
            }
        }
    };
    let comparison = match (&state, entry) {
        (State::Compared, Some(entry)) => Some(compare(&entry.variant, variant)),
        _ => None,
    };
    let (dockerfile, line) = place::of(input.suite, variant, comparison.as_ref());
    VariantResult {
        name: variant.name.clone(),
        dockerfile,
        line,
        size: variant.sizes.as_ref().map(|sizes| sizes.size_bytes),
        stand_in: variant.is_stand_in(),
        baseline_size: entry.and_then(|entry| entry.variant.sizes.as_ref()).map(|sizes| sizes.size_bytes),
        comparison,
        accepted: entry.map(|entry| entry.accepted.clone()),
        state,
    }
}

fn gone(name: &str, entry: &Entry) -> VariantResult {
    VariantResult {
        name: name.to_owned(),
        state: State::Vanished,
        dockerfile: String::new(),
        line: 0,
        size: None,
        stand_in: false,
        baseline_size: entry.variant.sizes.as_ref().map(|sizes| sizes.size_bytes),
        comparison: None,
        accepted: Some(entry.accepted.clone()),
    }
}

/// The rule that a variant has an image at all; `None` where it does.
fn built(variant: &Variant) -> Option<RuleResult> {
    if variant.sizes.is_some() {
        return None;
    }
    let because = |text: &str| match &variant.failure {
        Some(failure) => plain(format!("{text}: ")).and(Line::quoting(&failure.message)),
        None => text.into(),
    };
    let (verdict, message, next) = match variant.outcome {
        Outcome::NotRun => (Verdict::Inconclusive, "it was not measured".into(), "let the run come to its end"),
        Outcome::BuildFailed => (Verdict::Fail, because("it does not build"), "mend the Dockerfile"),
        _ => (Verdict::Inconclusive, because("its image was not weighed"), "run it again"),
    };
    let rule = blank(&variant.name, "build", RuleKind::Structure);
    Some(RuleResult { verdict, message, next: next.into(), ..rule })
}

fn vanished(name: &str, input: &Input<'_>) -> RuleResult {
    let allowed = input.budgets.options.vanished == Vanished::Allowed;
    RuleResult {
        level: if allowed { Level::Warn } else { Level::Fail },
        verdict: if allowed { Verdict::Warn } else { Verdict::Fail },
        message: "it is in the baseline and was not measured".into(),
        next: plain("measure it, accept that it is gone with ")
            .and(command(input.accept))
            .and(Line::quoting(", or set `vanished = \"allow\"` in `[gate]`")),
        ..blank(name, "presence", RuleKind::Baseline)
    }
}

/// Budgets of variants that do not exist hold nothing: they are most likely misspelt.
fn unheard(rules: &mut Vec<RuleResult>, input: &Input<'_>) {
    for (name, budget) in &input.budgets.variants {
        let known = input.measured.variant(name).is_some()
            || input.baseline.is_some_and(|(baseline, _)| baseline.entries.contains_key(name));
        if !known {
            rules.push(RuleResult {
                level: Level::Warn,
                verdict: Verdict::Warn,
                message: "it has a budget, and there is no variant of that name".into(),
                next: "correct the name or take the budget out".into(),
                place: at(&input.budgets.path, budget.line),
                ..blank(name, "presence", RuleKind::Budget)
            });
        }
    }
}

fn timed(timing: &TimingResult, budgets: &Budgets) -> Option<RuleResult> {
    let rules = &budgets.options.timing;
    let gates = match rules.mode {
        TimingMode::Off => return None,
        TimingMode::Gate => true,
        TimingMode::Advisory => false,
    };
    let verdict = match (timing.verdict, gates) {
        (TimingVerdict::Same | TimingVerdict::Improved, _) => Verdict::Pass,
        (TimingVerdict::Slower, true) => Verdict::Fail,
        (TimingVerdict::Slower | TimingVerdict::Suspect, false) => Verdict::Warn,
        (TimingVerdict::Suspect | TimingVerdict::Inconclusive, true) => Verdict::Inconclusive,
        (TimingVerdict::Inconclusive, false) => Verdict::Skipped,
    };
    let word = match timing.verdict {
        TimingVerdict::Same => "same: ",
        TimingVerdict::Improved => "improved: ",
        TimingVerdict::Slower => "slower: ",
        TimingVerdict::Suspect => "",
        TimingVerdict::Inconclusive => "inconclusive: ",
    };
    let estimate = timing.estimate.as_ref();
    Some(RuleResult {
        level: if gates { Level::Fail } else { Level::Warn },
        limit: format!("{} of the base", Ratio(rules.ratio)),
        actual: estimate.map(|estimate| estimate.second.0),
        baseline: estimate.map(|estimate| estimate.first.0),
        verdict,
        message: format!("{word}{}{}", timing.reason(), if gates { "" } else { " (advisory)" }).into(),
        next: if verdict == Verdict::Inconclusive {
            "measure more rounds, or on a quieter machine".into()
        } else {
            Line::default()
        },
        ..blank(&timing.variant, &format!("{} time", timing.scenario), RuleKind::Timing)
    })
}

fn note(notes: &mut Vec<Line>, input: &Input<'_>) {
    if !input.measured.complete {
        notes.push("the run did not come to its end: what it lacks is not judged as if it were there".into());
    }
    match input.baseline {
        None => notes.push("there is no baseline: growth is neither limited nor explained".into()),
        Some((baseline, _)) => unlike::stores(notes, baseline, input.measured),
    }
    if input.budgets.is_empty() {
        notes.push(Line::quoting(
            "there is no `[budget]`: `size` may grow by 1 % (warning) and 5 % (failure) beyond the baseline",
        ));
    }
    let gates = input.budgets.options.timing.mode == TimingMode::Gate;
    if gates && input.measured.kind == Kind::Run && input.against.is_none() {
        notes.push(Line::quoting(
            "times are not judged: that takes `tonnage run --against REF`, which measures both in one job",
        ));
    }
}

#[cfg(test)]
mod tests;
