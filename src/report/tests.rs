//! Golden tests: what a report of the made-up record looks like, to the byte.

use std::collections::BTreeMap;

use super::{Style, charts, html, json, markdown, terminal, write_all};
use crate::analyse::trend::{HistoryLine, Trend, TrendMetric, history_line, trend};
use crate::record::{Record, Scenario};
use crate::testing::fixture;

/// The plain record and those in which something is the matter.
fn records() -> Vec<(&'static str, Record)> {
    vec![
        ("plain", fixture::record()),
        ("stand-in", fixture::stand_in()),
        ("failures", fixture::with_failures()),
        ("early-copy", fixture::with_early_copy()),
    ]
}

fn svg(record: &Record, name: &str) -> String {
    charts(record).unwrap().into_iter().find(|chart| chart.name == name).unwrap().svg
}

#[test]
fn markdown_is_golden() {
    for (name, record) in records() {
        insta::assert_snapshot!(format!("markdown-{name}"), markdown(&record));
    }
}

#[test]
fn the_terminal_is_golden() {
    insta::assert_snapshot!("terminal-failures", terminal(&fixture::with_failures(), Style::default()));
    let narrow = Style { colour: false, width: Some(100) };
    insta::assert_snapshot!("terminal-narrow", terminal(&fixture::stand_in(), narrow));
}

#[test]
fn the_screen_is_golden_and_short_at_every_width() {
    let beside = super::FilesBeside {
        every_table: "tonnage report --full results/x".to_owned(),
        ..super::FilesBeside::default()
    };
    for (name, record) in records() {
        for width in [80, 100, 120, 200] {
            let text = super::screen(&record, &beside, Style { colour: false, width: Some(width) });
            assert!(text.lines().count() <= 30, "{name} at {width}:\n{text}");
            assert!(text.lines().all(|line| line.chars().count() <= width.into()), "{name} at {width}:\n{text}");
            assert!(!text.contains("µs"), "{text}");
        }
        let text = super::screen(&record, &beside, Style { colour: false, width: Some(100) });
        insta::assert_snapshot!(format!("screen-{name}"), text);
    }
}

#[test]
fn charts_are_golden() {
    let names = ["sizes", "layers", "build-time", "cold-build", "size-and-rebuild", "to-pull", "start-up"];
    for name in names {
        insta::assert_snapshot!(format!("svg-{name}"), svg(&fixture::record(), name));
    }
    insta::assert_snapshot!("svg-sizes-failures", svg(&fixture::with_failures(), "sizes"));
    insta::assert_snapshot!("svg-sizes-stand-in", svg(&fixture::stand_in(), "sizes"));
}

#[test]
fn what_a_weighing_says_is_golden() {
    let shown = super::WeighShown::all(3);
    for (name, images) in [("one", 1), ("four", 4)] {
        let images = &fixture::record().variants[..images];
        let text = [super::weigh_terminal(images, shown, Style::default()), super::weigh_markdown(images, shown)];
        insta::assert_snapshot!(format!("weigh-{name}"), text.join("\n=====\n"));
    }
    let images = &fixture::record().variants;
    let many: Vec<_> = (0..30).map(|index| images[index % 4].clone()).collect();
    for (name, images) in [("one", &images[..1]), ("four", &images[..]), ("many", &many)] {
        for width in [80, 100, 120, 200] {
            let text = super::weigh_screen(images, shown, Style { colour: false, width: Some(width) });
            assert!(text.lines().count() <= 30, "{name} at {width}:\n{text}");
            assert!(text.lines().all(|line| line.chars().count() <= width.into()), "{name} at {width}:\n{text}");
        }
        if name == "many" {
            continue;
        }
        let text = super::weigh_screen(images, shown, Style::default());
        insta::assert_snapshot!(format!("weigh-screen-{name}"), text);
    }
    insta::assert_snapshot!("block", super::block(&fixture::record(), "charts"));
}

/// Eight runs: the first variant creeps, the base of the second moves once, the third comes from a substitute at first.
fn history() -> Vec<HistoryLine> {
    (0..8_u64)
        .map(|run| {
            let mut record = if run < 2 { fixture::stand_in() } else { fixture::record() };
            record.finished_at = format!("2026-11-{:02}T12:00:00Z", run + 1);
            let sizes = |record: &mut Record, index: usize, factor: u64| {
                let sizes = record.variants[index].sizes.as_mut().unwrap();
                sizes.size_bytes.0 = sizes.size_bytes.0 / 1000 * factor;
            };
            sizes(&mut record, 0, 1000 + 9 * run);
            if run >= 4 {
                sizes(&mut record, 1, 1300);
                record.variants[1].bases.last_mut().unwrap().digest = "sha256:moved".to_owned();
            }
            history_line(&record)
        })
        .collect()
}

#[test]
fn the_page_has_the_trend_with_commits_and_links_to_the_files_beside_it() {
    let mut history = history();
    for (run, line) in history.iter_mut().enumerate() {
        line.commit = format!("{run}123456789abcdef");
    }
    let folder = tempfile::tempdir().unwrap();
    crate::record::write(folder.path(), &fixture::record()).unwrap();
    write_all(&fixture::record(), &history, folder.path()).unwrap();
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains(" · 2026-11-08T12:00:00Z · commit 7123456789<") && page.contains("id=\"trend\""));
    assert!(page.contains(" · commit 4123456789 · other base ("), "what changed is said");
    for file in ["run.json", "report.md", "sizes.csv", "samples.csv", "layers.csv"] {
        assert!(page.contains(&format!("href=\"{file}\"")) && folder.path().join(file).is_file(), "{file}");
    }
    assert!(!html(&fixture::record()).unwrap().contains("href=\"run.json\""), "a page alone has no files beside it");
}

fn trend_svg(trend: &Trend) -> Option<String> {
    let (fonts, look) = (super::charts::fonts().unwrap(), super::charts::Appearance::default());
    let drawing = super::charts::trend(trend, super::charts::Sheet { fonts: &fonts, look: &look })?;
    Some(drawing.chart(&fonts).unwrap().svg)
}

#[test]
fn the_trend_is_golden() {
    let trend = trend(&history(), TrendMetric::Size);
    insta::assert_snapshot!("svg-trend-size", trend_svg(&trend).unwrap());
}

#[test]
fn a_trend_of_one_run_draws_nothing_and_says_so_in_no_picture() {
    let one = trend(&history()[..1], TrendMetric::Size);
    assert!(trend_svg(&one).is_none());
    let folder = tempfile::tempdir().unwrap();
    let names = |history: &[HistoryLine]| -> usize {
        let files = write_all(&fixture::record(), history, folder.path()).unwrap();
        files.iter().filter(|file| file.display().to_string().contains("trend-")).count()
    };
    assert_eq!(names(&history()[..1]), 0);
    assert_eq!(names(&history()), 6, "size, rebuild time, and bytes to pull, as SVG and PNG");
}

#[test]
fn equal_records_give_equal_files() {
    let written = |record: &Record| -> BTreeMap<String, Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let files = write_all(record, &[], folder.path()).unwrap();
        let name = |path: &std::path::Path| path.strip_prefix(folder.path()).unwrap().display().to_string();
        files.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
    };
    let record = fixture::record();
    // As it comes back from disk.
    let again: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
    let (first, second) = (written(&record), written(&again));
    for name in ["sizes.csv", "samples.csv", "layers.csv", "starts.csv", "report.md", "report.html", "charts/sizes.svg"]
    {
        assert!(first.contains_key(name), "{name} is missing");
    }
    assert!(first == second);
}

#[test]
fn no_line_on_a_terminal_is_wider_than_it() {
    let mut long = fixture::with_failures();
    let name = "registry.example.org/team/a-service-with-a-very-long-name/python3.9-alpine-multistage".repeat(3);
    for sample in long.samples.iter_mut().filter(|sample| sample.variant == long.variants[3].name) {
        sample.variant.clone_from(&name);
    }
    long.variants[3].name = name;
    for (name, record) in records().into_iter().chain([("long", long)]) {
        for width in [Some(60), Some(80), Some(100), Some(120), Some(200), None] {
            for line in terminal(&record, Style { colour: false, width }).lines() {
                let columns = unicode_width::UnicodeWidthStr::width(line);
                // Where it is not known how wide a terminal is, lines are as wide as is read well.
                assert!(columns <= usize::from(width.unwrap_or(120)), "{name} at {width:?}: {line}");
            }
        }
    }
}

#[test]
fn a_failure_says_its_reason_once_and_widens_no_column() {
    let text = terminal(&fixture::with_failures(), Style::default());
    assert_eq!(text.matches("did not complete").count(), 1, "{text}");
    let verdict = text.lines().nth(2).unwrap();
    assert!(
        verdict.starts_with("Smallest: python3.9-slim, 125 MB, 7.15× smaller than python3.9; 2 of 4 variants work"),
        "{verdict}"
    );
}

#[test]
fn colour_is_only_written_where_it_is_welcome() {
    let record = fixture::with_failures();
    assert!(!terminal(&record, Style::default()).contains('\u{1b}'));
    assert!(terminal(&record, Style { colour: true, width: None }).contains("\u{1b}["));
}

#[test]
fn stand_ins_and_failures_are_marked_in_every_output() {
    let record = fixture::stand_in();
    for (name, text) in [
        ("terminal", terminal(&record, Style::default())),
        ("markdown", markdown(&record)),
        ("page", html(&record).unwrap()),
        ("json", json(&record)),
    ] {
        assert!(text.contains("substitute") || text.contains("\"stand_in\": true"), "{name}");
    }
    for chart in charts(&record).unwrap() {
        assert!(chart.svg.contains("locally built substitutes for"), "{}", chart.name);
    }
    let failed = fixture::with_failures();
    assert!(svg(&failed, "sizes").contains("build failed"));
    assert!(svg(&failed, "start-up").contains("does not start"));
    assert!(markdown(&failed).contains("**build failed**"));
}

#[test]
fn an_engine_that_ends_layers_at_whole_seconds_is_told_of_in_every_output() {
    let mut record = fixture::record();
    let differs = |record: &Record| {
        let text = json(record);
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let timings = report["timings"].as_array().unwrap().clone();
        timings.iter().filter(|timing| timing["ratio_to_first"]["differs"] == true).count()
    };
    let before = differs(&record);
    assert!(!markdown(&record).contains("at multiples of"));
    record.environment.engine.layer_step_ns = crate::units::Nanos(1_000_000_000);
    for (output, text) in [
        ("markdown", markdown(&record)),
        ("terminal", terminal(&record, Style { colour: false, width: Some(400) })),
        ("html", html(&record).unwrap()),
        ("build-time.svg", svg(&record, "build-time").replace("</text>", "")),
    ] {
        assert!(text.contains("at multiples of 1.00 s"), "{output}");
    }
    assert!(before > differs(&record), "{before}");
}

#[test]
fn few_rounds_say_no_inference() {
    let mut record = fixture::record();
    record.samples.retain(|sample| sample.round <= 3);
    record.environment.noise = None;
    assert!(markdown(&record).contains("no inference"));
    assert!(svg(&record, "build-time").contains("n=3, no inference"));
    assert!(!svg(&record, "build-time").contains("95 % interval of the median"));
}

#[test]
fn a_record_without_samples_or_images_still_makes_a_report() {
    let mut record = fixture::with_failures();
    record.samples.clear();
    for variant in &mut record.variants {
        variant.sizes = None;
        variant.layers.clear();
        variant.serve = None;
        variant.tree = None;
        variant.update = crate::record::Updates::default();
        variant.outcome = crate::record::Outcome::NotRun;
    }
    let names: Vec<String> = charts(&record).unwrap().into_iter().map(|chart| chart.name).collect();
    assert_eq!(names, ["sizes"], "no chart of nothing");
    assert!(html(&record).unwrap().contains("not run"));
    record.variants.clear();
    assert!(markdown(&record).starts_with("# "));
    assert!(!charts(&record).unwrap().is_empty());
}

#[test]
fn charts_hold_at_any_number_of_variants_and_any_name() {
    let one = fixture::record().variants[0].clone();
    for (count, name) in
        [(1, "x".to_owned()), (40, "n".repeat(400)), (40, "名前".repeat(60)), (3, "\u{1b}[31m&<\"".into())]
    {
        let mut record = fixture::record();
        record.variants = (0..count)
            .map(|index| {
                let mut variant = one.clone();
                variant.name = format!("{index}{name}");
                if let Some(sizes) = &mut variant.sizes {
                    sizes.size_bytes.0 = if index == 1 { 1_000 } else { sizes.size_bytes.0 * (index + 1) };
                }
                variant
            })
            .collect();
        record.samples.retain(|sample| sample.variant == one.name);
        for sample in &mut record.samples {
            sample.variant = format!("0{name}");
        }
        for chart in charts(&record).unwrap() {
            assert!(chart.png.starts_with(b"\x89PNG"), "{}", chart.name);
            assert!(!chart.svg.chars().any(|c| c.is_control() && c != '\n'), "{}", chart.name);
            assert!(!chart.svg.contains("NaN") && !chart.svg.contains("=\"-"), "{}", chart.name);
        }
    }
}

#[test]
fn a_thousand_variants_stay_within_bounds() {
    let mut record = fixture::record();
    let (variants, samples) = (record.variants.clone(), record.samples.clone());
    let mut by_name: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.scenario != Scenario::Touch && sample.round < 4) {
        by_name.entry(&sample.variant).or_default().push(sample);
    }
    record.variants.clear();
    record.samples.clear();
    for index in 0..1000 {
        let mut variant = variants[index % variants.len()].clone();
        let name = format!("{}-{index}", variant.name);
        record.samples.extend(by_name[variant.name.as_str()].iter().map(|sample| {
            let mut sample = (*sample).clone();
            sample.variant.clone_from(&name);
            sample
        }));
        variant.name = name;
        record.variants.push(variant);
    }
    let page = html(&record).unwrap();
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    assert!(markdown(&record).len() < 1_000_000);
}
