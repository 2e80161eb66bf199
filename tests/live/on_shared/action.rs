//! The steps of the GitHub Action on a suite that is built.

use crate::action_job::{Job, said};
use crate::holdings::Holdings;
use crate::sandbox::Sandbox;
use crate::shared_engine::SharedEngine;

#[test]
#[ignore = "needs a container engine"]
fn a_suite_is_measured_and_judged_by_the_steps_of_the_action() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    let manifest = sandbox.read("suite/tonnage.toml");
    sandbox.write("suite/tonnage.toml", &format!("{manifest}\n[budget]\nown = \"1 MB\"\nserve = true\n"));
    let job = Job::new();
    let suite = sandbox.path("suite").display().to_string();
    let environment =
        [("TONNAGE_SUITE", suite.as_str()), ("TONNAGE_RUN_ARGUMENTS", "--sizes-only --only python3.9-slim")];
    let measured = job.step("measure", &environment);
    assert!(measured.status.success(), "{}", said(&measured));
    let judged = job.step("judge", &environment);
    assert!(job.outputs().contains(&"exit-code=0".to_owned()), "{}", said(&judged));
    assert!(
        said(&judged).starts_with("::notice title=tonnage::gate passed: 2 rules on 1 variant"),
        "{}",
        said(&judged)
    );
    before.expect_unchanged();
}
