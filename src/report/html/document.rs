//! A document as a page of its own: of weighed images, or of two that are compared. The style, the script, and the policy are
//! those of `report.html`.

use maud::{Markup, html};

use super::prose::{quoted, said};
use super::{explore, in_both_widths, in_page, laid_out, made_by, table, whole};
use crate::line::Tone;
use crate::record::Variant;
use crate::report::ReportError;
use crate::report::charts;
use crate::report::doc::{Amount, AmountKind, Block, Doc};
use crate::report::table::{Cell, Table};
use crate::text::for_people;

/// What a page shows beside what its document says.
pub(in crate::report) struct Page<'a> {
    pub title: &'a str,
    /// Images to look into.
    pub images: &'a [&'a Variant],
    /// A chart for a screen and for a phone.
    pub chart: Option<[String; 2]>,
}

/// The page: what the document says before its first table, the chart, the images to look into, then the rest.
pub(in crate::report) fn page(page: &Page<'_>, doc: &Doc) -> String {
    const TOOL: &str = concat!("tonnage ", env!("CARGO_PKG_VERSION"));
    let (title, images) = (for_people(page.title), page.images);
    let is_list = |block: &Block| matches!(block, Block::Table(_) | Block::Sums(_) | Block::Parts(..));
    let (first, rest) = doc.0.split_at(doc.0.iter().position(is_list).unwrap_or(doc.0.len()));
    let body = html! {
        header { h1 { (title) } (blocks(first)) @if let Some(both) = &page.chart { (in_page(both)) } }
        main {
            @if !images.is_empty() { section id="explore" { h2 { "What is inside" } (explore::of(images, "Image")) } }
            (blocks(rest))
        }
        footer { (made_by(TOOL)) }
    };
    whole(&title, TOOL, &body)
}

/// The chart of the sizes of images.
pub(in crate::report) fn sizes(images: &[Variant]) -> Result<[String; 2], ReportError> {
    let fonts = charts::fonts()?;
    let [wide, narrow] = laid_out(&fonts, |sheet| charts::of_images(images, sheet));
    in_both_widths([&wide, &narrow], &fonts)
}

fn blocks(blocks: &[Block]) -> Markup {
    html! { @for block in blocks { (one(block)) } }
}

fn one(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Heading(_, line) => h2 { (said(line)) },
            Block::Strong(line) => p.verdict { strong { (said(line)) } },
            Block::Sentence(line) | Block::Under(_, line) | Block::Item(line) => p { (said(line)) },
            Block::Field(name, _, value) => p { (for_people(name)) ": " (said(value)) },
            Block::Warning(line) => p.banner { (said(line)) },
            Block::Table(rows) | Block::Rows(rows) => {
                @if !rows.rows.is_empty() {
                    section { @if !rows.title.is_empty() { h2 { (quoted(&rows.title)) } } (table::render(rows)) }
                }
            },
            Block::Sums(amounts) => (table::render(&sums(amounts))),
            Block::Folded(summary, rest) => details { summary { (said(summary)) } (blocks(&rest.0)) },
            Block::Parts(parts, ..) => @for part in parts { section { (blocks(&part.0)) } },
            Block::Marker(_) | Block::Picture { .. } | Block::Program(..) | Block::Gap => {},
        }
    }
}

/// Amounts as a table; the causes of a layer are below it.
fn sums(amounts: &[Amount]) -> Table {
    let mut table = Table::new("", "#Δ bytes | Where");
    for amount in amounts {
        let delta = Cell::number(amount.delta.exact(), amount.delta.0 as f64);
        let label = amount.label.to_string();
        table.push(match amount.kind {
            AmountKind::Group => vec![delta, Cell::new(label)],
            AmountKind::Cause => vec![delta.tone(Tone::News), Cell::new(format!("· {label}"))],
            AmountKind::Total => vec![delta.tone(Tone::Best), Cell::new(label).tone(Tone::Best)],
        });
    }
    table
}

#[cfg(test)]
mod tests {
    use crate::report::{WeighShown, weigh_html};
    use crate::testing::fixture;

    #[test]
    fn the_page_of_an_image_holds_its_answer_and_trees_and_no_markup_of_strangers() {
        let evil = "\"><script>window.owned=1</script>`";
        let mut image = fixture::record().variants.swap_remove(0);
        evil.clone_into(&mut image.name);
        for layer in &mut image.layers {
            evil.clone_into(&mut layer.instruction);
        }
        let shown = WeighShown { bytes: true, ..WeighShown::all(20) };
        let page = weigh_html(&[image], shown).unwrap();
        assert!(
            page.contains("Content-Security-Policy") && page.contains("script-src &apos;sha256-")
                || page.contains("script-src 'sha256-")
        );
        assert!(page.contains("reclaimable") && page.contains("id=\"tree-data\"") && page.contains("gcc-8"), "{page}");
        assert!(!page.contains("<script>window"), "markup comes through");
        assert_eq!(page.matches("<script").count(), 2, "the data and our script");
        let addresses = page.split("http").skip(1).filter(|rest| !rest.starts_with("-equiv"));
        let link = env!("CARGO_PKG_REPOSITORY").strip_prefix("http").unwrap();
        assert!(addresses.clone().all(|rest| rest.starts_with(link)), "only documentation is linked");
        assert!(!page.contains(" src=") && !page.contains("url("), "nothing is fetched");
    }
}
