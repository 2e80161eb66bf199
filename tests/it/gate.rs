//! The gate as a CI job runs it: files in, verdict and exit code out. No engine is asked.

use tonnage::testing::fixture;
use tonnage::testing::record::{self, Against, Confirmation, Outcome, Record, Sample, Scenario};
use tonnage::testing::units::{Bytes, Nanos};

use crate::sandbox::Sandbox;

/// A sandbox with a suite of these budgets, the made-up record in `base/` and a grown one in `head/`.
fn sandbox(budget: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("tonnage.toml", &format!("[suite]\nname = \"flask-blog\"\n\n{budget}"));
    keep(&sandbox, "base", &fixture::record());
    let mut record = fixture::record();
    let slim = &mut record.variants[1];
    slim.layers[7].size_bytes += Bytes(2_000_000);
    "sha256:other".clone_into(&mut slim.layers[7].diff_id);
    let sizes = slim.sizes.as_mut().unwrap();
    sizes.size_bytes += Bytes(2_000_000);
    sizes.own_bytes += Bytes(2_000_000);
    let werkzeug = slim.packages.iter_mut().find(|package| package.name == "Werkzeug").unwrap();
    "2.0.3".clone_into(&mut werkzeug.version);
    werkzeug.layers[0].1 += Bytes(2_000_000);
    keep(&sandbox, "head", &record);
    sandbox
}

fn keep(sandbox: &Sandbox, folder: &str, record: &Record) {
    record::write(&sandbox.path(folder), record).unwrap();
}

#[test]
fn one_run_writes_every_output_and_exits_with_the_verdict() {
    let sandbox = sandbox("[budget]\nsize = \"+1 MB\"\n");
    let accepted = sandbox.run(&["baseline", "accept", "base", "--reason", "the first"]).expect(0);
    assert!(accepted.stdout.contains("added    python3.9-slim  125 MB"), "{}", accepted.stdout);
    let ran = sandbox
        .run(&[
            "check",
            "head",
            "--output",
            "json=out/gate.json",
            "--output",
            "markdown=out/gate.md",
            "--output",
            "junit=out/gate.xml",
            "--output",
            "github=out/gate.txt",
            "--output",
            "bmf=out/bmf.json",
        ])
        .expect(1);
    assert!(
        ran.stdout.ends_with(
            "gate failed: 1 of 4 rules – `python3.9-slim` +2.00 MB: `Werkzeug` upgraded 2.0.1 → 2.0.3 in \
             `RUN pip install --no-cache-dir -r requirements.txt`\n"
        ),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("next: accept with the command below, or raise `size` in tonnage.toml:5"));
    assert_eq!(sandbox.json("out/gate.json")["verdict"], "fail");
    assert_eq!(sandbox.json("out/bmf.json")["python3.9-slim"]["size"]["value"], 127_436_559);
    assert!(sandbox.read("out/gate.md").starts_with("<!-- tonnage-check"));
    assert!(sandbox.read("out/gate.xml").contains("<failure"));
    assert!(sandbox.read("out/gate.txt").starts_with("::error file=python3.9-slim/Dockerfile,line=4"));
}

#[test]
fn accepting_what_exceeds_lets_the_gate_pass_and_leaves_the_rest() {
    let sandbox = sandbox("[budget]\nsize = \"+1 MB\"\n");
    sandbox.run(&["baseline", "accept", "base"]).expect(0);
    let before = sandbox.read("tonnage-baseline.json");
    let accepted = sandbox.run(&["baseline", "accept", "head", "--only-exceeding", "--reason", "numpy"]).expect(0);
    assert!(accepted.stdout.contains("updated  python3.9-slim  125 MB → 127 MB (+2,000,000 B)"), "{}", accepted.stdout);
    assert!(!accepted.stdout.contains("python3.9-alpine"), "{}", accepted.stdout);
    let after = sandbox.read("tonnage-baseline.json");
    assert!(after.contains("\"reason\":\"numpy\""));
    let differing = before.lines().zip(after.lines()).filter(|(a, b)| a != b).count();
    assert!(differing <= 6, "{differing} lines differ");
    sandbox.run(&["check", "head"]).expect(0);
    sandbox.run(&["baseline", "verify"]).expect(0);
}

#[test]
fn what_is_missing_unlike_or_broken_has_its_own_exit_code() {
    let sandbox = sandbox("[budget]\nsize = \"+1 MB\"\n");
    let none = sandbox.run(&["check", "head"]).expect(3);
    assert!(none.stdout.contains("there is no baseline"), "{}", none.stdout);
    sandbox.run(&["check", "head", "--baseline", "nowhere.json"]).expect(3).complains(&["nowhere.json"]);
    sandbox.run(&["baseline", "verify"]).expect(3).complains(&["there is no baseline"]);
    sandbox.run(&["check"]).expect(7).complains(&["no record"]);
    sandbox.run(&["check", "nowhere"]).expect(7).complains(&["nowhere"]);
    sandbox.run(&["check", "head", "--output", "xml=x"]).expect(2);
    sandbox.run(&["check", "head", "--suite", "nowhere.toml"]).expect(7).complains(&["nowhere.toml"]);

    sandbox.run(&["baseline", "accept", "base"]).expect(0);
    let baseline = sandbox.read("tonnage-baseline.json");
    sandbox.write("tonnage-baseline.json", &baseline.replacen("2.0.1", "2.0.2", 1));
    sandbox.run(&["check", "head"]).expect(7).complains(&["was modified after it was written"]);
    sandbox.run(&["baseline", "verify"]).expect(7).complains(&["digest"]);
    sandbox
        .run(&["baseline", "accept", "base", "--only-exceeding"])
        .expect(7)
        .complains(&["was modified after it was written"]);
    let anew = sandbox.run(&["baseline", "accept", "base"]).expect(0);
    assert!(anew.stderr.contains("and is replaced"), "{}", anew.stderr);

    sandbox.write("tonnage.toml", "[budget]\nsize = 60\n");
    sandbox.run(&["check", "head"]).expect(7).complains(&["tonnage.toml:2:8", "no unit"]);
}

#[test]
fn a_record_is_as_good_a_baseline_and_never_overwritten_as_one() {
    let sandbox = sandbox("[budget]\nsize = \"+1 MB\"\n");
    sandbox.run(&["check", "head", "--baseline", "base"]).expect(1);
    sandbox.run(&["check", "base", "--baseline", "base"]).expect(0);
    let before = sandbox.read("base/run.json");
    sandbox.run(&["baseline", "accept", "head", "--baseline", "base/run.json"]).expect(7);
    assert_eq!(sandbox.read("base/run.json"), before);
    sandbox.run(&["baseline", "accept", "base"]).expect(0);
    sandbox.run(&["baseline", "accept", "tonnage-baseline.json"]).expect(2).complains(&["baseline itself"]);
}

#[test]
fn the_newest_run_of_the_suite_is_judged_where_none_is_named() {
    let sandbox = sandbox("[budget]\nsize = \"900 MB\"\n");
    keep(&sandbox, "results/flask-blog/20261101T000000Z", &fixture::record());
    let ran = sandbox.run(&["check", "--format", "json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["record"], "results/flask-blog/20261101T000000Z");
}

#[test]
fn github_gets_annotations_and_a_summary_page() {
    let sandbox = sandbox("[budget]\nsize = \"+1 MB\"\n");
    sandbox.run(&["baseline", "accept", "base"]).expect(0);
    sandbox.write("summary.md", "before\n");
    let mut command = sandbox.command(&["check", "head", "--format", "github"]);
    let output = command.env("GITHUB_STEP_SUMMARY", sandbox.path("summary.md")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("::error file=python3.9-slim/Dockerfile,line=4,"));
    let summary = sandbox.read("summary.md");
    assert!(summary.starts_with("before\n<!-- tonnage-check"), "{summary}");
}

#[test]
fn compare_explains_two_records_a_baseline_and_a_weighing() {
    let sandbox = sandbox("");
    let ran = sandbox.run(&["compare", "base", "head"]).expect(0);
    assert!(ran.stdout.contains("`Werkzeug` (python) upgraded 2.0.1 → 2.0.3"), "{}", ran.stdout);
    assert!(ran.stdout.contains("+2,000,000 B  TOTAL"), "{}", ran.stdout);
    sandbox.run(&["baseline", "accept", "base"]).expect(0);
    let ran = sandbox.run(&["compare", "tonnage-baseline.json", "head/run.json", "--format", "json"]).expect(0);
    let value: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(value["images"][0]["delta_bytes"], 2_000_000);
    let slim = serde_json::to_value(&fixture::record().variants[1]).unwrap();
    let mut target = slim.as_object().unwrap().clone();
    target.insert("target".to_owned(), "app:1".into());
    let weighing = serde_json::json!({"format_version": "1.0", "targets": [target]});
    sandbox.write("weighed.json", &weighing.to_string());
    let ran = sandbox.run(&["compare", "weighed.json", "head", "--variant", "python3.9-slim"]).expect(0);
    assert!(ran.stdout.contains("+2,000,000 B  TOTAL"), "{}", ran.stdout);
    sandbox.run(&["compare", "base", "head", "--variant", "x"]).expect(2).complains(&["no variant `x`"]);
    sandbox.run(&["compare", "base", "head", "--format", "junit"]).expect(2);
    let mut arm = fixture::record();
    arm.variants[1].platform = "linux/arm64".to_owned();
    keep(&sandbox, "arm", &arm);
    sandbox.run(&["compare", "base", "arm"]).expect(3).complains(&["linux/arm64"]);
}

/// Both ends of a thousand variants; the time itself is a benchmark's business (`benches/gate.rs`).
#[test]
fn a_thousand_variants_are_judged() {
    let sandbox = sandbox("[budget]\nsize = \"+1 MB\"\n");
    let mut record = fixture::many(1_000, 1);
    record.samples.clear();
    keep(&sandbox, "many", &record);
    sandbox.run(&["baseline", "accept", "many"]).expect(0);
    let ran = sandbox.run(&["check", "many"]).expect(0);
    assert!(ran.stdout.contains("pass  [980 others]"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("gate passed: 1,000 rules on 1,000 variants\n"), "{}", ran.stdout);
    sandbox.run(&["compare", "many", "many"]).expect(0);
}

/// The made-up record in `timed/`, measured against a base whose cold builds of the slim variant took this share of
/// their time; `again` says whether a rerun agrees.
fn timed(budget: &str, share: f64, again: bool) -> Sandbox {
    let sandbox = sandbox(budget);
    let head = fixture::record();
    let mut base = fixture::record();
    let slow = |sample: &&mut Sample| sample.variant == "python3.9-slim" && sample.scenario == Scenario::Cold;
    for sample in base.samples.iter_mut().filter(slow) {
        sample.wall_ns = Nanos::from_seconds(sample.wall_ns.as_seconds() * share);
    }
    let of = |record: &Record| -> Vec<Sample> {
        let mine = |s: &&Sample| s.variant == "python3.9-slim" && s.scenario == Scenario::Cold && !s.twin;
        record.samples.iter().filter(mine).cloned().collect()
    };
    let confirmation =
        Confirmation { variant: "python3.9-slim".into(), scenario: Scenario::Cold, base: of(&base), head: of(&head) };
    keep(&sandbox, "timed", &head);
    let confirmations = if again { vec![confirmation] } else { Vec::new() };
    let commit = "c0ffee".repeat(7);
    Against { reference: "main".into(), commit, base, confirmations }.write(&sandbox.path("timed")).unwrap();
    sandbox
}

#[test]
fn times_measured_in_the_same_job_gate_where_that_is_asked() {
    let budget = |mode: &str| {
        format!("[budget]\nsize = \"+1 MB\"\n[gate.timing]\nmode = \"{mode}\"\nscenarios = [\"cold\"]\nratio = 1.2\n")
    };
    for (mode, share, again, code, said) in [
        ("gate", 0.7, true, 1, "slower: 3.94 s → 5.63 s (+42.9 %), confirmed"),
        ("gate", 0.7, false, 4, "slower in the first measurement"),
        ("advisory", 0.7, true, 0, "(advisory)"),
        ("off", 0.7, true, 0, "gate passed"),
        ("gate", 1.0, false, 0, "same"),
        ("gate", 1.5, false, 0, "improved"),
    ] {
        let sandbox = timed(&budget(mode), share, again);
        let ran = sandbox.run(&["check", "timed"]).expect(code);
        assert!(ran.stdout.contains(said), "{mode} {share} {again}: no `{said}` in\n{}", ran.stdout);
        let shown = ran.stdout.contains("build times against main (c0ffeec0ff), measured in the same job:");
        assert_eq!(shown, mode != "off", "{}", ran.stdout);
        let json = sandbox.run(&["check", "timed", "--format", "json"]).expect(code).stdout;
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["timings"].as_array().unwrap().len(), if mode == "off" { 0 } else { 4 });
        let rules = value["rules"].as_array().unwrap().iter().filter(|rule| rule["kind"] == "timing").count();
        assert_eq!(rules, if mode == "off" { 0 } else { 4 });
    }
    // Whoever asks for a gate on times and measured nothing against them is told.
    let sandbox = sandbox(&budget("gate"));
    sandbox.run(&["baseline", "accept", "base"]).expect(0);
    let ran = sandbox.run(&["check", "base"]).expect(0);
    assert!(ran.stdout.contains("note: times are not judged: that takes `tonnage run --against REF`"));
}

#[test]
fn what_was_measured_in_the_same_job_is_the_baseline_where_none_is_committed() {
    let sandbox = sandbox("[budget]\nsize = \"+1 MB\"\n");
    let mut base = fixture::record();
    base.variants[3].outcome = Outcome::NotRun;
    base.variants[3].sizes = None;
    base.variants[3].name = "gone".into();
    let against = Against { reference: "main".into(), commit: String::new(), base, confirmations: Vec::new() };
    against.write(&sandbox.path("head")).unwrap();
    let ran = sandbox.run(&["check", "head"]).expect(1);
    assert!(ran.stdout.contains("fail  python3.9-slim  125 MB → 127 MB"), "{}", ran.stdout);
    assert!(ran.stdout.contains("fail  gone  vanished\n      fail: it is in the baseline and was not measured"));
    assert!(ran.stdout.contains("new  python3.9-alpine-multistage"), "{}", ran.stdout);
    let allowed = sandbox.run(&["check", "head", "--allow-vanished"]).expect(1);
    assert!(allowed.stdout.contains("warn  gone  vanished"), "{}", allowed.stdout);
    let markdown = sandbox.run(&["check", "head", "--format", "markdown"]).expect(1).stdout;
    assert!(markdown.contains("baseline `main (measured in the same job)`"), "{markdown}");
}
