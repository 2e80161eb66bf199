//! An image on a terminal at first sight: the answer, what costs most, where the bytes are, and where the rest is.

use super::tables::{head, size};
use super::{PathSum, tree};
use crate::line::{Line, code};
use crate::record::{Finding, Layer, Package, Variant};
use crate::report::doc::{Block, Doc};
use crate::report::table::{Cell, Table};
use crate::report::words;
use crate::text::{for_people, shorten};
use crate::units::{Bytes, Ratio};

/// Findings, directories, layers, and packages that are shown.
const FINDINGS: usize = 3;
const DIRECTORIES: usize = 6;
const LAYERS: usize = 3;
const PACKAGES: usize = 3;
const FILES: usize = 5;
/// Columns of the shares of findings.
const SHARES: usize = 9;

/// The screen of one image, in lines of so many columns.
pub(super) fn screen(image: &Variant, sums: &[PathSum], columns: usize) -> Doc {
    let mut doc = Doc::default();
    head(image, &mut doc);
    findings(image, columns.saturating_sub(SHARES), &mut doc);
    doc.push(Block::Rows(tree::directories(image, DIRECTORIES, columns)));
    for sum in sums {
        doc.sentence(path_sum(sum));
    }
    doc.gap();
    if !sums.is_empty() {
        doc.push(Block::Rows(files(image, columns)));
    }
    let all = image.layers.len();
    doc.push(Block::Rows(layers(image, columns, &format!("Largest layers of {all}"))));
    doc.push(Block::Rows(packages(image, &format!("Largest packages of {}", image.packages.len()))));
    doc.sentence("`--full` shows every list.");
    doc
}

/// `/usr/lib/**: 12.3 MB in 1,234 files`.
pub(super) fn path_sum(sum: &PathSum) -> Line {
    code(&sum.glob).and(format!(": {} in {}", sum.size, words::count(sum.files, "file")))
}

fn findings(image: &Variant, columns: usize, doc: &mut Doc) {
    let costly: Vec<&Finding> = image.findings.iter().filter(|finding| finding.size_bytes > Bytes::ZERO).collect();
    if costly.is_empty() {
        return;
    }
    doc.sentence(format!("What costs most, of {}:", words::count(image.findings.len(), "finding")));
    let line = |text: &str| words::beginning(&for_people(text), columns);
    for finding in costly.into_iter().take(FINDINGS) {
        let share = Ratio::of(finding.size_bytes.0, size(image).0).map_or_else(String::new, Ratio::as_percent);
        doc.field(format!("{share:>7}"), SHARES, line(&finding.message));
        doc.under(SHARES, line(&format!("→ {}", finding.remedy)));
    }
    doc.gap();
}

fn layers(image: &Variant, columns: usize, title: &str) -> Table {
    let mut table = Table::new(title, "#Size | #Share | #Layer | Instruction");
    let mut largest: Vec<(usize, &Layer)> = image.layers.iter().enumerate().collect();
    largest.sort_by_key(|(_, layer)| std::cmp::Reverse(layer.size_bytes));
    for (index, layer) in largest.into_iter().take(LAYERS).filter(|(_, layer)| layer.size_bytes > Bytes::ZERO) {
        table.push(vec![
            Cell::bytes(layer.size_bytes),
            Cell::share(layer.size_bytes.0, size(image).0),
            Cell::count(index + 1),
            Cell::code(shorten(&for_people(&layer.instruction), columns.saturating_sub(30))),
        ]);
    }
    table
}

fn files(image: &Variant, columns: usize) -> Table {
    let mut table = Table::new("Largest matching files", "#Size | Path");
    for file in image.paths.iter().take(FILES) {
        let path = shorten(&for_people(&file.path), columns.saturating_sub(16));
        table.push(vec![Cell::bytes(file.size_bytes), Cell::code(path)]);
    }
    table
}

fn packages(image: &Variant, title: &str) -> Table {
    let mut table = Table::new(title, "#Size | #Share | Package");
    let shown = |package: &Package| format!("{} {} ({})", package.name, package.version, package.manager);
    for package in image.packages.iter().take(PACKAGES) {
        table.push(vec![
            Cell::bytes(package.size_bytes),
            Cell::share(package.size_bytes.0, size(image).0),
            Cell::new(shorten(&for_people(&shown(package)), 50)),
        ]);
    }
    table
}
