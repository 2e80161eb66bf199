//! Where lines break: sentences at spaces, names and paths at their marks, and how wide each column of a table may be.
//!
//! In: text that is fit to be shown and a number of terminal columns. Out: lines that are no wider. Nothing is cut.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::table::{Align, Narrow, Table};
use crate::text::for_people;

/// Columns of a terminal that a column of names, of short text and of sentences is given at least, where it has so
/// much to say.
const NAME: usize = 14;
const TEXT: usize = 16;
const SENTENCE: usize = 24;
/// Text from this width on is a sentence.
const LONG: usize = 60;
/// Width that no column is forced below.
const FLOOR: usize = 5;
/// Widest number or name that is kept whole where there is room.
const WHOLE: usize = 34;
const UNITS: [&str; 11] = ["B", "kB", "MB", "GB", "TB", "s", "ms", "µs", "ns", "min", "%"];

/// The text in lines of at most `width` terminal columns: broken at spaces, else after `-`, `/` and the like, else
/// anywhere. A number stays with its unit.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(2);
    if text.width() <= width {
        return vec![text.to_owned()];
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        let gap = usize::from(!line.is_empty());
        if line.width() + gap + word.width() <= width {
            line.push_str(if gap == 1 { " " } else { "" });
            line.push_str(&word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for piece in pieces(&word, width) {
            if line.width() + piece.width() > width {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            line.push_str(&piece);
        }
    }
    lines.push(line);
    lines
}

/// The words of a text, a number with its unit and `≈` with its number as one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let is_unit = UNITS.contains(&word.trim_end_matches([',', ';', ')', ':', '.']));
        let joined = words
            .last_mut()
            .filter(|before| before.as_str() == "≈" || is_unit && before.ends_with(|c: char| c.is_ascii_digit()));
        match joined {
            Some(before) => {
                before.push(' ');
                before.push_str(word);
            }
            None => words.push(word.to_owned()),
        }
    }
    words
}

/// A word in pieces of at most `width`, as long as may be and cut after its marks where it has any.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for c in word.chars() {
        if piece.width() + c.width().unwrap_or(0) > width && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push(c);
        if matches!(c, '-' | '/' | '_' | ':' | '=' | ',' | '&' | '@' | ' ') {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

/// How wide a column would be.
#[derive(Debug, Clone, Copy)]
struct Wants {
    /// With everything broken where it may be.
    least: usize,
    /// Where it is read well: numbers and names whole, heads in lines, sentences in few lines.
    good: usize,
    /// Everything on one line.
    full: usize,
}

fn wants(table: &Table, index: usize) -> Wants {
    let column = &table.columns[index];
    let head = for_people(&column.head);
    let texts: Vec<String> =
        table.rows.iter().filter_map(|row| row.get(index)).map(|cell| for_people(&cell.text)).collect();
    let longest_word = |text: &str| words(text).iter().map(|word| word.width()).max().unwrap_or(0);
    let widest = texts.iter().map(|text| text.width()).max().unwrap_or(0);
    let word = texts.iter().map(|text| longest_word(text)).max().unwrap_or(0);
    let head_word = longest_word(&head).min(NAME);
    let whole = (column.align == Align::Right || index == 0) && widest <= WHOLE;
    let least = match column.align {
        // `48.8 MB (smallest)` and `-94.6 % (0.05×)` may stand in two lines.
        Align::Right if whole => word,
        _ if index == 0 => word.min(NAME),
        _ if widest >= LONG => SENTENCE,
        _ => word.min(TEXT),
    };
    let good = if whole { widest } else { widest.min(SENTENCE) };
    let least = least.max(head_word);
    Wants { least, good: good.max(least), full: widest.max(head.width()).max(least) }
}

/// How wide a column is when its cells are broken to `width`: often less, since words end before.
fn used(table: &Table, index: usize, width: usize) -> usize {
    let cells = table.rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.text.as_str());
    let texts = cells.chain(std::iter::once(table.columns[index].head.as_str()));
    texts.flat_map(|text| wrap(&for_people(text), width)).map(|line| line.width()).max().unwrap_or(0)
}

/// The table with as many of its optional columns as there is room for, the leftmost first, and the width of each column; the
/// frame takes three for each and one more.
pub(super) fn columns(table: &Table, width: usize) -> (Table, Vec<usize>) {
    let all: Vec<Wants> = (0..table.columns.len()).map(|index| wants(table, index)).collect();
    let room_for = |columns: usize| width.saturating_sub(3 * columns + 1);
    let needs = |wants: &Wants| match table.narrow {
        Narrow::Break => wants.least,
        Narrow::Hide => wants.good,
    };
    let mut kept: Vec<bool> = table.columns.iter().map(|column| !column.optional).collect();
    for index in 0..kept.len() {
        if !kept[index] {
            kept[index] = true;
            let shown = all.iter().zip(&kept).filter(|(_, kept)| **kept);
            kept[index] = shown.clone().map(|(wants, _)| needs(wants)).sum::<usize>() <= room_for(shown.count());
        }
    }
    let mut index = 0..;
    let shown: Vec<Wants> = all.into_iter().filter(|_| index.next().is_some_and(|index| kept[index])).collect();
    let table = table.clone().with_columns(|index| kept[index]);
    let widths = share(&table, &shown, room_for(shown.len()));
    (table, widths)
}

/// The room shared out: what columns need, then whole what makes them good, then sentences what is left.
fn share(table: &Table, all: &[Wants], room: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = all.iter().map(|wants| wants.least).collect();
    while widths.iter().sum::<usize>() > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > FLOOR => *widest -= 1,
            _ => return widths,
        }
    }
    let left = |widths: &[usize]| room.saturating_sub(widths.iter().sum());
    for goal in [|wants: &Wants| wants.good, |wants: &Wants| wants.full] {
        // Those that lack least first, so that as many as can be are whole.
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by_key(|index| goal(&all[*index]).saturating_sub(widths[*index]));
        for index in order {
            if goal(&all[index]).saturating_sub(widths[index]) <= left(&widths) {
                widths[index] = widths[index].max(goal(&all[index]));
            }
        }
    }
    // What is left goes to those that are still broken, the narrowest first, one column of the terminal at a time.
    let mut spare = left(&widths);
    while spare > 0 {
        let broken = (0..all.len()).filter(|index| widths[*index] < all[*index].full);
        let Some(index) = broken.min_by_key(|index| (all[*index].good <= widths[*index], widths[*index])) else {
            break;
        };
        widths[index] += 1;
        spare -= 1;
    }
    // Names that end before their column does leave room to the others.
    let tight: Vec<usize> = (0..all.len()).map(|index| used(table, index, widths[index])).collect();
    let mut gained = left(&tight);
    let mut widths = tight;
    let mut sentences: Vec<usize> = (0..all.len()).filter(|index| all[*index].full >= LONG).collect();
    sentences.sort_by_key(|index| widths[*index]);
    for index in sentences {
        let more = gained.min(all[index].full.saturating_sub(widths[index]));
        widths[index] += more;
        gained -= more;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::table::Cell;

    #[test]
    fn lines_are_broken_and_nothing_is_cut() {
        for (text, width, lines) in [
            ("short", 10, vec!["short"]),
            ("48.8 MB (smallest) (substitute)", 12, vec!["48.8 MB", "(smallest)", "(substitute)"]),
            ("≈ 359 MB", 6, vec!["≈ 359", "MB"]),
            ("python3.9-alpine-multistage", 18, vec!["python3.9-alpine-", "multistage"]),
            ("abcdefghij", 4, vec!["abcd", "efgh", "ij"]),
            ("a sentence of words", 9, vec!["a", "sentence", "of words"]),
            ("名前名前名前", 5, vec!["名前", "名前", "名前"]),
        ] {
            assert_eq!(wrap(text, width), lines, "{text}");
        }
        let long = "n".repeat(400);
        assert_eq!(wrap(&long, 30).concat(), long);
    }

    #[test]
    fn a_wide_optional_column_does_not_hide_the_narrow_ones_behind_it() {
        let mut table = Table::new("t", "Variant | ?Wide | ?#A | ?#B").dense();
        table.push(["python3.9-slim", "a remark of thirty columns or so", "1", "2"].map(Cell::new).into());
        let heads =
            |width| -> Vec<String> { columns(&table, width).0.columns.into_iter().map(|column| column.head).collect() };
        assert_eq!(heads(100), ["Variant", "Wide", "A", "B"]);
        assert_eq!(heads(40), ["Variant", "A", "B"]);
        assert_eq!(heads(22), ["Variant", "A"]);
    }

    #[test]
    fn short_columns_are_whole_and_the_table_fits() {
        let mut table = Table::new("t", "Variant | #Size | ?#Extra | Why");
        let why = "a long sentence that must be broken into many lines ".repeat(6);
        table.push(vec![Cell::new("python3.9-slim"), Cell::new("125 MB"), Cell::new("9"), Cell::new(why)]);
        for width in [40, 60, 80, 120, 200] {
            let (shown, widths) = columns(&table, width);
            assert!(widths.iter().sum::<usize>() + 3 * widths.len() < width, "{width}: {widths:?}");
            assert_eq!(widths.len(), shown.columns.len());
            assert!(width < 60 || widths[0] == 14 && widths[1] == 6, "{width}: {widths:?}");
        }
        let (_, wide) = columns(&table, 1000);
        assert_eq!(wide[3], table.rows[0][3].text.width());
    }
}
