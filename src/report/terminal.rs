//! The report on a terminal.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, CellAlignment, Color, ColumnConstraint, ContentArrangement};
use unicode_width::UnicodeWidthStr as _;

use super::facts::Facts;
use super::table::{Align, Cell, Table, Tone};
use super::{tables, words};
use crate::record::Record;
use crate::text::for_people;

/// What the terminal can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences are welcome.
    pub colour: bool,
    /// Columns; `None` where lines may be of any length.
    pub width: Option<u16>,
}

/// Longest code of a cell: paths and instructions keep their ends.
const LONGEST_CODE: usize = 200;
/// Longest sentence of a cell.
const LONGEST: usize = 500;
/// Most findings and rows of times; Markdown and page have more.
const MOST: usize = 48;

/// Summary tables, then failures, findings and notes.
pub fn terminal(record: &Record, style: Style) -> String {
    let facts = Facts::of(record);
    let mut out = String::new();
    let title = if record.suite.title.is_empty() { &record.suite.name } else { &record.suite.title };
    let _ = writeln!(out, "{}\n", for_people(title));
    section(&mut out, &tables::sizes(&facts), style);
    section(&mut out, &tables::reproduction(&facts), style);
    section(&mut out, &tables::times(&facts), style);
    section(&mut out, &tables::serving(&facts), style);
    section(&mut out, &tables::failures_with_logs(&facts), style);
    section(&mut out, &tables::findings(&facts), style);
    let _ = writeln!(out, "{}", for_people(&words::source_line(record)));
    let _ = writeln!(out, "{}", words::ended(record));
    if let Some(overhead) = &facts.overhead {
        let _ = writeln!(out, "{}", words::time_of_the_run(overhead));
        let _ = writeln!(out, "tonnage itself {}", words::overhead(overhead));
    }
    out
}

/// One table alone.
pub fn only(table: &Table, style: Style) -> String {
    let mut out = String::new();
    section(&mut out, table, style);
    out
}

/// One table alone, with all its rows: whoever made it has cut its lists.
pub fn whole(table: &Table, style: Style) -> String {
    let mut out = String::new();
    section_of(&mut out, table, style, usize::MAX);
    out
}

/// A table with its heading and notes; nothing where it has no rows.
fn section(out: &mut String, table: &Table, style: Style) {
    section_of(out, table, style, MOST);
}

fn section_of(out: &mut String, table: &Table, style: Style, most: usize) {
    if table.rows.is_empty() {
        return;
    }
    let narrowed = style.width.map(|width| narrow(table, usize::from(width)));
    let shown = narrowed.as_ref().unwrap_or(table);
    let _ = writeln!(out, "{}", for_people(&table.title));
    let _ = writeln!(out, "{}", draw(shown, style, most));
    let left_out = table.columns.len() - shown.columns.len();
    if left_out > 0 {
        let _ = writeln!(out, "{} left out for want of room.", words::count(left_out, "column"));
    }
    if table.rows.len() > most {
        let _ = writeln!(out, "The first {most} of {} rows.", table.rows.len());
    }
    for note in &table.notes {
        let _ = writeln!(out, "{}", for_people(note));
    }
    out.push('\n');
}

/// The table without as many of its optional columns as it takes to fit, the rightmost first.
fn narrow(table: &Table, width: usize) -> Table {
    let mut table = table.clone();
    loop {
        let needed: usize = (0..table.columns.len()).map(|index| needs(&table, index).0 + 3).sum::<usize>() + 1;
        let optional = table.columns.iter().rposition(|column| column.optional);
        match optional {
            Some(dropped) if needed > width => table = table.with_columns(|index| index != dropped),
            _ => return table,
        }
    }
}

/// Columns of the terminal that a column of the table needs, and whether it may not be broken: sentences and code can.
fn needs(table: &Table, index: usize) -> (usize, bool) {
    let cells = table.rows.iter().filter_map(|row| row.get(index)).map(|cell| for_people(&cell.text).width());
    let widest = cells.max().unwrap_or(0).max(table.columns[index].head.width());
    let whole = (table.columns[index].align == Align::Right || index == 0) && widest <= 34;
    (if whole { widest } else { widest.min(20) }, whole)
}

fn draw(table: &Table, style: Style, most: usize) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(UTF8_FULL_CONDENSED).force_no_tty();
    if style.colour {
        drawn.enforce_styling();
    }
    match style.width {
        Some(width) => {
            drawn.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.max(40));
        }
        None => {
            drawn.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    drawn.set_header(
        table
            .columns
            .iter()
            .map(|column| comfy_table::Cell::new(for_people(&column.head)).set_alignment(alignment(column.align))),
    );
    let room: usize = (0..table.columns.len()).map(|index| needs(table, index).0 + 3).sum::<usize>() + 1;
    if style.width.is_some_and(|width| room <= usize::from(width)) {
        // What must not be broken gets the room it needs; the sentences share what is left.
        for index in 0..table.columns.len() {
            if let (Some(column), (_, true)) = (drawn.column_mut(index), needs(table, index)) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
    }
    for row in table.rows.iter().take(most) {
        let cells = row.iter().zip(&table.columns);
        drawn.add_row(cells.map(|(cell, column)| draw_cell(cell).set_alignment(alignment(column.align))));
    }
    drawn.trim_fmt()
}

fn draw_cell(cell: &Cell) -> comfy_table::Cell {
    let text = for_people(&cell.text);
    let longest = if cell.code { LONGEST_CODE } else { LONGEST };
    let drawn = comfy_table::Cell::new(crate::text::shorten(&text, longest));
    match cell.tone {
        Tone::Plain => drawn,
        Tone::Best => drawn.fg(Color::Green).add_attribute(Attribute::Bold),
        Tone::Bad => drawn.fg(Color::Red),
        Tone::Care => drawn.fg(Color::Yellow),
    }
}

fn alignment(align: Align) -> CellAlignment {
    match align {
        Align::Left => CellAlignment::Left,
        Align::Right => CellAlignment::Right,
    }
}
