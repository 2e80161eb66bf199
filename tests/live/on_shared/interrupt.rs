//! Runs that do not get to their end: Ctrl-C, kill, and going on from there.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::holdings::Holdings;
use crate::runs::{signal, started, steps};
use crate::sandbox::{Ran, Sandbox};
use crate::shared_engine::SharedEngine;

const ARGUMENTS: [&str; 6] = ["run", "suite", "--rounds", "1", "--out", "out"];

#[test]
#[ignore = "needs a container engine"]
fn an_interrupted_run_cleans_up_keeps_what_it_measured_and_can_be_resumed() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    let child = started(&sandbox, &ARGUMENTS, 9);
    signal(&child, "INT");
    Ran::from(child.wait_with_output().unwrap()).expect(130);
    before.expect_unchanged();
    let record = sandbox.json("out/run.json");
    assert_eq!(record["ended"], "interrupted");
    let measured = steps(&sandbox.json("out/run.json"));
    assert!(measured.len() >= 9, "{measured:?}");
    sandbox.run(&["run", "suite", "--rounds", "1", "--resume", "out"]).expect(0);
    before.expect_unchanged();
    let all = steps(&sandbox.json("out/run.json"));
    assert_eq!(&all[..measured.len()], &measured[..], "what was measured stays");
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "no step twice");
    assert_eq!(all.len(), 2 * 5 * 5 + 4 * 2, "touch and deps of each variant once, the others twice and by the twin");
    assert_eq!(sandbox.json("out/run.json")["ended"], "complete");
}

#[test]
#[ignore = "needs a container engine"]
fn the_command_that_an_interrupted_run_prints_resumes_it_whatever_its_options() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    let only = "python3.9-alpine,python3.9-alpine-multistage";
    let options = ["--rounds", "2", "--only", only, "--scenarios", "cold,warm", "--seed", "7", "--no-twin"];
    let more = ["--build-arg", "UNUSED=1", "--builder", "classic", "--no-serve", "--out", "my results"];
    let mut child = sandbox.command(&[&["run", "suite"], &options[..], &more[..]].concat());
    let child = child.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut child = child;
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line.contains(" cached")));
    signal(&child, "INT");
    let hint = lines.find(|line| line.starts_with("hint: ")).unwrap();
    lines.for_each(drop);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let done = sandbox.json("my results/run.json")["samples"].as_array().unwrap().len();
    assert!((1..24).contains(&done), "{done}");

    let command = hint.split('`').nth(1).unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_tonnage"));
    let path = std::env::join_paths(
        std::iter::once(program.parent().unwrap().to_path_buf())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", command]).current_dir(sandbox.path("")).env("PATH", path.unwrap());
    Ran::from(shell.env("XDG_STATE_HOME", sandbox.path("state")).output().unwrap()).expect(0);
    before.expect_unchanged();
    let record = sandbox.json("my results/run.json");
    assert_eq!(record["ended"], "complete");
    assert_eq!((&record["seed"], &record["settings"]["builder"]), (&7.into(), &"classic".into()));
    assert_eq!(record["samples"].as_array().unwrap().len(), 2 * 3 * 4, "cold and three warm builds in each round");
}

#[test]
#[ignore = "needs a container engine"]
fn a_killed_run_is_cleaned_after_and_resumed_without_losing_or_repeating_a_sample() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    let mut reported = 0;
    for kill in 0..3 {
        let resume = ["run", "suite", "--rounds", "1", "--resume", "out"];
        let arguments: &[&str] = if kill == 0 { &ARGUMENTS } else { &resume };
        let mut child = started(&sandbox, arguments, 4 + 3 * kill);
        signal(&child, "KILL");
        child.wait().unwrap();
        reported += 4 + 3 * kill;
        let journal = sandbox.read("out/journal.jsonl");
        let written = journal.lines().filter(|line| line.starts_with("{\"sample\"")).count();
        assert!(written >= reported, "{written} of {reported} reported samples are on disk");
        sandbox.run(&["clean"]).expect(0);
        before.expect_unchanged();
    }
    sandbox.run(&["run", "suite", "--rounds", "1", "--resume", "out"]).expect(0);
    before.expect_unchanged();
    let all = steps(&sandbox.json("out/run.json"));
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "no step twice");
    assert_eq!(all.len(), 2 * 5 * 5 + 4 * 2, "touch and deps of each variant once, the others twice and by the twin");
}

#[test]
#[ignore = "needs a container engine"]
fn a_folder_that_holds_a_run_is_not_written_over_and_one_without_is_not_resumed() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    sandbox.write("out/run.json", "{}");
    sandbox.run(&ARGUMENTS).expect(2).complains(&["already holds a run"]);
    sandbox.run(&["run", "suite", "--resume", "elsewhere"]).expect(7).complains(&["no run to resume"]);
}
