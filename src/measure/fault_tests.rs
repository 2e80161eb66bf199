//! Runs in which one request, write, or sync fails, for every one that a run makes.
//!
//! Whatever fails, and whenever: no finished build is lost, nothing foreign is removed from the engine, nothing of the
//! run stays there after a clean-up, and the error names what failed and says what to do.

use std::path::PathBuf;

use super::error::MeasureError;
use super::{Cancel, Event, Observer, RunOptions, RunOutcome, run, stale_runs};
use crate::engine::{ContainerSpec, ContainerState, EngineError, ImageBuilder as _, ImageHost as _, Removal, Snapshot};
use crate::error::Diagnose as _;
use crate::fsx::fault;
use crate::image::Way;
use crate::record::{self, Ended, Record, Sample, Scenario};
use crate::suite::{PlanOptions, Suite};
use crate::testing::files::{DOCKERFILE, block_on, directory};
use crate::testing::{Fault, Script, ScriptedEngine, run_options};

/// Builds of the run: cold, warm, and src, each in one round.
const BUILDS: usize = 3;

/// Finished builds as they were reported.
#[derive(Default)]
struct Reported(Vec<Sample>);

impl Observer for Reported {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::BuildDone(sample) = event
            && sample.is_finished()
        {
            self.0.push((*sample).clone());
        }
    }
}

/// A suite in a directory, and an engine with things on it that are not tonnage's.
struct Bench {
    dir: tempfile::TempDir,
    engine: ScriptedEngine,
    before: Snapshot,
}

impl Bench {
    fn new() -> Self {
        let dir = directory(&[
            ("suite/tonnage.toml", "[suite]\nname = \"s\"\nsrc = \"src/server.py\"\n[serve]\nport = 5000\n"),
            ("suite/one/Dockerfile", DOCKERFILE),
            ("suite/requirements.txt", "flask==1\n"),
            ("suite/src/server.py", "print()\n"),
        ]);
        // Every container exits at once, so that its start, state, log, and removal are requests, too.
        let container = ContainerState { exit_code: Some(1), ..ContainerState::default() };
        let engine = ScriptedEngine::new(Script { container, ..Script::default() });
        let foreign = ContainerSpec { image: "python:3.9".into(), ..ContainerSpec::default() };
        let before = block_on(async {
            engine.tag("python:3.9-slim", "myteam/app:release").unwrap();
            engine.start(&foreign).await.unwrap();
            engine.snapshot().await.unwrap()
        });
        Self { dir, engine, before }
    }

    fn options(&self, out: &str, resume: bool) -> RunOptions {
        RunOptions {
            out: self.dir.path().join(out),
            resume,
            run: format!("run-{out}"),
            plan: PlanOptions {
                rounds: 1,
                discard_first: false,
                scenarios: vec![Scenario::Cold, Scenario::Warm, Scenario::Src],
                brief: Vec::new(),
                warm_repeats: 1,
                seed: 1,
                twin: None,
                shard: None,
            },
            via: Way::Export,
            serve: true,
            ..run_options(self.dir.path())
        }
    }

    fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    fn run(&self, out: &str, resume: bool, reported: &mut Reported) -> Result<RunOutcome, MeasureError> {
        let suite = Suite::load(&self.dir.path().join("suite")).unwrap();
        block_on(run(&suite, &self.engine, &self.options(out, resume), &Cancel::default(), reported))
    }

    /// What is on disk in `out` of a run that did not end well, continued to its end; a new run where nothing can be
    /// continued.
    fn continued(&self, out: &str) -> Record {
        let journal = self.dir.path().join(out).join(super::journal::FILE);
        let complete = record::read(&self.dir.path().join(out)).ok().filter(|record| record.ended == Ended::Complete);
        if let Some(record) = complete.filter(|_| !journal.exists()) {
            return record;
        }
        match self.run(out, true, &mut Reported::default()) {
            Ok(outcome) => outcome.record,
            // The run did not get as far as its journal.
            Err(MeasureError::Journal(_)) => self.run("other", false, &mut Reported::default()).unwrap().record,
            Err(error) => panic!("cannot be continued: {error}"),
        }
    }

    /// Removes what ledgers say that the run left.
    fn clean(&self) {
        for stale in stale_runs(&self.state()).unwrap() {
            block_on(self.engine.clean(&stale.ownership, Removal::Remove)).unwrap();
            stale.forget().unwrap();
        }
    }

    fn held(&self) -> Snapshot {
        block_on(self.engine.snapshot()).unwrap()
    }
}

/// What must hold after a run in which something failed, whatever it was.
fn expect_nothing_lost(bench: &Bench, out: &str, reported: &[Sample], at: &str) {
    let now = bench.held();
    for (what, before, after) in [
        ("image", &bench.before.images, &now.images),
        ("container", &bench.before.containers, &now.containers),
        ("cache record", &bench.before.cache, &now.cache),
    ] {
        assert!(before.is_subset(after), "{at}: a foreign {what} is gone");
    }
    assert!(bench.before.tags.iter().all(|(tag, id)| now.tags.get(tag) == Some(id)), "{at}: a foreign tag is gone");
    let record = bench.continued(out);
    assert_eq!(record.ended, Ended::Complete, "{at}");
    for sample in reported {
        let kept = record.samples.iter().find(|kept| kept.step == sample.step && kept.is_finished());
        assert_eq!(kept.map(|kept| kept.wall_ns), Some(sample.wall_ns), "{at}: a finished build is lost");
    }
    let mut steps: Vec<u32> = record.samples.iter().filter(|s| s.is_finished()).map(|sample| sample.step).collect();
    steps.sort_unstable();
    assert_eq!(steps, (0..BUILDS as u32).collect::<Vec<_>>(), "{at}: every build once");
    bench.clean();
    assert_eq!(bench.held(), bench.before, "{at}: something is left on the engine");
}

/// Whether the error that a run ended with, if it did, says what to do.
fn expect_advice(result: &Result<RunOutcome, MeasureError>, at: &str) {
    if let Err(error) = result {
        assert!(!error.to_string().is_empty() && error.hint().is_some(), "{at}: no hint: {error}");
    }
}

#[test]
fn whichever_request_fails_nothing_is_lost_and_nothing_foreign_removed() {
    for kind in [Fault::Refused, Fault::Lost] {
        let undisturbed = Bench::new();
        undisturbed.engine.fail(None);
        undisturbed.run("out", false, &mut Reported::default()).unwrap();
        let requests = undisturbed.engine.requests();
        assert!(requests > 12, "only {requests} requests");
        for number in 0..requests {
            let at = format!("{kind:?} at request {number} of {requests}");
            let bench = Bench::new();
            let mut reported = Reported::default();
            bench.engine.fail(Some((number, kind)));
            let result = bench.run("out", false, &mut reported);
            expect_advice(&result, &at);
            if kind == Fault::Lost {
                let lost = match &result {
                    Ok(outcome) => outcome.lost.as_ref().is_some_and(EngineError::is_lost),
                    Err(error) => matches!(error, MeasureError::Engine(error) if error.is_lost()),
                };
                let complete = result.as_ref().is_ok_and(|outcome| outcome.record.ended == Ended::Complete);
                assert!(lost || complete, "{at}: it is not said that the engine is gone");
            }
            bench.engine.fail(None);
            bench.engine.revive();
            expect_nothing_lost(&bench, "out", &reported.0, &at);
        }
    }
}

#[test]
fn whichever_write_or_sync_fails_nothing_is_lost_and_the_error_names_the_file() {
    let undisturbed = Bench::new();
    fault::arm(None);
    undisturbed.run("out", false, &mut Reported::default()).unwrap();
    let operations = fault::passed();
    assert!(operations > 20, "only {operations} operations");
    for number in 0..operations {
        let at = format!("operation {number} of {operations}");
        let bench = Bench::new();
        let mut reported = Reported::default();
        fault::arm(Some(number));
        let result = bench.run("out", false, &mut reported);
        fault::arm(None);
        expect_advice(&result, &at);
        if let Err(error) = &result {
            let root = bench.dir.path().to_string_lossy().into_owned();
            assert!(error.to_string().contains(&root), "{at}: no file is named: {error}");
        }
        expect_nothing_lost(&bench, "out", &reported.0, &at);
    }
}
