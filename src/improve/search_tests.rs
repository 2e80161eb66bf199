//! Searches on an engine in memory: what is tried, and what stops them.

use std::time::Duration;

use globset::Glob;

use super::search::{ImproveEvent, ImproveOptions, Improvement, improve};
use crate::exit::Exit;
use crate::measure::{Cancel, RunOptions};
use crate::record::{Goal, ImageStore, Scenario, TrialVerdict};
use crate::suite::Suite;
use crate::testing::files::{block_on, directory};
use crate::testing::{Script, ScriptedEngine, Silent, Trouble, TroubleKind, run_options};

/// `base-3.9-alpine` saves bytes, `user` shows in nothing that this engine knows.
const DOCKERFILE: &str = "FROM python:3.9\nCOPY src /app\n";

/// Looks for smaller images on an engine, as these options say. `stop` is asked after each event whether to interrupt.
fn search(
    script: Script,
    goals: &[Goal],
    rounds: u32,
    max_time: Option<Duration>,
    stop: impl Fn(&ImproveEvent) -> bool,
) -> (Improvement, ScriptedEngine) {
    let dir = directory(&[
        ("suite/tonnage.toml", "[suite]\nname = \"s\"\nsrc = \"src/server.py\"\n[verify]\ncommand = \"true\"\n"),
        ("suite/one/Dockerfile", DOCKERFILE),
        ("suite/src/server.py", "print()\n"),
    ]);
    let suite = Suite::load(&dir.path().join("suite")).unwrap();
    let engine = ScriptedEngine::new(script);
    let wanted = ImproveOptions {
        goals: goals.to_vec(),
        allowed: vec![("*-alpine".to_owned(), Glob::new("*-alpine").unwrap().compile_matcher())],
        rounds,
    };
    let options = RunOptions { max_time, ..run_options(dir.path()) };
    let options = RunOptions {
        plan: crate::suite::PlanOptions { discard_first: false, warm_repeats: 1, ..options.plan.clone() },
        ..options
    };
    let cancel = Cancel::default();
    let mut tell = |event| {
        if stop(&event) {
            cancel.cancel();
        }
    };
    let subject = (&suite, &suite.variants[0]);
    let mut silent = Silent;
    let searching = improve(subject, &wanted, &engine, &options, &cancel, (&mut silent, &mut tell));
    let found = block_on(searching).unwrap();
    (found, engine)
}

fn verdicts(found: &Improvement) -> Vec<(&str, Option<u32>, TrialVerdict)> {
    found.record.trials.iter().map(|trial| (trial.remedy.as_str(), trial.step, trial.verdict)).collect()
}

fn patch(found: &Improvement) -> &str {
    &found.record.improved.as_ref().unwrap().patch
}

fn is_complete(found: &Improvement) -> bool {
    found.record.improved.as_ref().unwrap().complete
}

#[test]
fn a_remedy_is_tried_alone_and_the_result_as_a_whole() {
    let (found, engine) = search(Script::default(), &[Goal::Size], 1, None, |_| false);
    let kept = TrialVerdict::Kept;
    assert_eq!(verdicts(&found), [("base-3.9-alpine", None, kept), ("base-3.9-alpine", Some(1), kept)]);
    assert!(patch(&found).contains("\n-FROM python:3.9\n+FROM python:3.9-alpine\n"), "{}", patch(&found));
    // Of each: cold, to fill the cache, and after an edit.
    assert_eq!((found.exit, is_complete(&found), engine.builds()), (Exit::Done, true, 3 + 3 + 2 * 3));
    let after = found.after.unwrap();
    assert_eq!(after.dockerfile, DOCKERFILE.replace("3.9", "3.9-alpine"));
    let names: Vec<&str> = found.record.variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!(names, ["one", "one-improved"]);
}

#[test]
fn the_goals_choose_the_remedies_and_rounds_are_for_the_whole() {
    let (found, engine) = search(Script::default(), &[Goal::User], 1, None, |_| false);
    assert_eq!(verdicts(&found), [("user", None, TrialVerdict::NoGain)]);
    assert_eq!((patch(&found), engine.builds()), ("", 3 + 3));
    let (found, engine) = search(Script::default(), &[Goal::Startup, Goal::Rebuild], 1, None, |_| false);
    assert_eq!((verdicts(&found), engine.builds()), (Vec::new(), 3));
    // Three rounds and one that does not count, of both, cold and after an edit.
    let (found, _) = search(Script::default(), &[Goal::Size], 3, None, |_| false);
    assert_eq!((found.record.settings.rounds, found.record.samples.len()), (3, 4 * 2 * 2));
}

#[test]
fn a_result_that_does_not_work_as_a_whole_is_not_one() {
    // Three builds of the state as it is, and three of the other, went well.
    let kind = TroubleKind::Fails { instruction: "COPY src".to_owned(), message: "no space left".to_owned() };
    let trouble = Trouble { dockerfile: String::new(), from: 6, kind };
    let script = Script { troubles: vec![trouble], ..Script::default() };
    let (found, _) = search(script, &[Goal::Size], 1, None, |_| false);
    assert_eq!(verdicts(&found).last(), Some(&("base-3.9-alpine", Some(1), TrialVerdict::Kept)));
    assert_eq!((found.exit, patch(&found)), (Exit::VariantFailed, ""));
    assert!(found.after.is_none());
}

#[test]
fn a_search_that_is_stopped_tells_what_it_has_not_tried() {
    let (found, engine) = search(Script::default(), &[Goal::Size], 1, Some(Duration::ZERO), |_| false);
    assert_eq!((verdicts(&found), is_complete(&found), engine.builds()), (Vec::new(), false, 0));
    let planned = |event: &ImproveEvent| matches!(event, ImproveEvent::Planned { remedies: 1, builds: 6, .. });
    let (found, engine) = search(Script::default(), &[Goal::Size], 1, None, planned);
    assert_eq!(verdicts(&found), [("base-3.9-alpine", None, TrialVerdict::NotRun)]);
    assert_eq!((found.exit, is_complete(&found), engine.builds()), (Exit::Interrupted, false, 3));
    assert_eq!(patch(&found), "");
}

#[test]
fn a_moved_base_is_built_only_where_linked_layers_stay() {
    for (image_store, version, moves) in [
        (ImageStore::Graphdriver, "28.0.0", false),
        (ImageStore::Containerd, "26.1.5", false),
        (ImageStore::Containerd, "28.5.2", true),
    ] {
        let mut script = Script::default();
        script.facts.image_store = image_store;
        script.facts.version = version.to_owned();
        let (found, _) = search(script, &[Goal::Rebuild], 1, None, |_| false);
        assert_eq!(verdicts(&found).iter().any(|(remedy, ..)| *remedy == "copy-link"), moves, "{version}");
        let is_base = |scenario: Scenario| scenario == Scenario::Base;
        assert_eq!(found.record.samples.iter().any(|sample| is_base(sample.scenario)), moves, "{version}");
    }
}
