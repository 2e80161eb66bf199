//! `kill -9` at random moments of a run: nothing that was reported is lost or measured twice, nothing stays on the
//! engine.
//!
//! `TONNAGE_TEST_KILLS=20` kills more often than CI does; `TONNAGE_TEST_SEED` repeats the moments of a seed that a
//! test printed (what the run was just doing then is the machine's).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::holdings::Holdings;
use crate::sandbox::Sandbox;
use crate::shared_engine::SharedEngine;

/// Kills in CI.
const KILLS: u64 = 4;
/// Latest moment of a kill after the program's start, in milliseconds.
const LATEST: u64 = 6000;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}: `{text}` is not a number")))
}

/// The next of a row of numbers (Marsaglia's xorshift64).
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// `12/105 python3.9 cold: 1.17 s, 1/4 cached` is the twelfth step of the plan.
fn reported(line: &str) -> Option<u64> {
    if !line.ends_with(" cached") {
        return None;
    }
    let (position, _) = line.split_once("] ")?.1.split_once('/')?;
    position.parse::<u64>().ok().map(|position| position - 1)
}

/// Runs the program and kills it after a while; the steps that it reported, and whether it came to its end before.
fn killed_after(sandbox: &Sandbox, arguments: &[&str], after: Duration) -> (Vec<u64>, bool) {
    let mut child = sandbox.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let reader = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<String>>());
    std::thread::sleep(after);
    child.kill().unwrap();
    let ended = child.wait().unwrap().success();
    let lines = reader.join().unwrap();
    (lines.iter().filter_map(|line| reported(line)).collect(), ended)
}

#[test]
#[ignore = "needs a container engine"]
fn a_run_killed_at_random_moments_loses_nothing_repeats_nothing_and_leaves_nothing() {
    let _engine = SharedEngine::take();
    let kills = number("TONNAGE_TEST_KILLS").unwrap_or(KILLS);
    let seed = number("TONNAGE_TEST_SEED")
        .unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1);
    println!("{kills} kills, TONNAGE_TEST_SEED={seed}");
    let mut state = seed.max(1);
    let before = Holdings::now();
    let (mut done, mut folders) = (0, 0);
    while done < kills {
        folders += 1;
        let sandbox = Sandbox::with_tiny_suite();
        let plan = ["--only", "python3.9-alpine,python3.9-alpine-multistage", "--rounds", "2", "--no-twin"];
        let mut measured: BTreeMap<u64, u32> = BTreeMap::new();
        let mut complete = false;
        while done < kills && !complete {
            let begun = sandbox.path("out/journal.jsonl").exists();
            let mut arguments = vec!["run", "suite", if begun { "--resume" } else { "--out" }, "out"];
            arguments.extend(plan);
            let after = random(&mut state) % LATEST;
            let (steps, ended) = killed_after(&sandbox, &arguments, Duration::from_millis(after));
            for step in steps {
                *measured.entry(step).or_default() += 1;
            }
            done += u64::from(!ended);
            // Killed in its last moments it may have come to the end of the plan.
            complete = ended || (sandbox.path("out/run.json").exists() && !sandbox.path("out/journal.jsonl").exists());
            // A run must go on both where its remains were removed and where they lie about.
            if random(&mut state).is_multiple_of(2) {
                sandbox.run(&["clean"]).expect(0);
                before.expect_unchanged();
            }
        }
        if !complete {
            let begun = sandbox.path("out/journal.jsonl").exists();
            let mut arguments = vec!["run", "suite", if begun { "--resume" } else { "--out" }, "out"];
            arguments.extend(plan);
            sandbox.run(&arguments).expect(0);
        }
        sandbox.run(&["clean"]).expect(0);
        before.expect_unchanged();
        let record = sandbox.json("out/run.json");
        assert_eq!(record["ended"], "complete");
        let samples = record["samples"].as_array().unwrap();
        // Each variant is built once before the rounds, so the order is not that of the plan.
        let mut steps: Vec<u64> = samples.iter().map(|sample| sample["step"].as_u64().unwrap()).collect();
        steps.sort_unstable();
        assert_eq!(steps, (0..steps.len() as u64).collect::<Vec<_>>(), "every step once");
        assert_eq!(steps.len(), 2 * (3 * 5 + 2 * 2));
        for (step, times) in &measured {
            assert_eq!(*times, 1, "step {step} was reported {times} times");
            assert!(steps.contains(step), "step {step} was reported and is not in the record");
        }
    }
    println!("{done} kills in {folders} run(s)");
}
