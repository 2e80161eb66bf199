//! What images share, and what keeping or pulling all of them costs: for the variants of a run and for images that are
//! weighed side by side.

use crate::analyse::Sharing;
use crate::report::table::{Cell, Table};
use crate::report::words;
use crate::units::Bytes;

/// Images beyond which the matrix is left to the JSON: it would not fit a page.
const MATRIX: usize = 12;

/// One row per image, which is called a `kind` (`Variant`, `Image`); what all of them cost stands below.
pub(crate) fn sharing(sharing: &Sharing, kind: &str) -> Table {
    let mut table = Table::new("Shared layers", &format!("{kind} | #Size | #Only here | #Shared with others"));
    for ((name, &size), &unique) in sharing.variants.iter().zip(&sharing.sizes).zip(&sharing.unique) {
        table.push(vec![
            Cell::new(name),
            Cell::bytes(size),
            Cell::bytes(unique),
            Cell::bytes(size.saturating_sub(unique)),
        ]);
    }
    table.note(format!(
        "Keeping all of them takes {}; one by one they would take {}, so sharing saves {}.",
        sharing.total_stored,
        sharing.sum_of_sizes,
        sharing.saved()
    ));
    if let Some(compressed) = words::compressed(sharing.total_wire, sharing.wire_kind)
        && sharing.total_wire != Bytes::ZERO
    {
        table.note(format!("Pulling all of them transfers {compressed}."));
    }
    table
}

/// Which image shares how much with which; no rows where there is nothing to compare or too much of it.
pub(crate) fn matrix(sharing: &Sharing, kind: &str) -> Table {
    let numbers = (1..=sharing.variants.len()).map(|number| format!("#{number}"));
    let heads: Vec<String> = ["#No".to_owned(), kind.to_owned()].into_iter().chain(numbers).collect();
    let mut table = Table::new("Bytes in layers that two of them both have", &heads.join(" | "));
    if !(2..=MATRIX).contains(&sharing.variants.len()) {
        return table;
    }
    for (index, (name, row)) in sharing.variants.iter().zip(&sharing.matrix).enumerate() {
        let mut cells = vec![Cell::number((index + 1).to_string(), index as f64), Cell::new(name)];
        cells.extend(row.iter().map(|&both| Cell::bytes(both)));
        table.push(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse;
    use crate::testing::fixture;

    #[test]
    fn each_pair_has_its_cell_and_all_together_their_cost() {
        let found = analyse::sharing(&fixture::record());
        let table = matrix(&found, "Variant");
        assert_eq!((table.rows.len(), table.rows[2][2 + 3].text.as_str()), (4, "45.2 MB"));
        let notes = sharing(&found, "Variant").notes.join(" ");
        assert!(notes.contains("so sharing saves 45.2 MB") && notes.contains("transfers ≈ "), "{notes}");
        let mut one = fixture::record();
        one.variants.truncate(1);
        assert!(matrix(&analyse::sharing(&one), "Variant").rows.is_empty());
    }
}
