//! Records of earlier versions, as those wrote them, still make the report that they made then.
//!
//! `1.0/flask-blog.json` is a real run with its lists cut short and its last round left out; `1.0/engine-lost.json` is
//! a run whose engine went away in the middle of a build.

use crate::sandbox::Sandbox;

const RECORDS: [(&str, &str); 2] = [
    ("1.0-flask-blog", include_str!("../fixtures/records/1.0/flask-blog.json")),
    ("1.0-engine-lost", include_str!("../fixtures/records/1.0/engine-lost.json")),
];

#[test]
fn a_record_of_version_1_0_makes_the_report_that_it_made_then() {
    for (name, record) in RECORDS {
        let sandbox = Sandbox::new();
        sandbox.write("run.json", record);
        let screen = sandbox.run(&["report", "run.json"]).expect(0).stdout;
        insta::assert_snapshot!(format!("{name}-screen"), screen);
        for format in ["table", "markdown", "json"] {
            let text = sandbox.run(&["report", "run.json", "--full", "--format", format]).expect(0).stdout;
            insta::assert_snapshot!(format!("{name}-{format}"), text);
        }
    }
}

#[test]
fn a_build_that_version_1_0_did_not_see_finish_is_no_failed_proof() {
    let sandbox = Sandbox::new();
    sandbox.write("run.json", RECORDS[1].1);
    let text = sandbox.run(&["report", "run.json", "--format", "json"]).expect(0).stdout;
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    let warm = |timing: &&serde_json::Value| timing["variant"] == "python3.9-slim" && timing["scenario"] == "warm";
    let warm = report["timings"].as_array().unwrap().iter().find(warm).unwrap().clone();
    assert_eq!((&warm["valid"], &warm["invalid"]), (&1.into(), &0.into()), "{warm}");
}
