//! Runs against another state, on an engine in memory.

use std::cell::RefCell;
use std::path::PathBuf;

use super::*;
use crate::error::Diagnose;
use crate::exit::Exit;
use crate::measure::error::MeasureError;
use crate::measure::{Cancel, Event, Observer, RunOutcome, run, run_beside};
use crate::record::{Ended, Outcome as VariantOutcome, Record};
use crate::testing::files::{self, DOCKERFILE, block_on};
use crate::testing::{Script, ScriptedEngine, Silent, Trouble, TroubleKind, run_options};

/// Two states of a suite in folders, and where a run of them leaves its results.
struct TwoStates {
    dir: tempfile::TempDir,
    engine: ScriptedEngine,
}

impl TwoStates {
    fn new() -> Self {
        Self::on(Script::default())
    }

    /// `one` and `two` are in both, `fresh` and `gone` in one each.
    fn on(script: Script) -> Self {
        let states = Self { dir: tempfile::tempdir().unwrap(), engine: ScriptedEngine::new(script) };
        for (state, own, requirements) in [("base", "gone", "flask==1\n"), ("head", "fresh", "flask==1\nnumpy==1\n")] {
            states.write(&format!("{state}/tonnage.toml"), "[suite]\nname = \"s\"\nsrc = \"src/server.py\"\n");
            for name in ["one", "two", own] {
                states.write(&format!("{state}/{name}/Dockerfile"), DOCKERFILE);
            }
            states.write(&format!("{state}/requirements.txt"), requirements);
            states.write(&format!("{state}/src/server.py"), "print()\n");
        }
        states
    }

    fn write(&self, name: &str, content: &str) {
        files::write(self.dir.path(), name, content);
    }

    fn suite(&self, state: &str) -> Suite {
        Suite::load(&self.dir.path().join(state)).unwrap()
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    fn options(&self, resume: bool) -> RunOptions {
        RunOptions {
            resume,
            run: "r1".into(),
            plan: PlanOptions {
                rounds: 3,
                discard_first: true,
                scenarios: vec![Scenario::Cold, Scenario::Warm, Scenario::Src],
                brief: Vec::new(),
                warm_repeats: 2,
                seed: 1,
                twin: Some(0),
                shard: None,
            },
            ..run_options(self.dir.path())
        }
    }

    fn against(&self, suspects: &Suspects<'_>, resume: bool, cancel: &Cancel) -> Result<RunOutcome, MeasureError> {
        self.observed(suspects, resume, cancel, &mut Silent)
    }

    fn observed(
        &self,
        suspects: &Suspects<'_>,
        resume: bool,
        cancel: &Cancel,
        observer: &mut dyn Observer,
    ) -> Result<RunOutcome, MeasureError> {
        let (head, base) = (self.suite("head"), self.suite("base"));
        let other = Other { reference: "main", commit: "", suite: &base, suspects };
        block_on(run_beside(&head, Some(&other), &self.engine, &self.options(resume), cancel, observer))
    }
}

fn nothing(_: &Record, _: &Against) -> Vec<(String, Scenario)> {
    Vec::new()
}

/// Builds of a variant and scenario, the twin left out.
fn count(record: &Record, variant: &str, scenario: Scenario) -> usize {
    record.samples.iter().filter(|s| s.variant == variant && s.scenario == scenario && !s.twin).count()
}

#[test]
fn base_and_head_come_apart_as_two_records_of_the_same_rounds() {
    let states = TwoStates::new();
    let found = states.against(&nothing, false, &Cancel::default()).unwrap();
    let (head, against) = (&found.record, found.against.as_ref().unwrap());
    assert_eq!((head.ended, found.exit), (Ended::Complete, Exit::Done));
    let names = |record: &Record| -> Vec<String> { record.variants.iter().map(|v| v.name.clone()).collect() };
    assert_eq!(names(head), ["fresh", "one", "two"]);
    assert_eq!(names(&against.base), ["one", "two", "gone"]);
    assert_eq!(against.base.suite.digest, states.suite("base").digest);
    for name in ["one", "two"] {
        for (scenario, builds) in [(Scenario::Cold, 4), (Scenario::Warm, 8), (Scenario::Src, 4)] {
            assert_eq!(count(head, name, scenario), builds, "{name} {scenario}");
            assert_eq!(count(&against.base, name, scenario), builds, "{name} {scenario}");
        }
        // Different requirements make different images, each from its own state's files.
        let size = |record: &Record| record.variants.iter().find(|v| v.name == name).unwrap().sizes.clone().unwrap();
        assert!(size(head).size_bytes > size(&against.base).size_bytes, "{name}");
        for sizes in [size(head), size(&against.base)] {
            assert_eq!(sizes.unique_bytes + sizes.shared_bytes, sizes.size_bytes);
        }
    }
    assert_eq!(count(head, "fresh", Scenario::Cold), 4);
    let gone = &against.base.variants[2];
    assert_eq!((gone.outcome, gone.sizes.is_none()), (VariantOutcome::NotRun, true));
    for sample in head.samples.iter().chain(&against.base.samples) {
        assert!(sample.valid, "{} {}: {}", sample.variant, sample.scenario, sample.reason);
    }
    assert!(against.confirmations.is_empty());
    // Both are on disk, and nothing is left on the engine.
    assert_eq!(Against::beside(&states.out()).unwrap().as_ref(), Some(against));
    assert_eq!(crate::record::read(&states.out()).unwrap(), *head);
    let left = block_on(crate::engine::ImageBuilder::snapshot(&states.engine)).unwrap();
    assert_eq!(left.images.len(), 3, "the bases");
}

#[test]
fn what_looks_slower_is_built_again_as_often_and_kept_apart() {
    let states = TwoStates::new();
    let asked = RefCell::new(0);
    let suspects = |record: &Record, against: &Against| {
        *asked.borrow_mut() += 1;
        assert_eq!((record.variants.len(), against.base.variants.len()), (3, 3));
        vec![("two".to_owned(), Scenario::Warm), ("one".to_owned(), Scenario::Src)]
    };
    let found = states.against(&suspects, false, &Cancel::default()).unwrap();
    assert_eq!(*asked.borrow(), 1);
    let against = found.against.unwrap();
    assert_eq!(count(&found.record, "two", Scenario::Warm), 8, "the rerun is not among the samples");
    let again: Vec<(&str, Scenario, usize, usize)> = against
        .confirmations
        .iter()
        .map(|again| (again.variant.as_str(), again.scenario, again.base.len(), again.head.len()))
        .collect();
    assert_eq!(again, [("one", Scenario::Src, 4, 4), ("two", Scenario::Warm, 8, 8)]);
    for sample in against.confirmations.iter().flat_map(|again| again.base.iter().chain(&again.head)) {
        assert!(sample.valid, "{} {}: {}", sample.variant, sample.scenario, sample.reason);
    }
    assert!(found.record.spent.other_builds_ns > against.base.samples.iter().map(|s| s.wall_ns).sum());
}

/// Stops the run after so many builds.
struct StopAfter<'a>(u32, &'a Cancel);

impl Observer for StopAfter<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::BuildDone(_) = event {
            self.0 -= 1;
            if self.0 == 0 {
                self.1.cancel();
            }
        }
    }
}

#[test]
fn an_interrupted_run_goes_on_where_it_stopped_before_and_in_the_rerun() {
    let states = TwoStates::new();
    let suspects = |_: &Record, against: &Against| {
        assert!(against.confirmations.is_empty(), "a part of the rerun decides nothing");
        vec![("one".to_owned(), Scenario::Cold)]
    };
    let mut resume = false;
    // The whole plan has 4 rounds of 5 turns and the twin, 4 builds each; the rerun 8 builds.
    for after in [7, 60, 31] {
        let cancel = Cancel::default();
        let found = states.observed(&suspects, resume, &cancel, &mut StopAfter(after, &cancel)).unwrap();
        assert_eq!((found.exit, found.record.ended), (Exit::Interrupted, Ended::Interrupted));
        resume = true;
    }
    let found = states.against(&suspects, true, &Cancel::default()).unwrap();
    let against = found.against.unwrap();
    assert_eq!((found.exit, found.record.ended), (Exit::Done, Ended::Complete));
    let again = &against.confirmations[0];
    let all = found.record.samples.iter().chain(&against.base.samples).chain(&again.base).chain(&again.head);
    let mut steps: Vec<u32> = all.map(|sample| sample.step).collect();
    steps.sort_unstable();
    assert_eq!(steps, (0..4 * 6 * 4 + 8).collect::<Vec<u32>>(), "none twice, none left out");
}

#[test]
fn a_run_is_resumed_against_what_it_was_begun_against() {
    let states = TwoStates::new();
    let cancel = Cancel::default();
    states.observed(&nothing, false, &cancel, &mut StopAfter(3, &cancel)).unwrap();

    let head = states.suite("head");
    let options = states.options(true);
    let plain = block_on(run(&head, &states.engine, &options, &Cancel::default(), &mut Silent)).unwrap_err();
    assert!(plain.to_string().contains("against `main`, not nothing"), "{plain}");
    assert!(plain.hint().unwrap().contains("--against main"), "{:?}", plain.hint());

    states.write("base/requirements.txt", "flask==2\n");
    let moved = states.against(&nothing, true, &Cancel::default()).unwrap_err();
    assert!(matches!(moved, MeasureError::AgainstOther { .. }), "{moved}");
    assert!(moved.hint().unwrap().contains("has changed since"), "{:?}", moved.hint());
    assert_eq!(moved.exit(), Exit::Unreadable);
}

#[test]
fn a_base_that_does_not_build_is_no_failure_of_the_head() {
    let trouble = Trouble {
        dockerfile: "two".into(),
        from: 0,
        kind: TroubleKind::Fails { instruction: "RUN only-there".into(), message: "no".into() },
    };
    let states = TwoStates::on(Script { troubles: vec![trouble], ..Script::default() });
    states.write("base/two/Dockerfile", &format!("{DOCKERFILE}RUN only-there\n"));
    let found = states.against(&nothing, false, &Cancel::default()).unwrap();
    assert_eq!(found.exit, Exit::Done);
    let broken = &found.against.unwrap().base.variants[1];
    assert_eq!((broken.name.as_str(), broken.outcome), ("two", VariantOutcome::BuildFailed));
}

#[test]
fn each_state_has_its_own_bases() {
    let states = TwoStates::new();
    let bases = |to: &str| {
        format!("[suite]\nname = \"s\"\nsrc = \"src/server.py\"\n[bases.set]\n\"python:3.9-slim\" = \"{to}\"\n")
    };
    states.write("base/tonnage.toml", &bases("python:3.9-alpine"));
    states.write("head/tonnage.toml", &bases("python:3.9"));
    let (head, base) = (states.suite("head"), states.suite("base"));
    let other = Other { reference: "main", commit: "c0ffee", suite: &base, suspects: &nothing };
    let options = RunOptions { bases: "set".into(), ..states.options(false) };
    let found =
        block_on(run_beside(&head, Some(&other), &states.engine, &options, &Cancel::default(), &mut Silent)).unwrap();
    assert_eq!(found.record.variants[1].bases[0].used, "python:3.9");
    assert_eq!(found.against.unwrap().base.variants[0].bases[0].used, "python:3.9-alpine");

    states.write("base/tonnage.toml", "[suite]\nname = \"s\"\nsrc = \"src/server.py\"\n");
    let base = states.suite("base");
    let other = Other { suite: &base, ..other };
    let error = block_on(run_beside(&head, Some(&other), &states.engine, &options, &Cancel::default(), &mut Silent))
        .unwrap_err();
    assert_eq!(error.exit(), Exit::NotComparable);
    assert!(error.to_string().contains("`main` has no set of bases `set`"), "{error}");
}

#[test]
fn images_of_the_other_state_cannot_meet_those_of_ours() {
    let ours = TwoStates::new().suite("head").variants.swap_remove(0);
    let theirs = SuiteVariant { side: Side::Base, ..ours.clone() };
    assert_eq!(tag(&ours, "r"), format!("tonnage-run:r-{}", ours.name));
    assert_eq!(tag(&theirs, "r"), format!("tonnage-base:r-{}", ours.name));
}
