//! `report.html`: one file that explains a run, without a network.
//!
//! Text from images and engines goes in through maud, which escapes it, or as JSON that the script puts into the page
//! as text. A Content-Security-Policy allows exactly the style and the script of this file, by their digests, so a
//! name that got through would still run nothing.

mod document;
mod explore;
mod proof;
mod strip;
mod table;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

pub(super) use self::document::page as document_page;
use self::proof::Proofs;
use super::charts::{Appearance, Fonts, Sheet};
use super::facts::Facts;
use super::{ReportError, charts, tables, words};
use crate::record::{Ended, Record};
use crate::text::for_people;

const STYLE: &str = include_str!("../../../assets/page/page.css");
const SCRIPT: &str = include_str!("../../../assets/page/page.js");

/// The page.
pub fn html(record: &Record) -> Result<String, ReportError> {
    page(&Facts::of(record), &charts::fonts()?)
}

/// The charts of a page by name, each for a screen and for a phone.
struct Charts(BTreeMap<String, [String; 2]>);

impl Charts {
    fn of(facts: &Facts<'_>, fonts: &Fonts) -> Result<Self, ReportError> {
        let mut by_name = BTreeMap::new();
        let looks = [Appearance::default(), Appearance::narrow()];
        let [wide, narrow] = looks.each_ref().map(|look| charts::drawings(facts, Sheet { fonts, look }));
        for (wide, narrow) in wide.iter().zip(&narrow) {
            let both = [wide.inline(fonts, "")?, narrow.inline(fonts, "-narrow")?];
            by_name.insert(wide.name().to_owned(), both);
        }
        Ok(Self(by_name))
    }

    fn show(&self, name: &str) -> Markup {
        html! { @if let Some([wide, narrow]) = self.0.get(name) {
            div.chart.wide { (PreEscaped(wide)) }
            div.chart.narrow { (PreEscaped(narrow)) }
        } }
    }
}

/// The page of what is known of a record.
pub(super) fn page(facts: &Facts<'_>, fonts: &Fonts) -> Result<String, ReportError> {
    let record = facts.record;
    let charts = Charts::of(facts, fonts)?;
    let style = format!("{STYLE}{}", charts::page_style());
    let title = for_people(words::title(record));
    let proofs = Proofs::of(facts);
    let sections = sections(facts, &charts, &proofs);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(&style));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(format!("{} {}", record.tool.name, record.tool.version));
                title { (title) }
                style { (PreEscaped(&style)) }
            }
            body {
                header {
                    h1 { (title) }
                    p.quiet { (for_people(&words::source_line(record))) }
                    (banners(record))
                    p.verdict { (verdict(facts)) }
                    (table::linked(&tables::headline(facts), &proofs.anchors))
                    nav.contents aria-label="Contents" {
                        ul { @for section in &sections { li { a href={ "#" (section.id) } { (section.title) } } } }
                    }
                }
                main {
                    @for section in &sections {
                        section id=(section.id) {
                            h2 { (section.title) }
                            (section.body)
                        }
                    }
                }
                footer {
                    p { "Made by " (record.tool.name) " " (record.tool.version) " from the record alone; equal records make equal pages." }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string())
}

struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

fn sections(facts: &Facts<'_>, charts: &Charts, proofs: &Proofs<'_>) -> Vec<Section> {
    let chart = |name: &str| charts.show(name);
    let table = table::render;
    let mut sections = vec![Section {
        id: "sizes",
        title: "Sizes",
        body: html! { (table(&tables::sizes(facts))) (chart("sizes")) (chart("layers")) },
    }];
    let mut add = |wanted: bool, id: &'static str, title: &'static str, body: Markup| {
        if wanted {
            sections.push(Section { id, title, body });
        }
    };
    add(!facts.reproduction.is_empty(), "claims", "Claims", table(&tables::reproduction(facts)));
    add(!tables::failures(facts).rows.is_empty(), "failures", "Failures", failures(facts));
    add(!facts.findings.is_empty(), "findings", "Findings", findings(facts));
    add(
        !facts.timings.is_empty(),
        "times",
        "Build times",
        html! {
            (table::linked(&tables::times(facts), &proofs.anchors)) (chart("build-time")) (chart("size-and-rebuild")) (chart("cold-build"))
        },
    );
    add(
        !facts.timings.is_empty(),
        "samples",
        "Every sample",
        html! { (strip::plot(facts)) (table(&tables::invalid(facts))) },
    );
    add(!proofs.anchors.is_empty(), "proof", "The proof behind the cache hits", proofs.render());
    let (sharing, matrix) = (tables::sharing(&facts.sharing, "Variant"), tables::matrix(&facts.sharing, "Variant"));
    add(
        facts.record.variants.iter().any(|variant| variant.tree.is_some() || !variant.layers.is_empty()),
        "explore",
        "What is inside",
        html! {
            (explore::render(facts))
            h3 { (sharing.title) }
            (table(&sharing))
            @if !matrix.rows.is_empty() { h3 { (matrix.title) } }
            (table(&matrix))
        },
    );
    let updates = tables::updates(facts);
    add(!updates.rows.is_empty(), "updates", "To pull after an edit", table(&updates));
    let serving = tables::serving(facts);
    add(!serving.rows.is_empty(), "start-up", "Startup", html! { (table(&serving)) (chart("start-up")) });
    add(
        true,
        "surroundings",
        "Where it was measured",
        html! { (table(&tables::environment(facts))) h3 { "Base images" } (table(&tables::bases(facts))) },
    );
    sections
}

/// What must be read before any figure.
fn banners(record: &Record) -> Markup {
    html! {
        @if let Some(line) = words::stand_in_line(record) {
            p.banner { strong { "Substitute base images. " } "Figures marked so are of " (for_people(&line)) ". They say how the variants compare here, not what the official images weigh." }
        }
        @if record.ended != Ended::Complete {
            p.banner { strong { "Not complete. " } (words::ended(record)) "." }
        }
    }
}

/// The outcome, and where to read on.
fn verdict(facts: &Facts<'_>) -> Markup {
    let (failed, found) = (tables::failures(facts).rows.len(), facts.merged_findings().len());
    html! {
        strong { (for_people(&tables::verdict(facts))) "." }
        @if failed > 0 { " " a href="#failures" { (words::count(failed, "failure")) } "." }
        @if found > 0 { " " a href="#findings" { (words::count(found, "finding")) } "." }
    }
}

fn findings(facts: &Facts<'_>) -> Markup {
    let merged = facts.merged_findings();
    html! {
        @for (variants, found) in merged.iter().take(200) {
            @let finding = &found.finding;
            div.finding {
                p {
                    strong { (for_people(&words::about(variants, facts.record.variants.len()))) }
                    @if let Some(cost) = tables::cost(found, variants.len()) { " · " span.care { (cost) } }
                    " · " (for_people(&finding.message))
                }
                @if !finding.instruction.is_empty() { p { code { (for_people(&finding.instruction)) } } }
                @if !finding.remedy.is_empty() { p.remedy { (for_people(&finding.remedy)) } }
            }
        }
        @if merged.len() > 200 { p.note { "The first 200 of " (merged.len()) "; all are in run.json." } }
    }
}

fn failures(facts: &Facts<'_>) -> Markup {
    let logs = facts.record.variants.iter().filter_map(|variant| {
        let of_failure = variant.failure.as_ref().map(|failure| &failure.log).filter(|log| !log.is_empty());
        let of_serve = variant.serve.as_ref().map(|serve| &serve.log).filter(|log| !log.is_empty());
        Some((&variant.name, of_failure.or(of_serve)?))
    });
    html! {
        (table::render(&tables::failures(facts)))
        @for (name, log) in logs.take(40) {
            details {
                summary { "End of the log of " (for_people(name)) }
                div.scroll { pre { code { @for line in log.iter().rev().take(60).rev() { (crate::text::strip_control(line)) "\n" } } } }
            }
        }
    }
}

/// The Content-Security-Policy of a page: its own style and script, and nothing else.
fn policy(style: &str) -> String {
    format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        digest(style),
        digest(SCRIPT)
    )
}

/// A source expression of a Content-Security-Policy (CSP Level 3, 2.3.1).
fn digest(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text.as_bytes())))
}
