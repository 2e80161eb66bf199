//! A document as a page of its own: of weighed images, or of two that are compared. The style, the script, and the policy are
//! those of `report.html`.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{SCRIPT, STYLE, explore, policy, table};
use crate::line::{Line, Span, Tone};
use crate::record::Variant;
use crate::report::doc::{Amount, AmountKind, Block, Doc};
use crate::report::table::{Cell, Table};
use crate::text::for_people;

/// The page: what the document says before its first table, the images to look into, then the rest.
pub(in crate::report) fn page(title: &str, doc: &Doc, images: &[&Variant]) -> String {
    let title = for_people(title);
    let is_list = |block: &Block| matches!(block, Block::Table(_) | Block::Sums(_) | Block::Parts(..));
    let (first, rest) = doc.0.split_at(doc.0.iter().position(is_list).unwrap_or(doc.0.len()));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(STYLE));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(concat!("tonnage ", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { (title) } (blocks(first)) }
                main {
                    @if !images.is_empty() { section id="explore" { h2 { "What is inside" } (explore::of(images)) } }
                    (blocks(rest))
                }
                footer { p { "Made by " (concat!("tonnage ", env!("CARGO_PKG_VERSION"))) "." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
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
                    section { @if !rows.title.is_empty() { h2 { (for_people(&rows.title)) } } (table::render(rows)) }
                }
            },
            Block::Sums(amounts) => (table::render(&sums(amounts))),
            Block::Folded(summary, rest) => details { summary { (said(summary)) } (blocks(&rest.0)) },
            Block::Parts(parts, ..) => @for part in parts { section { (blocks(&part.0)) } },
            Block::Marker(_) | Block::Picture { .. } | Block::Program(..) | Block::Gap => {},
        }
    }
}

fn said(line: &Line) -> Markup {
    html! {
        @for span in &line.0 {
            @match span {
                Span::Words(text) => (for_people(text)),
                Span::Code(text) | Span::Name(text) => code { (for_people(text)) },
                Span::Strong(_, text) => strong { (for_people(text)) },
            }
        }
    }
}

/// Amounts as a table; the causes of a layer are below it.
fn sums(amounts: &[Amount]) -> Table {
    let mut table = Table::new("", &["#Δ bytes", "Where"]);
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
    use crate::report::{WeighSection, WeighShown, WeighSkipped, weigh_html};
    use crate::testing::fixture;

    #[test]
    fn the_page_of_an_image_holds_its_answer_and_trees_and_no_markup_of_strangers() {
        let evil = "\"><script>window.owned=1</script>`";
        let mut image = fixture::record().variants.swap_remove(0);
        evil.clone_into(&mut image.name);
        for layer in &mut image.layers {
            evil.clone_into(&mut layer.instruction);
        }
        let shown = WeighShown {
            sections: &[WeighSection::Layers, WeighSection::Packages, WeighSection::Files, WeighSection::Findings],
            top: 20,
            skipped: WeighSkipped::default(),
            bytes: true,
            sums: &[],
        };
        let page = weigh_html(&[image], shown);
        assert!(
            page.contains("Content-Security-Policy") && page.contains("script-src &apos;sha256-")
                || page.contains("script-src 'sha256-")
        );
        assert!(page.contains("reclaimable") && page.contains("id=\"tree-data\"") && page.contains("gcc-8"), "{page}");
        assert!(!page.contains("<script>window"), "markup comes through");
        assert_eq!(page.matches("<script").count(), 2, "the data and our script");
        assert_eq!(page.matches("http").count(), page.matches("http-equiv").count(), "nothing is fetched");
    }
}
