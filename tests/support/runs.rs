//! Runs that tests interrupt.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::sandbox::Sandbox;

/// Starts a run and waits until `count` builds are on disk.
pub(crate) fn started(sandbox: &Sandbox, arguments: &[&str], count: usize) -> Child {
    let child = sandbox.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    after_builds(child, count)
}

/// Waits until a run that was started with its stderr piped has `count` builds on disk.
pub(crate) fn after_builds(mut child: Child, count: usize) -> Child {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut seen = 0;
    while seen < count {
        let line = lines.next().expect("the run goes on").unwrap();
        println!("{line}");
        seen += usize::from(line.contains(" cached"));
    }
    // The pipe must stay open, or the program's notes go nowhere; a thread reads them to the end. What is printed is
    // shown if the test fails.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| println!("{line}")));
    child
}

pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// The plan's steps of a record's samples.
pub(crate) fn steps(record: &Value) -> Vec<u64> {
    record["samples"].as_array().unwrap().iter().map(|sample| sample["step"].as_u64().unwrap()).collect()
}
