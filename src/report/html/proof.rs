//! Per scenario and variant: which instruction came from cache in how many samples, and how long each took when it
//! ran. Every cached/cacheable figure of the page links to its place here.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use maud::{Markup, html};

use super::table;
use crate::analyse::{Decomposition, Part, ScenarioTiming, StepTime};
use crate::record::Scenario;
use crate::report::facts::RunFacts;
use crate::report::table::{Cell, Table, Tone};
use crate::report::words;
use crate::text::for_people;

/// Most rows of one scenario.
const MOST: usize = 400;

/// The proofs that the page has room for, and the names of their places.
pub(super) struct Proofs<'f> {
    facts: &'f RunFacts<'f>,
    shown: Vec<(Scenario, Vec<ProofSteps<'f>>)>,
    /// Fragments that lead to a proof: `proof-src-0`.
    pub anchors: BTreeSet<String>,
}

/// The steps of one variant in one scenario.
struct ProofSteps<'f> {
    anchor: String,
    variant: &'f str,
    steps: Vec<&'f StepTime>,
}

impl<'f> Proofs<'f> {
    /// Of a record.
    pub(super) fn of(facts: &'f RunFacts<'f>) -> Self {
        let shown: Vec<(Scenario, Vec<ProofSteps<'f>>)> = Scenario::ALL
            .into_iter()
            .map(|scenario| (scenario, proofs(facts, scenario)))
            .filter(|(_, proofs)| !proofs.is_empty())
            .collect();
        let anchors = shown.iter().flat_map(|(_, proofs)| proofs).map(|proof| proof.anchor.clone()).collect();
        Self { facts, shown, anchors }
    }

    /// One folded part a scenario, in it one table a variant.
    pub(super) fn render(&self) -> Markup {
        html! {
            p { "From the engine's own events, over the valid samples. The figure of a scenario is on the line of its first instruction that was not cached." }
            @for (scenario, proofs) in &self.shown {
                details {
                    summary { (scenario) " · " (words::scenario(*scenario)) }
                    @for proof in proofs {
                        div.proof id=(proof.anchor) tabindex="-1" {
                            h3 { (for_people(proof.variant)) }
                            @if let Some(timing) = self.timing(proof.variant, *scenario) { p.note { (sentence(timing)) } }
                            (table::render(&table_of(&proof.steps)))
                        }
                    }
                }
            }
        }
    }

    fn timing(&self, variant: &str, scenario: Scenario) -> Option<&ScenarioTiming> {
        self.facts.timings.iter().find(|timing| timing.scenario == scenario && timing.variant == variant)
    }
}

fn proofs<'f>(facts: &'f RunFacts<'f>, scenario: Scenario) -> Vec<ProofSteps<'f>> {
    let mut left = MOST;
    let builds = facts.decompositions.iter().filter(|build| build.scenario == scenario);
    builds
        .filter_map(|build: &Decomposition| {
            let steps: Vec<&StepTime> = build.parts.iter().filter(|step| step.part == Part::Instruction).collect();
            left = left.checked_sub(steps.len())?;
            let place = facts.place_of(&build.variant).filter(|_| !steps.is_empty())?;
            Some(ProofSteps { anchor: words::proof_anchor(scenario, place), variant: &build.variant, steps })
        })
        .collect()
}

/// `119 ms: 3/4 cached in the worst of 7 valid samples; 1 does not count; first not cached: COPY src /app.`
fn sentence(timing: &ScenarioTiming) -> String {
    let samples = words::count(timing.valid as usize, "valid sample");
    let mut text = timing.estimate.map_or_else(String::new, |estimate| format!("{}: ", estimate.median));
    let _ = write!(text, "{} in the worst of {samples}", words::cached(timing));
    if timing.invalid > 0 {
        let _ = write!(text, "; {} skipped: invalid proof", timing.invalid);
    }
    if let Some(miss) = &timing.first_miss {
        let _ = write!(text, "; the first that was not cached: {}", for_people(miss));
    }
    text.push('.');
    text
}

fn table_of(steps: &[&StepTime]) -> Table {
    let mut table = Table::new("", "Instruction | #Cached in | #Of samples | #Median when run");
    for step in steps {
        let cached = Cell::count(step.cached);
        let time = if step.cached == step.n { String::new() } else { step.median.to_string() };
        table.push(vec![
            Cell::code(words::part(step)),
            if step.cached == step.n { cached.tone(Tone::Best) } else { cached },
            Cell::count(step.n),
            Cell::number(time, step.median.0 as f64),
        ]);
    }
    table
}
