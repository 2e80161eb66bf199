//! Engines that do not do all that they should: tonnage goes on and says what it cannot know.

use tonnage::testing::engine::{
    ConnectOptions, ContainerState, DockerEngine, ImageBuilder as _, Listens, Ownership, Removal, connect,
};
use tonnage::testing::exit::Exit;
use tonnage::testing::measure::{Cancel, RunOptions, run};
use tonnage::testing::record::{Ended, Outcome, ServeState};
use tonnage::testing::suite::Suite;

use crate::fake_engine::FakeEngine;
use crate::sandbox::Sandbox;
use crate::scripted_run;

const BROKEN: &str = r#"{"message":"failed to get usage: parent snapshot x does not exist: not found"}"#;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn connected(engine: &FakeEngine) -> DockerEngine {
    connect(&ConnectOptions { host: Some(engine.host.clone()), ..ConnectOptions::default() }).await.unwrap()
}

/// An engine whose `/system/df` fails from the given request on.
fn failing_from(first: usize) -> FakeEngine {
    FakeEngine::start(move |request, count| {
        (request == "GET /system/df" && count >= first).then(|| (500, BROKEN.to_owned()))
    })
}

#[test]
fn an_engine_that_cannot_list_its_build_cache_is_used_all_the_same() {
    let fake = failing_from(0);
    runtime().block_on(async {
        let engine = connected(&fake).await;
        let before = engine.snapshot().await.unwrap();
        let reason = before.cache_unlisted.as_deref().unwrap();
        assert!(reason.contains("list the build cache") && reason.contains("parent snapshot"), "{reason}");

        let own = Ownership { run: "r".into(), before: Some(before), ..Ownership::default() };
        let report = engine.clean(&own, Removal::Remove).await.unwrap();
        assert_eq!((report.cache_records, report.cache_unlisted), (0, None), "no later clean-up knows more");
        assert!(report.left.iter().any(|line| line.contains("not known which are this run's")), "{:?}", report.left);
    });
    assert_eq!(fake.count("POST /build/prune"), 0);
}

#[test]
fn a_cache_that_was_listed_before_and_cannot_be_now_is_left_for_a_later_clean_up() {
    let fake = failing_from(1);
    runtime().block_on(async {
        let engine = connected(&fake).await;
        let before = engine.snapshot().await.unwrap();
        assert_eq!(before.cache_unlisted, None);
        let own = Ownership { run: "r".into(), before: Some(before), ..Ownership::default() };
        let report = engine.clean(&own, Removal::Remove).await.unwrap();
        assert!(report.cache_unlisted.is_some_and(|reason| reason.contains("parent snapshot")));
    });
}

#[test]
fn an_engine_that_lists_its_cache_for_somebody_else_is_asked_again() {
    let fake = FakeEngine::start(|request, count| {
        let busy = r#"{"message":"a disk usage operation is already running"}"#;
        (request == "GET /system/df" && count < 2).then(|| (500, busy.to_owned()))
    });
    runtime().block_on(async {
        let before = connected(&fake).await.snapshot().await.unwrap();
        assert_eq!(before.cache_unlisted, None);
    });
    assert_eq!(fake.count("GET /system/df"), 3);
}

#[test]
fn clean_and_doctor_work_on_such_an_engine_and_doctor_says_what_is_wrong() {
    let fake = failing_from(0);
    let sandbox = Sandbox::new();
    sandbox.run(&["clean", "--host", &fake.host]).expect(0);
    let doctor = sandbox.run(&["doctor", "--host", &fake.host]).expect(0);
    assert!(doctor.stdout.contains("neither known nor removed"), "{}", doctor.stdout);
    assert!(doctor.stdout.contains("disk used       unknown"), "{}", doctor.stdout);
}

#[test]
fn a_run_warns_records_it_once_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let suite =
        Suite::load(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-suite")).unwrap();
    let engine = scripted_run::engine_without_cache_list("df is broken");
    let cancel = Cancel::default();
    cancel.cancel();
    let mut options: RunOptions = scripted_run::options(folder.path());
    for (resume, cancel, ended) in [(false, cancel, Ended::Interrupted), (true, Cancel::default(), Ended::Complete)] {
        options.resume = resume;
        let mut warnings = scripted_run::Warnings::default();
        let outcome = runtime().block_on(run(&suite, &engine, &options, &cancel, &mut warnings)).unwrap();
        assert_eq!(outcome.record.ended, ended);
        assert!(matches!(outcome.exit, Exit::Done | Exit::Interrupted));
        assert!(warnings.0.iter().any(|warning| warning.contains("df is broken")), "{:?}", warnings.0);
        let found = outcome.record.findings.iter().filter(|finding| finding.code == "build-cache-unlisted");
        assert_eq!(found.count(), 1);
    }
}

#[test]
fn a_run_says_what_its_clean_up_leaves_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let suite =
        Suite::load(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tiny-suite")).unwrap();
    let engine = scripted_run::engine_that_leaves("5 build-cache records, 822 kB: `docker builder prune` removes them");
    let options: RunOptions = scripted_run::options(folder.path());
    let mut warnings = scripted_run::Warnings::default();
    let outcome = runtime().block_on(run(&suite, &engine, &options, &Cancel::default(), &mut warnings)).unwrap();
    assert_eq!(outcome.exit, Exit::Done);
    let expected = "left in place: 5 build-cache records, 822 kB: `docker builder prune` removes them";
    assert!(warnings.0.iter().any(|warning| warning == expected), "{:?}", warnings.0);
    assert_eq!(outcome.record.findings.iter().filter(|finding| finding.code == "left-on-engine").count(), 1);
}

#[test]
fn a_dockerfile_that_buildkit_lets_a_copy_take_is_warned_of_once() {
    let folder = tempfile::tempdir().unwrap();
    let suite = folder.path().join("suite");
    for variant in ["a", "b", "c"] {
        std::fs::create_dir_all(suite.join(variant)).unwrap();
        let source = if variant == "c" { "app" } else { "." };
        let dockerfile = format!("FROM tonnage-tiny/python:3.9\nCOPY {source} /app\n");
        std::fs::write(suite.join(variant).join("Dockerfile"), dockerfile).unwrap();
    }
    std::fs::create_dir(suite.join("app")).unwrap();
    std::fs::write(suite.join("app/x"), "").unwrap();
    std::fs::write(suite.join("tonnage.toml"), "[suite]\nname = \"x\"\n").unwrap();
    let options = RunOptions { only: Vec::new(), ..scripted_run::options(folder.path()) };
    let warned = |ignored: &str, out: &str| {
        std::fs::write(suite.join(".dockerignore"), ignored).unwrap();
        let options = RunOptions { out: folder.path().join(out), ..options.clone() };
        let mut warnings = scripted_run::Warnings::default();
        let engine = scripted_run::engine(Vec::new());
        let suite = Suite::load(&suite).unwrap();
        runtime().block_on(run(&suite, &engine, &options, &Cancel::default(), &mut warnings)).unwrap();
        warnings.0.into_iter().filter(|warning| warning.contains("Dockerfile")).collect::<Vec<_>>()
    };
    assert!(warned("", "one").is_empty());
    let found = warned("**/Dockerfile\n", "two");
    assert!(found.len() == 1 && found[0].starts_with("the image of `a`, `b` holds its Dockerfile"), "{found:?}");
}

#[test]
fn a_published_port_that_is_out_of_reach_says_nothing_against_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let suite = folder.path().join("suite");
    std::fs::create_dir_all(suite.join("a")).unwrap();
    std::fs::write(suite.join("a/Dockerfile"), "FROM tonnage-tiny/python:3.9\nCOPY tonnage.toml /a\n").unwrap();
    let manifest = "[suite]\nname = \"x\"\n[serve]\nport = 5000\ntimeout = \"300 ms\"\nstarts = 2\n";
    std::fs::write(suite.join("tonnage.toml"), manifest).unwrap();
    // A port that was free a moment ago: nothing listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let serves = |exit_code: Option<i64>, listens: Option<Listens>| {
        let container = ContainerState {
            running: exit_code.is_none(),
            exit_code,
            address: Some(port.to_string()),
            ..ContainerState::default()
        };
        let engine = scripted_run::engine_with_containers(container, listens);
        let options = RunOptions {
            only: Vec::new(),
            serve: true,
            out: folder.path().join(format!("out-{exit_code:?}-{listens:?}")),
            ..scripted_run::options(folder.path())
        };
        let suite = Suite::load(&suite).unwrap();
        let outcome = runtime().block_on(run(
            &suite,
            &engine,
            &options,
            &Cancel::default(),
            &mut scripted_run::Warnings::default(),
        ));
        let outcome = outcome.unwrap();
        let variant = outcome.record.variants[0].clone();
        (outcome.exit, variant.outcome, variant.failure, variant.serve.unwrap())
    };
    let (exit, outcome, failure, serve) = serves(None, None);
    assert_eq!((exit, outcome, failure, serve.state), (Exit::Done, Outcome::Ok, None, ServeState::NotAsked));
    assert!(serve.detail.contains("port 5000 is out of reach from here") && !serve.ok, "{}", serve.detail);
    assert!(serve.detail.contains(&port.to_string()) && serve.log.is_empty(), "{serve:?}");
    // Something listens in there: the port is out of reach.
    let (exit, _, _, serve) = serves(None, Some(Listens::Yes));
    assert_eq!((exit, serve.state), (Exit::Done, ServeState::NotAsked), "{}", serve.detail);
    // Nothing does that could be reached: that is the image's fault, wherever its port is.
    for (listens, why) in [
        (Listens::No, "nothing in the container listens on port 5000"),
        (Listens::AtLoopback, "listens on port 5000 of 127.0.0.1 only"),
    ] {
        let (exit, outcome, _, serve) = serves(None, Some(listens));
        assert_eq!((exit, outcome), (Exit::VariantFailed, Outcome::ServeFailed));
        assert!(serve.detail.contains(why), "{}", serve.detail);
    }
    // A container that ends is a failure wherever its port is.
    let (exit, outcome, _, serve) = serves(Some(1), None);
    assert_eq!((outcome, serve.state), (Outcome::ServeFailed, ServeState::Failed));
    assert_eq!(exit, Exit::VariantFailed);
}
