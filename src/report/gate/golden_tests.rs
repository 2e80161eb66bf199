//! Golden tests: what the gate and a comparison say, to the byte.

use std::path::Path;

use super::tests::{grown, hostile};
use super::*;
use crate::gate::timing::{self, TimingResult, TimingRules};
use crate::gate::{Accepting, Budgets, Input, accept, differences, judge};
use crate::record::{Against, Outcome, Record, Scenario};
use crate::suite::Document;
use crate::testing::fixture;
use crate::units::{Bytes, Nanos};

fn measured(change: fn(&mut Record)) -> Measured {
    let mut record = fixture::record();
    change(&mut record);
    Measured::of_record(record, "results/run.json", Path::new("run.json")).unwrap()
}

/// Every kind of thing that there is to say at once.
fn busy(record: &mut Record) {
    grown(record);
    record.ended = crate::record::Ended::OutOfTime;
    record.environment.engine.image_store = crate::record::ImageStore::Containerd;
    record.variants[0].name = "renamed|_x_".to_owned();
    fixture::stand_in().variants[2].bases.clone_into(&mut record.variants[2].bases);
    record.variants[3].sizes = None;
    record.variants[3].outcome = Outcome::BuildFailed;
}

/// Build times: one slower, one improved, the others the same.
fn timings() -> Vec<TimingResult> {
    let (head, mut base) = (fixture::record(), fixture::record());
    for sample in &mut base.samples {
        let share = match (sample.variant.as_str(), sample.scenario) {
            ("python3.9-slim", Scenario::Cold) => 0.7,
            ("python3.9", Scenario::Cold) => 1.6,
            _ => 1.0,
        };
        sample.wall_ns = Nanos::from_seconds(sample.wall_ns.as_seconds() * share);
    }
    base.samples.retain(|sample| sample.variant != "python3.9-alpine" || sample.round < 2);
    let against = Against { reference: "main".into(), commit: String::new(), base, confirmations: Vec::new() };
    let rules = TimingRules::default();
    timing::judge(&timing::pairs(&head, &against, &rules), &rules)
}

fn judgement(budget: &str, before: Option<fn(&mut Record)>, now: &Measured, timings: &[TimingResult]) -> Judgement {
    let budgets = Budgets::of(&Document::parse(Path::new("tonnage.toml"), budget).unwrap()).unwrap();
    let baseline = before.map(|before| accept(&measured(before), None, &Accepting::default()).0);
    judge(&Input {
        measured: now,
        budgets: &budgets,
        baseline: baseline.as_ref().map(|baseline| (baseline, "tonnage-baseline.json")),
        timings,
        against: (!timings.is_empty()).then_some("main (c0ffee)"),
        suite: Path::new("variants/flask-blog"),
        accept: "tonnage baseline accept results/run.json",
        accept_elsewhere: Some("tonnage run --quick && tonnage baseline accept"),
    })
}

#[test]
fn what_the_gate_says_is_golden() {
    const GROWTH: &str =
        "[budget]\nsize = { fail = \"+1 MB\", warn = \"900 MB\" }\n[budget.variant.nobody]\nsize = \"1 MB\"\n";
    const STRUCTURE: &str = "[budget]\nsrc_reruns = 0\npip_cached = true\nroot = false\nserve = true\nsize = \"100 MB\"\nwire = \"+1 %\"\n\
        path.\"**/*.weird\" = \"1 kB\"\n[gate.timing]\nmode = \"gate\"\n";
    let plain: fn(&mut Record) = |_| {};
    for (name, budget, before, now, timings) in [
        ("passed", GROWTH, Some(plain), plain, Vec::new()),
        ("grown", GROWTH, Some(plain), grown, timings()),
        ("busy", GROWTH, Some(plain), busy, timings()),
        ("structure", STRUCTURE, Some(plain), plain, timings()),
        ("none", "", None, plain, Vec::new()),
        ("hostile", GROWTH, Some(plain), hostile, Vec::new()),
    ] {
        let now = measured(now);
        let found = judgement(budget, before, &now, &timings);
        let formats =
            [GateFormat::Table, GateFormat::Markdown, GateFormat::Github, GateFormat::Junit, GateFormat::Json];
        let text =
            formats.map(|format| render_judgement(format, &found, &now, Look { colour: name == "busy", top: 8 }));
        insta::assert_snapshot!(format!("gate-{name}"), text.join("\n=====\n"));
    }
}

#[test]
fn what_a_comparison_says_is_golden() {
    let plain: fn(&mut Record) = |_| {};
    for (name, before, now) in [
        ("same", plain, plain),
        ("grown", plain, grown as fn(&mut Record)),
        ("busy", plain, busy_without_platforms),
        ("hostile", plain, hostile),
        ("two", plain, two),
    ] {
        let found = differences(&measured(before), &measured(now), None).unwrap();
        let formats = [GateFormat::Table, GateFormat::Markdown, GateFormat::Json];
        let text = formats.map(|format| render_differences(format, &found, Look { colour: false, top: 2 }).unwrap());
        insta::assert_snapshot!(format!("compare-{name}"), text.join("\n=====\n"));
    }
}

fn busy_without_platforms(record: &mut Record) {
    grown(record);
    record.variants[0].name = "renamed|_x_".to_owned();
    record.variants[3].sizes = None;
    record.samples.clear();
}

fn two(record: &mut Record) {
    grown(record);
    let first = &mut record.variants[0];
    for index in 0..6 {
        first.layers[index].size_bytes += Bytes(1_000 << index);
        first.layers[index].diff_id = format!("sha256:other {index}");
        first.sizes.as_mut().unwrap().size_bytes += Bytes(1_000 << index);
    }
}
