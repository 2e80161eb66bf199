//! What an edit makes every node pull.

use super::MOST_ROWS;
use crate::record::{Scenario, Update, Updates, Variant, WireKind};
use crate::report::facts::RunFacts;
use crate::report::table::{Cell, Table};
use crate::report::words;
use crate::text::{for_people, shorten};

/// Longest instruction in a cell.
const LONGEST: usize = 60;

/// One row per variant and edit.
pub(crate) fn updates(facts: &RunFacts<'_>) -> Table {
    let heads = "Variant | Edit | #To pull | #Compressed | #Layers | Largest new layer";
    let mut table = Table::new("To pull after an edit", heads);
    let mut estimated = false;
    let mut differing = Vec::new();
    for variant in facts.record.variants.iter().filter(|variant| variant.side.is_head()) {
        for edit in Updates::EDITS {
            let Some(update) = variant.update.of(edit) else { continue };
            estimated |= update.compressed_kind == WireKind::Estimated;
            differing.extend(difference(variant, edit, update));
            let largest = update.layers.iter().max_by_key(|layer| layer.size_bytes);
            let compressed = update.most_compressed_bytes();
            table.push(vec![
                Cell::new(&variant.name),
                Cell::new(edit.word()),
                Cell::bytes(update.most_bytes()),
                Cell::number(
                    words::compressed(compressed, update.compressed_kind).unwrap_or_default(),
                    compressed.0 as f64,
                ),
                Cell::count(update.layers.len()),
                Cell::code(largest.map_or_else(String::new, |layer| shorten(&for_people(&layer.instruction), LONGEST))),
            ]);
        }
    }
    if table.rows.is_empty() {
        return table;
    }
    table.note_rest(table.rows.len(), MOST_ROWS, "sizes.csv");
    if table.rows.len() > MOST_ROWS {
        table.rows.truncate(MOST_ROWS);
        differing.truncate(MOST_ROWS);
    }
    table.note("To pull: unpacked bytes in layers that the image before the edit does not have.");
    if estimated {
        table.note(words::ESTIMATED);
    }
    table.notes.extend(differing);
    table
}

/// What two rounds disagree on.
fn difference(variant: &Variant, edit: Scenario, update: &Update) -> Option<String> {
    let again = update.again.as_ref().filter(|_| update.differs())?;
    let paths: Vec<String> = again.differing_paths.iter().map(|path| format!("`{}`", for_people(path))).collect();
    let paths = if paths.is_empty() { String::new() } else { format!(": {}", paths.join(", ")) };
    let (first, second) = (update.bytes, again.bytes);
    let name = for_people(&variant.name);
    Some(format!("`{name}`, {edit}: two rounds differ, {first} and {second}{paths}."))
}
