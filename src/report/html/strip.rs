//! Every sample as a dot: one strip a variant, one panel a scenario.

use maud::{Markup, html};

use crate::record::{Sample, Scenario};
use crate::report::charts::axis;
use crate::report::facts::Facts;
use crate::report::words;
use crate::text::{for_people, shorten};
use crate::units::Nanos;

/// Most strips of a panel, and most dots of the page.
const MOST_STRIPS: usize = 40;
const MOST_DOTS: usize = 4000;
const LEFT: f64 = 210.0;
const RIGHT: f64 = 1060.0;
const STEP: f64 = 24.0;

/// The panels and their key.
pub(super) fn plot(facts: &Facts<'_>) -> Markup {
    let record = facts.record;
    let scenarios = Scenario::ALL.into_iter().filter(|scenario| record.samples.iter().any(|s| s.scenario == *scenario));
    let mut left = MOST_DOTS;
    let panels: Vec<(Scenario, Markup)> =
        scenarios.map(|scenario| (scenario, panel(facts, scenario, &mut left))).collect();
    html! {
        p.note {
            "Each dot is one build: filled where it counts, ringed where it does not: its proof failed, or it was in the "
            "discarded round or a second measurement for the A/A check. The stroke is the median. Point at a dot for its "
            "round and its proof."
        }
        @for (scenario, panel) in &panels {
            h3 { (scenario) " · " (words::scenario(*scenario)) }
            div.chart { (panel) }
        }
        @if record.variants.len() > MOST_STRIPS || left == 0 { p.note { "Not all fit here; samples.csv has every one." } }
    }
}

fn panel(facts: &Facts<'_>, scenario: Scenario, left: &mut usize) -> Markup {
    let variants = &facts.record.variants[..facts.record.variants.len().min(MOST_STRIPS)];
    let samples: Vec<&Sample> = facts.record.samples.iter().filter(|sample| sample.scenario == scenario).collect();
    let most = samples.iter().map(|sample| sample.wall_ns).max().unwrap_or_default().0.max(1) as f64;
    let x = |time: Nanos| format!("{:.1}", LEFT + time.0 as f64 / most * (RIGHT - LEFT));
    let bottom = STEP * variants.len() as f64 + 8.0;
    let strips: Vec<Vec<&Sample>> = variants
        .iter()
        .map(|variant| {
            let own = samples.iter().copied().filter(|sample| sample.variant == variant.name);
            let dots: Vec<&Sample> = own.take(*left).collect();
            *left -= dots.len();
            dots
        })
        .collect();
    let name = format!("Every sample of scenario {scenario}; the table of build times has the medians");
    html! {
        svg.strip viewBox=(format!("0 0 1090 {:.0}", bottom + 26.0)) role="img" aria-label=(name) {
            @for tick in axis::ticks(most, 6) {
                @let at = x(Nanos(tick as u64));
                line x1=(at) x2=(at) y1="4" y2=(bottom) {}
                text.q x=(at) y=(bottom + 16.0) text-anchor="middle" { (axis::plain(&Nanos(tick as u64).to_string())) }
            }
            @for (index, (variant, dots)) in variants.iter().zip(&strips).enumerate() {
                @let middle = STEP * index as f64 + 16.0;
                text x=(LEFT - 12.0) y=(middle + 4.0) text-anchor="end" { (shorten(&for_people(&variant.name), 28)) }
                @for sample in dots {
                    circle class=(class(sample)) cx=(x(sample.wall_ns)) cy=(middle) r="4" { title { (tip(sample)) } }
                }
                @if let Some(median) = median(facts, &variant.name, scenario) {
                    line.m x1=(x(median)) x2=(x(median)) y1=(middle - 9.0) y2=(middle + 9.0) {}
                }
            }
        }
    }
}

fn median(facts: &Facts<'_>, variant: &str, scenario: Scenario) -> Option<Nanos> {
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
        "i" => ", does not count",
        "t" => ", second measurement",
        _ => "",
    };
    let reason = if sample.reason.is_empty() { String::new() } else { format!(": {}", for_people(&sample.reason)) };
    format!("{}, round {}{what}, {}/{} cached{reason}", sample.wall_ns, sample.round, sample.cached, sample.cacheable)
}
