//! An engine that does not answer.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::holdings::Holdings;
use crate::private_engine::PrivateEngine;
use crate::runs::{after_builds, signal};
use crate::sandbox::{Ran, Sandbox};

const LONG: [&str; 9] = ["run", "suite", "--only", "python3.9-alpine", "--rounds", "20", "--out", "out", "--no-serve"];

#[test]
#[ignore = "needs a container engine"]
fn an_engine_that_does_not_answer_is_not_waited_for() {
    let engine = PrivateEngine::start();
    engine.load("alpine");
    let before = Holdings::on(Some(engine.host()));
    for interrupts in [1, 2] {
        let sandbox = Sandbox::with_tiny_suite();
        let mut command = sandbox.command_on(engine.host(), &LONG);
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
