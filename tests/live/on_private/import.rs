//! Builds that buildx made, imported, against the same ones measured.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::docker::{cache, left_out};
use crate::private_engine::PrivateEngine;
use crate::sandbox::Sandbox;

const VARIANTS: [&str; 2] = ["python3.9-alpine", "python3.9-alpine-multistage"];

/// buildx, if it can be had.
fn buildx() -> Option<PathBuf> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/buildx.sh");
    let output = Command::new(script).env("TONNAGE_CACHE", cache()).stdin(Stdio::null()).output().unwrap();
    let path = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| path.trim().into())
}

fn run(buildx: &Path, engine: &PrivateEngine, sandbox: &Sandbox, arguments: &[&str]) -> Output {
    let mut command = Command::new(buildx);
    command.args(arguments).current_dir(sandbox.path("suite")).stdin(Stdio::null());
    command.env("DOCKER_HOST", engine.host()).env("BUILDX_CONFIG", sandbox.path("buildx")).output().unwrap()
}

/// What of a sample must be the same.
fn proof(sample: &Value) -> (Value, Value, Value) {
    (sample["cached"].clone(), sample["cacheable"].clone(), sample["first_miss"].clone())
}

#[test]
#[ignore = "needs a container engine"]
fn an_imported_build_shows_the_same_cached_of_cacheable_as_a_measured_one() {
    let Some(buildx) = buildx() else {
        left_out("buildx cannot be had: no build was made by it");
        return;
    };
    let engine = PrivateEngine::start();
    engine.load("alpine");
    let sandbox = Sandbox::with_tiny_suite();
    let only = VARIANTS.join(",");
    let measure = ["run", "suite", "--out", "measured", "--only", &only, "--rounds", "1", "--no-twin", "--no-serve"];
    let scenarios = ["--builder", "buildkit", "--scenarios", "cold,warm,src"];
    sandbox.run_on(engine.host(), &[&measure[..], &scenarios].concat()).expect(0);
    let measured = sandbox.json("measured/run.json");
    let of = |variant: &str, scenario: &str| {
        let mut samples = measured["samples"].as_array().unwrap().iter();
        proof(samples.find(|one| one["variant"] == variant && one["scenario"] == scenario).unwrap())
    };

    let mut records = 0;
    for variant in VARIANTS {
        let dockerfile = format!("{variant}/Dockerfile");
        let source = sandbox.read("suite/src/server.py");
        for scenario in ["cold", "warm", "src"] {
            if scenario == "src" {
                sandbox.write("suite/src/server.py", &format!("{source}\n# an edit for {variant}\n"));
            }
            let built = run(&buildx, &engine, &sandbox, &["build", "--progress=rawjson", "--file", &dockerfile, "."]);
            let text = String::from_utf8(built.stderr).unwrap();
            assert!(built.status.success(), "{text}");
            let file = format!("{variant}-{scenario}.rawjson");
            sandbox.write(&file, &text);
            let mut files = vec![file];
            let kept = sandbox.path(&format!("{variant}-{scenario}.dockerbuild"));
            let export = ["history", "export", "--output", kept.to_str().unwrap()];
            if run(&buildx, &engine, &sandbox, &export).status.success() {
                records += 1;
                files.push(kept.file_name().unwrap().to_str().unwrap().to_owned());
            }
            // The first build has whatever cache the engine has.
            for file in files.iter().filter(|_| scenario != "cold") {
                let out = format!("of-{file}");
                let import = ["import", file, "--suite", "suite", "--variant", variant, "--out", &out];
                sandbox.run(&import).expect(0);
                let record = sandbox.json(&format!("{out}/run.json"));
                let sample = &record["samples"][0];
                assert_eq!(proof(sample), of(variant, scenario), "{file}: {sample}");
                let edit = if scenario == "src" { Value::from("src") } else { Value::Null };
                assert_eq!(sample["observed"]["edit"], edit, "{file}: {sample}");
            }
        }
        sandbox.write("suite/src/server.py", &source);
    }
    if records == 0 {
        left_out("this engine keeps no build records: only `--progress=rawjson` was imported");
    }
}
