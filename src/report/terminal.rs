//! The report on a terminal.

use std::fmt::Write as _;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement};

use super::facts::Facts;
use super::table::{Align, Table, Tone};
use super::{layout, tables, words};
use crate::record::Record;
use crate::text::for_people;

/// What the terminal can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences are welcome.
    pub colour: bool,
    /// Columns; `None` where that is not known, as in a file or a pipe: then lines are of a width that is read well.
    pub width: Option<u16>,
}

/// Columns of the terminal behind standard output; `None` where there is none.
pub fn terminal_width() -> Option<u16> {
    comfy_table::Table::new().width().filter(|width| *width > 0)
}

/// Columns where it is not known how many there are.
const READABLE: u16 = 120;

impl Style {
    /// Columns that lines may have.
    fn columns(self) -> usize {
        usize::from(self.width.unwrap_or(READABLE).max(40))
    }
}

/// Longest code of a cell: paths and instructions keep their ends.
const LONGEST_CODE: usize = 200;
/// Longest sentence of a cell.
const LONGEST: usize = 500;
/// Most findings and rows of times; Markdown and page have more.
const MOST: usize = 48;

/// The verdict and the headline table, then the details.
pub fn terminal(record: &Record, style: Style) -> String {
    let facts = Facts::of(record);
    let mut out = String::new();
    let title = if record.suite.title.is_empty() { &record.suite.name } else { &record.suite.title };
    sentence(&mut out, title, style);
    out.push('\n');
    sentence(&mut out, &format!("{}.", tables::verdict(&facts)), style);
    if record.ended != crate::record::Ended::Complete {
        sentence(&mut out, &format!("Not complete: {}.", words::ended(record)), style);
    }
    out.push('\n');
    section(&mut out, &tables::headline(&facts), style);
    for table in [
        tables::sizes(&facts),
        tables::reproduction(&facts),
        tables::times(&facts),
        tables::serving(&facts),
        tables::failures_with_logs(&facts),
        tables::findings(&facts),
    ] {
        section(&mut out, &table, style);
    }
    sentence(&mut out, &words::source_line(record), style);
    sentence(&mut out, words::ended(record), style);
    if let Some(overhead) = &facts.overhead {
        sentence(&mut out, &words::time_of_the_run(overhead), style);
        sentence(&mut out, &format!("tonnage itself {}", words::overhead(overhead)), style);
    }
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
    if !table.title.is_empty() {
        sentence(out, &table.title, style);
    }
    // Only what is shown decides how wide the columns are.
    let mut shown = table.clone();
    shown.rows.truncate(most);
    let (shown, widths) = layout::columns(&shown, style.columns());
    let _ = writeln!(out, "{}", draw(&shown, &widths, style));
    let left_out = table.columns.len() - shown.columns.len();
    if left_out > 0 {
        let _ = writeln!(out, "{} left out for want of room.", words::count(left_out, "column"));
    }
    if table.rows.len() > most {
        let _ = writeln!(out, "The first {most} of {} rows.", table.rows.len());
    }
    for note in &table.notes {
        sentence(out, note, style);
    }
    out.push('\n');
}

/// A sentence in as many lines as it takes.
pub fn sentence(out: &mut String, text: &str, style: Style) {
    for line in layout::wrap(&for_people(text), style.columns()) {
        let _ = writeln!(out, "{line}");
    }
}

fn draw(table: &Table, widths: &[usize], style: Style) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(UTF8_FULL_CONDENSED).force_no_tty().set_content_arrangement(ContentArrangement::Disabled);
    if style.colour {
        drawn.enforce_styling();
    }
    let lines = |text: &str, width: usize| layout::wrap(text, width).join("\n");
    let heads = table.columns.iter().zip(widths);
    drawn.set_header(heads.map(|(column, width)| {
        comfy_table::Cell::new(lines(&for_people(&column.head), *width)).set_alignment(alignment(column.align))
    }));
    for row in &table.rows {
        let cells = row.iter().zip(&table.columns).zip(widths);
        drawn.add_row(cells.map(|((cell, column), width)| {
            let longest = if cell.code { LONGEST_CODE } else { LONGEST };
            let text = crate::text::shorten(&for_people(&cell.text), longest);
            coloured(comfy_table::Cell::new(lines(&text, *width)), cell.tone).set_alignment(alignment(column.align))
        }));
    }
    drawn.trim_fmt()
}

fn coloured(drawn: comfy_table::Cell, tone: Tone) -> comfy_table::Cell {
    match tone {
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
