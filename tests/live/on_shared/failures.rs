//! Variants that fail are recorded with their reason; the others go on; the engine is left as it was.

use std::fmt::Write as _;

use serde_json::Value;

use crate::docker::{left_out, loses_contexts};
use crate::holdings::Holdings;
use crate::sandbox::Sandbox;
use crate::shared_engine::SharedEngine;

const GOOD: &str = "FROM tonnage-tiny/python:3.9-alpine\nWORKDIR /app\nCOPY requirements.txt ./\n\
    RUN pip install -r requirements.txt\nCOPY src /app\nCMD [\"python\", \"server.py\"]\n";

fn suite(sandbox: &Sandbox, variants: &[(&str, &str)]) {
    let mut manifest = String::from(
        "[suite]\nname = \"failing\"\nsrc = \"src/server.py\"\ndeps = \"requirements.txt\"\n\
         [serve]\nport = 5000\npath = \"/\"\nexpect = \"Hello World!\"\ntimeout = \"20 s\"\nstarts = 1\n",
    );
    for (name, dockerfile) in variants {
        let _ = write!(manifest, "[[variant]]\nname = \"{name}\"\ndockerfile = \"{name}/Dockerfile\"\n");
        sandbox.write(&format!("failing/{name}/Dockerfile"), dockerfile);
    }
    sandbox.write("failing/tonnage.toml", &manifest);
    sandbox.write("failing/requirements.txt", "flask\n");
    sandbox.write("failing/src/server.py", "print('Hello World!')\n");
}

fn variant<'a>(record: &'a Value, name: &str) -> &'a Value {
    record["variants"].as_array().unwrap().iter().find(|v| v["name"] == name).unwrap()
}

fn failing_variants(builder: &str) {
    let Some(_engine) = SharedEngine::take_with(builder) else { return };
    let sandbox = Sandbox::new();
    suite(
        &sandbox,
        &[
            ("syntax", "FROM tonnage-tiny/python:3.9-alpine\nRUNN true\n"),
            ("exits", "FROM tonnage-tiny/python:3.9-alpine\nRUN echo about to fail; exit 1\n"),
            ("no-base", "FROM tonnage.invalid/no/such:base\nRUN true\n"),
            ("mute", "FROM tonnage-tiny/python:3.9-alpine\nCMD [\"sh\", \"-c\", \"echo no server here; exit 3\"]\n"),
            ("good", GOOD),
        ],
    );
    let before = Holdings::now();
    let ran = sandbox.run(&["run", "failing", "--builder", builder, "--rounds", "1", "--out", "out"]).expect(5);
    before.expect_unchanged();
    let record = sandbox.json("out/run.json");
    for (name, outcome, stage, words) in [
        ("syntax", "build_failed", "build", "RUNN"),
        ("exits", "build_failed", "build", "1"),
        ("no-base", "build_failed", "pull", "tonnage.invalid"),
        ("mute", "serve_failed", "serve", "code 3"),
    ] {
        let entry = variant(&record, name);
        assert_eq!(entry["outcome"], outcome, "{entry}");
        assert_eq!(entry["failure"]["stage"], stage, "{entry}");
        let message = entry["failure"]["message"].as_str().unwrap();
        assert!(message.to_lowercase().contains(&words.to_lowercase()), "{name}: {message}");
        assert!(ran.stdout.contains(name), "{}", ran.stdout);
    }
    let log = variant(&record, "exits")["failure"]["log"].to_string();
    assert!(log.contains("about to fail"), "the end of the log is kept: {log}");
    assert!(variant(&record, "mute")["failure"]["log"].to_string().contains("no server here"));
    assert!(variant(&record, "mute")["sizes"]["size_bytes"].as_u64().unwrap() > 0, "its size is known all the same");
    let good = variant(&record, "good");
    assert_eq!(good["outcome"], "ok");
    let complete =
        record["samples"].as_array().unwrap().iter().filter(|s| s["variant"] == "good" && s["valid"] == true);
    assert_eq!(
        complete.count(),
        2 * 5 * 2 + 2,
        "two rounds of five builds, twice as it is the twin; touch and deps once"
    );
}

#[test]
#[ignore = "needs a container engine"]
fn variants_that_fail_under_buildkit_are_recorded_and_the_others_complete() {
    failing_variants("buildkit");
}

#[test]
#[ignore = "needs a container engine"]
fn variants_that_fail_under_the_classic_builder_are_recorded_and_the_others_complete() {
    failing_variants("classic");
}

#[test]
#[ignore = "needs a container engine"]
fn an_engine_that_loses_contexts_under_buildkit_is_refused_before_anything_is_built() {
    let _engine = SharedEngine::take();
    if !loses_contexts(None) {
        left_out("this engine does not lose contexts (moby#47717); scripts/test-engines.sh has one that does");
        return;
    }
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    let ran = sandbox.run(&["run", "suite", "--builder", "buildkit", "--out", "out"]).expect(6);
    ran.complains(&["moby#47717", "classic"]);
    before.expect_unchanged();
}

#[test]
#[ignore = "needs a container engine"]
fn a_dockerfile_that_copies_everything_before_pip_is_a_finding() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    let lies = "FROM tonnage-tiny/python:3.9-alpine\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n\
        CMD [\"python\", \"src/server.py\"]\n";
    suite(&sandbox, &[("good", GOOD), ("lies", lies)]);
    let ran = sandbox.run(&["run", "failing", "--rounds", "1", "--out", "out"]).expect(0);
    let report = sandbox.read("out/report.md");
    for text in [&ran.stdout, &report] {
        assert!(text.contains("COPY . ."), "the finding names the instruction:\n{text}");
        assert!(text.contains("pip install"), "and what it runs again:\n{text}");
    }
    let record = sandbox.json("out/run.json");
    let rerun = record["samples"].as_array().unwrap().iter().find(|s| s["variant"] == "lies" && s["scenario"] == "src");
    let rerun = rerun.unwrap();
    assert_eq!(rerun["first_miss"], "COPY . .", "{rerun}");
    assert!(rerun["cached"].as_u64() < rerun["cacheable"].as_u64());
}
