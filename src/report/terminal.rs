//! The report on a terminal.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement};

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

/// Longest text of a cell where the width is unknown.
const LONGEST: usize = 100;
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
    section(&mut out, &tables::failures(&facts), style);
    section(&mut out, &tables::findings(&facts), style);
    let _ = writeln!(out, "{}", for_people(&words::source_line(record)));
    let _ = writeln!(out, "{}", words::ended(record));
    out
}

/// A table with its heading and notes; nothing where it has no rows.
fn section(out: &mut String, table: &Table, style: Style) {
    if table.rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "{}", table.title);
    let _ = writeln!(out, "{}", draw(table, style));
    if table.rows.len() > MOST {
        let _ = writeln!(out, "The first {MOST} of {} rows.", table.rows.len());
    }
    for note in &table.notes {
        let _ = writeln!(out, "{}", for_people(note));
    }
    out.push('\n');
}

fn draw(table: &Table, style: Style) -> String {
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
    for row in table.rows.iter().take(MOST) {
        let cells = row.iter().zip(&table.columns);
        drawn.add_row(cells.map(|(cell, column)| draw_cell(cell, style).set_alignment(alignment(column.align))));
    }
    drawn.trim_fmt()
}

fn draw_cell(cell: &Cell, style: Style) -> comfy_table::Cell {
    let text = for_people(&cell.text);
    let drawn = comfy_table::Cell::new(crate::text::shorten(&text, if style.width.is_some() { 200 } else { LONGEST }));
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
