//! What the figures mean: claims that were reproduced or not, findings with remedies, failures.

use super::MOST_ROWS;
use crate::analyse::{FigureVerdict, MeasuredFigure, RatioSpan};
use crate::record::{FailureStage, Outcome, PublishedMetric, ReferenceVerdict, ServeState, Variant};
use crate::report::facts::{CostedFinding, RunFacts};
use crate::report::table::{Cell, Table, Tone};
use crate::report::words;
use crate::units::{Bytes, Nanos, Ratio, SignedBytes};

/// Each claim, what was measured, and why they differ.
pub(crate) fn reproduction(facts: &RunFacts<'_>) -> Table {
    let heads = "Variant | #Published | ?#Interval | ?#Measured | Verdict | #Off by | Why";
    let mut table = Table::new("Reproduction", heads);
    for claim in &facts.reproduction {
        let verdict = match claim.verdict {
            ReferenceVerdict::Reproduced => Cell::new("reproduced").tone(Tone::Best),
            ReferenceVerdict::OtherDefinition => Cell::new("another definition fits").tone(Tone::Care),
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

/// Published figures that are not sizes of images, and what became of them.
pub(crate) fn figures(facts: &RunFacts<'_>) -> Table {
    let mut table = Table::new("Other published figures", "Variant | Figure | #Published | #Measured | Verdict | ?Why");
    for figure in &facts.figures {
        let (verdict, why) = match &figure.verdict {
            FigureVerdict::Reproduced => (Cell::new("reproduced").tone(Tone::Best), String::new()),
            FigureVerdict::Drifted => (Cell::new("drifted").tone(Tone::Care), String::new()),
            FigureVerdict::StandIn => (Cell::new("not evaluated").tone(Tone::Care), "substitute base image".to_owned()),
            FigureVerdict::NotMeasured => (Cell::new("not measured").tone(Tone::Care), String::new()),
            FigureVerdict::Divisor => (Cell::default(), "the other variants are divided by it".to_owned()),
            FigureVerdict::Ratio { to, published, measured, agrees } => {
                let verdict = if *agrees {
                    Cell::new("ratio reproduced").tone(Tone::Best)
                } else {
                    Cell::new("ratio drifted").tone(Tone::Care)
                };
                let why = format!("to {to}: published {}, measured {}", span(published), span(measured));
                (verdict, why)
            }
        };
        let metric = match figure.published.metric {
            PublishedMetric::Compressed => "compressed size",
            PublishedMetric::UpdateSrc => "to pull after a source edit",
            PublishedMetric::Cold => "cold build",
            PublishedMetric::Startup => "startup",
        };
        table.push(vec![
            Cell::new(&figure.variant),
            Cell::new(metric),
            Cell::new(&figure.published.claim),
            match figure.measured {
                Some(MeasuredFigure::Bytes(bytes)) => Cell::bytes(bytes),
                Some(MeasuredFigure::Time(time)) => Cell::time(time),
                None => Cell::default(),
            },
            verdict,
            Cell::new(why),
        ]);
    }
    if facts.figures.iter().any(|figure| matches!(figure.verdict, FigureVerdict::Ratio { .. })) {
        table.note("Published times are those of another machine: only ratios between variants are compared.");
    }
    table.without_empty_columns()
}

fn span(ratio: &RatioSpan) -> String {
    format!("{} ({} to {})", ratio.middle, ratio.low, ratio.high)
}

/// What could be better, with its measured cost and what to do; what holds for several variants is said once.
pub(crate) fn findings(facts: &RunFacts<'_>) -> Table {
    let mut table = Table::new("Findings", "Variant | #Costs | Finding | ?Instruction | Remedy");
    let merged = facts.merged_findings();
    for (variants, found) in merged.iter().take(MOST_ROWS) {
        let finding = &found.finding;
        table.push(vec![
            Cell::new(words::about(variants, facts.record.variants.len())),
            Cell::number(cost(found, variants.len()).unwrap_or_default(), found.share),
            Cell::new(&finding.message),
            Cell::code(&finding.instruction),
            Cell::new(&finding.remedy),
        ]);
    }
    table.note_rest(merged.len(), MOST_ROWS, "run.json");
    if merged.iter().any(|(_, found)| found.share > 0.0) {
        table.note("%: bytes of the variant's size, build time of its cold build.");
    }
    table.without_empty_columns()
}

/// What a finding costs, and which share that is: `360 MB (41.1 %)`, `5.12 s per change (94.8 %)`; `None` where it costs
/// neither bytes nor time.
pub(crate) fn cost(found: &CostedFinding, variants: usize) -> Option<String> {
    let amount = match (found.finding.size_bytes, found.time) {
        (Bytes::ZERO, Nanos::ZERO) => return None,
        (Bytes::ZERO, time) => format!("{time} per change"),
        (size, _) => size.to_string(),
    };
    let each = if variants > 1 { " each" } else { "" };
    let share = if found.share > 0.0 { format!(" ({})", Ratio(found.share).as_percent()) } else { String::new() };
    Some(format!("{amount}{each}{share}"))
}

/// Lines of a log that stand below the failures; run.json and the page have more.
const LOG_LINES: usize = 8;
/// Variants whose logs do.
const LOGS: usize = 12;

/// What did not go well.
pub(crate) fn failures(facts: &RunFacts<'_>) -> Table {
    let mut table = failures_with_logs(facts);
    table.notes.clear();
    table
}

/// A variant that did not go well.
pub(crate) struct Failed<'f> {
    pub variant: &'f str,
    /// What was done: `build (cold)`.
    pub at: String,
    pub instruction: &'f str,
    pub reason: &'f str,
    pub log: &'f [String],
}

/// The variants that did not go well, in the order of the suite.
pub(crate) fn failed<'f>(facts: &RunFacts<'f>) -> Vec<Failed<'f>> {
    let record = facts.record;
    let of = |variant: &'f Variant| {
        let (at, instruction, reason, log) = match (&variant.failure, &variant.serve) {
            (Some(failure), _) => {
                let scenario = &failure.scenario;
                let scenario = if scenario.is_empty() { String::new() } else { format!(" ({scenario})") };
                (
                    format!("{}{scenario}", failure.stage),
                    failure.instruction.as_str(),
                    failure.message.as_str(),
                    &failure.log[..],
                )
            }
            (None, Some(serve)) if serve.state == ServeState::Failed => {
                (FailureStage::Serve.to_string(), "", serve.detail.as_str(), &serve.log[..])
            }
            _ if variant.outcome == Outcome::NotRun => ("not run".to_owned(), "", words::ended(record), &[][..]),
            _ => return None,
        };
        Some(Failed { variant: &variant.name, at, instruction, reason, log })
    };
    record.variants.iter().filter_map(of).collect()
}

/// What did not go well, and how the log of each ended.
pub(crate) fn failures_with_logs(facts: &RunFacts<'_>) -> Table {
    let mut table = Table::new("Failures", "Variant | At | Instruction | Reason");
    let failed = failed(facts);
    for failed in &failed {
        table.push(vec![
            Cell::new(failed.variant),
            Cell::new(&failed.at).tone(Tone::Bad),
            Cell::code(failed.instruction),
            Cell::new(failed.reason),
        ]);
    }
    for failed in failed.iter().filter(|failed| !failed.log.is_empty()).take(LOGS) {
        table.note(format!("The log of {} ended with:", failed.variant));
        for line in &failed.log[failed.log.len().saturating_sub(LOG_LINES)..] {
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
