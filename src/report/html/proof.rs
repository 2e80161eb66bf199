//! Per scenario and instruction: in how many samples it came from cache, and how long it took.

use maud::{Markup, html};

use super::table;
use crate::analyse::Part;
use crate::record::Scenario;
use crate::report::facts::Facts;
use crate::report::table::{Cell, Table, Tone};
use crate::report::words;

/// Most rows of one scenario.
const MOST: usize = 400;

/// One folded table a scenario.
pub fn render(facts: &Facts<'_>) -> Markup {
    html! {
        p { "From the engine's own events, over the samples that count. A figure of a scenario stands on the line where its first instruction is not cached." }
        @for scenario in Scenario::ALL {
            @let table = of(facts, scenario);
            @if !table.rows.is_empty() {
                details {
                    summary { (scenario) " · " (words::scenario(scenario)) }
                    (table::render(&table))
                }
            }
        }
    }
}

fn of(facts: &Facts<'_>, scenario: Scenario) -> Table {
    let mut table =
        Table::new(scenario.word(), &["Variant", "Instruction", "#Cached in", "#Of samples", "#Median when run"]);
    let steps = facts.decompositions.iter().filter(|build| build.scenario == scenario).flat_map(|build| &build.parts);
    for step in steps.filter(|step| step.part == Part::Instruction).take(MOST) {
        let cached = Cell::number(step.cached.to_string(), f64::from(step.cached));
        let time = if step.cached == step.n { String::new() } else { step.median.to_string() };
        table.push(vec![
            Cell::new(&step.variant),
            Cell::code(words::part(step)),
            if step.cached == step.n { cached.tone(Tone::Best) } else { cached },
            Cell::number(step.n.to_string(), f64::from(step.n)),
            Cell::number(time, step.median.0 as f64),
        ]);
    }
    table
}
