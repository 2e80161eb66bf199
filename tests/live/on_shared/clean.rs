//! What `tonnage clean` and an interrupted run remove, and what they must leave: what somebody else made of a run's
//! images, and runs whose ledgers are not here.

use crate::holdings::Holdings;
use crate::runs::{signal, started};
use crate::sandbox::{Ran, Sandbox};
use crate::shared_engine::SharedEngine;

const KEPT: [&str; 9] =
    ["run", "suite", "--only", "python3.9-alpine", "--sizes-only", "--no-serve", "--keep", "--out", "out"];
const LONG: [&str; 8] = ["run", "suite", "--only", "python3.9-alpine", "--rounds", "20", "--out", "out"];

fn docker(arguments: &[&str]) -> String {
    String::from_utf8(crate::docker::docker(arguments)).unwrap().trim().to_owned()
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
#[ignore = "needs a container engine"]
fn what_somebody_made_of_kept_images_stays() {
    let _engine = SharedEngine::take();
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
#[ignore = "needs a container engine"]
fn a_name_that_somebody_gave_keeps_the_image_and_ours_goes() {
    let _engine = SharedEngine::take();
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
#[ignore = "needs a container engine"]
fn without_its_ledger_a_run_is_listed_and_removed_only_if_it_is_named() {
    let _engine = SharedEngine::take();
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
#[ignore = "needs a container engine"]
fn a_run_whose_terminal_is_closed_cleans_up() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    let child = started(&sandbox, &LONG, 3);
    signal(&child, "HUP");
    Ran::from(child.wait_with_output().unwrap()).expect(130);
    before.expect_unchanged();
    assert_eq!(sandbox.json("out/run.json")["ended"], "interrupted");
}
