//! A job of the GitHub Action, as a runner would run it: `scripts/action.sh` with the environment that action.yml gives, and
//! in place of GitHub a `gh` that writes down what it is asked.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tonnage::testing::fixture;
use tonnage::testing::record;
use tonnage::testing::units::Bytes;

use crate::sandbox::Sandbox;

pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Answers as the test says: `comments` is what the pull request has, `deny` makes writing fail.
const GH: &str = r#"#!/bin/sh
echo "$*" >>"$FAKE/asked"
case "$*" in
'api user '*) exit 1 ;;
*--input*) [ ! -e "$FAKE/deny" ] ;;
*--paginate*) jq -r "$5" "$FAKE/comments" ;;
esac
"#;

/// A job: a workspace with a suite and two records, and the folders that a runner has.
pub(crate) struct Job(pub(crate) Sandbox);

impl Job {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("tonnage.toml", "[suite]\nname = \"shop\"\n[budget]\nsize = \"+1 MB\"\n");
        record::write(&sandbox.path("base"), &fixture::record()).unwrap();
        let mut head = fixture::record();
        head.variants[1].layers[7].size_bytes += Bytes(2_000_000);
        head.variants[1].layers[7].diff_id = "sha256:other".into();
        head.variants[1].sizes.as_mut().unwrap().size_bytes += Bytes(2_000_000);
        record::write(&sandbox.path("head"), &head).unwrap();
        sandbox.run(&["baseline", "accept", "base"]).expect(0);
        sandbox.write("event.json", r#"{"pull_request": {"number": 7}}"#);
        sandbox.write("comments", "[]");
        sandbox.write("bin/gh", GH);
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(sandbox.path("bin/gh"), executable).unwrap();
        sandbox.write("output", "");
        sandbox.write("summary", "");
        Self(sandbox)
    }

    pub(crate) fn step(&self, name: &str, environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(Path::new(ROOT).join("scripts/action.sh"));
        command.arg(name);
        self.environment(&mut command);
        command.envs(environment.iter().copied()).output().unwrap()
    }

    /// What the runner, and the steps by default, have in their environment.
    pub(crate) fn environment(&self, command: &mut Command) {
        let path = format!("{}:{}", self.0.path("bin").display(), std::env::var("PATH").unwrap());
        command.current_dir(self.0.path(".")).env("PATH", path);
        command.env("GITHUB_ACTION_PATH", ROOT).env("RUNNER_TEMP", self.0.path("temp"));
        command.env("GITHUB_OUTPUT", self.0.path("output")).env("GITHUB_STEP_SUMMARY", self.0.path("summary"));
        command.env("GITHUB_EVENT_PATH", self.0.path("event.json")).env("GITHUB_REPOSITORY", "owner/shop");
        command.env("XDG_STATE_HOME", self.0.path("state")).env("FAKE", self.0.path("."));
        command.env("TONNAGE_BINARY", env!("CARGO_BIN_EXE_tonnage")).env("TONNAGE_SUITE", ".");
    }

    /// `NAME=VALUE` for each output, read as the runner reads them: `NAME=VALUE`, or `NAME<<END` and lines up to `END`
    /// (actions/runner, `SetOutputFileCommand`).
    pub(crate) fn outputs(&self) -> Vec<String> {
        let text = self.0.read("output");
        let mut lines = text.lines();
        std::iter::from_fn(|| {
            let line = lines.next()?;
            Some(match line.split_once("<<") {
                Some((name, end)) => {
                    let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
                    format!("{name}={}", value.join("\n"))
                }
                None => line.to_owned(),
            })
        })
        .collect()
    }
}

/// What a step has printed.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
