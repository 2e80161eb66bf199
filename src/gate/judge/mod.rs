//! Every rule held against what was measured.

mod input;
mod judgement;
mod limits;
mod place;
mod rule;
mod structure;
mod unlike;

pub(crate) use input::Input;
pub(crate) use judgement::{Judgement, State, VariantResult};
pub(crate) use place::line_of;
pub(crate) use rule::{RuleKind, RuleResult, Verdict};
pub(crate) use unlike::{Alike, alike};

use super::baseline::Entry;
use super::budget::{Budgets, Level};
use super::measured::MeasuredKind;
use super::timing::{TimingResult, TimingVerdict};
use crate::analyse::compare::compare;
use crate::analyse::grouped;
use crate::line::{Line, command, plain};
use crate::record::{Outcome, Variant};
use crate::suite::manifest::{TimingMode, Vanished};
use crate::units::Ratio;
use rule::{at, blank};

/// Holds every rule against what was measured.
pub(crate) fn judge(input: &Input<'_>) -> Judgement {
    let mut rules = Vec::new();
    let mut variants = Vec::new();
    let mut notes = Vec::new();
    let samples = grouped(input.measured.samples.iter().map(|sample| (sample.variant.as_str(), sample)));
    let timings = grouped(input.timings.iter().map(|timing| (timing.variant.as_str(), timing)));
    for variant in &input.measured.variants {
        let entry = input.baseline.and_then(|(baseline, _)| baseline.entries.get(&variant.name));
        let result = stand(input, variant, entry);
        if let Some(rule) = built(variant, input.measured.kind) {
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
    // What was not imported did not vanish.
    if let Some((baseline, _)) = input.baseline.filter(|_| input.measured.kind != MeasuredKind::Observed) {
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
        accept_elsewhere: input.accept_elsewhere.map(str::to_owned),
    }
}

fn stand(input: &Input<'_>, variant: &Variant, entry: Option<&Entry>) -> VariantResult {
    let state = match (input.baseline, entry) {
        _ if variant.sizes.is_none() && variant.manifest.is_none() => State::NoImage,
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
        (State::Compared, Some(entry)) if variant.sizes.is_some() => Some(compare(&entry.variant, variant)),
        _ => None,
    };
    let (dockerfile, line) = place::of(input.suite, variant, comparison.as_ref());
    VariantResult {
        name: variant.name.clone(),
        dockerfile,
        line,
        size: variant.size(),
        stand_in: variant.is_stand_in(),
        baseline_size: entry.and_then(|entry| entry.variant.size()),
        comparison,
        accepted: entry.map(|entry| entry.accepted.clone()),
        state,
    }
}

fn gone(name: &str, entry: &Entry) -> VariantResult {
    VariantResult {
        name: name.to_owned(),
        state: State::Vanished,
        baseline_size: entry.variant.size(),
        accepted: Some(entry.accepted.clone()),
        ..VariantResult::default()
    }
}

/// The rule that a variant has an image at all; `None` where it does.
fn built(variant: &Variant, kind: MeasuredKind) -> Option<RuleResult> {
    let built_elsewhere = kind == MeasuredKind::Observed && variant.outcome == Outcome::Ok;
    if variant.sizes.is_some() || variant.manifest.is_some() || built_elsewhere {
        return None;
    }
    let because = |text: &str| match &variant.failure {
        Some(failure) => plain(format!("{text}: ")).and(Line::quoting(&failure.message)),
        None => text.into(),
    };
    let (verdict, message, next) = match variant.outcome {
        Outcome::NotRun => (Verdict::Inconclusive, "it was not measured".into(), "let the run finish"),
        Outcome::BuildFailed => (Verdict::Fail, because("it does not build"), "fix the Dockerfile"),
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
                message: "budget for an unknown variant".into(),
                next: "correct the name or remove the budget".into(),
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
        TimingVerdict::Suspect => String::new(),
        clear => format!("{}: ", clear.word()),
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
            "measure more rounds, or on an idle machine".into()
        } else {
            Line::default()
        },
        ..blank(&timing.variant, &format!("{} time", timing.scenario), RuleKind::Timing)
    })
}

fn note(notes: &mut Vec<Line>, input: &Input<'_>) {
    if !input.measured.complete {
        notes.push("the run is not complete: missing measurements are not judged".into());
    }
    match input.baseline {
        None => notes.push("no baseline: growth is not checked".into()),
        Some((baseline, _)) => unlike::stores(notes, baseline, input.measured),
    }
    if input.budgets.is_empty() {
        notes.push(Line::quoting(
            "there is no `[budget]`: `size` may grow by 1 % (warning) and 5 % (failure) beyond the baseline",
        ));
    }
    let gates = input.budgets.options.timing.mode == TimingMode::Gate;
    if gates && input.measured.kind == MeasuredKind::Run && input.against.is_none() {
        notes.push(Line::quoting(
            "times are not judged: that takes `tonnage run --against REF`, which measures both in one job",
        ));
    }
}

#[cfg(test)]
mod tests;
