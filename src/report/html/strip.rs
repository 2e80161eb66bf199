//! Every sample as a dot: one strip per variant, one panel per scenario. Places are in percent, so that strips fit any width.

use maud::{Markup, html};

use crate::record::{Sample, Scenario};
use crate::report::charts::axis;
use crate::report::facts::RunFacts;
use crate::report::words;
use crate::text::{for_people, shorten};
use crate::units::Nanos;

/// Most strips of a panel, and most dots of the page.
const MOST_STRIPS: usize = 40;
const MOST_DOTS: usize = 4000;
/// Percent of the width before the axis, and of the axis itself: dots at its ends need room.
const BEFORE: f64 = 1.0;
const ACROSS: f64 = 95.0;

/// The panels and their key.
pub(super) fn plot(facts: &RunFacts<'_>) -> Markup {
    let record = facts.record;
    let scenarios = Scenario::ALL.into_iter().filter(|scenario| record.samples.iter().any(|s| s.scenario == *scenario));
    let mut left = MOST_DOTS;
    let panels: Vec<(Scenario, Markup)> =
        scenarios.map(|scenario| (scenario, panel(facts, scenario, &mut left))).collect();
    html! {
        p.note {
            "One dot per build: filled if it counts, hollow if it does not, because its proof failed, or because it belongs to the "
            "discarded round or is a second measurement for the A/A check. The line is the median. Point at a dot for its "
            "round and its proof."
        }
        @for (scenario, panel) in &panels {
            h3 { (scenario) " · " (words::scenario(*scenario)) }
            (panel)
        }
        @if record.variants.len() > MOST_STRIPS || left == 0 { p.note { "Not all fit here; samples.csv has all of them." } }
    }
}

fn panel(facts: &RunFacts<'_>, scenario: Scenario, left: &mut usize) -> Markup {
    let variants = &facts.record.variants[..facts.record.variants.len().min(MOST_STRIPS)];
    let samples: Vec<&Sample> = facts.record.samples.iter().filter(|sample| sample.scenario == scenario).collect();
    let most = samples.iter().map(|sample| sample.wall_ns).max().unwrap_or_default().0.max(1) as f64;
    let x = |time: f64| format!("{:.2}%", BEFORE + time / most * ACROSS);
    let ticks: Vec<f64> = axis::ticks(most, 4);
    let strips: Vec<Vec<&Sample>> = variants
        .iter()
        .map(|variant| {
            let own = samples.iter().copied().filter(|sample| sample.variant == variant.name);
            let dots: Vec<&Sample> = own.take(*left).collect();
            *left -= dots.len();
            dots
        })
        .collect();
    html! {
        div.strips role="group" aria-label=(format!("Every sample of scenario {scenario}; the table of build times has the medians")) {
            @for (variant, dots) in variants.iter().zip(&strips) {
                div.strip data-variant=(for_people(&variant.name)) {
                    span { (shorten(&for_people(&variant.name), 60)) }
                    svg {
                        @for tick in &ticks { line x1=(x(*tick)) x2=(x(*tick)) y1="0" y2="24" {} }
                        @for sample in dots {
                            circle class=(class(sample)) cx=(x(sample.wall_ns.0 as f64)) cy="12" r="4" { title { (tip(sample)) } }
                        }
                        @if let Some(median) = median(facts, &variant.name, scenario) {
                            line.m x1=(x(median.0 as f64)) x2=(x(median.0 as f64)) y1="3" y2="21" {}
                        }
                    }
                }
            }
            div.strip {
                span {}
                svg {
                    @for tick in &ticks {
                        @let anchor = if *tick > 0.0 { "middle" } else { "start" };
                        text x=(x(*tick)) y="13" text-anchor=(anchor) { (axis::plain(&Nanos(*tick as u64).to_string())) }
                    }
                }
            }
        }
    }
}

fn median(facts: &RunFacts<'_>, variant: &str, scenario: Scenario) -> Option<Nanos> {
    let timing = facts.timings_of(variant).find(|timing| timing.scenario == scenario)?;
    timing.estimate.map(|estimate| estimate.median)
}

fn class(sample: &Sample) -> &'static str {
    match sample {
        Sample { discarded: true, .. } => "d",
        Sample { valid: false, .. } => "i",
        Sample { twin: true, .. } => "t",
        _ => "v",
    }
}

fn tip(sample: &Sample) -> String {
    let what = match class(sample) {
        "d" => ", discarded round",
        "i" => ", skipped",
        "t" => ", second measurement",
        _ => "",
    };
    let reason = if sample.reason.is_empty() { String::new() } else { format!(": {}", for_people(&sample.reason)) };
    format!("{}, round {}{what}, {}/{} cached{reason}", sample.wall_ns, sample.round, sample.cached, sample.cacheable)
}
