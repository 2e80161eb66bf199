//! `tonnage run --shard` on an engine in memory, and `tonnage merge` of what comes of it.

use std::collections::BTreeSet;
use std::path::Path;

use tonnage::testing::measure::{Cancel, RunOptions};
use tonnage::testing::record::{self, Ended, Record, Scenario, ShardBy, ShardPart};
use tonnage::testing::suite::PlanOptions;
use tonnage::testing::{Trouble, TroubleKind, fixture};

use super::sandbox::Sandbox;
use super::scripted_run::{engine, measured, options};

/// Two variants in four rounds after the warm-up, split among two machines.
fn shard(folder: &Path, index: u32) -> RunOptions {
    let options = options(folder);
    let part = ShardPart { index, of: 2, by: ShardBy::Rounds };
    let plan = PlanOptions { rounds: 4, discard_first: true, twin: Some(0), shard: Some(part), ..options.plan };
    RunOptions {
        out: folder.join(format!("shard-{index}")),
        state: folder.join(format!("state-{index}")),
        plan,
        ..options
    }
}

fn steps(record: &Record) -> Vec<u32> {
    record.samples.iter().filter(|sample| sample.is_finished()).map(|sample| sample.step).collect()
}

#[test]
fn shards_that_were_run_merge_into_every_round_of_the_plan() {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("");
    for index in [1, 2] {
        let outcome = measured(&engine(Vec::new()), &shard(&folder, index), &Cancel::default());
        assert_eq!(outcome.record.ended, Ended::Complete);
        assert!(outcome.record.samples.iter().all(|sample| sample.shard == Some(index)));
    }
    let ran = sandbox.run(&["merge", "shard-2", "shard-1/run.json", "--out", "merged"]).expect(0);
    assert!(ran.stdout.contains("Between machines: "), "{}", ran.stdout);
    let merged = record::read(&sandbox.path("merged")).unwrap();
    let rounds: BTreeSet<(bool, u32)> = merged.samples.iter().map(|sample| (sample.discarded, sample.round)).collect();
    assert_eq!(rounds, [(true, 0), (false, 1), (false, 2), (false, 3), (false, 4)].into());
    for index in [1, 2] {
        let of = |round: u32| merged.samples.iter().filter(move |s| s.shard == Some(index) && s.round == round);
        let [first, last] = if index == 1 { [1, 2] } else { [3, 4] };
        assert!(of(0).count() > 0 && of(first).count() == of(last).count(), "its warm-up, and its rounds");
        assert!(of(first).any(|sample| sample.twin), "its twin");
    }
    assert_eq!(merged.shards.len(), 2);
    assert_eq!(merged.shards[0].plan, merged.shards[1].plan);
    // Everything downstream takes it.
    for arguments in [
        &["report", "merged", "--full"][..],
        &["report", "merged", "--export", "samples.csv", "--export", "report.html"],
        &["baseline", "accept", "merged", "--baseline", "b.json", "--reason", "r"],
        &["check", "merged", "--baseline", "b.json"],
        &["compare", "shard-1", "merged"],
    ] {
        sandbox.run(arguments).expect(0);
    }
    let csv = sandbox.read("samples.csv");
    assert!(csv.lines().next().unwrap().ends_with(",shard") && csv.lines().any(|line| line.ends_with(",2")));
    assert!(sandbox.read("merged/report.md").contains("## Machines"));
    sandbox.run(&["merge", "shard-1", "shard-2", "--out", "merged"]).expect(2).complains(&["already holds a run"]);
}

#[test]
fn a_shard_that_was_cut_short_goes_on_with_its_own_part() {
    let folder = tempfile::tempdir().unwrap();
    let trouble = Trouble { dockerfile: String::new(), from: 9, kind: TroubleKind::Lost(0) };
    let mut options = shard(folder.path(), 2);
    let first = measured(&engine(vec![trouble]), &options, &Cancel::default());
    assert_eq!(first.record.ended, Ended::EngineLost);
    options.resume = true;
    let second = measured(&engine(Vec::new()), &options, &Cancel::default());
    let whole = measured(&engine(Vec::new()), &shard(tempfile::tempdir().unwrap().path(), 2), &Cancel::default());
    assert_eq!(second.record.ended, Ended::Complete);
    assert_eq!(&steps(&second.record)[..steps(&first.record).len()], steps(&first.record));
    let sorted = |record: &Record| steps(record).into_iter().collect::<BTreeSet<_>>();
    assert_eq!(sorted(&second.record), sorted(&whole.record));
    assert_eq!(steps(&second.record).len(), steps(&whole.record).len(), "no step twice");
}

#[test]
fn shards_of_variants_build_theirs_and_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let options = |index, plan: fn(PlanOptions) -> PlanOptions| {
        let options = shard(folder.path(), index);
        let part = ShardPart { index, of: 2, by: ShardBy::Variants };
        let plan = plan(PlanOptions { shard: Some(part), rounds: 1, ..options.plan });
        let out = folder.path().join(format!("{}-{index}", plan.discard_first));
        RunOptions { only: Vec::new(), out, plan, ..options }
    };
    let names = |options: &RunOptions| -> Vec<String> {
        let record = measured(&engine(Vec::new()), options, &Cancel::default()).record;
        let built: BTreeSet<&str> = record.samples.iter().map(|sample| sample.variant.as_str()).collect();
        assert_eq!(built.len(), record.variants.len(), "each of them and no other was built");
        record.variants.iter().map(|variant| variant.name.clone()).collect()
    };
    let timed = |index| names(&options(index, |plan| plan));
    assert_eq!(timed(1), ["python3.9", "python3.9-slim"]);
    assert_eq!(timed(2), ["python3.9", "python3.9-alpine", "python3.9-alpine-multistage"]);
    let sized = |index| {
        let once = |plan| PlanOptions { discard_first: false, scenarios: vec![Scenario::Cold], twin: None, ..plan };
        names(&options(index, once))
    };
    assert_eq!(sized(1), ["python3.9", "python3.9-slim"]);
    assert_eq!(sized(2), ["python3.9-alpine", "python3.9-alpine-multistage"]);
}

/// A directory with shards of a run as three machines leave them.
fn three() -> Sandbox {
    let sandbox = Sandbox::new();
    for (index, percent) in [(1, 100), (2, 100), (3, 130)] {
        record::write(&sandbox.path(&format!("shard-{index}")), &fixture::shard(index, 3, percent)).unwrap();
    }
    sandbox
}

#[test]
fn shards_that_do_not_fit_are_refused_with_what_to_do() {
    let sandbox = three();
    let complains = |shards: &[&str], code: i32, words: &[&str]| {
        let arguments = [&["merge", "--out", "merged"], shards].concat();
        sandbox.run(&arguments).expect(code).complains(words);
        assert!(!sandbox.path("merged").exists(), "nothing is written");
    };
    complains(&["shard-1", "shard-3"], 3, &["shard 2/3 is missing"]);
    complains(&["shard-1", "shard-2", "shard-1"], 2, &["shard 1/3 is there twice"]);
    let mut foreign = fixture::shard(2, 3, 100);
    foreign.suite.name = "shop".into();
    record::write(&sandbox.path("foreign"), &foreign).unwrap();
    complains(&["shard-1", "foreign", "shard-3"], 3, &["suite `shop`", "suite `flask-blog`"]);
    let text = sandbox.read("shard-2/run.json");
    sandbox.write("corrupt/run.json", &text[..text.len() / 2]);
    complains(&["shard-1", "corrupt", "shard-3"], 7, &["the shard in `corrupt`", "EOF"]);
    complains(&["shard-1", "nowhere", "shard-3"], 7, &["the shard in `nowhere`"]);
    record::write(&sandbox.path("whole"), &fixture::record()).unwrap();
    complains(&["whole"], 2, &["`whole` holds a whole run"]);

    let ran = sandbox.run(&["merge", "shard-1", "shard-3", "--allow-missing", "--out", "merged"]).expect(0);
    assert!(ran.stderr.contains("warning: shard 2/3 is missing"), "{}", ran.stderr);
    assert!(ran.stdout.contains("shards of the run are missing: results are partial"), "{}", ran.stdout);
}

#[test]
fn a_merged_run_is_added_to_the_history_once_and_a_shard_never() {
    let sandbox = three();
    sandbox.run(&["merge", "shard-1", "shard-2", "shard-3"]).expect(0);
    let history = sandbox.read("results/flask-blog/history.jsonl");
    assert_eq!(history.lines().count(), 1);
    assert!(sandbox.run(&["trend", "flask-blog"]).expect(0).stdout.contains("python3.9"));
}

#[test]
fn a_noisy_machine_is_named_and_left_out_where_that_is_asked_for() {
    let sandbox = three();
    let mut noisy = fixture::shard(2, 3, 100);
    for sample in noisy.samples.iter_mut().filter(|sample| sample.twin) {
        sample.wall_ns.0 = sample.wall_ns.0 * 12 / 10;
    }
    record::write(&sandbox.path("shard-2"), &noisy).unwrap();
    let merge = |more: &[&str]| sandbox.run(&[&["merge", "shard-1", "shard-2", "shard-3"], more].concat()).expect(0);
    let ran = merge(&["--out", "kept"]);
    assert!(
        ran.stderr.contains("warning: shard 2/3 is noisy") && ran.stderr.contains("--drop-noisy"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("Noisy by the A/A check: 2/3"), "{}", ran.stdout);
    let ran = merge(&["--out", "left", "--drop-noisy"]);
    assert!(ran.stderr.contains("its times are left out"), "{}", ran.stderr);
    let page = sandbox.read("left/report.md");
    assert!(page.contains("Left out of all times, since the A/A check found them noisy: 2/3"), "{page}");
    let pairs = |name: &str| {
        let json: serde_json::Value =
            serde_json::from_str(&sandbox.run(&["report", name, "--format", "json"]).expect(0).stdout).unwrap();
        json["timings"].as_array().unwrap().iter().filter_map(|t| t["ratio_to_first"]["pairs"].as_u64()).max()
    };
    assert_eq!((pairs("kept"), pairs("left")), (Some(21), Some(14)));
}

#[test]
fn what_cannot_be_a_shard_is_a_usage_error() {
    let sandbox = Sandbox::with_tiny_suite();
    for (arguments, word) in [
        (&["--shard", "5/4"][..], "1 ≤ I ≤ N"),
        (&["--shard", "0/4"], "1 ≤ I ≤ N"),
        (&["--shard", "x"], "I/N"),
        (&["--shard", "1/8"], "7 rounds cannot be split into 8 shards"),
        (&["--shard", "1/2", "--quick"], "1 round cannot be split into 2 shards"),
        (&["--shard", "1/5", "--sizes-only"], "4 variants cannot be split into 5 shards"),
        (&["--shard", "1/2", "--against", "HEAD"], "--against"),
        (&["--shard-by", "variants"], "--shard"),
    ] {
        let all = [&["run", "suite", "--host", "unix:///nowhere.sock"], arguments].concat();
        let ran = sandbox.run(&all).expect(2);
        assert!(ran.stderr.contains(word), "{arguments:?}: {}", ran.stderr);
    }
}
