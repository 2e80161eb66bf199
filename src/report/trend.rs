//! Many runs of a suite as a table, a chart, and a mermaid block for GitHub.

use std::fmt::Write as _;

use super::charts::Chart;
use super::table::{Cell, Table, Tone};
use super::{ReportError, Style, charts, markdown, terminal};
use crate::analyse::trend::{Trend, VariantTrend};
use crate::text::for_people;
use crate::units::{Bytes, Nanos, Ratio};

/// First and last value of each variant, what changed on the way, and growth that no single run shows.
pub fn trend_table(trend: &Trend) -> Table {
    let heads = ["Variant", "#Runs", "#First", "#Last", "#Change", "#Per run", "Creep", "What changed last"];
    let mut table = Table::new(&format!("{} over {} runs", trend.metric, trend.runs.len()), &heads);
    for variant in &trend.variants {
        let (Some(first), Some(last)) = (variant.points.first(), variant.points.last()) else {
            table.push(vec![
                Cell::new(&variant.variant),
                Cell::number("0", 0.0),
                Cell::new("no value").tone(Tone::Bad),
            ]);
            continue;
        };
        let change = Ratio::of(last.value, first.value);
        table.push(vec![
            Cell::new(&variant.variant),
            Cell::number(variant.points.len().to_string(), variant.points.len() as f64),
            Cell::number(trend.metric.show(first.value), first.value as f64),
            Cell::number(trend.metric.show(last.value), last.value as f64),
            change.map_or_else(Cell::default, |change| Cell::number(change.as_change(), change.0)),
            Cell::number(slope(trend, variant), variant.slope.unwrap_or(0.0)),
            variant.creep.as_ref().map_or_else(Cell::default, |creep| Cell::new(creep.sentence()).tone(Tone::Care)),
            Cell::new(last_change(trend, variant)),
        ]);
    }
    if trend.variants.iter().any(|variant| variant.points.iter().skip(1).any(|point| !point.joined)) {
        table.note(
            "First and last may be unlike: the run has changed its definitions, platform, bases, host or engine.",
        );
    }
    if let Some(note) = stand_ins(trend) {
        table.note(note);
    }
    table.without_empty_columns()
}

/// Says that figures are of stand-in bases, where any is.
pub fn stand_ins(trend: &Trend) -> Option<String> {
    let names: Vec<&str> = trend.stand_ins.iter().map(String::as_str).collect();
    (!names.is_empty()).then(|| format!("Runs on stand-in bases, made locally and not pulled: {}.", names.join(", ")))
}

/// The table for a terminal.
pub fn trend_terminal(trend: &Trend, style: Style) -> String {
    terminal::only(&trend_table(trend), style)
}

/// The table and the mermaid block as Markdown.
pub fn trend_markdown(trend: &Trend) -> String {
    let mut out = markdown::only(&trend_table(trend));
    let block = trend_mermaid(trend);
    if !block.is_empty() {
        let _ = write!(out, "{block}");
    }
    out
}

/// A chart that GitHub draws from text; empty with fewer than two runs. Lines cannot be broken in it, so a variant
/// shows its last joined stretch only, and runs before that are left out of it.
pub fn trend_mermaid(trend: &Trend) -> String {
    let stretches: Vec<(&VariantTrend, Vec<(usize, u64)>)> = trend
        .variants
        .iter()
        .map(|variant| (variant, variant.last_stretch().iter().map(|point| (point.run, point.value)).collect()))
        .collect();
    // The runs that every line has: mermaid knows no gaps.
    let shared: Vec<usize> = (0..trend.runs.len())
        .filter(|run| stretches.iter().all(|(_, points)| points.is_empty() || points.iter().any(|(at, _)| at == run)))
        .collect();
    let lines: Vec<(&str, Vec<u64>)> = stretches
        .iter()
        .filter(|(_, points)| !points.is_empty())
        .map(|(variant, points)| {
            let values = points.iter().filter(|(run, _)| shared.contains(run)).map(|(_, value)| *value);
            (variant.variant.as_str(), values.collect())
        })
        .collect();
    if shared.len() < 2 || lines.is_empty() {
        return String::new();
    }
    let (unit, divisor) = if trend.metric.is_time() { ("s", 1e9) } else { ("MB", 1e6) };
    let mut out = String::from("```mermaid\nxychart-beta\n");
    let names: Vec<String> = lines.iter().map(|(name, _)| quoted(name)).collect();
    let _ = writeln!(out, "  title \"{}: {}\"", quoted(&trend.suite), names.join(", "));
    let days: Vec<String> = shared
        .iter()
        .map(|run| format!("\"{}\"", quoted(trend.runs[*run].get(..10).unwrap_or(&trend.runs[*run]))))
        .collect();
    let _ = writeln!(out, "  x-axis [{}]", days.join(", "));
    let _ = writeln!(out, "  y-axis \"{} in {unit}\" 0 --> {:.3}", trend.metric, highest(&lines) / divisor * 1.05);
    for (_, values) in &lines {
        let values: Vec<String> = values.iter().map(|value| format!("{:.3}", *value as f64 / divisor)).collect();
        let _ = writeln!(out, "  line [{}]", values.join(", "));
    }
    out.push_str("```\n");
    out
}

/// The chart; `None` with fewer than two runs.
pub fn trend_chart(trend: &Trend) -> Result<Option<Chart>, ReportError> {
    let fonts = charts::fonts()?;
    charts::trend(trend, &fonts).map(|drawing| drawing.chart(&fonts)).transpose()
}

fn highest(lines: &[(&str, Vec<u64>)]) -> f64 {
    lines.iter().flat_map(|(_, values)| values).max().copied().unwrap_or(1) as f64
}

/// Text inside mermaid's quotes, which have no escape of their own.
fn quoted(text: &str) -> String {
    for_people(text).replace('"', "'").replace(['`', '<', '>', '&', '#', ';', '%', '[', ']'], " ")
}

fn slope(trend: &Trend, variant: &VariantTrend) -> String {
    let Some(slope) = variant.slope else { return String::new() };
    let size = slope.abs().round() as u64;
    let sign = if slope < 0.0 { "-" } else { "+" };
    match (size, trend.metric.is_time()) {
        (0, _) => "0".to_owned(),
        (_, true) => format!("{sign}{}", Nanos(size)),
        (_, false) => format!("{sign}{}", Bytes(size)),
    }
}

fn last_change(trend: &Trend, variant: &VariantTrend) -> String {
    let changed = variant.points.iter().rev().find(|point| !point.changes.is_empty());
    changed.map_or_else(String::new, |point| {
        let what: Vec<String> =
            point.changes.iter().map(|change| format!("{} ({})", change.kind.word(), change.detail)).collect();
        let day = trend.runs.get(point.run).and_then(|run| run.get(..10)).unwrap_or_default();
        format!("{day}: {}", what.join(", "))
    })
}
