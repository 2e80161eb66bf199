//! What `tonnage clean` and an interrupted run remove, and what they must leave: what somebody else made of a run's
//! images, runs whose ledgers are not here, and an engine that does not answer.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::interrupt_live::{after_builds, signal, started};
use crate::live::{self, Holdings};
use crate::private::PrivateEngine;
use crate::sandbox::{Ran, Sandbox};

const KEPT: [&str; 9] =
    ["run", "suite", "--only", "python3.9-alpine", "--sizes-only", "--no-serve", "--keep", "--out", "out"];
const LONG: [&str; 8] = ["run", "suite", "--only", "python3.9-alpine", "--rounds", "20", "--out", "out"];

fn docker(arguments: &[&str]) -> String {
    String::from_utf8(live::docker(arguments)).unwrap().trim().to_owned()
}

/// The names that a run in the sandbox has given on the engine.
fn names_of(run: &str) -> Vec<String> {
    let listed = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", "reference=tonnage-run"]);
    listed.lines().filter(|name| name.contains(run)).map(str::to_owned).collect()
}

/// The id of the run whose ledger is in the sandbox.
fn run_id(sandbox: &Sandbox) -> String {
    let ledgers = std::fs::read_dir(sandbox.path("state/tonnage")).unwrap();
    let mut names = ledgers.flatten().map(|entry| entry.file_name().into_string().unwrap());
    names.find_map(|name| name.strip_suffix(".jsonl").map(str::to_owned)).unwrap()
}

#[test]
fn what_somebody_made_of_kept_images_stays() {
    let Some(_engine) = live::engine("images that somebody uses") else { return };
    let sandbox = Sandbox::with_tiny_suite();
    sandbox.run(&KEPT).expect(0);
    let run = run_id(&sandbox);
    let kept = names_of(&run).pop().unwrap();
    docker(&["tag", &kept, "tonnage-live/theirs:1"]);
    let container = docker(&["create", "--name", "tonnage-live-theirs", "tonnage-live/theirs:1", "sleep", "60"]);
    docker(&["commit", "tonnage-live-theirs", "tonnage-live/commit:1"]);
    sandbox.write("child/Dockerfile", &format!("FROM {kept}\nLABEL mine=yes\n"));
    docker(&["build", "--quiet", "--tag", "tonnage-live/child:1", sandbox.path("child").to_str().unwrap()]);
    let theirs = Holdings::now();
    // Its labels are on all of these.
    let inherited = docker(&["ps", "--all", "--quiet", "--filter", "label=io.tonnage.run"]);
    assert!(container.starts_with(&inherited) && !inherited.is_empty());
    let ran = sandbox.run(&["clean", "--dry-run"]).expect(0);
    theirs.expect_unchanged();
    assert!(ran.stderr.contains("left in place: image `"), "{}", ran.stderr);
    // Under the name that they gave the image needs ours no more; everything else stays.
    let theirs = theirs.without(&kept);
    for images in [1, 0] {
        let ran = sandbox.run(&["clean"]).expect(0);
        assert!(ran.stdout.contains(&format!("removed 0 containers, {images} image")), "{}", ran.stdout);
        assert!(names_of(&run).is_empty());
        theirs.expect_objects_unchanged();
    }
    docker(&["rm", "tonnage-live-theirs"]);
    docker(&["rmi", "tonnage-live/commit:1", "tonnage-live/child:1", "tonnage-live/theirs:1"]);
    // Once nobody uses it, the ledger still knows it.
    sandbox.run(&["clean"]).expect(0);
}

#[test]
fn a_name_that_somebody_gave_keeps_the_image_and_ours_goes() {
    let Some(_engine) = live::engine("an image that somebody named") else { return };
    let sandbox = Sandbox::with_tiny_suite();
    sandbox.run(&KEPT).expect(0);
    let run = run_id(&sandbox);
    let kept = names_of(&run).pop().unwrap();
    docker(&["tag", &kept, "tonnage-live/theirs:1"]);
    let id = docker(&["images", "--quiet", "--no-trunc", "tonnage-live/theirs:1"]);
    sandbox.run(&["clean"]).expect(0);
    assert_eq!(docker(&["images", "--quiet", "--no-trunc", "tonnage-live/theirs:1"]), id);
    assert!(names_of(&run).is_empty());
    docker(&["rmi", "tonnage-live/theirs:1"]);
}

#[test]
fn without_its_ledger_a_run_is_listed_and_removed_only_if_it_is_named() {
    let Some(_engine) = live::engine("a run of another home") else { return };
    let (theirs, ours) = (Sandbox::with_tiny_suite(), Sandbox::new());
    let before = Holdings::now();
    let mut child = started(&theirs, &LONG, 3);
    let run = run_id(&theirs);
    theirs.run(&["clean", "--run", &run, "--force"]).expect(2).complains(&["is still going on"]);
    let ran = ours.run(&["clean"]).expect(0);
    assert!(ran.stdout.contains("removed 0 containers, 0 images, 0 networks, 0 cache records"), "{}", ran.stdout);
    assert!(ran.stderr.contains(&format!("hint: if that run is over, `tonnage clean --run {run} --force`")));
    assert!(!names_of(&run).is_empty());
    signal(&child, "KILL");
    child.wait().unwrap();
    ours.run(&["clean", "--run", &run]).expect(0);
    assert!(!names_of(&run).is_empty(), "nobody is there to say yes");
    ours.run(&["clean", "--run", "none", "--force"]).expect(2).complains(&["nothing of a run `none`"]);
    ours.run(&["clean", "--run", &run, "--force"]).expect(0);
    assert!(names_of(&run).is_empty());
    theirs.run(&["clean"]).expect(0);
    before.expect_unchanged();
}

#[test]
fn a_run_whose_terminal_is_closed_cleans_up() {
    let Some(_engine) = live::engine("SIGHUP") else { return };
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    let child = started(&sandbox, &LONG, 3);
    signal(&child, "HUP");
    Ran::from(child.wait_with_output().unwrap()).expect(130);
    before.expect_unchanged();
    assert_eq!(sandbox.json("out/run.json")["ended"], "interrupted");
}

#[test]
fn an_engine_that_does_not_answer_is_not_waited_for() {
    if std::env::var("TONNAGE_TEST_LIVE").as_deref() != Ok("1") {
        println!("LEFT OUT: `a frozen engine` needs an engine of its own; `make test` runs it");
        return;
    }
    let Some(engine) = PrivateEngine::start("a frozen engine") else { return };
    engine.load("alpine");
    let before = Holdings::on(Some(engine.host()));
    for interrupts in [1, 2] {
        let sandbox = Sandbox::with_tiny_suite();
        let mut arguments = LONG.to_vec();
        arguments.push("--no-serve");
        let mut command = sandbox.command_on(engine.host(), &arguments);
        let mut child = after_builds(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), 3);
        engine.signal("STOP");
        let begun = Instant::now();
        signal(&child, "INT");
        while interrupts == 2 && child.try_wait().unwrap().is_none() {
            signal(&child, "INT");
        }
        let ran = Ran::from(child.wait_with_output().unwrap());
        let took = begun.elapsed();
        engine.signal("CONT");
        ran.expect(131);
        assert!(took < Duration::from_secs(if interrupts == 2 { 5 } else { 15 }), "{took:?}");
        sandbox.run_on(engine.host(), &["clean"]).expect(0);
        // A step that the engine finished after the run had ended is nobody's: its cache record may stay.
        before.expect_objects_unchanged();
    }
}
