//! Builds that were imported, as a screen, in Markdown, and as JSON.

use serde_json::{Value, json};

use super::doc::{Block, Doc};
use super::markdown::{self, Form};
use super::table::{Cell, Table, Tone};
use super::terminal::{self, Style};
use super::words;
use crate::analyse::{ObservedStep, ObservedVariant, observed};
use crate::line::Line;
use crate::record::{Record, Sample};
use crate::text::for_people;

/// Version of what `--format json` prints, `major.minor`.
const FORMAT_VERSION: &str = "1.0";
/// Variants and instructions that the screen shows.
const VARIANTS: usize = 4;
const STEPS: usize = 6;
/// Files that are named for having several builds.
const FILES: usize = 3;

/// What the builds show, on one screen, or all of it.
pub(super) fn screen(record: &Record, all: bool, style: Style) -> String {
    let (variants, steps) = if all { (usize::MAX, usize::MAX) } else { (VARIANTS, STEPS) };
    let mut doc = Doc::default();
    doc.sentence(for_people(words::title(record))).sentence(heading(record)).gap();
    tables(record, variants, steps, &mut doc);
    terminal::write(&doc, style)
}

/// The same in Markdown.
pub(super) fn markdown(record: &Record) -> String {
    let mut doc = Doc::default();
    doc.push(Block::Heading(1, Line::quoting(&for_people(words::title(record)))));
    doc.push(Block::Strong(heading(record).into()));
    tables(record, usize::MAX, usize::MAX, &mut doc);
    markdown::write(&doc, Form::File)
}

/// `8 builds of 2 variants, read from 4 files, 2026-11-01 to 2026-11-29: nothing was measured.`
fn heading(record: &Record) -> String {
    let first = words::day(record);
    let last = record.finished_at.get(..10).unwrap_or_default();
    let days = if first == last { first.to_owned() } else { format!("{first} to {last}") };
    for_people(&format!(
        "{} of {}, read from {}, {days}: nothing was built or measured here.",
        words::count(record.samples.len(), "build"),
        words::count(record.variants.len(), "variant"),
        words::count(record.imports.len(), "file"),
    ))
}

fn tables(record: &Record, variants: usize, most: usize, doc: &mut Doc) {
    let found = observed(record);
    doc.section(builds(&found));
    for one in found.iter().filter(|one| !one.steps.is_empty()).take(variants) {
        doc.section(steps(one, most));
    }
    let several: Vec<String> = record
        .imports
        .iter()
        .filter(|import| import.builds > 1)
        .map(|import| format!("`{}` holds {}", import.file, words::count(import.builds as usize, "build")))
        .collect();
    if !several.is_empty() {
        let more = several.len().saturating_sub(FILES);
        let mut named = several[..several.len().min(FILES)].join(", ");
        if more > 0 {
            named = format!("{named}, and {}", words::count(more, "other file"));
        }
        doc.sentence(Line::quoting(&for_people(&format!(
            "{named}: each target counts as a build, and each platform with all instructions that it needs."
        ))));
    }
    doc.sentence("Times are those of the machines that built; they are not compared with measured ones.");
}

/// `3/4`: cacheable instructions that came from cache.
fn cached(sample: &Sample) -> String {
    format!("{}/{}", sample.cached, sample.cacheable)
}

fn builds(found: &[ObservedVariant<'_>]) -> Table {
    let heads = "Variant | #Builds | #Failed | #Unfinished | #Median | #Newest | #Cached | First miss | #All cached | \
                 #After a source edit";
    let mut table = Table::new("Observed builds", heads);
    let some = |number: usize| if number == 0 { Cell::default() } else { Cell::count(number).tone(Tone::Bad) };
    for one in found {
        let newest = |cell: &dyn Fn(&Sample) -> Cell| one.newest.map_or_else(Cell::default, cell);
        table.push(vec![
            Cell::name(&one.variant.name, ""),
            Cell::count(one.builds.len()),
            some(one.failed),
            some(one.unfinished),
            one.median.map_or_else(Cell::default, Cell::time),
            newest(&|sample| Cell::time(sample.wall_ns)),
            newest(&|sample| Cell::new(cached(sample))),
            newest(&|sample| sample.first_miss.as_ref().map_or_else(|| Cell::new("none"), Cell::code)),
            Cell::count(one.all_cached),
            one.source_edit.map_or_else(Cell::default, |sample| Cell::new(cached(sample))),
        ]);
    }
    table.note(
        "Cached: instructions that came from cache, of those that can, in the newest build; all cached: builds in which \
         every one did.",
    );
    if found.iter().any(|one| one.source_edit.is_some()) {
        table.note(
            "After a source edit: the newest build in which only copies of the source, and what builds on them, ran.",
        );
    }
    table.without_empty_columns().dense()
}

fn steps(one: &ObservedVariant<'_>, most: usize) -> Table {
    let mut sorted: Vec<&ObservedStep<'_>> = one.steps.iter().collect();
    sorted.sort_by_key(|step| std::cmp::Reverse((step.total, step.first_miss)));
    let title = format!("Instructions of {}", one.variant.name);
    let mut table = Table::new(&title, "Instruction | Stage | #Cached | #First miss | #Median | #In all");
    for step in sorted.iter().take(most) {
        let ran = step.builds > step.cached;
        let time = |time| if ran { Cell::time(time) } else { Cell::default() };
        table.push(vec![
            Cell::code(step.instruction),
            Cell::new(step.stage),
            Cell::new(format!("{}/{}", step.cached, step.builds)),
            if step.first_miss > 0 { Cell::count(step.first_miss) } else { Cell::default() },
            time(step.median),
            time(step.total),
        ]);
    }
    table.others(sorted.len(), most);
    table.without_empty_columns().dense()
}

/// One JSON document.
pub(super) fn json(record: &Record) -> String {
    let build = |sample: &Sample| {
        let observed = sample.observed.as_ref();
        json!({
            "started_at": sample.started_at,
            "wall_ns": sample.wall_ns,
            "cached": sample.cached,
            "cacheable": sample.cacheable,
            "first_miss": sample.first_miss,
            "causes": observed.map(|observed| &observed.causes),
            "edit": observed.and_then(|observed| observed.edit),
            "commit": observed.map(|observed| &observed.commit).filter(|commit| !commit.is_empty()),
        })
    };
    let step = |step: &ObservedStep<'_>| {
        json!({
            "stage": step.stage,
            "instruction": step.instruction,
            "builds": step.builds,
            "cached": step.cached,
            "first_miss": step.first_miss,
            "median_ns": step.median,
            "total_ns": step.total,
        })
    };
    let variants: Vec<Value> = observed(record)
        .iter()
        .map(|one| {
            json!({
                "name": one.variant.name,
                "builds": one.builds.len(),
                "failed": one.failed,
                "unfinished": one.unfinished,
                "median_ns": one.median,
                "all_cached": one.all_cached,
                "newest": one.newest.map(build),
                "source_edits": one.source_edits,
                "source_edit": one.source_edit.map(build),
                "instructions": one.steps.iter().map(step).collect::<Vec<_>>(),
            })
        })
        .collect();
    crate::json::pretty(&json!({
        "format_version": FORMAT_VERSION,
        "scenario": crate::record::Scenario::Observed,
        "suite": record.suite.name,
        "imports": record.imports,
        "variants": variants,
    }))
}

/// What became of a history.
pub(crate) fn in_history(before: usize, added: usize, directory: &std::path::Path) -> String {
    let known = if before == 0 { String::new() } else { format!(", {before} were in it before") };
    let directory = for_people(&directory.to_string_lossy());
    format!("history: {} added{known}; `tonnage trend {directory}` shows it", words::count(added, "line"))
}
