//! Whole runs on an engine in memory: what ends them, and that they go on.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use tonnage::testing::analyse::overhead;
use tonnage::testing::engine::{ContainerState, Listens};
use tonnage::testing::exit::Exit;
use tonnage::testing::measure::{Cancel, Event, Observer, RunOptions, RunOutcome, run};
use tonnage::testing::record::{Ended, SampleState};
use tonnage::testing::suite::Suite;
use tonnage::testing::{Script, ScriptedEngine, Silent, Trouble, TroubleKind, run_options};

/// Two variants, two rounds, seven builds each.
const STEPS: u32 = 2 * 2 * 7;

pub(crate) fn engine(troubles: Vec<Trouble>) -> ScriptedEngine {
    ScriptedEngine::new(script(troubles))
}

/// An engine that cannot list its build cache.
pub(crate) fn engine_without_cache_list(reason: &str) -> ScriptedEngine {
    ScriptedEngine::new(Script { cache_unlisted: Some(reason.to_owned()), ..script(Vec::new()) })
}

/// An engine whose clean-up leaves something in place.
pub(crate) fn engine_that_leaves(what: &str) -> ScriptedEngine {
    ScriptedEngine::new(Script { left: vec![what.to_owned()], ..script(Vec::new()) })
}

/// An engine whose containers all do the same.
pub(crate) fn engine_with_containers(container: ContainerState, listens: Option<Listens>) -> ScriptedEngine {
    ScriptedEngine::new(Script { container, listens, ..script(Vec::new()) })
}

fn script(troubles: Vec<Trouble>) -> Script {
    let base = |size| vec![("bin/sh".to_owned(), 1_000), ("usr/share/pad".to_owned(), size)];
    let bases = [("3.9", 8_000_000), ("3.9-slim", 3_000_000), ("3.9-alpine", 2_000_000)];
    Script {
        bases: bases.into_iter().map(|(tag, size)| (format!("tonnage-tiny/python:{tag}"), base(size))).collect(),
        troubles,
        ..Script::default()
    }
}

pub(crate) fn options(folder: &Path) -> RunOptions {
    RunOptions { only: vec!["python3.9".into(), "python3.9-slim".into()], ..run_options(folder) }
}

pub(crate) fn measured(engine: &ScriptedEngine, options: &RunOptions, cancel: &Cancel) -> RunOutcome {
    let suite = Suite::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-suite")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(&suite, engine, options, cancel, &mut Silent)).unwrap()
}

fn steps(outcome: &RunOutcome) -> Vec<u32> {
    outcome.record.samples.iter().filter(|sample| sample.is_finished()).map(|sample| sample.step).collect()
}

#[test]
fn an_engine_that_goes_away_ends_the_run_and_the_resume_adds_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let trouble = Trouble { dockerfile: "python3.9-slim".into(), from: 3, kind: TroubleKind::Lost(1) };
    let broken = engine(vec![trouble]);
    let mut options = options(folder.path());
    let first = measured(&broken, &options, &Cancel::default());
    assert_eq!((first.exit, first.record.ended), (Exit::NoEngine, Ended::EngineLost));
    assert!(first.lost.is_some());
    let done = steps(&first);
    assert!(!done.is_empty() && done.len() < STEPS as usize);
    let lost = first.record.samples.last().unwrap();
    assert_eq!(lost.state, SampleState::Unfinished, "{lost:?}");

    options.resume = true;
    let second = measured(&engine(Vec::new()), &options, &Cancel::default());
    assert_eq!((second.exit, second.record.ended), (Exit::Done, Ended::Complete));
    let all = steps(&second);
    assert_eq!(&all[..done.len()], &done[..], "what was measured stays");
    assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), (0..STEPS).collect());
    assert_eq!(all.len(), STEPS as usize, "no step twice");
    assert!(second.record.elapsed_ns > first.record.elapsed_ns, "both parts of the run count");
    assert!(overhead(&second.record).is_some_and(|overhead| overhead.elapsed == second.record.elapsed_ns));
    assert!(!options.out.join("journal.jsonl").exists() && options.out.join("run.json").exists());
}

#[test]
fn a_build_for_which_the_engine_lost_a_layer_is_made_again_and_proven() {
    // The cold build, or a later one; as often as is tried again, or once more.
    for (from, times, fails) in [(0, 1, false), (3, 2, false), (6, 2, false), (5, 3, true)] {
        let folder = tempfile::tempdir().unwrap();
        let kind = TroubleKind::LosesLayers(times);
        let trouble = Trouble { dockerfile: "python3.9-slim".into(), from, kind };
        let outcome = measured(&engine(vec![trouble]), &options(folder.path()), &Cancel::default());
        let failed = outcome.record.variants.iter().filter(|variant| variant.failure.is_some()).count();
        assert_eq!((outcome.exit, failed), if fails { (Exit::VariantFailed, 1) } else { (Exit::Done, 0) }, "{from}");
        let lost = outcome.record.samples.iter().filter(|sample| sample.state == SampleState::Unfinished);
        let reasons: Vec<&str> = lost.map(|sample| sample.reason.as_str()).collect();
        assert_eq!(reasons.len(), times.min(2) as usize);
        assert!(reasons.iter().all(|reason| reason.starts_with("built again, since the engine lost a layer: failed")));
        if !fails {
            assert_eq!(steps(&outcome).into_iter().collect::<BTreeSet<_>>(), (0..STEPS).collect());
            let finished = outcome.record.samples.iter().filter(|sample| sample.is_finished());
            finished.for_each(|sample| assert!(sample.valid, "{sample:?}"));
        }
    }
}

#[test]
fn a_resume_measures_the_step_of_a_damaged_line_again_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let trouble = Trouble { dockerfile: String::new(), from: 9, kind: TroubleKind::Lost(0) };
    let mut options = options(folder.path());
    measured(&engine(vec![trouble]), &options, &Cancel::default());
    let path = options.out.join("journal.jsonl");
    let journal = std::fs::read_to_string(&path).unwrap();
    assert!(journal.contains("\"step\":2,"), "{journal}");
    std::fs::write(&path, journal.replacen("\"step\":2,", "\"step\":1,", 1)).unwrap();
    options.resume = true;
    let second = measured(&engine(Vec::new()), &options, &Cancel::default());
    assert_eq!(steps(&second).into_iter().collect::<BTreeSet<_>>(), (0..STEPS).collect());
    let found = second.record.findings.iter().find(|finding| finding.code == "journal-damaged").unwrap();
    assert_eq!(found.message, "1 line of the journal is damaged: its step is done again");
}

#[test]
fn the_time_of_a_part_that_was_killed_is_in_the_journal_with_its_samples() {
    let folder = tempfile::tempdir().unwrap();
    let trouble = Trouble { dockerfile: String::new(), from: 9, kind: TroubleKind::Lost(0) };
    let options = options(folder.path());
    let outcome = measured(&engine(vec![trouble]), &options, &Cancel::default());
    let journal = std::fs::read_to_string(options.out.join("journal.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let samples = lines.iter().filter(|line| line.get("sample").is_some()).count();
    assert_eq!(samples, outcome.record.samples.len());
    for (line, next) in lines.iter().zip(&lines[1..]) {
        assert!(line.get("sample").is_none() || next.get("elapsed").is_some(), "a sample without its time: {line}");
    }
    let elapsed: u64 = lines.iter().filter_map(|line| line.get("elapsed")?[0].as_u64()).sum();
    assert_eq!(elapsed, outcome.record.elapsed_ns.0);
}

#[test]
fn a_run_that_is_out_of_time_or_interrupted_says_so_and_keeps_its_journal() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = RunOptions { max_time: Some(Duration::ZERO), ..options(folder.path()) };
    let none = measured(&engine(Vec::new()), &options, &Cancel::default());
    assert_eq!((none.exit, none.record.ended, none.record.samples.len()), (Exit::Done, Ended::OutOfTime, 0));
    options.resume = true;
    options.max_time = None;
    let cancel = Cancel::default();
    cancel.cancel();
    let stopped = measured(&engine(Vec::new()), &options, &cancel);
    assert_eq!((stopped.exit, stopped.record.ended), (Exit::Interrupted, Ended::Interrupted));
    let whole = measured(&engine(Vec::new()), &options, &Cancel::default());
    assert_eq!((whole.exit, steps(&whole).len()), (Exit::Done, STEPS as usize));
}

#[test]
fn values_of_build_arguments_are_nowhere_but_in_the_journal_and_a_resume_takes_them_from_there() {
    const VALUE: &str = "hunter2hunter2";
    let folder = tempfile::tempdir().unwrap();
    let message = format!("process `curl -H {VALUE}` did not complete");
    let fails = TroubleKind::Fails { instruction: String::new(), message };
    let fails = Trouble { dockerfile: "python3.9/".into(), from: 0, kind: fails };
    let lost = Trouble { dockerfile: "python3.9-slim".into(), from: 3, kind: TroubleKind::Lost(1) };
    let mut options = options(folder.path());
    options.build_args.insert("TOKEN".into(), VALUE.into());
    let first = measured(&engine(vec![fails.clone(), lost]), &options, &Cancel::default());
    assert_eq!(first.record.ended, Ended::EngineLost);
    assert_eq!(holding(&options.out, VALUE), ["journal.jsonl"]);
    let failed = first.record.variants.iter().find_map(|variant| variant.failure.as_ref()).unwrap();
    assert_eq!(failed.message, "process `curl -H ***` did not complete");

    options.resume = true;
    options.build_args.insert("TOKEN".into(), "another value".into());
    let suite = Suite::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-suite")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let again = engine(vec![fails.clone()]);
    let refused = runtime.block_on(run(&suite, &again, &options, &Cancel::default(), &mut Silent)).unwrap_err();
    assert!(refused.to_string().contains("other build arguments"), "{refused}");

    options.build_args.clear();
    let second = measured(&engine(vec![fails]), &options, &Cancel::default());
    assert_eq!(second.record.ended, Ended::Complete);
    assert_eq!(second.record.settings.build_arg_names, ["TOKEN"]);
    assert_eq!(holding(&options.out, VALUE), Vec::<String>::new());
}

/// Files of a folder that hold a text.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let holds = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).contains(text);
    entries
        .filter(|entry| entry.path().is_file() && holds(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Keeps what people should know.
#[derive(Default)]
pub(crate) struct Warnings(pub(crate) Vec<String>);

impl Observer for Warnings {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Warning(message) = event {
            self.0.push((*message).to_owned());
        }
    }
}

#[test]
fn a_run_says_whose_bases_are_not_known_and_refuses_others_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let suite = folder.path().join("suite");
    std::fs::create_dir_all(suite.join("a")).unwrap();
    std::fs::create_dir_all(suite.join("b")).unwrap();
    std::fs::write(suite.join("tonnage.toml"), "[suite]\nname = \"x\"\n[bases.other]\n\"x\" = \"y\"\n").unwrap();
    let known = "FROM tonnage-tiny/python:3.9 AS x-amd64\nFROM x-$TARGETARCH\nCOPY Dockerfile /a\n";
    std::fs::write(suite.join("a/Dockerfile"), known).unwrap();
    std::fs::write(suite.join("b/Dockerfile"), "ARG X\nFROM tonnage-tiny/python:$X\n").unwrap();
    let suite = Suite::load(&suite).unwrap();
    let engine = engine(Vec::new());
    let mut options = RunOptions { only: Vec::new(), ..options(folder.path()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut warnings = Warnings::default();
    let outcome = runtime.block_on(run(&suite, &engine, &options, &Cancel::default(), &mut warnings)).unwrap();
    let bases: Vec<Vec<&str>> = outcome
        .record
        .variants
        .iter()
        .map(|variant| variant.bases.iter().map(|base| base.reference.as_str()).collect())
        .collect();
    assert_eq!(bases, [vec!["tonnage-tiny/python:3.9"], vec![]]);
    let told: Vec<_> = warnings.0.iter().filter(|warning| warning.contains("base images")).collect();
    assert!(
        matches!(told.as_slice(), [told] if told.contains("variant `b`") && told.contains("line 2: `tonnage-tiny/python:$X`")),
        "{:?}",
        warnings.0
    );
    options.bases = "other".into();
    options.out = folder.path().join("out2");
    let refused = runtime.block_on(run(&suite, &engine, &options, &Cancel::default(), &mut Silent)).unwrap_err();
    assert!(refused.to_string().contains("`--bases` cannot be used for variant `b`"), "{refused}");
    options.only = vec!["a".into()];
    options.out = folder.path().join("out3");
    runtime.block_on(run(&suite, &engine, &options, &Cancel::default(), &mut Silent)).unwrap();
}
