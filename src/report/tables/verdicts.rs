//! What the figures mean: claims that were reproduced or not, findings with remedies, failures.

use super::MOST_ROWS;
use crate::record::{Outcome, ReferenceVerdict, ServeState};
use crate::report::facts::Facts;
use crate::report::table::{Cell, Table, Tone};
use crate::report::words;
use crate::units::{Bytes, SignedBytes};

/// Each claim, what was measured, and why they differ.
pub(crate) fn reproduction(facts: &Facts<'_>) -> Table {
    let heads = ["Variant", "#Published", "?#Interval", "?#Measured", "Verdict", "#Off by", "Why"];
    let mut table = Table::new("Reproduction", &heads);
    for claim in &facts.reproduction {
        let verdict = match claim.verdict {
            ReferenceVerdict::Reproduced => Cell::new("reproduced").tone(Tone::Best),
            ReferenceVerdict::Drifted => Cell::new("drifted").tone(Tone::Care),
            ReferenceVerdict::StandIn => Cell::new("stand-in").tone(Tone::Care),
            ReferenceVerdict::NotMeasured => Cell::new("not measured").tone(Tone::Bad),
        };
        let off = if claim.drift == SignedBytes(0) { String::new() } else { claim.drift.to_string() };
        table.push(vec![
            Cell::new(&claim.variant),
            Cell::new(&claim.claim),
            Cell::number(format!("[{}, {}) MB", mb(claim.low), mb(claim.high)), claim.low.0 as f64),
            claim.size.map_or_else(Cell::default, |size| Cell::number(size.exact(), size.0 as f64)),
            verdict,
            Cell::number(off, claim.drift.0 as f64),
            Cell::new(words::causes(claim)),
        ]);
    }
    if !facts.reproduction.is_empty() {
        table.note(
            "A published figure stands for every size that prints as it; the verdict compares with that interval.",
        );
    }
    table.without_empty_columns()
}

/// What could be better, with its measured cost and what to do; what holds for several variants is said once.
pub(crate) fn findings(facts: &Facts<'_>) -> Table {
    let mut table = Table::new("Findings", &["Variant", "#Costs", "Finding", "?Instruction", "Remedy"]);
    let merged = facts.merged_findings();
    for (variants, finding) in merged.iter().take(MOST_ROWS) {
        let each = if variants.len() > 1 { " each" } else { "" };
        let cost =
            if finding.size_bytes == Bytes::ZERO { String::new() } else { format!("{}{each}", finding.size_bytes) };
        table.push(vec![
            Cell::new(words::about(variants, facts.record.variants.len())),
            Cell::number(cost, finding.size_bytes.0 as f64),
            Cell::new(&finding.message),
            Cell::code(&finding.instruction),
            Cell::new(&finding.remedy),
        ]);
    }
    if merged.len() > MOST_ROWS {
        table.note(format!("The first {MOST_ROWS} of {}; all are in run.json.", merged.len()));
    }
    table.without_empty_columns()
}

/// Lines of a log that stand below the failures; run.json and the page have more.
const LOG_LINES: usize = 8;
/// Variants whose logs do.
const LOGS: usize = 12;

/// What did not go well.
pub(crate) fn failures(facts: &Facts<'_>) -> Table {
    let mut table = failures_with_logs(facts);
    table.notes.clear();
    table
}

/// What did not go well, and how the log of each ended.
pub(crate) fn failures_with_logs(facts: &Facts<'_>) -> Table {
    let mut table = Table::new("Failures", &["Variant", "At", "Instruction", "Reason"]);
    let mut logs = Vec::new();
    for variant in &facts.record.variants {
        match (&variant.failure, &variant.serve) {
            (Some(failure), _) => {
                let at = if failure.scenario.is_empty() {
                    failure.stage.to_string()
                } else {
                    format!("{} ({})", failure.stage, failure.scenario)
                };
                table.push(vec![
                    Cell::new(&variant.name),
                    Cell::new(at).tone(Tone::Bad),
                    Cell::code(&failure.instruction),
                    Cell::new(&failure.message),
                ]);
                logs.push((&variant.name, &failure.log));
            }
            (None, Some(serve)) if serve.state == ServeState::Failed => {
                table.push(vec![
                    Cell::new(&variant.name),
                    Cell::new("serve").tone(Tone::Bad),
                    Cell::default(),
                    Cell::new(&serve.detail),
                ]);
                logs.push((&variant.name, &serve.log));
            }
            _ if variant.outcome == Outcome::NotRun => table.push(vec![
                Cell::new(&variant.name),
                Cell::new("not run").tone(Tone::Bad),
                Cell::default(),
                Cell::new(words::ended(facts.record)),
            ]),
            _ => {}
        }
    }
    for (name, log) in logs.into_iter().filter(|(_, log)| !log.is_empty()).take(LOGS) {
        table.note(format!("The log of {name} ended with:"));
        for line in &log[log.len().saturating_sub(LOG_LINES)..] {
            table.note(format!("| {}", crate::text::shorten(line, 160)));
        }
    }
    table.without_empty_columns()
}

/// Megabytes with as many decimals as a claim's interval needs: `841.5`, `55.75`.
fn mb(bytes: Bytes) -> String {
    let text = format!("{:.6}", bytes.as_mb());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
