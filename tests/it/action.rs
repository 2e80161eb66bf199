//! The GitHub Action's steps as a runner would take them: `scripts/action.sh` with the environment that action.yml
//! gives, and in place of GitHub a `gh` that writes down what it is asked.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tonnage::record::{self, fixture};
use tonnage::units::Bytes;

use crate::live::{self, Holdings};
use crate::sandbox::Sandbox;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

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
struct Job(Sandbox);

impl Job {
    fn new() -> Self {
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

    fn step(&self, name: &str, environment: &[(&str, &str)]) -> Output {
        let path = format!("{}:{}", self.0.path("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new(Path::new(ROOT).join("scripts/action.sh"));
        command.arg(name).current_dir(self.0.path(".")).env("PATH", path);
        command.env("GITHUB_ACTION_PATH", ROOT).env("RUNNER_TEMP", self.0.path("temp"));
        command.env("GITHUB_OUTPUT", self.0.path("output")).env("GITHUB_STEP_SUMMARY", self.0.path("summary"));
        command.env("GITHUB_EVENT_PATH", self.0.path("event.json")).env("GITHUB_REPOSITORY", "owner/shop");
        command.env("XDG_STATE_HOME", self.0.path("state")).env("FAKE", self.0.path("."));
        command.env("TONNAGE_BINARY", env!("CARGO_BIN_EXE_tonnage")).env("TONNAGE_SUITE", ".");
        command.envs(environment.iter().copied()).output().unwrap()
    }

    /// `NAME=VALUE` for each output, read as the runner reads them: `NAME=VALUE`, or `NAME<<END` and lines up to `END`
    /// (actions/runner, `SetOutputFileCommand`).
    fn outputs(&self) -> Vec<String> {
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

    /// A program in place of tonnage that writes down its arguments, one on a line.
    fn recorder(&self) -> String {
        self.0.write("bin/recorder", "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$FAKE/arguments\"\n");
        let path = self.0.path("bin/recorder");
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        path.display().to_string()
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_judge_annotates_summarises_and_hands_on_the_gates_exit_code() {
    let job = Job::new();
    let judged = job.step("judge", &[("TONNAGE_RECORD", "head")]);
    assert!(judged.status.success(), "the last step of the Action fails, not this one: {}", said(&judged));
    assert!(said(&judged).starts_with("::error file=python3.9-slim/Dockerfile,line=4,"), "{}", said(&judged));
    assert!(job.0.read("summary").starts_with("<!-- tonnage-check flaskblog -->\n### Image size: gate failed"));
    assert!(job.outputs().contains(&"exit-code=1".to_owned()), "{:?}", job.outputs());
    assert!(job.outputs().contains(&"record=head".to_owned()));
    for file in ["gate.md", "gate.json", "gate.xml"] {
        assert!(job.0.path("temp/tonnage-results").join(file).is_file(), "{file}");
    }
    let passed = job.step("judge", &[("TONNAGE_RECORD", "base"), ("TONNAGE_CHECK_ARGUMENTS", "--top 3")]);
    assert_eq!(said(&passed).lines().count(), 1, "{}", said(&passed));
    assert!(job.outputs().contains(&"exit-code=0".to_owned()));
}

#[test]
fn the_job_ends_with_the_gates_exit_code_and_an_inconclusive_one_may_pass() {
    let job = Job::new();
    for (code, inconclusive, ends) in [
        ("0", "fail", 0),
        ("1", "fail", 1),
        ("1", "pass", 1),
        ("3", "pass", 3),
        ("4", "fail", 4),
        ("4", "pass", 0),
        ("4", "anything", 4),
    ] {
        let ended = job.step("end", &[("TONNAGE_EXIT_CODE", code), ("TONNAGE_INCONCLUSIVE", inconclusive)]);
        assert_eq!(ended.status.code(), Some(ends), "{code} {inconclusive}");
    }
}

#[test]
fn the_comment_is_written_once_and_then_written_over() {
    if !live::has("jq", "the comment of the Action") {
        return;
    }
    let job = Job::new();
    job.step("judge", &[("TONNAGE_RECORD", "head")]);
    let asked = || job.0.read("asked").lines().last().unwrap().to_owned();
    assert!(job.step("comment", &[]).status.success());
    assert!(asked().starts_with("api --method POST repos/owner/shop/issues/7/comments --input "), "{}", asked());
    let body = job.0.json("temp/tonnage-results/comment.json");
    assert!(body["body"].as_str().unwrap().starts_with("<!-- tonnage-check flaskblog -->\n"));

    // Somebody else's comment with the marker is left alone, ours is not.
    let comment = |id: u32, login: &str, text: &str| serde_json::json!({"id": id, "user": {"login": login}, "body": format!("{text}\n### …")});
    let marker = "<!-- tonnage-check flaskblog -->";
    let others = [comment(1, "mallory", marker), comment(2, "github-actions[bot]", "<!-- another -->")];
    job.0.write("comments", &serde_json::Value::from(others.to_vec()).to_string());
    job.step("comment", &[]);
    assert!(asked().starts_with("api --method POST "), "{}", asked());
    let ours = [&others[..], &[comment(3, "github-actions[bot]", marker)]].concat();
    job.0.write("comments", &serde_json::Value::from(ours).to_string());
    job.step("comment", &[]);
    assert!(asked().starts_with("api --method PATCH repos/owner/shop/issues/comments/3 --input "), "{}", asked());

    // A token that may not write, as that of a fork's pull request, fails nothing.
    job.0.write("deny", "");
    let denied = job.step("comment", &[]);
    assert!(denied.status.success());
    assert!(said(&denied).contains("::warning title=tonnage::the token may not write comments"), "{}", said(&denied));
}

#[test]
fn outside_of_a_pull_request_nobody_is_asked_for_a_comment() {
    if !live::has("jq", "no comment of the Action") {
        return;
    }
    let job = Job::new();
    job.step("judge", &[("TONNAGE_RECORD", "head")]);
    job.0.write("event.json", "{}");
    assert!(job.step("comment", &[]).status.success());
    assert!(!job.0.path("asked").exists());
}

#[test]
fn the_cache_key_follows_the_source_and_a_given_program_is_used() {
    let job = Job::new();
    job.step("source", &[("TONNAGE_BINARY", "/opt/tonnage")]);
    let outputs = job.outputs();
    assert!(outputs.iter().any(|line| line.strip_prefix("key=").is_some_and(|key| key.len() == 32)), "{outputs:?}");
    assert!(outputs.contains(&"binary=/opt/tonnage".to_owned()), "{outputs:?}");
}

#[test]
fn arguments_are_taken_from_every_line_of_an_input_and_a_value_is_never_an_option() {
    let job = Job::new();
    let program = job.recorder();
    let given = " --rounds 3\n--only\ta,b\n\n  --network=host \n";
    let environment = [
        ("TONNAGE_BINARY", program.as_str()),
        ("TONNAGE_RUN_ARGUMENTS", given),
        ("TONNAGE_CHECK_ARGUMENTS", "--top\n3\n"),
        ("TONNAGE_SUITE", "--keep"),
        ("TONNAGE_AGAINST", "--help"),
        ("TONNAGE_RECORD", "--version"),
    ];
    assert!(job.step("measure", &environment).status.success());
    let results = job.0.path("temp/tonnage-results").display().to_string();
    let expected = ["run", "--out", &results, "--rounds", "3", "--only", "a,b", "--network=host"];
    let seen = job.0.read("arguments");
    assert_eq!(seen.lines().collect::<Vec<_>>(), [&expected[..], &["--against=--help", "--", "--keep"]].concat());
    assert!(job.step("judge", &environment).status.success());
    let seen = job.0.read("arguments");
    assert!(seen.starts_with("check\n--suite=--keep\n") && seen.ends_with("\n--top\n3\n--\n--version\n"), "{seen}");
    // No arguments are no arguments, not an empty one.
    job.step("measure", &[("TONNAGE_BINARY", program.as_str()), ("TONNAGE_RUN_ARGUMENTS", "")]);
    assert_eq!(job.0.read("arguments").lines().collect::<Vec<_>>(), ["run", "--out", &results, "--", "."]);
}

#[test]
fn no_input_writes_an_output_of_its_own() {
    let job = Job::new();
    for step in ["measure", "judge", "source", "end"] {
        for name in ["SUITE", "AGAINST", "RECORD", "BINARY", "INCONCLUSIVE"] {
            for value in ["head\nexit-code=0", "head\rexit-code=0", "head\n"] {
                let refused = job.step(step, &[("TONNAGE_EXIT_CODE", "0"), (&format!("TONNAGE_{name}"), value)]);
                assert_eq!(refused.status.code(), Some(2), "{step} {name}: {}", said(&refused));
                let message = format!("::error title=tonnage::`{}` has a line break", name.to_lowercase());
                assert!(said(&refused).starts_with(&message), "{}", said(&refused));
            }
        }
    }
    assert!(job.outputs().is_empty(), "{:?}", job.outputs());
    let home = "/home/x\nbinary=/tmp/evil\nkey<<x";
    assert!(job.step("source", &[("HOME", home), ("TONNAGE_BINARY", "")]).status.success());
    let outputs = job.outputs();
    assert_eq!(outputs.len(), 3, "{outputs:?}");
    assert_eq!(outputs[1], format!("folder={home}/.cache/tonnage-action"));
    let text = job.0.read("output");
    let end = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    assert_ne!(end("folder<<"), end("binary<<"), "each output has an end of its own");
}

#[test]
fn every_variable_that_the_script_reads_is_set_by_a_step_and_no_input_stands_in_a_script() {
    let script = fs::read_to_string(Path::new(ROOT).join("scripts/action.sh")).unwrap();
    let action = fs::read_to_string(Path::new(ROOT).join("action.yml")).unwrap();
    let code: String = script.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    let read: std::collections::BTreeSet<&str> = code
        .split(['$', '{', '}', ':', '"', ' ', '/', '<', ')', ';'])
        .filter(|word| word.starts_with("TONNAGE_"))
        .collect();
    assert!(read.len() >= 6, "{read:?}");
    for name in read {
        assert!(action.contains(&format!("{name}: ${{{{ ")), "{name} is set by no step");
    }
    for line in action.lines().filter(|line| line.trim_start().starts_with("run:")) {
        assert!(!line.contains("${{"), "an input inside a script can be code: {line}");
    }
}

#[test]
fn a_suite_is_measured_and_judged_by_the_steps_of_the_action() {
    let Some(_engine) = live::engine("the steps of the Action") else { return };
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
