//! A run: the report on a terminal, `report.md`, and the block for a README.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::doc::{Block, Doc};
use super::facts::RunFacts;
use super::markdown::{self, Form};
use super::table::{Table, Tone};
use super::terminal::{self, Style};
use super::{charts, observed, tables, words};
use crate::analyse::NoiseVerdict;
use crate::line::{Line, command, strong};
use crate::record::{Ended, Record};
use crate::text::{for_people, shorten};
use crate::units::Ratio;

/// Most rows of a table on a terminal; Markdown and page have more.
const MOST: usize = 48;
/// Least columns of a reason.
const LEAST: usize = 40;
/// Longest title or name in a sentence.
const LONGEST: usize = 600;

/// What is beside a record on disk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FilesBeside {
    /// The page, where there is one.
    pub page: Option<PathBuf>,
    /// The Markdown, where there is one.
    pub markdown: Option<PathBuf>,
    /// The command that shows every table.
    pub every_table: String,
}

/// Findings and failures that the screen shows, and how many lines of the failures' logs in all.
const FINDINGS: usize = 3;
const FAILURES: usize = 3;
const LOG_LINES: usize = 6;
/// Columns of the shares of findings, and of the names of files.
const SHARES: usize = 9;
const FILES: usize = 13;

/// The end of a run on a terminal: what came out, what costs most, and where everything else is.
pub(crate) fn screen(record: &Record, beside: &FilesBeside, style: Style) -> String {
    if record.is_observed() {
        return observed::screen(record, false, style);
    }
    let facts = RunFacts::of(record);
    let mut doc = Doc::default();
    doc.sentence(words::title(record)).sentence(format!("{}.", tables::verdict(&facts)));
    if record.ended != Ended::Complete {
        doc.sentence(format!("Not complete: {}.", words::ended(record)));
    }
    doc.gap().section(tables::overview(&facts, tables::MOST_LINES));
    failures(&facts, terminal::columns(style), &mut doc);
    if let Some(noise) = facts.noise.as_ref().filter(|noise| noise.verdict() == NoiseVerdict::Noisy) {
        doc.sentence(words::noise(noise)).gap();
    }
    for line in super::shards::remarks(&facts) {
        doc.sentence(Line::quoting(&line));
    }
    if facts.shards.len() > 1 {
        doc.gap();
    }
    costs(&facts, terminal::columns(style).saturating_sub(SHARES), &mut doc);
    let shown = |path: &Path| for_people(&path.to_string_lossy());
    for (name, path) in [("page", &beside.page), ("Markdown", &beside.markdown)] {
        if let Some(path) = path {
            doc.field(name, FILES, shown(path));
        }
    }
    doc.field("every table", FILES, command(&beside.every_table));
    terminal::write(&doc, style)
}

/// What did not go well, each in a line of so many columns, and how its log ended.
fn failures(facts: &RunFacts<'_>, columns: usize, doc: &mut Doc) {
    let failed = tables::failed(facts);
    let lines = LOG_LINES / failed.len().clamp(1, FAILURES);
    for one in failed.iter().take(FAILURES) {
        let name = format!("{} failed: {}: ", for_people(one.variant), one.at);
        let what = [one.instruction, one.reason].into_iter().filter(|part| !part.is_empty()).map(for_people);
        let what = what.collect::<Vec<_>>().join(": ");
        let left = columns.saturating_sub(name.chars().count()).max(LEAST);
        doc.sentence(strong(Tone::Bad, name).and(shorten(&what, left)));
        for line in &one.log[one.log.len().saturating_sub(lines)..] {
            doc.under(2, format!("| {}", shorten(&for_people(line), columns.saturating_sub(4))));
        }
    }
    if failed.len() > FAILURES {
        doc.sentence(format!("[{}]", words::count(failed.len() - FAILURES, "other failure")));
    }
    if !failed.is_empty() {
        doc.gap();
    }
}

/// The findings that cost most, bytes and time judged by the same measure, each in a line of so many columns.
fn costs(facts: &RunFacts<'_>, columns: usize, doc: &mut Doc) {
    let merged = facts.merged_findings();
    let all = words::count(merged.len(), "finding");
    let costly = merged.iter().filter(|(_, found)| found.share > 0.0).take(FINDINGS);
    let mut heading = Some(format!("What costs most, of {all} (% of the variant's size, or of its cold build):"));
    for (variants, found) in costly {
        if let Some(heading) = heading.take() {
            doc.sentence(heading);
        }
        let who = match facts.record.variants.len() {
            1 => String::new(),
            of => format!("{}: ", words::about(variants, of)),
        };
        let line = |text: &str| words::beginning(&for_people(text), columns);
        let message = line(&format!("{who}{}", found.finding.message));
        doc.field(format!("{:>7}", Ratio(found.share).as_percent()), SHARES, message);
        doc.under(SHARES, line(&format!("→ {}", found.finding.remedy)));
    }
}

/// The sizes on a terminal, as soon as every variant was built once.
pub(crate) fn sizes(record: &Record, style: Style) -> String {
    let mut record = record.clone();
    record.samples.clear();
    record.variants.retain(|variant| variant.side.is_head());
    let facts = RunFacts::of(&record);
    let mut doc = Doc::default();
    doc.section(tables::overview(&facts, usize::MAX));
    terminal::write(&doc, style)
}

/// The sizes in a line: `python3.9 875 MB · python3.9-slim 123 MB`.
pub(crate) fn sizes_line(record: &Record) -> String {
    let head = record.variants.iter().filter(|variant| variant.side.is_head());
    let sizes = head.filter_map(|variant| Some(format!("{} {}", variant.name, variant.size()?)));
    sizes.collect::<Vec<_>>().join(" · ")
}

/// Every table on a terminal: the verdict and the headline table, then the details.
pub fn terminal(record: &Record, style: Style) -> String {
    if record.is_observed() {
        return observed::screen(record, true, style);
    }
    let facts = RunFacts::of(record);
    let mut doc = Doc::default();
    doc.sentence(words::title(record)).gap().sentence(format!("{}.", tables::verdict(&facts)));
    if record.ended != Ended::Complete {
        doc.sentence(format!("Not complete: {}.", words::ended(record)));
    }
    doc.gap();
    for table in [
        tables::headline(&facts),
        tables::sizes(&facts),
        tables::reproduction(&facts),
        tables::figures(&facts),
        tables::times(&facts),
        tables::classes(&facts),
        tables::machines(&facts),
        tables::updates(&facts),
        tables::serving(&facts),
        tables::failures_with_logs(&facts),
        tables::findings(&facts),
    ] {
        doc.section(beginning(table));
    }
    doc.sentence(words::source_line(record)).sentence(words::ended(record));
    if let Some(overhead) = &facts.overhead {
        doc.sentence(words::time_of_the_run(overhead));
        doc.sentence(format!("tonnage itself {}", words::overhead(overhead)));
    }
    terminal::write(&doc, style)
}

/// The first rows of a table.
fn beginning(mut table: Table) -> Table {
    let all = table.rows.len();
    if all > MOST {
        table.rows.truncate(MOST);
        table.notes.insert(0, format!("The first {MOST} of {all} rows."));
    }
    table
}

/// Text of a record, cut where it is long.
fn cut(text: &str) -> Line {
    Line::quoting(&shorten(&for_people(text), LONGEST))
}

/// `report.md`: the verdict and the headline table, then the details, the long lists folded.
pub fn markdown(record: &Record) -> String {
    if record.is_observed() {
        return observed::markdown(record);
    }
    let facts = RunFacts::of(record);
    // Only charts that there are figures for are drawn.
    let look = charts::Appearance::default();
    let drawn = |fonts: charts::Fonts| charts::drawings(&facts, charts::Sheet { fonts: &fonts, look: &look });
    let drawings = charts::Fonts::embedded().map(drawn).unwrap_or_default();
    let names: Vec<&str> = drawings.iter().map(charts::Drawing::name).collect();
    document(&facts, &names)
}

/// The same, where it is known which charts are drawn.
pub(super) fn document(facts: &RunFacts<'_>, charts: &[&str]) -> String {
    let record = facts.record;
    let mut doc = Doc::default();
    doc.push(Block::Heading(1, cut(words::title(record)))).sentence(cut(&words::source_line(record)).and("."));
    doc.push(verdict(facts));
    let warning = |word: &str| strong(Tone::Plain, word);
    if let Some(line) = words::stand_in_line(record) {
        let line = warning("Substitute base images.").and(" Measured on ").and(cut(&line)).and(".");
        doc.push(Block::Warning(line));
    }
    if record.ended != Ended::Complete {
        doc.push(Block::Warning(warning("Not complete:").and(format!(" {}.", words::ended(record)))));
    }
    let picture = |doc: &mut Doc, name: &str, shows| {
        if charts.contains(&name) {
            doc.push(Block::Picture { file: format!("charts/{name}.svg"), shows });
        }
    };
    doc.section(tables::headline(facts));
    picture(&mut doc, "sizes", "Sizes of the variants and published figures");
    doc.section(tables::sizes(facts)).section(tables::reproduction(facts)).section(tables::figures(facts));
    doc.section(tables::times(facts));
    picture(&mut doc, "build-time", "Build time by scenario, with intervals");
    picture(&mut doc, "size-and-rebuild", "Size against rebuild time");
    doc.section(tables::classes(facts)).section(tables::machines(facts));
    folded(&mut doc, tables::invalid(facts));
    doc.section(tables::kept_trials(record));
    picture(&mut doc, "waterfall", "What each kept remedy saves");
    doc.section(tables::unverified_trials(record)).section(tables::rejected_trials(record));
    doc.section(tables::updates(facts));
    picture(&mut doc, "to-pull", "What nodes pull after an edit");
    doc.section(tables::serving(facts));
    picture(&mut doc, "start-up", "Time to the first answer, and memory");
    doc.section(tables::failures_with_logs(facts)).section(tables::findings(facts));
    doc.push(Block::Heading(2, "Details".into()));
    picture(&mut doc, "layers", "Bytes of each image: base, packages, application, reclaimable");
    picture(&mut doc, "cold-build", "Where the time of a cold build goes, by instruction");
    for table in [
        tables::layers(facts),
        tables::decomposition(facts),
        tables::sharing(&facts.sharing, "Variant"),
        tables::matrix(&facts.sharing, "Variant"),
        tables::bases(facts),
        tables::environment(facts),
    ] {
        folded(&mut doc, table);
    }
    markdown::write(&doc, Form::File)
}

fn verdict(facts: &RunFacts<'_>) -> Block {
    Block::Strong(Line::quoting(&tables::verdict(facts)).and("."))
}

fn folded(doc: &mut Doc, table: Table) {
    let rows = format!(" ({})", words::count(table.rows.len(), "row"));
    doc.folded(strong(Tone::Plain, table.title.clone()).and(rows), table);
}

/// Which paths builds are not sent.
pub(crate) fn not_sent(paths: &BTreeSet<PathBuf>) -> String {
    let paths: Vec<_> = paths.iter().map(|path| format!("`{}`", for_people(&path.to_string_lossy()))).collect();
    format!("not sent to the builds, because tonnage wrote it: {}", paths.join(", "))
}

/// That so few rounds judge no time.
pub(crate) fn too_few_rounds(rounds: u32, needed: u32) -> String {
    let rounds = words::count(rounds as usize, "round");
    format!("{rounds} cannot tell a slowdown from chance: so many comparisons need {needed}")
}

/// The block for a README: the verdict, a table of few columns, the chart, and where they come from. `charts` is the
/// directory of the charts as seen from the README; empty leaves them out.
pub fn block(record: &Record, charts: &str) -> String {
    let facts = RunFacts::of(record);
    let mut doc = Doc::default();
    doc.push(verdict(&facts)).section(tables::comparison(&facts));
    if !charts.is_empty() {
        doc.push(Block::Picture { file: format!("{charts}/sizes.svg"), shows: "Sizes of the variants" });
    }
    doc.sentence(cut(&words::source_line(record)).and("."));
    markdown::write(&doc, Form::File)
}

#[cfg(test)]
mod tests {
    use comrak::nodes::NodeValue;
    use comrak::{Arena, Options, parse_document};

    use crate::report::markdown;
    use crate::testing::fixture;

    #[test]
    fn what_is_folded_is_still_a_table_to_github() {
        for record in [fixture::record(), fixture::stand_in(), fixture::with_failures()] {
            let text = markdown(&record);
            let arena = Arena::new();
            let mut options = Options::default();
            options.extension.table = true;
            let document = parse_document(&arena, &text, &options);
            let (mut inside, mut folded, mut tables) = (false, 0, 0);
            for node in document.children() {
                match &node.data.borrow().value {
                    NodeValue::HtmlBlock(html) if html.literal.starts_with("<details>") => {
                        assert!(!inside, "{}", html.literal);
                        (inside, folded) = (true, folded + 1);
                    }
                    NodeValue::HtmlBlock(html) => {
                        assert_eq!(html.literal.trim(), "</details>");
                        assert!(inside);
                        inside = false;
                    }
                    NodeValue::Table(_) if inside => tables += 1,
                    _ => {}
                }
            }
            assert!(folded > 0 && tables == folded && !inside, "{folded} folded, {tables} tables in them");
        }
    }
}
