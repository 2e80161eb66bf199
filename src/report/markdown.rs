//! The report as GitHub-flavoured Markdown: `report.md`, and the block for a README.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::charts::{Drawing, Fonts};
use super::escape::Place;
use super::facts::Facts;
use super::table::{Align, Cell, Table, Tone};
use super::{charts, escape, tables, words};
use crate::record::Record;

/// `report.md`: the verdict and the headline table, then the details, the long lists folded.
pub fn markdown(record: &Record) -> String {
    let facts = Facts::of(record);
    // Only charts that there are figures for are drawn.
    let drawings = Fonts::embedded().map(|fonts| charts::drawings(&facts, &fonts)).unwrap_or_default();
    let names: Vec<&str> = drawings.iter().map(Drawing::name).collect();
    document(&facts, &names)
}

/// The same, where it is known which charts are drawn.
pub fn document(facts: &Facts<'_>, charts: &[&str]) -> String {
    let record = facts.record;
    let mut out = String::new();
    let title = if record.suite.title.is_empty() { &record.suite.name } else { &record.suite.title };
    let _ = writeln!(out, "# {}\n", escape::text(title, Place::Text));
    let _ = writeln!(out, "{}.\n", escape::text(&words::source_line(record), Place::Text));
    let _ = writeln!(out, "**{}.**\n", escape::sentence(&tables::verdict(facts), Place::Text));
    if let Some(line) = words::stand_in_line(record) {
        let _ = writeln!(out, "> **Stand-ins.** These figures are of {}.\n", escape::text(&line, Place::Text));
    }
    if record.ended != crate::record::Ended::Complete {
        let _ = writeln!(out, "> **Not complete:** {}.\n", words::ended(record));
    }
    let picture = |out: &mut String, name: &str, alternative: &str| {
        if charts.contains(&name) {
            let _ = writeln!(out, "![{alternative}](charts/{name}.svg)\n");
        }
    };
    table_into(&mut out, &tables::headline(facts), Heading::None);
    picture(&mut out, "sizes", "Sizes of the variants, with the claims beside them");
    table_into(&mut out, &tables::sizes(facts), Heading::Second);
    table_into(&mut out, &tables::reproduction(facts), Heading::Second);
    table_into(&mut out, &tables::times(facts), Heading::Second);
    picture(&mut out, "build-time", "Build time by scenario, with intervals");
    picture(&mut out, "size-and-rebuild", "Size against rebuild time");
    folded(&mut out, &tables::invalid(facts));
    table_into(&mut out, &tables::serving(facts), Heading::Second);
    picture(&mut out, "start-up", "Time to the first answer, and memory");
    table_into(&mut out, &tables::failures_with_logs(facts), Heading::Second);
    table_into(&mut out, &tables::findings(facts), Heading::Second);
    let _ = writeln!(out, "## Details\n");
    picture(&mut out, "layers", "Bytes of each image: base, packages, application, waste");
    picture(&mut out, "cold-build", "Where the time of a cold build goes, by instruction");
    folded(&mut out, &tables::layers(facts));
    folded(&mut out, &tables::decomposition(facts));
    folded(&mut out, &tables::sharing(&facts.sharing, "Variant"));
    folded(&mut out, &tables::matrix(&facts.sharing, "Variant"));
    folded(&mut out, &tables::bases(facts));
    folded(&mut out, &tables::environment(facts));
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

/// The block for a README: verdict and headline table, the chart, the build times folded, and where they come from.
/// `charts` is the folder of the charts as seen from the README; empty leaves them out.
pub fn block(record: &Record, charts: &str) -> String {
    let facts = Facts::of(record);
    let mut out = String::new();
    let _ = writeln!(out, "**{}.**\n", escape::sentence(&tables::verdict(&facts), Place::Text));
    table_into(&mut out, &tables::headline(&facts), Heading::None);
    if !charts.is_empty() {
        let _ = writeln!(out, "![Sizes of the variants]({charts}/sizes.svg)\n");
    }
    folded(&mut out, &tables::times(&facts));
    let _ = writeln!(out, "{}.", escape::text(&words::source_line(record), Place::Text));
    out
}

/// One table alone, with its heading where it has one.
pub fn only(table: &Table) -> String {
    let mut out = String::new();
    table_into(&mut out, table, if table.title.is_empty() { Heading::None } else { Heading::Second });
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Heading {
    None,
    Second,
}

/// A table that is folded until someone wants it. GFM reads Markdown inside of HTML after a blank line only (GFM 4.6).
fn folded(out: &mut String, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    let rows = words::count(table.rows.len(), "row");
    let title = escape::html(&table.title);
    let _ = writeln!(out, "<details>\n<summary><b>{title}</b> ({rows})</summary>\n");
    table_into(out, table, Heading::None);
    let _ = writeln!(out, "</details>\n");
}

/// A GFM table with notes, padded so that it reads as plain text too; nothing where it has no rows.
fn table_into(out: &mut String, table: &Table, heading: Heading) {
    if table.rows.is_empty() {
        return;
    }
    if heading == Heading::Second {
        let _ = writeln!(out, "## {}\n", escape::text(&table.title, Place::Text));
    }
    let heads: Vec<String> = table.columns.iter().map(|column| escape::text(&column.head, Place::Cell)).collect();
    let rows: Vec<Vec<String>> = table.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    let widths: Vec<usize> = (0..heads.len())
        .map(|index| {
            let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.width());
            cells.max().unwrap_or(0).max(heads[index].width()).clamp(3, 60)
        })
        .collect();
    line(out, &heads, &widths, table);
    let rules: Vec<String> = table
        .columns
        .iter()
        .zip(&widths)
        .map(|(column, width)| match column.align {
            Align::Left => "-".repeat(*width),
            Align::Right => format!("{}:", "-".repeat(width - 1)),
        })
        .collect();
    line(out, &rules, &widths, table);
    for row in &rows {
        line(out, row, &widths, table);
    }
    out.push('\n');
    for note in &table.notes {
        let _ = writeln!(out, "{}\n", escape::sentence(note, Place::Text));
    }
}

fn line(out: &mut String, cells: &[String], widths: &[usize], table: &Table) {
    for ((cell, width), column) in cells.iter().zip(widths).zip(&table.columns) {
        let pad = " ".repeat(width.saturating_sub(cell.width()));
        let _ = match column.align {
            Align::Left => write!(out, "| {cell}{pad} "),
            Align::Right => write!(out, "| {pad}{cell} "),
        };
    }
    out.push_str("|\n");
}

fn cell(cell: &Cell) -> String {
    let text = if cell.code { escape::code(&cell.text, Place::Cell) } else { escape::text(&cell.text, Place::Cell) };
    match cell.tone {
        Tone::Best | Tone::Bad if !text.is_empty() && !cell.code => format!("**{text}**"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use comrak::nodes::NodeValue;
    use comrak::{Arena, Options, parse_document};

    use super::*;
    use crate::testing::fixture;

    #[test]
    fn what_is_folded_is_still_a_table_to_github() {
        for record in [fixture::record(), fixture::stand_in(), fixture::with_failures()] {
            for text in [markdown(&record), block(&record, "charts")] {
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
}
