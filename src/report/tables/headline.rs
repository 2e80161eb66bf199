//! What is read first: one sentence that says the outcome, and one table in the shape of the comparison that the
//! suite reproduces.

use std::fmt::Write as _;

use crate::analyse::{Estimate, Reproduction, ScenarioTiming, VariantSummary, ready};
use crate::record::{Outcome, ReferenceVerdict, Scenario, ServeState};
use crate::report::facts::RunFacts;
use crate::report::table::{Cell, Table, Tone};
use crate::report::words::{self, STAND_IN};
use crate::units::{Ratio, SignedBytes};

/// Most rows: a headline is read, not searched.
const MOST_ROWS: usize = 100;
/// Most rows of the screen at the end of a run.
pub(crate) const MOST_LINES: usize = 9;
/// Most names in a list of the verdict.
const MOST_NAMES: usize = 3;

/// The outcome in one sentence without its full stop: the smallest image that works, what failed, and what became of
/// the claims.
pub(crate) fn verdict(facts: &RunFacts<'_>) -> String {
    let mut parts = vec![smallest(facts)];
    parts.extend(outcome(facts));
    parts.extend(claims(&facts.reproduction));
    parts.join("; ")
}

fn smallest(facts: &RunFacts<'_>) -> String {
    let best: Vec<&VariantSummary> = facts.summary.iter().filter(|line| line.smallest).collect();
    let Some((line, size)) = best.first().and_then(|line| Some((line, line.size?))) else {
        return if facts.summary.is_empty() { "No variant was measured" } else { "No variant works" }.to_owned();
    };
    let names: Vec<&str> = best.iter().map(|line| line.name.as_str()).collect();
    let mut text = if facts.summary.len() == 1 { String::new() } else { "Smallest: ".to_owned() };
    text.push_str(&words::names(&names, MOST_NAMES));
    let _ = write!(text, ", {size}{}", if best.len() > 1 { " each" } else { "" });
    if line.stand_in {
        text.push_str(" on a substitute base image");
    }
    if let (Some(ratio), Some(first)) = (line.ratio_to_first, facts.summary.first().filter(|first| !first.smallest)) {
        let _ = write!(text, ", {}", words::than(ratio, &first.name));
    }
    text
}

fn outcome(facts: &RunFacts<'_>) -> Option<String> {
    let count = facts.summary.len();
    let wrong: Vec<(&str, &VariantSummary)> =
        facts.summary.iter().filter_map(|line| Some((what_is_wrong(facts, line)?, line))).collect();
    if count == 0 {
        return None;
    }
    if wrong.is_empty() {
        let who = if count == 1 { "it".to_owned() } else { format!("all {}", words::count(count, "variant")) };
        let states = || facts.record.variants.iter().map(|variant| variant.serve.as_ref().map(|serve| serve.state));
        let serve = states().all(|state| state == Some(ServeState::Answered));
        let serves = if count == 1 { " and starts" } else { " and start" };
        let unknown = states().filter(|state| *state == Some(ServeState::NotAsked)).count();
        return Some(match unknown {
            0 => format!("{who} built{}", if serve { serves } else { "" }),
            _ if count == 1 => format!("{who} built; startup not checked"),
            _ => format!("{who} built; startup of {} not checked", words::count(unknown, "variant")),
        });
    }
    let mut kinds: Vec<&str> = Vec::new();
    for (word, _) in &wrong {
        if !kinds.contains(word) {
            kinds.push(word);
        }
    }
    let each = kinds.into_iter().map(|kind| {
        let names: Vec<&str> =
            wrong.iter().filter(|(word, _)| *word == kind).map(|(_, line)| line.name.as_str()).collect();
        format!("{kind}: {}", words::names(&names, MOST_NAMES))
    });
    let works = format!("{} of {} work", count - wrong.len(), words::count(count, "variant"));
    Some(std::iter::once(works).chain(each).collect::<Vec<_>>().join("; "))
}

/// Why a variant does not work; `None` where it does.
fn what_is_wrong(facts: &RunFacts<'_>, line: &VariantSummary) -> Option<&'static str> {
    let missing = facts.record.variants.get(line.index).and_then(words::missing_short);
    missing.or_else(|| (line.outcome == Outcome::ServeFailed || !line.failure.is_empty()).then_some("does not start"))
}

fn claims(found: &[Reproduction]) -> Option<String> {
    let count = |verdict: ReferenceVerdict| found.iter().filter(|claim| claim.verdict == verdict).count();
    let said: Vec<String> = [
        (ReferenceVerdict::Reproduced, "reproduced"),
        (ReferenceVerdict::OtherDefinition, "of another size definition"),
        (ReferenceVerdict::Drifted, "drifted"),
        (ReferenceVerdict::StandIn, "not evaluated (substitute base images)"),
        (ReferenceVerdict::NotMeasured, "not measured"),
    ]
    .into_iter()
    .filter(|(verdict, _)| count(*verdict) > 0)
    .map(|(verdict, word)| format!("{} {word}", count(verdict)))
    .collect();
    (!said.is_empty()).then(|| format!("{}: {}", words::count(found.len(), "published figure"), said.join(", ")))
}

/// How much the headline table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Each figure with its remark, for the report.
    Whole,
    /// One line per variant, for a screen and a README; a size on a substitute base image has a star.
    Short,
}

/// Variant, size, the published figure, and what building and starting take: the shape of the comparison that the suite
/// reproduces. Columns of what was not measured are left out.
pub(crate) fn headline(facts: &RunFacts<'_>) -> Table {
    let mut table = figures(facts, Detail::Whole, MOST_ROWS);
    table.note_rest(facts.summary.len(), MOST_ROWS, "sizes.csv");
    let estimates = shown_times(facts);
    if estimates.clone().next().is_some() {
        table.note("Times are medians, followed by cached/cacheable instructions.");
    }
    table.notes.extend(words::too_few(estimates, "round"));
    table.notes.extend(savings(facts));
    if !facts.reproduction.is_empty() && !facts.record.suite.source.is_empty() {
        table.note(format!("Published figures: {}.", facts.record.suite.source));
    }
    let substitutes = words::stand_in_line(facts.record);
    table.notes.extend(substitutes.map(|line| format!("Sizes marked (substitute) were measured on {line}.")));
    table.without_empty_columns()
}

/// What the best variant of each column saves against the first: `Best against naive: size 15.1× smaller (distroless), …`.
/// Times only where the difference is one.
fn savings(facts: &RunFacts<'_>) -> Option<String> {
    let (first, others) = facts.summary.split_first()?;
    let works = |line: &&VariantSummary| what_is_wrong(facts, line).is_none();
    let variant = |line: &VariantSummary| facts.record.variants.get(line.index);
    let mut parts = Vec::new();
    let mut say = |column: &str, how: &str, best: Option<(f64, &VariantSummary)>| {
        if let Some((ratio, line)) = best.filter(|(ratio, _)| *ratio > 0.0 && *ratio < 1.0) {
            parts.push(format!("{column} {} {how} ({})", Ratio(1.0 / ratio), line.name));
        }
    };
    let least = |value: &dyn Fn(&VariantSummary) -> Option<f64>| {
        let found = others.iter().filter(works).filter_map(|line| Some((value(line)?, line)));
        found.min_by(|a, b| a.0.total_cmp(&b.0))
    };
    say("size", "smaller", least(&|line| line.ratio_to_first.map(|ratio| ratio.0)));
    let step = facts.record.environment.engine.layer_step_ns;
    for (scenario, column) in [(Scenario::Cold, "cold build"), (Scenario::Src, "rebuild after a source edit")] {
        let ratio = |line: &VariantSummary| {
            facts.ratio_of(&line.name, scenario).filter(|ratio| ratio.differs(step)).map(|ratio| ratio.ratio)
        };
        say(column, "faster", least(&ratio));
    }
    let pull = |line: &VariantSummary| Some(variant(line)?.update.src.as_ref()?.most_bytes().0 as f64);
    if let Some(of_first) = pull(first) {
        say("to pull after it", "less", least(&|line| Some(pull(line)? / of_first)));
    }
    let startup = |line: &VariantSummary| variant(line)?.serve.as_ref().and_then(ready);
    if let Some(of_first) = startup(first) {
        let ratio = |line: &VariantSummary| {
            let own = startup(line)?;
            (own.high? < of_first.low?).then(|| own.median.0 as f64 / of_first.median.0 as f64)
        };
        say("startup", "faster", least(&ratio));
    }
    (!parts.is_empty()).then(|| format!("Best against {}: {}.", first.name, parts.join(", ")))
}

/// The same in one line per variant, for the end of a run.
pub(crate) fn overview(facts: &RunFacts<'_>, most: usize) -> Table {
    lines(facts, most).without_empty_columns().dense()
}

fn lines(facts: &RunFacts<'_>, most: usize) -> Table {
    let mut table = figures(facts, Detail::Short, most);
    table.others(facts.summary.len(), most);
    table.notes.extend(words::stand_in_line(facts.record).map(|line| format!("* measured on {line}.")));
    table.notes.extend(words::too_few(shown_times(facts), "round"));
    table
}

/// The rows of both forms.
fn figures(facts: &RunFacts<'_>, form: Detail, most: usize) -> Table {
    let builds = match form {
        Detail::Whole => "?#Cold build (cached) | #Rebuild after a source edit (cached) | ?#To pull after it",
        Detail::Short => "#Cold build | #After an edit (cached) | ?#To pull",
    };
    let mut table = Table::new("", &format!("Variant | #Size | #vs | ?#Published | {builds} | ?#Startup"));
    table.rename("vs", facts.against_first());
    for line in facts.summary.iter().take(most) {
        let time = |scenario: Scenario| {
            let anchor = words::proof_anchor(scenario, line.index);
            line.timings.get(&scenario).map_or_else(Cell::default, |timing| timing_cell(timing).link(anchor))
        };
        let estimate = |scenario: Scenario| line.timings.get(&scenario).and_then(|timing| timing.estimate);
        let ratio = line.ratio_to_first;
        table.push(vec![
            Cell::new(&line.name),
            match (line.size, form) {
                (Some(size), Detail::Short) => {
                    let star = if line.stand_in { " *" } else { "" };
                    Cell::number(format!("{size}{star}"), size.0 as f64).best_if(line.smallest)
                }
                _ => size_cell(facts, line),
            },
            match (ratio, form) {
                (Some(ratio), Detail::Whole) => Cell::number(words::times_and_change(ratio), ratio.0),
                (Some(ratio), Detail::Short) => Cell::number(words::times_or_change(ratio), ratio.0),
                (None, _) => Cell::number("", 1.0),
            },
            claim_cell(facts, line, form),
            match (estimate(Scenario::Cold), form) {
                (Some(estimate), Detail::Short) => Cell::time(estimate.median),
                _ => time(Scenario::Cold),
            },
            time(Scenario::Src),
            pull_cell(facts, line),
            match (line.ready, form) {
                (Some(ready), _) => Cell::time(ready),
                (None, Detail::Short) if line.outcome == Outcome::ServeFailed => Cell::new("fails").tone(Tone::Bad),
                (None, _) => Cell::default(),
            },
        ]);
    }
    table
}

/// The build times of the first table.
fn shown_times<'f>(facts: &'f RunFacts<'_>) -> impl Iterator<Item = Estimate> + Clone + 'f {
    let timings = facts.summary.iter().flat_map(|line| &line.timings);
    timings
        .filter(|(scenario, _)| [Scenario::Cold, Scenario::Src].contains(scenario))
        .filter_map(|(_, timing)| timing.estimate)
}

/// What fits a README of it: variant, size, against the first, the published figure, and a rebuild after an edit.
pub(crate) fn comparison(facts: &RunFacts<'_>) -> Table {
    lines(facts, MOST_ROWS).with_columns(|column| [0, 1, 2, 3, 5].contains(&column)).without_empty_columns()
}

/// The size of a variant with what must be said beside it: the smallest, a substitute, a failure.
pub(super) fn size_cell(facts: &RunFacts<'_>, line: &VariantSummary) -> Cell {
    let Some(size) = line.size else {
        return Cell::new(what_is_wrong(facts, line).unwrap_or("not weighed")).tone(Tone::Bad);
    };
    let mut text = size.to_string();
    if line.smallest {
        text.push_str(" (smallest)");
    }
    if line.stand_in {
        text.push_str(STAND_IN);
    }
    if line.outcome == Outcome::ServeFailed {
        text.push_str(" (does not start)");
    }
    Cell::number(text, size.0 as f64).best_if(line.smallest)
}

fn claim_cell(facts: &RunFacts<'_>, line: &VariantSummary, form: Detail) -> Cell {
    let found = facts.reproduction.iter().find(|claim| claim.variant == line.name);
    let Some(claim) = found else { return Cell::default() };
    let text = match claim.verdict {
        _ if form == Detail::Short => claim.claim.clone(),
        ReferenceVerdict::Reproduced => format!("{} (reproduced)", claim.claim),
        ReferenceVerdict::OtherDefinition => format!("{} (other definition)", claim.claim),
        ReferenceVerdict::Drifted if claim.drift != SignedBytes(0) => format!("{} ({})", claim.claim, claim.drift),
        _ => claim.claim.clone(),
    };
    Cell::number(text, claim.low.0 as f64)
}

/// What every node pulls after a source edit, unpacked.
fn pull_cell(facts: &RunFacts<'_>, line: &VariantSummary) -> Cell {
    let update = facts.record.variants.get(line.index).and_then(|variant| variant.update.src.as_ref());
    update.map_or_else(Cell::default, |update| Cell::bytes(update.most_bytes()))
}

fn timing_cell(timing: &ScenarioTiming) -> Cell {
    match timing.estimate {
        Some(estimate) => {
            let text = format!("{} ({}/{})", estimate.median, timing.cached, timing.cacheable);
            Cell::number(text, estimate.median.0 as f64)
        }
        None => Cell::new("no valid sample").tone(Tone::Bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::testing::fixture;
    use crate::units::Bytes;

    fn said(record: &Record) -> String {
        verdict(&RunFacts::of(record))
    }

    #[test]
    fn the_verdict_says_who_is_smallest_and_who_failed() {
        assert_eq!(
            said(&fixture::record()),
            "Smallest: python3.9-alpine-multistage, 48.8 MB, 18.4× smaller than python3.9; all 4 variants built and start; \
             4 published figures: 1 reproduced, 3 drifted"
        );
        assert_eq!(
            said(&fixture::with_failures()),
            "Smallest: python3.9-slim, 125 MB, 7.15× smaller than python3.9; 2 of 4 variants work; build failed: \
             python3.9-alpine; does not start: python3.9-alpine-multistage; 4 published figures: 1 reproduced, 2 drifted, 1 \
             not measured"
        );
        assert!(said(&fixture::stand_in()).contains("48.8 MB on a substitute base image, 18.4× smaller"));
        assert!(said(&fixture::stand_in()).ends_with("4 published figures: 4 not evaluated (substitute base images)"));
    }

    #[test]
    fn one_variant_none_and_equal_ones_make_sentences_too() {
        let mut record = fixture::record();
        record.variants[3].sizes = record.variants[2].sizes.clone();
        assert!(said(&record).starts_with("Smallest: python3.9-alpine and python3.9-alpine-multistage, 56.7 MB each"));
        record.variants.truncate(1);
        record.variants[0].reference = None;
        assert_eq!(said(&record), "python3.9, 896 MB; it built and starts");
        fixture::out_of_reach(&mut record.variants[0]);
        assert_eq!(said(&record), "python3.9, 896 MB; it built; startup not checked");
        record.variants[0].serve = None;
        assert_eq!(said(&record), "python3.9, 896 MB; it built");
        record.variants.clear();
        assert_eq!(said(&record), "No variant was measured");
        let mut record = fixture::record();
        record.variants.iter_mut().for_each(fixture::out_of_reach);
        assert!(said(&record).contains("; all 4 variants built; startup of 4 variants not checked; "));
        let mut record = fixture::with_failures();
        record.variants.drain(..2);
        assert!(said(&record).starts_with("No variant works; 0 of 2 variants work; build failed: "));
    }

    #[test]
    fn what_the_best_of_each_column_saves_is_said_where_it_is_a_difference() {
        let mut record = fixture::with_early_copy();
        record.variants[0].update.src.as_mut().unwrap().bytes = Bytes(10_300_000);
        let line = savings(&RunFacts::of(&record)).unwrap();
        assert!(
            line.starts_with("Best against python3.9: size 18.4× smaller (python3.9-alpine-multistage), ")
                && line.contains("rebuild after a source edit ")
                && line.contains("to pull after it "),
            "{line}"
        );
        record.samples.retain(|sample| sample.round < 3);
        let line = savings(&RunFacts::of(&record)).unwrap();
        assert!(line.contains("size ") && !line.contains("rebuild"), "{line}");
        record.variants.truncate(1);
        assert_eq!(savings(&RunFacts::of(&record)), None);
    }

    #[test]
    fn columns_of_what_was_not_measured_are_left_out() {
        let mut record = fixture::record();
        record.samples.clear();
        for variant in &mut record.variants {
            (variant.serve, variant.reference) = (None, None);
            variant.update = crate::record::Updates::default();
        }
        let table = headline(&RunFacts::of(&record));
        let heads: Vec<&str> = table.columns.iter().map(|column| column.head.as_str()).collect();
        assert_eq!(heads, ["Variant", "Size", "vs python3.9"]);
        assert_eq!(table.rows[3][1].text, "48.8 MB (smallest)");
    }
}
