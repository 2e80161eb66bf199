//! The writer for terminals and logs: lines, framed tables that fit the terminal, or columns without frames.

use std::fmt::Write as _;

use comfy_table::presets::{NOTHING, UTF8_FULL_CONDENSED};
use comfy_table::{Attribute, CellAlignment, Color, ContentArrangement, TableStyle};

use super::doc::{Amount, AmountKind, Block, Doc};
use super::table::{Align, Table, Tone};
use super::{layout, words};
use crate::line::{Line, Span};
use crate::text::{for_people, shorten};
use unicode_width::UnicodeWidthStr as _;

/// What the terminal can do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether escape sequences are welcome.
    pub colour: bool,
    /// Columns; `None` where that is not known, as in a file or a pipe: then lines are of a width that is read well.
    pub width: Option<u16>,
}

/// Columns of the terminal behind standard output; `None` where there is none.
pub(crate) fn terminal_width() -> Option<u16> {
    comfy_table::Table::new().width().filter(|width| *width > 0)
}

/// Columns where it is not known how many there are.
const READABLE: u16 = 120;
/// Longest code of a cell: paths and instructions keep their ends.
const LONGEST_CODE: usize = 200;
/// Longest sentence of a cell.
const LONGEST: usize = 500;
/// How far in amounts begin.
const AMOUNTS: usize = 6;

/// A document on a terminal, in lines that fit.
pub(super) fn write(doc: &Doc, style: Style) -> String {
    TerminalWriter { colour: style.colour, columns: columns(style), framed: true, out: String::new() }.document(doc)
}

/// Columns that lines fit into.
pub(super) fn columns(style: Style) -> usize {
    usize::from(style.width.unwrap_or(READABLE).max(40))
}

/// A document in the log of a job: lines as long as they are, tables without frames, and nothing that a workflow obeys.
pub(super) fn log(doc: &Doc, colour: bool) -> String {
    TerminalWriter { colour, columns: usize::MAX, framed: false, out: String::new() }.document(doc)
}

struct TerminalWriter {
    colour: bool,
    columns: usize,
    framed: bool,
    out: String,
}

impl TerminalWriter {
    fn document(mut self, doc: &Doc) -> String {
        self.blocks(doc);
        self.out
    }

    fn blocks(&mut self, doc: &Doc) {
        for block in &doc.0 {
            match block {
                Block::Heading(_, line)
                | Block::Strong(line)
                | Block::Sentence(line)
                | Block::Warning(line)
                | Block::Item(line) => self.line("", line),
                Block::Under(columns, line) => self.line(&" ".repeat(*columns), line),
                Block::Field(name, columns, value) => self.line(&format!("{name:<columns$}"), value),
                Block::Table(table) => self.table(table),
                Block::Rows(table) => self.rows(table),
                Block::Sums(amounts) => self.amounts(amounts),
                Block::Folded(summary, rest) => {
                    self.line("", summary);
                    self.blocks(rest);
                }
                Block::Parts(parts, ..) => parts.iter().for_each(|part| self.blocks(part)),
                Block::Gap => self.out.push('\n'),
                Block::Marker(_) | Block::Picture { .. } | Block::Program(..) => {}
            }
        }
    }

    /// A line in as many as it takes, all as far in as what follows `start`.
    fn line(&mut self, start: &str, line: &Line) {
        let mut text = String::new();
        for span in &line.0 {
            match span {
                Span::Strong(tone, words) if self.colour => text.push_str(&painted(*tone, &for_people(words))),
                span => text.push_str(&for_people(&Line(vec![span.clone()]).to_string())),
            }
        }
        let indent = start.width();
        // Only what begins a line is a command with `::`.
        let text = match for_logs(format!("{start}{text}")).strip_prefix(start) {
            Some(text) => text.to_owned(),
            None => for_logs(text),
        };
        for (index, line) in layout::wrap(&text, self.columns.saturating_sub(indent)).iter().enumerate() {
            let start = if index == 0 { start } else { &" ".repeat(indent) };
            let _ = writeln!(self.out, "{}", format!("{start}{line}").trim_end());
        }
    }

    fn table(&mut self, table: &Table) {
        if table.rows.is_empty() {
            return;
        }
        if !table.title.is_empty() {
            self.line("", &table.title.as_str().into());
        }
        if !self.framed {
            let rows = draw(table, &vec![usize::MAX; table.columns.len()], false, NOTHING);
            return rows.lines().for_each(|row| self.line(" ", &row.into()));
        }
        let (shown, widths) = layout::columns(table, self.columns);
        let _ = writeln!(self.out, "{}", draw(&shown, &widths, self.colour, UTF8_FULL_CONDENSED));
        let hidden: Vec<&str> =
            table.columns.iter().filter(|c| !shown.columns.contains(c)).map(|c| c.head.as_str()).collect();
        if !hidden.is_empty() {
            let count = words::count(hidden.len(), "column");
            self.line("", &format!("{count} hidden (narrow terminal): {}.", hidden.join(", ")).into());
        }
        for note in &table.notes {
            self.line("", &note.as_str().into());
        }
    }

    fn rows(&mut self, table: &Table) {
        if table.rows.is_empty() {
            return;
        }
        self.line("", &format!("{}:", table.title).into());
        let (shown, widths) = layout::columns(table, self.columns);
        let drawn = draw(&shown, &widths, self.colour, NOTHING);
        drawn.lines().for_each(|row| {
            let _ = writeln!(self.out, " {}", row.trim_end());
        });
    }

    fn amounts(&mut self, amounts: &[Amount]) {
        let width = amounts.iter().map(|amount| amount.delta.exact().len()).max().unwrap_or(0);
        for amount in amounts {
            let further = if amount.kind == AmountKind::Cause { 4 } else { 0 };
            let delta = format!("{:1$}{2:>width$}  ", "", AMOUNTS + further, amount.delta.exact());
            self.line(&delta, &amount.label);
        }
    }
}

/// The runner of GitHub Actions obeys `##[…]` anywhere in a line and `::…::` at its beginning, blanks left out
/// (actions/runner, `ActionCommand.TryParse`).
fn for_logs(line: String) -> String {
    let line = line.replace("##[", "## [");
    if line.trim_start().starts_with("::") { line.replacen("::", ": :", 1) } else { line }
}

/// A table with heads and a frame, or without both.
fn draw(table: &Table, widths: &[usize], colour: bool, frame: TableStyle) -> String {
    let mut drawn = comfy_table::Table::new();
    drawn.load_style(frame).force_no_tty().set_content_arrangement(ContentArrangement::Disabled);
    if colour {
        drawn.enforce_styling();
    }
    let lines = |text: &str, width: usize| layout::wrap(text, width).join("\n");
    if frame != NOTHING {
        drawn.set_header(table.columns.iter().zip(widths).map(|(column, width)| {
            comfy_table::Cell::new(lines(&for_people(&column.head), *width)).set_alignment(alignment(column.align))
        }));
    }
    for row in &table.rows {
        let cells = row.iter().zip(&table.columns).zip(widths);
        drawn.add_row(cells.map(|((cell, column), width)| {
            let longest = if cell.code { LONGEST_CODE } else { LONGEST };
            let text = shorten(&for_people(&format!("{}{}", cell.text, cell.after)), longest);
            coloured(comfy_table::Cell::new(lines(&text, *width)), cell.tone).set_alignment(alignment(column.align))
        }));
    }
    drawn.trim_fmt()
}

fn coloured(drawn: comfy_table::Cell, tone: Tone) -> comfy_table::Cell {
    match tone {
        Tone::Plain => drawn,
        Tone::Best => drawn.fg(Color::Green).add_attribute(Attribute::Bold),
        Tone::News => drawn.fg(Color::Cyan),
        Tone::Bad => drawn.fg(Color::Red),
        Tone::Care => drawn.fg(Color::Yellow),
    }
}

/// Words in the colour of their tone (ECMA-48, 8.3.117).
fn painted(tone: Tone, words: &str) -> String {
    let colour = match tone {
        Tone::Plain => return words.to_owned(),
        Tone::Best => 32,
        Tone::News => 36,
        Tone::Care => 33,
        Tone::Bad => 31,
    };
    format!("\u{1b}[{colour}m{words}\u{1b}[0m")
}

fn alignment(align: Align) -> CellAlignment {
    match align {
        Align::Left => CellAlignment::Left,
        Align::Right => CellAlignment::Right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_a_command_to_a_workflow() {
        for (said, written) in
            [("x ##[error]y", "x ## [error]y"), (" ::error::y", " : :error::y"), ("x::error::y", "x::error::y")]
        {
            let mut doc = Doc::default();
            doc.sentence(said);
            assert_eq!(log(&doc, true), format!("{written}\n"));
        }
    }
}
