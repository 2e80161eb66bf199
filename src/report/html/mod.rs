//! `report.html`: one file that explains a run, without a network.
//!
//! Text from images and engines goes in through maud, which escapes it, or as JSON that the script puts into the page
//! as text. A Content-Security-Policy allows exactly the style and the script of this file, by their digests, so a
//! name that got through would still run nothing.

mod document;
mod explore;
mod proof;
mod prose;
mod strip;
mod table;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

pub(super) use self::document::{Page, page as document_page, sizes as sizes_chart};
use self::proof::Proofs;
use self::prose::quoted;
use super::charts::{Appearance, Drawing, Fonts, Sheet};
use super::facts::RunFacts;
use super::{ReportError, charts, tables, words};
use crate::analyse::trend::Trend;
use crate::record::{Ended, Record};
use crate::text::for_people;

const STYLE: &str = include_str!("../../../assets/page/page.css");
const SCRIPT: &str = include_str!("../../../assets/page/page.js");

/// Variants from which on the page has a filter.
const MANY: usize = 8;

/// The page of a record alone, as a file of its own.
pub fn html(record: &Record) -> Result<String, ReportError> {
    page(&RunFacts::of(record), &charts::fonts()?, &Around::default())
}

/// What is around a record in its directory.
#[derive(Debug, Default)]
pub(super) struct Around<'a> {
    /// Trends of the suite.
    pub trends: &'a [Trend],
    /// Other files in the same directory.
    pub files: &'a [&'a str],
}

/// The charts of a page by name, each for a screen and for a phone: one scaled down to a phone cannot be read.
struct Charts {
    by_name: BTreeMap<String, [String; 2]>,
    trends: Vec<[String; 2]>,
}

impl Charts {
    fn of(facts: &RunFacts<'_>, fonts: &Fonts, trends: &[Trend]) -> Result<Self, ReportError> {
        let [wide, narrow] = laid_out(fonts, |sheet| charts::drawings(facts, sheet));
        let mut by_name = BTreeMap::new();
        for (wide, narrow) in wide.iter().zip(&narrow) {
            by_name.insert(wide.name().to_owned(), in_both_widths([wide, narrow], fonts)?);
        }
        let mut drawn = Vec::new();
        for trend in trends {
            if let [Some(wide), Some(narrow)] = laid_out(fonts, |sheet| charts::trend(trend, sheet)) {
                drawn.push(in_both_widths([&wide, &narrow], fonts)?);
            }
        }
        Ok(Self { by_name, trends: drawn })
    }

    fn show(&self, name: &str) -> Markup {
        html! { @if let Some(both) = self.by_name.get(name) { (in_page(both)) } }
    }
}

/// What `lay_out` makes for a screen and for a phone.
fn laid_out<T>(fonts: &Fonts, lay_out: impl Fn(Sheet<'_>) -> T) -> [T; 2] {
    [Appearance::default(), Appearance::narrow()].map(|look| lay_out(Sheet { fonts, look: &look }))
}

/// A chart as SVG for a screen and for a phone.
fn in_both_widths([wide, narrow]: [&Drawing; 2], fonts: &Fonts) -> Result<[String; 2], ReportError> {
    Ok([wide.inline(fonts, "")?, narrow.inline(fonts, "-narrow")?])
}

fn in_page([wide, narrow]: &[String; 2]) -> Markup {
    html! {
        div.chart.wide { (PreEscaped(wide)) }
        div.chart.narrow { (PreEscaped(narrow)) }
    }
}

/// The page of what is known of a record.
pub(super) fn page(facts: &RunFacts<'_>, fonts: &Fonts, around: &Around<'_>) -> Result<String, ReportError> {
    let record = facts.record;
    let charts = Charts::of(facts, fonts, around.trends)?;
    let title = for_people(words::title(record));
    let proofs = Proofs::of(facts);
    let sections = sections(facts, &charts, &proofs);
    let tool = format!("{} {}", record.tool.name, record.tool.version);
    let body = html! {
        header {
            h1 { (title) }
            p.verdict { (verdict(facts)) }
            (charts.show("sizes"))
            (banners(record))
            (table::linked(&tables::headline(facts), &proofs.anchors))
            p.quiet { (for_people(&words::source_line(record))) }
            nav.contents aria-label="Contents" {
                ul { @for section in &sections { li { a href={ "#" (section.id) } { (section.title) } } } }
            }
        }
        main {
            @if record.variants.len() >= MANY { (filter()) }
            @for section in &sections {
                section id=(section.id) {
                    h2 { (section.title) }
                    (section.body)
                }
            }
        }
        footer {
            @if !around.files.is_empty() {
                p { "Files of this report: " @for (index, name) in around.files.iter().enumerate() {
                    @if index > 0 { ", " }
                    a href=(name) { (name) }
                } "." }
            }
            (made_by(&tool))
        }
    };
    Ok(whole(&title, &tool, &body))
}

/// A page around what it shows, with the style and the script of all pages.
fn whole(title: &str, tool: &str, body: &Markup) -> String {
    let style = format!("{STYLE}{}", charts::page_style());
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(&style));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(tool);
                title { (title) }
                style { (PreEscaped(&style)) }
            }
            body {
                (body)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

/// What made a page, and where its terms are explained.
fn made_by(tool: &str) -> Markup {
    const PAGE: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs/how-the-numbers-are-made.md");
    html! { p { "Made by " (tool) ". " a href=(PAGE) rel="noreferrer" { "How the numbers are made" } } }
}

/// A field that hides what is about other variants; shown by the script, which does the work.
fn filter() -> Markup {
    html! {
        p.filter #filter hidden {
            label { "Filter variants " input type="search" placeholder="part of a name" autocomplete="off"; }
            " " span aria-live="polite" {}
        }
    }
}

struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

fn sections(facts: &RunFacts<'_>, charts: &Charts, proofs: &Proofs<'_>) -> Vec<Section> {
    let chart = |name: &str| charts.show(name);
    let table = table::render;
    let mut sections =
        vec![Section { id: "sizes", title: "Sizes", body: html! { (table(&tables::sizes(facts))) (chart("layers")) } }];
    let mut add = |wanted: bool, id: &'static str, title: &'static str, body: Markup| {
        if wanted {
            sections.push(Section { id, title, body });
        }
    };
    add(!facts.reproduction.is_empty(), "claims", "Published figures", table(&tables::reproduction(facts)));
    add(!facts.figures.is_empty(), "figures", "Other published figures", table(&tables::figures(facts)));
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
    let (classes, machines) = (tables::classes(facts), tables::machines(facts));
    add(
        !machines.rows.is_empty(),
        "machines",
        "Machines",
        html! { (table(&machines)) @if !classes.rows.is_empty() { h3 { (classes.title) } } (table(&classes)) },
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
    let kept = tables::kept_trials(facts.record);
    let tried = [tables::unverified_trials(facts.record), tables::rejected_trials(facts.record)];
    add(
        !facts.record.trials.is_empty(),
        "remedies",
        "Remedies",
        html! {
            (table(&kept)) (chart("waterfall"))
            @for other in tried.iter().filter(|other| !other.rows.is_empty()) { h3 { (other.title) } (table(other)) }
        },
    );
    add(
        !charts.trends.is_empty(),
        "trend",
        "Trend",
        html! {
            p.note { "Point at a dot for its run: time, commit, and what changed." }
            @for both in &charts.trends { (in_page(both)) }
        },
    );
    let updates = tables::updates(facts);
    add(!updates.rows.is_empty(), "updates", "To pull after an edit", html! { (table(&updates)) (chart("to-pull")) });
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
            p.banner { strong { "Substitute base images. " } "Marked figures were measured on " (for_people(&line)) ". They show how the variants compare, not what the official images weigh." }
        }
        @if record.ended != Ended::Complete {
            p.banner { strong { "Not complete. " } (words::ended(record)) "." }
        }
    }
}

/// The outcome, and where to read on.
fn verdict(facts: &RunFacts<'_>) -> Markup {
    let (failed, found) = (tables::failures(facts).rows.len(), facts.merged_findings().len());
    html! {
        strong { (quoted(&tables::verdict(facts))) "." }
        @if failed > 0 { " " a href="#failures" { (words::count(failed, "failure")) } "." }
        @if found > 0 { " " a href="#findings" { (words::count(found, "finding")) } "." }
    }
}

fn findings(facts: &RunFacts<'_>) -> Markup {
    let merged = facts.merged_findings();
    html! {
        @for (variants, found) in merged.iter().take(200) {
            @let finding = &found.finding;
            div.finding {
                p {
                    strong { (for_people(&words::about(variants, facts.record.variants.len()))) }
                    @if let Some(cost) = tables::cost(found, variants.len()) { " · " span.care { (quoted(&cost)) } }
                    " · " (quoted(&finding.message))
                }
                @if !finding.instruction.is_empty() { p { code { (for_people(&finding.instruction)) } } }
                @if !finding.remedy.is_empty() { p.remedy { (quoted(&finding.remedy)) } }
            }
        }
        @if merged.len() > 200 { p.note { "The first 200 of " (merged.len()) "; all are in run.json." } }
    }
}

fn failures(facts: &RunFacts<'_>) -> Markup {
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
