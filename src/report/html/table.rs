//! The writer of tables for the page: HTML that the script makes sortable.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::prose::quoted;
use crate::report::table::{Align, Cell, Table, Tone};
use crate::text::for_people;

/// The table with its notes; nothing where it has no rows.
pub(super) fn render(table: &Table) -> Markup {
    linked(table, &BTreeSet::new())
}

/// The same, its figures leading to those of their proofs that are on the page.
pub(super) fn linked(table: &Table, anchors: &BTreeSet<String>) -> Markup {
    html! {
        @if !table.rows.is_empty() {
            div.scroll {
                table.sortable {
                    thead {
                        tr {
                            @for column in &table.columns {
                                th.number[column.align == Align::Right] scope="col" { (for_people(&column.head)) }
                            }
                        }
                    }
                    tbody {
                        @for row in &table.rows {
                            tr data-variant=[variant(table, row)] {
                                @for (cell, column) in row.iter().zip(&table.columns) { (render_cell(cell, column.align, anchors)) }
                            }
                        }
                    }
                }
            }
            @for note in &table.notes { p.note { (quoted(note)) } }
        }
    }
}

/// Which variant or image a row is about, for the filter.
fn variant(table: &Table, row: &[Cell]) -> Option<String> {
    let is_named = table.columns.first().is_some_and(|column| ["Variant", "Image"].contains(&column.head.as_str()));
    row.first().filter(|_| is_named).map(|cell| for_people(&cell.text))
}

fn render_cell(cell: &Cell, align: Align, anchors: &BTreeSet<String>) -> Markup {
    let text = for_people(&cell.text);
    let tone = match cell.tone {
        Tone::Plain | Tone::News => None,
        Tone::Best => Some("best"),
        Tone::Bad => Some("bad"),
        Tone::Care => Some("care"),
    };
    // A sentence wants room; a long word must be allowed to break.
    let unbroken = text.split_whitespace().any(|word| word.chars().count() > 36);
    let sentence = !unbroken && text.chars().count() > 36;
    let link = cell.link.as_ref().filter(|link| !text.is_empty() && anchors.contains(*link));
    // More than a value with its unit: a mark or a reason stands behind it, and may go to a line of its own.
    let long = text.chars().count() > 18;
    html! {
        td.number[align == Align::Right] .long[long] .text[sentence] .unbroken[unbroken] data-sort=[cell.sort] {
            @match tone {
                _ if link.is_some() => a href=[link.map(|link| format!("#{link}"))] title="to the proof" { (text) },
                Some(tone) => span class=(tone) { (quoted(&cell.text)) },
                None if cell.code && !text.is_empty() => code { (text) },
                None => (quoted(&cell.text)),
            }
        }
    }
}
