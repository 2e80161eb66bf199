//! A table before it becomes terminal text, Markdown or HTML, so that all three say the same.

pub(crate) use crate::line::Tone;
use crate::line::{NO_NAME, visible_name};
use crate::units::{Bytes, Nanos, Ratio, count};

/// A table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    /// Its heading.
    pub title: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, as long as `columns` each.
    pub rows: Vec<Vec<Cell>>,
    /// Sentences below it.
    pub notes: Vec<String>,
    /// What a narrow terminal does first.
    pub narrow: Narrow,
}

/// What a narrow terminal does with a table first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Narrow {
    /// Breaks cells into lines.
    #[default]
    Break,
    /// Hides columns, so that a row is a line.
    Hide,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Its head, with the unit where cells carry none.
    pub head: String,
    /// Which side its cells stand on.
    pub align: Align,
    /// Whether a narrow terminal can do without it.
    pub optional: bool,
}

/// Which side the cells of a column stand on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Names and sentences.
    Left,
    /// Numbers.
    Right,
}

/// A cell.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Cell {
    /// What it says, in plain words; escaping is the renderer's.
    pub text: String,
    /// How it stands out.
    pub tone: Tone,
    /// Whether it is code: an instruction, a path, an id.
    pub code: bool,
    /// What stands behind code, in plain words.
    pub after: String,
    /// What a sortable table sorts by, where that is not the text.
    pub sort: Option<f64>,
    /// Where on the page its proof stands, as a fragment: `proof-src-0`. Only the page links.
    pub link: Option<String>,
}

impl Table {
    /// An empty table. Its heads have ` | ` between them. Those that begin with `?` are of columns that a narrow terminal can
    /// do without; those that begin with `#` (after that) are of numbers: they and their cells stand right.
    pub(super) fn new(title: &str, heads: &str) -> Self {
        let columns = heads.split(" | ").map(|head| {
            let (optional, head) = head.strip_prefix('?').map_or((false, head), |head| (true, head));
            let (align, head) = head.strip_prefix('#').map_or((Align::Left, head), |head| (Align::Right, head));
            Column { head: head.to_owned(), align, optional }
        });
        let columns = columns.collect();
        Self { title: title.to_owned(), columns, rows: Vec::new(), notes: Vec::new(), narrow: Narrow::Break }
    }

    /// Gives the column of this head another one, which may be anything: the name of a variant.
    pub(super) fn rename(&mut self, head: &str, new: String) {
        if let Some(column) = self.columns.iter_mut().find(|column| column.head == head) {
            column.head = new;
        }
    }

    /// Adds a row; missing cells are empty.
    pub(super) fn push(&mut self, mut row: Vec<Cell>) {
        row.resize(self.columns.len(), Cell::default());
        self.rows.push(row);
    }

    /// Adds a row that says how many of `all` there are beyond the first `shown`.
    pub(super) fn others(&mut self, all: usize, shown: usize) {
        if all > shown {
            self.push(vec![Cell::new(format!("[{}]", count(all - shown, "other")))]);
        }
    }

    /// Says below that only the first `shown` of `all` are in it, and where all are.
    pub(super) fn note_rest(&mut self, all: usize, shown: usize, file: &str) {
        if all > shown {
            self.note(format!("The first {shown} of {all}; all are in {file}."));
        }
    }

    /// Adds a sentence below.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Hides columns on a narrow terminal before it breaks cells.
    #[must_use]
    pub(super) fn dense(self) -> Self {
        Self { narrow: Narrow::Hide, ..self }
    }

    /// Leaves out the columns in which no cell says anything.
    #[must_use]
    pub(super) fn without_empty_columns(self) -> Self {
        let keep: Vec<bool> =
            (0..self.columns.len()).map(|index| self.rows.iter().any(|row| !row[index].text.is_empty())).collect();
        self.with_columns(|index| keep.get(index).copied().unwrap_or(false))
    }

    /// Keeps the columns for which `kept` holds.
    #[must_use]
    pub(super) fn with_columns(mut self, kept: impl Fn(usize) -> bool) -> Self {
        let mut index = 0..;
        self.columns.retain(|_| index.next().is_some_and(&kept));
        for row in &mut self.rows {
            let mut index = 0..;
            row.retain(|_| index.next().is_some_and(&kept));
        }
        self
    }
}

impl Cell {
    /// Plain text.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Code.
    pub(super) fn code(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: true, ..Self::default() }
    }

    /// The name of an image, and what stands behind it.
    pub(super) fn name(name: &str, after: impl Into<String>) -> Self {
        let cell = visible_name(name).map_or_else(|| Self::new(NO_NAME), Self::code);
        Self { after: after.into(), ..cell }
    }

    /// A number: what it says and what it sorts by.
    pub(super) fn number(text: impl Into<String>, sort: f64) -> Self {
        Self { text: text.into(), sort: Some(sort), ..Self::default() }
    }

    /// A size.
    pub(super) fn bytes(value: Bytes) -> Self {
        Self::number(value.to_string(), value.0 as f64)
    }

    /// A time.
    pub(super) fn time(value: Nanos) -> Self {
        Self::number(value.to_string(), value.0 as f64)
    }

    /// How many.
    pub(super) fn count(value: impl TryInto<u32> + ToString + Copy) -> Self {
        Self::number(value.to_string(), value.try_into().map_or(f64::INFINITY, f64::from))
    }

    /// A part of a whole in percent; empty where there is no whole.
    pub(super) fn share(part: u64, whole: u64) -> Self {
        Ratio::of(part, whole).map_or_else(Self::default, |share| Self::number(share.as_percent(), share.0))
    }

    /// The same cell in another tone.
    #[must_use]
    pub(super) fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    /// The same cell, with the place of its proof on the page.
    #[must_use]
    pub(super) fn link(self, anchor: String) -> Self {
        Self { link: Some(anchor), ..self }
    }

    /// The same cell, marked as the best of its column where `best` holds.
    #[must_use]
    pub(super) fn best_if(self, best: bool) -> Self {
        if best { self.tone(Tone::Best) } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_say_nothing_are_left_out() {
        let mut table = Table::new("t", "a | #b | c");
        table.push(vec![Cell::new("1"), Cell::default(), Cell::new("3")]);
        table.push(vec![Cell::new("4")]);
        let table = table.without_empty_columns();
        let heads: Vec<&str> = table.columns.iter().map(|column| column.head.as_str()).collect();
        assert_eq!(heads, ["a", "c"]);
        assert_eq!(table.rows[1], [Cell::new("4"), Cell::default()]);
    }
}
