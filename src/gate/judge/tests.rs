//! Scenario → verdict → exit code, for every kind of rule.

mod real_cases;

use std::path::Path;

use super::*;
use crate::gate::baseline::{Accepting, accept};
use crate::gate::measured::Measured;
use crate::record::{BaseOrigin, Package, PackageManager, Record, Scenario, Update, Updates, WireKind};
use crate::suite::Document;
use crate::testing::fixture;
use crate::units::Bytes;

const SLIM: usize = 1;

type Change = fn(&mut Record);

fn measured(change: Change) -> Measured {
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

/// An edit of the source runs pip of the slim variant again.
fn not_asked(record: &mut Record) {
    fixture::out_of_reach(&mut record.variants[SLIM]);
}

fn miss_pip(record: &mut Record) {
    let name = record.variants[SLIM].name.clone();
    let mine = record.samples.iter_mut().filter(|s| s.variant == name && s.scenario == Scenario::Src);
    for step in mine.flat_map(|sample| &mut sample.steps) {
        step.cached = step.cached && !step.instruction.contains("pip install");
    }
}

fn judged(budget: &str, baseline: Option<Change>, now: Change) -> Judgement {
    judged_with(budget, baseline, &measured(now), &[])
}

fn judged_with(budget: &str, baseline: Option<Change>, now: &Measured, timings: &[TimingResult]) -> Judgement {
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

/// Name, budget of the slim variant, baseline, record, verdict, exit code, part of the message that decides.
type Row = (&'static str, &'static str, Option<Change>, Change, Verdict, u8, &'static str);

const TABLE: &[Row] = &[
    // Absolute limits.
    ("within", "size = \"126 MB\"", None, nothing, Verdict::Pass, 0, "left"),
    (
        "exceeded",
        "size = \"125 MB\"",
        None,
        nothing,
        Verdict::Fail,
        1,
        "size 125,436,559 B exceeds 125 MB (125,000,000 B) by 437 kB",
    ),
    ("in MiB", "size = \"120 MiB\"", None, nothing, Verdict::Pass, 0, "of 126 MB"),
    ("exactly the limit", "size = \"125436559 B\"", None, nothing, Verdict::Pass, 0, "exactly the limit"),
    (
        "equal when rounded",
        "size = \"125436558 B\"",
        None,
        nothing,
        Verdict::Fail,
        1,
        "size 125,436,559 B exceeds 125436558 B (125,436,558 B) by 1 B",
    ),
    ("only warned", "size = { warn = \"1 MB\" }", None, nothing, Verdict::Pass, 0, "exceeds 1 MB"),
    ("warn and fail", "size = { warn = \"1 MB\", fail = \"2 MB\" }", None, nothing, Verdict::Fail, 1, "exceeds 2 MB"),
    (
        "limit of nothing, something there",
        "reclaimable = \"0 B\"",
        None,
        nothing,
        Verdict::Fail,
        1,
        "exceeds 0 B by 640 kB",
    ),
    (
        "limit of nothing, nothing there",
        "reclaimable = \"0 B\"",
        None,
        |r| r.variants[SLIM].sizes.as_mut().unwrap().reclaimable_bytes = Bytes(0),
        Verdict::Pass,
        0,
        "exactly the limit",
    ),
    ("number of layers", "layers = 8", None, nothing, Verdict::Fail, 1, "layers 9 exceeds 8 by 1"),
    ("number of packages", "packages = 5", None, nothing, Verdict::Pass, 0, "packages"),
    ("bytes of packages", "package_bytes = \"1 MB\"", None, nothing, Verdict::Fail, 1, "package_bytes"),
    ("a package by name", "package.\"libc*\" = \"12 MB\"", None, nothing, Verdict::Fail, 1, "package libc* 12.4 MB"),
    ("a package that must not be there", "package.gcc = \"0 B\"", None, nothing, Verdict::Pass, 0, "package gcc"),
    ("rootfs", "rootfs = \"1 MB\"", None, nothing, Verdict::Fail, 1, "rootfs"),
    ("duplicates", "duplicates = \"1 MB\"", None, nothing, Verdict::Pass, 0, "duplicates"),
    ("compressed", "compressed = \"1 MB\"", None, nothing, Verdict::Fail, 1, "compressed"),
    ("compressed by its old name", "wire = \"1 MB\"", None, nothing, Verdict::Fail, 1, "compressed"),
    (
        "an edit within",
        "update.src = \"1 kB\"",
        None,
        |r| edit(r, 380),
        Verdict::Pass,
        0,
        "update.src is 380 B of 1.00 kB",
    ),
    (
        "an edit that reinstalls",
        "update.src = \"1 MB\"",
        None,
        |r| edit(r, 10_300_000),
        Verdict::Fail,
        1,
        "update.src 10.3 MB exceeds 1 MB",
    ),
    ("no edit built", "update.deps = \"1 MB\"", None, no_edit, Verdict::Inconclusive, 4, "no edit was built"),
    (
        "an edit against the baseline",
        "update.src = \"+10 %\"",
        Some(|r| edit(r, 1_000)),
        |r| edit(r, 1_101),
        Verdict::Fail,
        1,
        "update.src",
    ),
    (
        "an edit without one in the baseline",
        "update.src = \"+10 %\"",
        Some(no_edit),
        |r| edit(r, 1_101),
        Verdict::NotComparable,
        3,
        "no edit was built",
    ),
    ("base", "base = \"114 MB\"", None, nothing, Verdict::Fail, 1, "base 115 MB exceeds 114 MB"),
    ("no layer at all", "layers = 0", None, nothing, Verdict::Fail, 1, "layers 9 exceeds 0 by 9"),
    ("own", "own = \"10 MiB\"", None, nothing, Verdict::Fail, 1, "own 10,486,559 B exceeds 10 MiB (10,485,760 B)"),
    // Relative limits.
    ("no growth", "size = \"+0 B\"", Some(nothing), nothing, Verdict::Pass, 0, "as in the baseline"),
    ("growth within", "own = \"+500 kB\"", Some(nothing), |r| grow(r, 8, 499_999), Verdict::Pass, 0, "within +500 kB"),
    ("growth exactly", "own = \"+500 kB\"", Some(nothing), |r| grow(r, 8, 500_000), Verdict::Pass, 0, "within +500 kB"),
    (
        "growth one byte over",
        "own = \"+500 kB\"",
        Some(nothing),
        |r| grow(r, 8, 500_001),
        Verdict::Fail,
        1,
        "own grew by 500,001 B (10.5 MB → 11.0 MB), more than +500 kB (500,000 B)",
    ),
    ("percent within", "size = \"+2 %\"", Some(nothing), |r| grow(r, 8, 2_508_731), Verdict::Pass, 0, "within +2 %"),
    ("percent one byte over", "size = \"+2 %\"", Some(nothing), |r| grow(r, 8, 2_508_732), Verdict::Fail, 1, "+2 %"),
    (
        "below the noise floor",
        "noise = \"1 kB\"\nsize = \"+0 B\"",
        Some(nothing),
        |r| grow(r, 8, 1_000),
        Verdict::Pass,
        0,
        "",
    ),
    (
        "above the noise floor",
        "noise = \"1 kB\"\nsize = \"+0 B\"",
        Some(nothing),
        |r| grow(r, 8, 1_001),
        Verdict::Fail,
        1,
        "",
    ),
    ("shrunk", "size = \"+0 B\"", Some(|r| grow(r, 8, 9)), nothing, Verdict::Pass, 0, "-9 B"),
    (
        "percent of nothing",
        "reclaimable = \"+5 %\"",
        Some(|r| r.variants[SLIM].sizes.as_mut().unwrap().reclaimable_bytes = Bytes(0)),
        nothing,
        Verdict::Fail,
        1,
        "grew by 640 kB from nothing, and +5 % of nothing is 0 B",
    ),
    (
        "nothing of nothing",
        "reclaimable = \"+5 %\"",
        Some(|r| r.variants[SLIM].sizes.as_mut().unwrap().reclaimable_bytes = Bytes(0)),
        |r| r.variants[SLIM].sizes.as_mut().unwrap().reclaimable_bytes = Bytes(0),
        Verdict::Pass,
        0,
        "as in the baseline",
    ),
    ("base moved, own held", "own = \"+0 B\"", Some(nothing), |r| grow(r, 2, 5_000_000), Verdict::Pass, 0, "own is"),
    (
        "base moved, size held",
        "size = \"+1 MB\"",
        Some(nothing),
        |r| grow(r, 2, 5_000_000),
        Verdict::Fail,
        1,
        "size grew",
    ),
    (
        "one more layer",
        "layers = \"+0\"",
        Some(|r| drop(r.variants[SLIM].layers.pop())),
        nothing,
        Verdict::Fail,
        1,
        "layers",
    ),
    (
        "growth is only warned",
        "size = { warn = \"+0 B\" }",
        Some(nothing),
        |r| grow(r, 8, 9),
        Verdict::Pass,
        0,
        "grew by 9 B",
    ),
    (
        "one more package",
        "packages = \"+0\"",
        Some(|r| drop(r.variants[SLIM].packages.pop())),
        nothing,
        Verdict::Fail,
        1,
        "packages grew by 1 (4 → 5), more than +0",
    ),
    ("a package as it was", "package.Flask = \"+0 B\"", Some(nothing), nothing, Verdict::Pass, 0, "as in the baseline"),
    (
        "a package that is new",
        "package.Flask = \"+5 %\"",
        Some(|r| r.variants[SLIM].packages.retain(|package| package.name != "Flask")),
        nothing,
        Verdict::Fail,
        1,
        "from nothing",
    ),
    (
        "duplicates that grew",
        "duplicates = \"+0 B\"",
        Some(nothing),
        |r| r.variants[SLIM].sizes.as_mut().unwrap().duplicate_bytes += Bytes(1),
        Verdict::Fail,
        1,
        "duplicates grew by 1 B",
    ),
    // Paths.
    ("a folder within", "path.\"/usr/**\" = \"900 MB\"", None, nothing, Verdict::Pass, 0, "path /usr/**"),
    (
        "a path the record cannot know",
        "path.\"**/*.weird\" = \"1 kB\"",
        None,
        |r| r.variants[SLIM].tree = None,
        Verdict::Inconclusive,
        4,
        "is not known",
    ),
    (
        "the same, only warned",
        "path.\"**/*.weird\" = { warn = \"1 kB\" }",
        None,
        |r| r.variants[SLIM].tree = None,
        Verdict::Pass,
        0,
        "is not known",
    ),
    // The baseline.
    (
        "no baseline, relative limit",
        "size = \"+2 %\"",
        None,
        nothing,
        Verdict::NotComparable,
        3,
        "there is no baseline",
    ),
    ("no baseline, no budget", "", None, nothing, Verdict::NotComparable, 3, "there is no baseline"),
    ("default budget holds", "", Some(nothing), |r| grow(r, 8, 6_000_000), Verdict::Pass, 0, "+1 %"),
    ("default budget fails", "", Some(nothing), |r| grow(r, 8, 6_500_000), Verdict::Fail, 1, "+5 %"),
    (
        "new variant",
        "size = \"+2 %\"",
        Some(|r| drop(r.variants.remove(SLIM))),
        nothing,
        Verdict::Pass,
        0,
        "not in the baseline yet",
    ),
    (
        "new variant beyond an absolute limit",
        "size = [\"1 MB\", \"+2 %\"]",
        Some(|r| drop(r.variants.remove(SLIM))),
        nothing,
        Verdict::Fail,
        1,
        "exceeds 1 MB",
    ),
    (
        "vanished variant",
        "size = \"+2 %\"",
        Some(nothing),
        |r| drop(r.variants.remove(SLIM)),
        Verdict::Fail,
        1,
        "was not measured",
    ),
    // Unlike things.
    (
        "other platform",
        "size = \"+2 %\"",
        Some(|r| r.variants[SLIM].platform = "linux/arm64".into()),
        nothing,
        Verdict::NotComparable,
        3,
        "linux/arm64",
    ),
    (
        "other platform, absolute limit",
        "size = \"126 MB\"",
        Some(|r| r.variants[SLIM].platform = "linux/arm64".into()),
        nothing,
        Verdict::Pass,
        0,
        "left",
    ),
    (
        "other metrics",
        "size = \"+2 %\"",
        Some(|r| r.metrics_version = 99),
        nothing,
        Verdict::NotComparable,
        3,
        "version 99",
    ),
    (
        "estimated against exact wire",
        "wire = \"+2 %\"",
        Some(|r| r.variants[SLIM].sizes.as_mut().unwrap().wire_kind = WireKind::Exact),
        nothing,
        Verdict::NotComparable,
        3,
        "exact in the baseline and estimated here",
    ),
    (
        "stand-in against registry",
        "size = \"+2 %\"",
        Some(|r| r.variants[SLIM].bases[0].origin = BaseOrigin::StandIn),
        nothing,
        Verdict::NotComparable,
        3,
        "substitute",
    ),
    (
        "other store, size",
        "size = \"+2 %\"",
        Some(|r| r.environment.engine.image_store = crate::record::ImageStore::Containerd),
        nothing,
        Verdict::Pass,
        0,
        "as in the baseline",
    ),
    (
        "a failure outweighs what is unlike",
        "size = [\"1 MB\", \"+2 %\"]",
        None,
        nothing,
        Verdict::Fail,
        1,
        "exceeds 1 MB",
    ),
    // Structure.
    (
        "source edit re-runs one",
        "src_reruns = 1",
        None,
        nothing,
        Verdict::Pass,
        0,
        "runs 1 instruction again (`COPY src /app`)",
    ),
    ("source edit re-runs none allowed", "src_reruns = 0", None, nothing, Verdict::Fail, 1, "at most 0 allowed"),
    (
        "nobody edited the source",
        "src_reruns = 1",
        None,
        |r| r.samples.clear(),
        Verdict::Inconclusive,
        4,
        "no valid `src`",
    ),
    ("pip stays cached", "pip_cached = true", None, nothing, Verdict::Pass, 0, "pip stays cached"),
    ("pip runs again", "pip_cached = true", None, miss_pip, Verdict::Fail, 1, "runs pip again: `RUN pip install"),
    (
        "pip was not rebuilt",
        "pip_cached = true",
        None,
        |r| r.samples.clear(),
        Verdict::Inconclusive,
        4,
        "no valid `src`",
    ),
    ("pip not asked about", "pip_cached = false", None, |r| r.samples.clear(), Verdict::Pass, 0, ""),
    ("serves", "serve = true", None, nothing, Verdict::Pass, 0, "it starts"),
    (
        "nobody asked",
        "serve = true",
        None,
        |r| r.variants[SLIM].serve = None,
        Verdict::Inconclusive,
        4,
        "startup was not checked",
    ),
    ("out of reach", "serve = true", None, not_asked, Verdict::Inconclusive, 4, "is out of reach from here"),
    ("out of reach, no rule", "size = \"126 MB\"", None, not_asked, Verdict::Pass, 0, ""),
    (
        "does not start",
        "serve = true",
        None,
        |r| r.variants[SLIM].outcome = Outcome::ServeFailed,
        Verdict::Fail,
        1,
        "does not start",
    ),
    (
        "does not start, no rule",
        "size = \"126 MB\"",
        None,
        |r| r.variants[SLIM].outcome = Outcome::ServeFailed,
        Verdict::Pass,
        0,
        "does not start",
    ),
    ("root", "root = false", None, nothing, Verdict::Fail, 1, "runs as root"),
    (
        "root by number",
        "root = false",
        None,
        |r| r.variants[SLIM].user = "0:0".into(),
        Verdict::Fail,
        1,
        "runs as root",
    ),
    ("not root", "root = false", None, |r| r.variants[SLIM].user = "app".into(), Verdict::Pass, 0, "runs as `app`"),
    ("root allowed", "root = true", None, nothing, Verdict::Pass, 0, ""),
    // Images that are not there.
    (
        "does not build",
        "size = \"1 kB\"",
        None,
        |r| {
            r.variants[SLIM].outcome = Outcome::BuildFailed;
            r.variants[SLIM].sizes = None;
        },
        Verdict::Fail,
        1,
        "does not build",
    ),
    (
        "not run",
        "size = \"1 kB\"",
        None,
        |r| {
            r.variants[SLIM].outcome = Outcome::NotRun;
            r.variants[SLIM].sizes = None;
        },
        Verdict::Inconclusive,
        4,
        "was not measured",
    ),
];

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
    weighed.kind = Kind::Weighing;
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
