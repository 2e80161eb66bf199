//! Many runs of a suite: a table for the terminal, Markdown, JSON, and a chart in mermaid or drawn.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::doc::{Block, Doc};
use super::markdown::{self, Form};
use super::table::{Cell, Table};
use super::terminal::{self, Style};
use super::words;
use super::words::STAND_IN;
use crate::analyse::trend::{ChangeKind, Trend, TrendPoint, TrendUnit, VariantTrend};
use crate::text::for_people;
use crate::units::{self, Ratio};

/// Version of what `--format json` prints, `major.minor`.
const FORMAT_VERSION: &str = "1.0";

/// Series beyond these make a mermaid chart unreadable: it has no legend.
const MOST_SERIES: usize = 8;

/// Changes of the engine that are said.
const MOST_ENGINES: usize = 5;
/// Changes beyond these are folded: the last ones explain today's figures.
const MOST_CHANGES: usize = 20;

/// A value; a size on a substitute base image is marked as in the report.
fn shown(trend: &Trend, point: &TrendPoint) -> String {
    let mark = if point.stand_in && trend.metric.unit() == TrendUnit::Bytes { STAND_IN } else { "" };
    format!("{}{mark}", trend.metric.show(point.value))
}

fn creeping(line: &VariantTrend) -> Option<String> {
    line.creep.map(|creep| format!("creeps: {}", words::creep(&creep)))
}

fn signed(trend: &Trend, slope: f64) -> String {
    let size = trend.metric.show(slope.abs().round() as u64);
    match slope.round() {
        change if change > 0.0 => format!("+{size}"),
        change if change < 0.0 => format!("-{size}"),
        _ => size,
    }
}

/// What changed on the way, one line each: the same change of several variants is said once.
fn changes(trend: &Trend) -> Vec<String> {
    let mut found: BTreeMap<(usize, ChangeKind, &str), Vec<&str>> = BTreeMap::new();
    for line in &trend.variants {
        for point in &line.points {
            for change in &point.changes {
                found.entry((point.run, change.kind, &change.detail)).or_default().push(&line.variant);
            }
        }
    }
    let engines = engine_changes(trend, &mut found);
    let hidden = found.len().saturating_sub(MOST_CHANGES);
    let mut said: Vec<String> =
        if hidden > 0 { vec![format!("[{}]", units::count(hidden, "earlier change"))] } else { Vec::new() };
    said.extend(found.into_iter().skip(hidden).map(|((run, kind, detail), variants)| {
        let stamp = trend.runs.get(run).map_or("", String::as_str);
        let whose = match variants.len() {
            all if all == trend.variants.len() => "all variants".to_owned(),
            many if many > MOST_SERIES => format!("{many} variants"),
            _ => variants.join(", "),
        };
        let cut = if kind.separates(trend.metric) { "; not comparable with before" } else { "" };
        for_people(&format!("{}: other {kind} ({detail}), {whose}{cut}", day(stamp)))
    }));
    said.extend(engines);
    said
}

/// Several changes of the engine in a line, and no longer among the others; `None` where there is one at most.
fn engine_changes(trend: &Trend, found: &mut BTreeMap<(usize, ChangeKind, &str), Vec<&str>>) -> Option<String> {
    let is_engine = |kind: ChangeKind| kind == ChangeKind::Engine;
    if found.keys().filter(|(_, kind, _)| is_engine(*kind)).count() < 2 {
        return None;
    }
    let day_of = |run: usize| day(trend.runs.get(run).map_or("", String::as_str));
    let engines: Vec<String> = found
        .keys()
        .filter(|(_, kind, _)| is_engine(*kind))
        .map(|(run, _, detail)| format!("{} {detail}", day_of(*run)))
        .collect();
    found.retain(|(_, kind, _), _| !is_engine(*kind));
    let hidden = engines.len().saturating_sub(MOST_ENGINES);
    let earlier = if hidden > 0 { format!("[{}], ", units::count(hidden, "earlier one")) } else { String::new() };
    let cut = if ChangeKind::Engine.separates(trend.metric) { "; not comparable with before" } else { "" };
    let count = units::count(engines.len(), "time");
    Some(for_people(&format!("the engine changed {count}: {earlier}{}{cut}", engines[hidden..].join("; "))))
}

/// A run and what it measured: `python3.9 896 MB · 2026-11-06T12:00:00Z · commit 0123456789 · other base (…)`.
pub(super) fn run_of(trend: &Trend, line: &VariantTrend, point: &TrendPoint) -> String {
    let known = |list: &[String]| list.get(point.run).filter(|text| !text.is_empty()).cloned();
    let commit = known(&trend.commits).map(|commit| format!("commit {}", commit.get(..10).unwrap_or(&commit)));
    let changes = point.changes.iter().map(|change| format!("other {} ({})", change.kind, change.detail));
    let value = format!("{} {}", line.variant, shown(trend, point));
    std::iter::once(value).chain(known(&trend.runs)).chain(commit).chain(changes).collect::<Vec<_>>().join(" · ")
}

fn day(stamp: &str) -> &str {
    stamp.get(..10).unwrap_or(stamp)
}

fn heading(trend: &Trend, runs: &[String]) -> String {
    let span = match (runs.first(), runs.last()) {
        (Some(first), Some(last)) => format!(", {} to {}", day(first), day(last)),
        _ => String::new(),
    };
    for_people(&format!("{} of {} over {}{span}", trend.metric, trend.suite, units::count(runs.len(), "run")))
}

/// Runs that a sparkline shows: the last ones.
const SPARKS: usize = 24;

/// The last values as bars between the smallest and the largest of them; a blank where figures before and after are
/// unlike.
fn sparkline(line: &VariantTrend) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let points = &line.points[line.points.len().saturating_sub(SPARKS)..];
    let values = || points.iter().map(|point| point.value);
    let (low, high) = (values().min().unwrap_or(0), values().max().unwrap_or(0));
    let mut text = String::new();
    for (index, point) in points.iter().enumerate() {
        if index > 0 && !point.joined {
            text.push(' ');
        }
        let level = u128::from(point.value - low) * 7;
        let level = level.checked_div(u128::from(high - low)).map_or(3, |level| usize::try_from(level).unwrap_or(7));
        text.push(BARS[level]);
    }
    text
}

/// One row per variant, about the runs since the last break.
fn table(trend: &Trend) -> Table {
    let mut table = Table::new("", "Variant | #Runs | #First | #Last | Trend | #Change | #Per run | Remark");
    for line in &trend.variants {
        let stretch = line.last_stretch();
        let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { continue };
        let (since, all) = (stretch.len(), line.points.len());
        let unknown = || "n/a".to_owned();
        let row = [
            line.variant.clone(),
            if since == all { all.to_string() } else { format!("{since} of {all}") },
            shown(trend, first),
            shown(trend, last),
            sparkline(line),
            Ratio::of(last.value, first.value).map_or_else(unknown, Ratio::as_change),
            line.slope.map_or_else(unknown, |slope| signed(trend, slope)),
            creeping(line).unwrap_or_default(),
        ];
        table.push(row.map(Cell::new).into());
    }
    table
}

/// A table, and a list of what changed on the way.
fn document(trend: &Trend) -> Doc {
    let mut doc = Doc::default();
    doc.push(Block::Strong(heading(trend, &trend.runs).into())).push(Block::Table(table(trend)));
    for change in changes(trend) {
        doc.item(change);
    }
    if let Some(note) = stand_ins(trend) {
        doc.sentence(note);
    }
    doc
}

/// For people.
pub(crate) fn trend_terminal(trend: &Trend, style: Style) -> String {
    terminal::write(&document(trend), style)
}

/// For a README or a comment.
pub(crate) fn trend_markdown(trend: &Trend) -> String {
    markdown::write(&document(trend), Form::File)
}

/// Says that figures are of substitute base images, where any is.
pub(super) fn stand_ins(trend: &Trend) -> Option<String> {
    let names: Vec<&str> = trend.stand_ins.iter().map(String::as_str).collect();
    (!names.is_empty()).then(|| format!("Runs on substitute base images: {}.", names.join(", ")))
}

/// One JSON document with every point.
pub(crate) fn trend_json(trend: &Trend) -> String {
    let variants: Vec<Value> = trend.variants.iter().map(|line| variant_json(trend, line)).collect();
    let document = json!({
        "format_version": FORMAT_VERSION,
        "suite": trend.suite,
        "metric": trend.metric.to_string(),
        "unit": trend.metric.unit().to_string(),
        "runs": trend.runs,
        "variants": variants,
    });
    crate::json::pretty(&document)
}

fn variant_json(trend: &Trend, line: &VariantTrend) -> Value {
    let points: Vec<Value> = line
        .points
        .iter()
        .map(|point| {
            let changes = point.changes.iter();
            json!({
                "finished_at": trend.runs.get(point.run),
                "commit": trend.commits.get(point.run).filter(|commit| !commit.is_empty()),
                "run": point.run,
                "value": point.value,
                "stand_in": point.stand_in,
                "outcome": point.outcome,
                "joined": point.joined,
                "changes": changes
                    .map(|change| json!({"what": change.kind.to_string(), "detail": change.detail}))
                    .collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "variant": line.variant,
        "slope_per_run": line.slope,
        "creep": line.creep.map(|creep| json!({
            "runs": creep.runs,
            "growth": creep.growth,
            "largest_step": creep.largest_step,
            "message": words::creep(&creep),
        })),
        "points": points,
    })
}

/// A block of mermaid that GitHub draws (`xychart-beta`, mermaid 10.3). A mermaid line cannot have gaps, so only the
/// runs since the last break of any variant are drawn, and of variants that all of these runs know. It has no legend,
/// so the order of the lines is said below; and it would lay two runs of one day upon each other, so runs are counted.
pub(crate) fn trend_mermaid(trend: &Trend) -> String {
    let start = trend.variants.iter().filter_map(|line| Some(line.last_stretch().first()?.run)).max().unwrap_or(0);
    let runs = trend.runs.get(start..).unwrap_or_default();
    let since = |line: &VariantTrend| line.points.iter().filter(|point| point.run >= start).count();
    let drawn: Vec<&VariantTrend> =
        trend.variants.iter().filter(|line| since(line) == runs.len()).take(MOST_SERIES).collect();
    let (scale, unit) = match trend.metric.unit() {
        TrendUnit::Bytes => (1e6, "MB"),
        TrendUnit::Time => (1e9, "s"),
        TrendUnit::Count => (1.0, "instructions"),
    };
    let axis = if runs.len() > 1 { format!("\"run\" 1 --> {}", runs.len()) } else { "\"run\" [1]".to_owned() };
    let title = quoted(&heading(trend, runs));
    let mut chart =
        format!("xychart-beta\n    title {title}\n    x-axis {axis}\n    y-axis \"{} ({unit})\"\n", trend.metric);
    for line in &drawn {
        let values = line.points.iter().filter(|point| point.run >= start);
        let values: Vec<String> = values.map(|point| format!("{:.3}", point.value as f64 / scale)).collect();
        let _ = writeln!(chart, "    line [{}]", values.join(", "));
    }
    let mut doc = Doc::default();
    doc.push(Block::Program("mermaid", chart));
    let mut names: Vec<String> = drawn.iter().map(|line| line.variant.clone()).collect();
    if trend.variants.len() > drawn.len() {
        names.push(format!("not drawn: {} more", trend.variants.len() - drawn.len()));
    }
    doc.sentence(format!("Lines in the order in which they were added: {}.", names.join(", ")));
    for line in &trend.variants {
        if let Some(creep) = creeping(line) {
            doc.sentence(format!("{} {creep}.", line.variant));
        }
    }
    markdown::write(&doc, Form::File)
}

/// A mermaid string: it knows no escape for its own quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", for_people(text).replace(['"', '`'], "'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::trend::{HistoryLine, TrendMetric, history_line, trend};
    use crate::testing::fixture;
    use crate::units::Bytes;

    fn lines() -> Vec<HistoryLine> {
        let model = history_line(&fixture::record());
        let grown = |run: u64| {
            let mut line = model.clone();
            line.finished_at = format!("2026-11-{:02}T12:00:00Z", run + 1);
            for variant in &mut line.variants {
                variant.size_bytes = variant.size_bytes.map(|bytes| Bytes(bytes.0 + bytes.0 * run / 125));
            }
            line
        };
        let mut lines: Vec<HistoryLine> = (0..8).map(grown).collect();
        for line in &mut lines[5..] {
            line.variants[1].bases[0].id = "sha256:0123456789abcdef".to_owned();
        }
        lines
    }

    #[test]
    fn the_table_says_growth_creep_and_what_changed() {
        let text = trend_terminal(&trend(&lines(), TrendMetric::Size), Style::default());
        assert!(text.starts_with("size of flask-blog over 8 runs, 2026-11-01 to 2026-11-08\n"), "{text}");
        let slim = text.lines().find(|line| line.contains("python3.9-slim")).unwrap();
        for part in ["125 MB", "132 MB", "+5.6 %", "+1.00 MB", "creeps: +5.6 % over 8 runs"] {
            assert!(slim.contains(part), "{part}: {slim}");
        }
        let change = text.lines().last().unwrap();
        assert!(change.starts_with("2026-11-06: other base (python:3.9-slim "), "{change}");
        assert!(change.ends_with("→ python:3.9-slim 0123456789ab), python3.9-slim"), "{change}");
    }

    #[test]
    fn what_a_trend_says_is_golden() {
        let found = trend(&lines(), TrendMetric::Size);
        let text = [trend_terminal(&found, Style::default()), trend_markdown(&found), trend_mermaid(&found)];
        insta::assert_snapshot!("trend", text.join("\n=====\n"));
    }

    #[test]
    fn a_narrow_terminal_is_respected() {
        let text = trend_terminal(&trend(&lines(), TrendMetric::Size), Style { colour: false, width: Some(80) });
        assert!(
            text.lines().skip(1).filter(|line| !line.starts_with("2026")).all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }

    #[test]
    fn names_cannot_break_out_of_markdown_or_mermaid() {
        let mut lines = lines();
        for line in &mut lines {
            line.variants[0].name = "a|b`\"\n```\n<script>".to_owned();
            line.suite = "s\"\n```".to_owned();
        }
        let found = trend(&lines, TrendMetric::Size);
        let text = trend_markdown(&found);
        let hostile = text.lines().find(|line| line.starts_with("| a\\|b")).unwrap();
        assert!(hostile.contains("&lt;script&gt;") && !text.contains("<script>"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with('|')).count(), 2 + 4, "{text}");
        let chart = trend_mermaid(&found);
        assert_eq!(chart.matches("```").count(), 2, "{chart}");
    }

    #[test]
    fn the_chart_holds_one_line_a_variant_and_one_value_a_run() {
        let chart = trend_mermaid(&trend(&lines(), TrendMetric::Size));
        assert!(chart.starts_with("```mermaid\nxychart-beta\n    title \"size of flask-blog over 8 runs"), "{chart}");
        let drawn: Vec<&str> = chart.lines().filter(|line| line.trim().starts_with("line [")).collect();
        assert_eq!(drawn.len(), 4);
        assert!(drawn.iter().all(|line| line.split(", ").count() == 8));
        assert!(drawn[3].contains("line [48.800, 49.191, "), "{}", drawn[3]);
    }

    #[test]
    fn the_document_holds_every_point() {
        let value: Value = serde_json::from_str(&trend_json(&trend(&lines(), TrendMetric::Size))).unwrap();
        assert_eq!(value["format_version"], "1.0");
        assert_eq!(value["variants"][1]["points"][5]["changes"][0]["what"], "base");
        assert_eq!(value["variants"][3]["points"][0]["value"], 48_800_236);
        assert_eq!(value["variants"][3]["creep"]["runs"], 8);
    }

    #[test]
    fn times_are_drawn_in_seconds() {
        let chart = trend_mermaid(&trend(&lines(), "cold".parse().unwrap()));
        assert!(chart.contains("y-axis \"cold (s)\""), "{chart}");
    }
}
