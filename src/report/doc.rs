//! What is said, before it becomes text: subjects put blocks together, and each writer has its form for them, so that
//! no subject knows Markdown, columns, or escaping.

use std::borrow::Cow;

use super::table::Table;
use crate::line::Line;
use crate::units::SignedBytes;

/// A document.
#[derive(Debug, Clone, Default)]
pub(super) struct Doc(pub Vec<Block>);

/// A piece of a document.
#[derive(Debug, Clone)]
pub(super) enum Block {
    /// A mark for programs that no reader sees.
    Marker(String),
    /// A heading and its level, from 1.
    Heading(usize, Line),
    /// The sentence that is read first.
    Strong(Line),
    /// A sentence.
    Sentence(Line),
    /// What readers must know before the figures are read.
    Warning(Line),
    /// One of a list.
    Item(Line),
    /// A line that belongs to the one above, so many columns further in.
    Under(usize, Line),
    /// A value and what it is called, which takes so many columns.
    Field(Cow<'static, str>, usize, Line),
    /// A table with its title as heading; nothing where it has no rows.
    Table(Table),
    /// The same on a terminal without frame and heads: a row is a line.
    Rows(Table),
    /// Amounts that add up.
    Sums(Vec<Amount>),
    /// A picture and what it shows.
    Picture {
        /// Its file, as seen from the document.
        file: String,
        /// What it shows.
        shows: &'static str,
    },
    /// Text for a program that draws it, named first: no names of others unless made harmless for it.
    Program(&'static str, String),
    /// What is shown when somebody wants it: its summary, and the rest.
    Folded(Line, Doc),
    /// Documents of which the last ones may be left out where there is a limit, with so many bytes kept for what
    /// follows. What is said behind the number of those left out.
    Parts(Vec<Doc>, usize, Line),
    /// An empty line on a terminal; elsewhere the form says where there are some.
    Gap,
}

/// A line of amounts that add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount {
    /// Which sum it belongs to.
    pub kind: AmountKind,
    /// What it is.
    pub label: Line,
    /// Its bytes, new − old.
    pub delta: SignedBytes,
}

/// Which sum an amount belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AmountKind {
    /// A layer, or the base: these add up to the total.
    Group,
    /// A cause within the group above: these add up to the group.
    Cause,
    /// The sum.
    Total,
}

impl Doc {
    /// Adds a block.
    pub(super) fn push(&mut self, block: Block) -> &mut Self {
        self.0.push(block);
        self
    }

    /// Adds a sentence.
    pub(super) fn sentence(&mut self, line: impl Into<Line>) -> &mut Self {
        self.push(Block::Sentence(line.into()))
    }

    /// Adds an item of a list.
    pub(super) fn item(&mut self, line: impl Into<Line>) -> &mut Self {
        self.push(Block::Item(line.into()))
    }

    /// Adds a line that belongs to the one above.
    pub(super) fn under(&mut self, columns: usize, line: impl Into<Line>) -> &mut Self {
        self.push(Block::Under(columns, line.into()))
    }

    /// Adds a value and what it is called, which takes so many columns.
    pub(super) fn field(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        columns: usize,
        value: impl Into<Line>,
    ) -> &mut Self {
        self.push(Block::Field(name.into(), columns, value.into()))
    }

    /// Adds an empty line on a terminal.
    pub(super) fn gap(&mut self) -> &mut Self {
        self.push(Block::Gap)
    }

    /// Adds a table, and on a terminal an empty line; nothing where it has no rows.
    pub(super) fn section(&mut self, table: Table) -> &mut Self {
        if table.rows.is_empty() { self } else { self.push(Block::Table(table)).gap() }
    }

    /// Adds a table that is folded under its title; nothing where it has no rows.
    pub(super) fn folded(&mut self, summary: Line, table: Table) -> &mut Self {
        if table.rows.is_empty() { self } else { self.push(Block::Folded(summary, Self(vec![Block::Table(table)]))) }
    }
}
