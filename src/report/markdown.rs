//! The writer for GitHub-flavoured Markdown: files, whose tables are padded so that they read as plain text too, and
//! comments, which are limited.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::doc::{Amount, AmountKind, Block, Doc};
use super::escape::{self, Place};
use super::table::{Align, Cell, Table, Tone};
use crate::line::{Line, plain};
use crate::units::count;

/// What a document is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A file.
    File,
    /// A comment of at most so many bytes.
    Comment(usize),
}

/// Room in a comment that tables leave to what follows them.
const TAIL: usize = 6_000;

/// A document as Markdown.
pub(super) fn write(doc: &Doc, form: Form) -> String {
    let mut writer = MarkdownWriter { form, out: String::new() };
    writer.blocks(doc, Headings::Shown);
    writer.out.truncate(writer.out.trim_end().len());
    writer.out.push('\n');
    writer.out
}

/// Whether tables have their titles as headings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Headings {
    Shown,
    /// The title is in the summary.
    Folded,
}

struct MarkdownWriter {
    form: Form,
    out: String,
}

impl MarkdownWriter {
    /// Each block and an empty line behind it; the items of a list stand together.
    fn blocks(&mut self, doc: &Doc, headings: Headings) {
        let mut items = false;
        for block in &doc.0 {
            let item = matches!(block, Block::Item(_));
            if items && !item {
                self.out.push('\n');
            }
            items = item;
            self.block(block, headings);
        }
        if items {
            self.out.push('\n');
        }
    }

    fn block(&mut self, block: &Block, headings: Headings) {
        let said = |line: &Line| escape::line(line, Place::Text);
        // Writing to a string cannot fail.
        let _ = match block {
            Block::Marker(text) => writeln!(self.out, "<!-- {text} -->"),
            Block::Heading(level, line) => writeln!(self.out, "{} {}\n", "#".repeat(*level), said(line)),
            Block::Strong(line) => writeln!(self.out, "**{}**\n", said(line)),
            Block::Sentence(line) | Block::Under(_, line) => writeln!(self.out, "{}\n", said(line)),
            Block::Field(name, _, value) => writeln!(self.out, "{name}: {}\n", said(value)),
            Block::Warning(line) => writeln!(self.out, "> {}\n", said(line)),
            Block::Item(line) => writeln!(self.out, "- {}", said(line)),
            Block::Picture { file, shows } => writeln!(self.out, "![{shows}]({file})\n"),
            // A fence as long in the text would end it.
            Block::Program(program, text) => {
                let fence = "`".repeat(escape::longest_fence(text).max(2) + 1);
                writeln!(self.out, "{fence}{program}\n{text}{fence}\n")
            }
            Block::Table(table) | Block::Rows(table) => {
                self.table(table, headings);
                Ok(())
            }
            Block::Sums(amounts) => {
                self.amounts(amounts);
                Ok(())
            }
            Block::Folded(summary, rest) => {
                // GFM reads Markdown inside of HTML after a blank line only (GFM 4.6).
                let gap = if self.form == Form::File { "\n" } else { "" };
                let _ = writeln!(self.out, "<details>{gap}<summary>{}</summary>\n", escape::html_line(summary));
                self.blocks(rest, Headings::Folded);
                writeln!(self.out, "</details>\n")
            }
            Block::Parts(parts, reserved, rest) => {
                let left_out = parts.iter().filter(|part| !self.part(part, *reserved)).count();
                let rest = plain(format!("[{}]", count(left_out, "other"))).and(rest.clone());
                if left_out == 0 { Ok(()) } else { writeln!(self.out, "{}\n", said(&rest)) }
            }
            Block::Gap => Ok(()),
        };
    }

    /// Adds a part if there is room for it.
    fn part(&mut self, part: &Doc, reserved: usize) -> bool {
        let start = self.out.len();
        self.blocks(part, Headings::Shown);
        let fits = !matches!(self.form, Form::Comment(limit) if self.out.len() + reserved > limit);
        self.out.truncate(if fits { self.out.len() } else { start });
        fits
    }

    fn amounts(&mut self, amounts: &[Amount]) {
        self.out.push_str("| Δ bytes | where |\n|---:|:---|\n");
        for Amount { kind, label, delta } in amounts {
            let (label, delta) = (escape::line(label, Place::Cell), delta.exact());
            let _ = match kind {
                AmountKind::Group => writeln!(self.out, "| {delta} | {label} |"),
                AmountKind::Cause => writeln!(self.out, "| | {delta} {label} |"),
                AmountKind::Total => writeln!(self.out, "| **{delta}** | **{label}** |"),
            };
        }
        self.out.push('\n');
    }

    /// A table with its notes; nothing where it has no rows.
    fn table(&mut self, table: &Table, headings: Headings) {
        if table.rows.is_empty() {
            return;
        }
        if headings == Headings::Shown && !table.title.is_empty() {
            let _ = writeln!(self.out, "## {}\n", escape::text(&table.title, Place::Text));
        }
        let heads: Vec<String> = table.columns.iter().map(|column| escape::text(&column.head, Place::Cell)).collect();
        let rows: Vec<Vec<String>> = table.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
        let comment = self.form != Form::File;
        let width = |index: usize| {
            let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.width());
            cells.max().unwrap_or(0).max(heads[index].width()).clamp(3, 60)
        };
        let widths: Vec<usize> = (0..heads.len()).map(|index| if comment { 0 } else { width(index) }).collect();
        let rules = table.columns.iter().zip(&widths).map(|(column, width)| match (column.align, comment) {
            (Align::Left, true) => ":---".to_owned(),
            (Align::Right, true) => "---:".to_owned(),
            (Align::Left, false) => format!(" {} ", "-".repeat(*width)),
            (Align::Right, false) => format!(" {}: ", "-".repeat(width - 1)),
        });
        let rules: Vec<String> = rules.collect();
        self.out.push_str(&row(&heads, &widths, table));
        let _ = writeln!(self.out, "|{}|", rules.join("|"));
        for cells in &rows {
            let row = row(cells, &widths, table);
            if !matches!(self.form, Form::Comment(limit) if self.out.len() + row.len() + TAIL >= limit) {
                self.out.push_str(&row);
            }
        }
        self.out.push('\n');
        for note in &table.notes {
            let _ = writeln!(self.out, "{}\n", escape::sentence(note, Place::Text));
        }
    }
}

fn row(cells: &[String], widths: &[usize], table: &Table) -> String {
    let mut out = String::new();
    for ((cell, width), column) in cells.iter().zip(widths).zip(&table.columns) {
        let pad = " ".repeat(width.saturating_sub(cell.width()));
        let _ = match column.align {
            Align::Left => write!(out, "| {cell}{pad} "),
            Align::Right => write!(out, "| {pad}{cell} "),
        };
    }
    out.push_str("|\n");
    out
}

fn cell(cell: &Cell) -> String {
    let text = if cell.code { escape::code(&cell.text, Place::Cell) } else { escape::text(&cell.text, Place::Cell) };
    match cell.tone {
        Tone::Best | Tone::Bad if !text.is_empty() && !cell.code => format!("**{text}**"),
        _ => text + &escape::words(&cell.after, Place::Cell),
    }
}
