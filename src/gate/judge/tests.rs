//! Scenario → verdict → exit code, for every kind of rule.

mod real_cases;
mod table;

use std::path::Path;

use self::table::TABLE;
use super::*;
use crate::gate::baseline::{Accepting, accept};
use crate::gate::measured::Measured;
use crate::record::{BaseOrigin, Package, PackageManager, Record, Scenario, Update, Updates, WireKind};
use crate::suite::Document;
use crate::testing::fixture;
use crate::units::Bytes;

const SLIM: usize = 1;

type TestEdit = fn(&mut Record);

fn measured(change: TestEdit) -> Measured {
    let mut record = fixture::record();
    change(&mut record);
    Measured::of_record(record, "run.json", Path::new("run.json")).unwrap()
}

fn nothing(_: &mut Record) {}

/// The reason for a difference, as a report says it.
fn why(variant: &VariantResult) -> String {
    crate::report::because(variant.comparison.as_ref().unwrap()).to_string()
}

/// Bytes more in a layer of the slim variant, its sizes counted anew.
fn grow(record: &mut Record, layer: usize, bytes: u64) {
    let variant = &mut record.variants[SLIM];
    variant.layers[layer].size_bytes += Bytes(bytes);
    variant.layers[layer].diff_id = format!("sha256:grown {layer} {bytes}");
    let own = layer >= 5;
    let sizes = variant.sizes.as_mut().unwrap();
    sizes.size_bytes += Bytes(bytes);
    if own {
        sizes.own_bytes += Bytes(bytes);
    } else {
        sizes.base_bytes += Bytes(bytes);
    }
}

/// No edit of the slim variant was weighed.
fn no_edit(record: &mut Record) {
    record.variants[SLIM].update = Updates::default();
}

/// A source edit of the slim variant whose new layers hold so many bytes.
fn edit(record: &mut Record, bytes: u64) {
    record.variants[SLIM].update.src = Some(Update {
        round: 0,
        bytes: Bytes(bytes),
        compressed_bytes: Bytes(bytes / 2),
        compressed_kind: WireKind::Estimated,
        layers: Vec::new(),
        again: None,
    });
}

/// Nobody asked the slim variant whether it starts.
fn not_asked(record: &mut Record) {
    fixture::out_of_reach(&mut record.variants[SLIM]);
}

/// An edit of the source runs pip of the slim variant again.
fn miss_pip(record: &mut Record) {
    let name = record.variants[SLIM].name.clone();
    let mine = record.samples.iter_mut().filter(|s| s.variant == name && s.scenario == Scenario::Src);
    for step in mine.flat_map(|sample| &mut sample.steps) {
        step.cached = step.cached && !step.instruction.contains("pip install");
    }
}

fn judged(budget: &str, baseline: Option<TestEdit>, now: TestEdit) -> Judgement {
    judged_with(budget, baseline, &measured(now), &[])
}

fn judged_with(budget: &str, baseline: Option<TestEdit>, now: &Measured, timings: &[TimingResult]) -> Judgement {
    let budgets = Budgets::of(&Document::parse(Path::new("tonnage.toml"), budget).unwrap()).unwrap();
    let accepting = Accepting { paths: budgets.path_metrics(), ..Accepting::default() };
    let baseline = baseline.map(|before| accept(&measured(before), None, &accepting).0);
    judge(&Input {
        measured: now,
        budgets: &budgets,
        baseline: baseline.as_ref().map(|baseline| (baseline, "tonnage-baseline.json")),
        timings,
        against: None,
        suite: Path::new("variants/flask-blog"),
        accept: "tonnage baseline accept run.json",
        accept_elsewhere: None,
    })
}

/// The slim variant of the made-up record has 125,436,559 bytes, 10,486,559 of them own.
const SIZE: u64 = 125_436_559;
const OWN: u64 = 10_486_559;

#[test]
fn the_made_up_record_is_what_the_table_below_assumes() {
    let sizes = fixture::record().variants.swap_remove(SLIM).sizes.unwrap();
    assert_eq!((sizes.size_bytes, sizes.own_bytes), (Bytes(SIZE), Bytes(OWN)));
}

#[test]
fn every_scenario_has_its_verdict_and_exit_code() {
    for (name, budget, baseline, now, verdict, exit, message) in TABLE {
        // Only the slim variant is asked anything, and `noise` and default rules are the suite's.
        let text =
            if budget.is_empty() { String::new() } else { format!("[budget.variant.\"python3.9-slim\"]\n{budget}\n") };
        let found = judged(&text, *baseline, *now);
        assert_eq!(found.verdict, *verdict, "{name}: {:#?}", found.rules);
        assert_eq!(found.exit().code(), *exit, "{name}");
        let rules: Vec<&RuleResult> = found.rules_of("python3.9-slim").collect();
        let worst = rules.iter().map(|rule| rule.verdict).max().unwrap_or(Verdict::Pass);
        assert!(
            message.is_empty()
                || rules.iter().any(|rule| rule.verdict == worst && rule.message.to_string().contains(message)),
            "{name}: no `{message}` in {rules:#?}"
        );
        for rule in rules {
            let bad =
                rule.verdict >= Verdict::Inconclusive || (rule.verdict == Verdict::Warn && rule.limit.starts_with('+'));
            assert!(!bad || !rule.next.is_empty(), "{name}: says nothing about what to do: {rule:?}");
        }
    }
}

#[test]
fn the_table_leaves_no_key_and_no_verdict_out() {
    let structure = ["src_reruns", "pip_cached", "serve", "root", "package.", "path.", "noise"];
    let keys = crate::gate::metric::Metric::plain().map(|metric| metric.to_string()).into_iter();
    for key in keys.chain(structure.map(str::to_owned)) {
        let mut rows = TABLE.iter().filter(|row| row.1.contains(&format!("{key} = ")) || row.1.contains(&key));
        assert!(rows.any(|row| key == "noise" || row.4 != Verdict::Pass), "no row in which `{key}` does not hold");
    }
    for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::NotComparable] {
        assert!(TABLE.iter().any(|row| row.4 == verdict), "{verdict:?}");
    }
    let codes: std::collections::BTreeSet<u8> = TABLE.iter().map(|row| row.5).collect();
    assert_eq!(codes, [0, 1, 3, 4].into());
}

#[test]
fn a_limit_that_cannot_be_read_judges_nothing() {
    use crate::error::Diagnose;
    for (budget, message) in [
        ("size = 60", "no unit"),
        ("size = \"60\"", "no unit"),
        ("size = \"60 Mb\"", "unit"),
        ("size = \"2 %\"", "of what"),
        ("size = \"-1 MB\"", "negative"),
        ("layers = \"2 MB\"", "not a count"),
        ("engine_size = \"60 MB\"", "every engine"),
    ] {
        let error = Document::parse(Path::new("tonnage.toml"), &format!("[budget]\n{budget}\n"))
            .and_then(|document| Budgets::of(&document))
            .unwrap_err();
        assert_eq!(error.exit().code(), 7, "{budget}");
        assert!(error.to_string().contains(message), "{budget}: {error}");
        assert!(error.hint().is_some(), "{budget}");
    }
}

#[test]
fn a_failure_says_where_to_raise_the_limit_and_how_to_accept() {
    let found = judged("[budget]\n\nsize = \"+1 MB\"\n", Some(nothing), |r| grow(r, 8, 2_000_000));
    let rule = found.rules_of("python3.9-slim").next().unwrap();
    assert_eq!(
        rule.next.to_string(),
        "accept with `tonnage baseline accept run.json`, or raise `size` in tonnage.toml:3"
    );
    assert_eq!(rule.place, "tonnage.toml:3");
    assert_eq!(
        (rule.actual, rule.baseline, rule.allowed),
        (Some(SIZE + 2_000_000), Some(SIZE), Some(SIZE + 1_000_000))
    );
    let absolute = judged("[budget]\nsize = \"1 MB\"\n", None, nothing);
    assert_eq!(absolute.rules[0].next.to_string(), "make it smaller, or raise `size` in tonnage.toml:2");
}

#[test]
fn pip_that_runs_again_is_named() {
    let now = Measured::of_record(fixture::with_early_copy(), "run.json", Path::new("run.json")).unwrap();
    let found = judged_with("[budget]\npip_cached = true\nsrc_reruns = 1\n", None, &now, &[]);
    let rules: Vec<&RuleResult> = found.rules_of("python3.9").collect();
    assert_eq!(rules[0].verdict, Verdict::Fail);
    assert!(rules[0].message.to_string().contains("`COPY . .`"), "{}", rules[0].message);
    assert!(rules[1].message.to_string().contains("runs pip again: `RUN pip install"), "{}", rules[1].message);
    assert_eq!(found.verdict_of("python3.9-slim"), Verdict::Pass);
}

#[test]
fn the_reason_for_growth_comes_with_the_line_of_the_dockerfile() {
    let found = judged("[budget]\nsize = \"+1 MB\"\n", Some(nothing), |r| {
        grow(r, 7, 2_000_000);
        r.variants[SLIM].packages.push(Package {
            manager: PackageManager::Python,
            name: "numpy".into(),
            version: "1.21.0".into(),
            size_bytes: Bytes(2_000_000),
            layers: vec![(7, Bytes(2_000_000))],
        });
    });
    let slim = &found.variants[SLIM];
    assert_eq!((slim.dockerfile.as_str(), slim.line), ("variants/flask-blog/python3.9-slim/Dockerfile", 4));
    assert_eq!(why(slim), "+2.00 MB: package `numpy` added in `RUN pip install --no-cache-dir -r requirements.txt`");
    assert_eq!(slim.comparison.as_ref().unwrap().delta_bytes.0, 2_000_000);
    assert_eq!(found.exceeding(), ["python3.9-slim"]);
    let base = judged("[budget]\nsize = \"+1 MB\"\n", Some(nothing), |r| grow(r, 2, 2_000_000));
    assert_eq!(base.variants[SLIM].line, 1);
    assert!(why(&base.variants[SLIM]).contains("base moved"));
}

#[test]
fn the_classic_builders_checksums_lead_to_the_same_line() {
    let mut variant = fixture::variants().swap_remove(SLIM);
    let old = variant.clone();
    let sum = "ab".repeat(32);
    variant.layers[8].instruction = format!("/bin/sh -c #(nop) COPY dir:{sum} in /app");
    variant.layers[8].diff_id = "x".into();
    variant.layers[8].size_bytes = Bytes(9_999);
    variant.sizes.as_mut().unwrap().size_bytes = Bytes(SIZE + 9_999 - 218);
    let comparison = compare(&old, &variant);
    assert_eq!(place::of(Path::new("./x"), &variant, Some(&comparison)), ("x/python3.9-slim/Dockerfile".into(), 5));
}

#[test]
fn a_misspelt_variant_and_an_allowed_absence_are_said() {
    let found = judged("[budget.variant.slim]\nsize = \"1 MB\"\n", Some(nothing), nothing);
    let rule = found.rules.iter().find(|rule| rule.variant == "slim").unwrap();
    assert_eq!((rule.verdict, rule.place.as_str()), (Verdict::Warn, "tonnage.toml:1"));
    let gone = judged("[gate]\nvanished = \"allow\"\n[budget]\nsize = \"+1 %\"\n", Some(nothing), |r| {
        r.variants.truncate(3);
    });
    assert_eq!((gone.verdict, gone.variants[3].state.clone()), (Verdict::Pass, State::Vanished));
}

#[test]
fn a_path_is_held_against_what_the_baseline_kept_of_it() {
    let budget = "[budget.path]\n\"/usr/**\" = \"+0 B\"\n";
    assert_eq!(judged(budget, Some(nothing), nothing).verdict, Verdict::Pass);
    let before = accept(&measured(nothing), None, &Accepting::default()).0;
    let budgets = Budgets::of(&Document::parse(Path::new("tonnage.toml"), budget).unwrap()).unwrap();
    let found = judge(&Input {
        measured: &measured(nothing),
        budgets: &budgets,
        baseline: Some((&before, "b.json")),
        timings: &[],
        against: None,
        suite: Path::new(""),
        accept: "accept",
        accept_elsewhere: None,
    });
    assert_eq!(found.verdict, Verdict::NotComparable);
    assert!(found.rules[0].message.to_string().contains("before there was a budget"), "{}", found.rules[0].message);
}

#[test]
fn times_gate_only_where_that_is_asked() {
    let timing = |verdict| TimingResult {
        variant: "python3.9-slim".into(),
        scenario: Scenario::Warm,
        verdict,
        estimate: None,
        p_adjusted: 0.01,
        why: crate::gate::timing::Why::Rerun(Some(1.29)),
    };
    let verdict = |mode: &str, verdict| {
        let text = format!("[budget]\nsize = \"9 GB\"\n[gate.timing]\nmode = \"{mode}\"\n");
        let found = judged_with(&text, None, &measured(nothing), &[timing(verdict)]);
        (found.verdict, found.exit().code())
    };
    assert_eq!(verdict("advisory", TimingVerdict::Slower), (Verdict::Pass, 0));
    assert_eq!(verdict("advisory", TimingVerdict::Inconclusive), (Verdict::Pass, 0));
    assert_eq!(verdict("gate", TimingVerdict::Slower), (Verdict::Fail, 1));
    assert_eq!(verdict("gate", TimingVerdict::Suspect), (Verdict::Inconclusive, 4));
    assert_eq!(verdict("gate", TimingVerdict::Inconclusive), (Verdict::Inconclusive, 4));
    assert_eq!(verdict("gate", TimingVerdict::Same), (Verdict::Pass, 0));
    assert_eq!(verdict("off", TimingVerdict::Slower), (Verdict::Pass, 0));
}

#[test]
fn a_weighing_is_not_asked_what_only_a_run_knows() {
    let mut weighed = measured(nothing);
    weighed.kind = MeasuredKind::Weighing;
    weighed.samples.clear();
    for variant in &mut weighed.variants {
        variant.serve = None;
        variant.user = "app".into();
    }
    let text = "[budget]\nsrc_reruns = 0\npip_cached = true\nserve = true\nroot = false\nsize = \"9 GB\"\n";
    let found = judged_with(text, None, &weighed, &[]);
    assert_eq!(found.verdict, Verdict::Pass);
    assert_eq!(found.rules.iter().filter(|rule| rule.verdict == Verdict::Skipped).count(), 12);
}
