//! The steps of the GitHub Action.

use std::fs;
use std::path::Path;

use crate::action_job::{Job, ROOT, said};
use crate::release_host::{Release, TARGET, VERSION};

/// A program in place of tonnage that writes down its arguments, one per line, but for those of the proposal.
fn recorder(job: &Job) -> String {
    job.0.write("bin/recorder", "#!/bin/sh\n[ \"$1\" = --quiet ] || printf '%s\\n' \"$@\" >\"$FAKE/arguments\"\n");
    let path = job.0.path("bin/recorder");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
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
#[ignore = "needs jq"]
fn the_comment_is_written_once_and_then_written_over() {
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
#[ignore = "needs jq"]
fn outside_of_a_pull_request_nobody_is_asked_for_a_comment() {
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
    let program = recorder(&job);
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
    // No arguments stay none, and do not become an empty one.
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
    assert_eq!(outputs.len(), 4, "{outputs:?}");
    assert_eq!(outputs[2], "way=download");
    assert_eq!(outputs[1], format!("folder={home}/.cache/tonnage-action"));
    let text = job.0.read("output");
    let end = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    assert_ne!(end("folder<<"), end("binary<<"), "each output has an end of its own");
}

#[test]
fn every_variable_that_the_script_reads_is_set_by_a_step_and_no_input_stands_in_a_script() {
    for (script, action) in [("scripts/action.sh", "action.yml"), ("scripts/accept.sh", "accept/action.yml")] {
        let script = fs::read_to_string(Path::new(ROOT).join(script)).unwrap();
        let action = fs::read_to_string(Path::new(ROOT).join(action)).unwrap();
        let code: String = script.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        let read: std::collections::BTreeSet<&str> = code
            .split(['$', '{', '}', ':', '"', ' ', '/', '<', ')', ';', '\\', '`'])
            .filter(|word| word.starts_with("TONNAGE_"))
            .collect();
        assert!(read.len() >= 5, "{read:?}");
        for name in read {
            assert!(action.contains(&format!("{name}: ${{{{ ")), "{name} is set by no step");
        }
        for line in action.lines().filter(|line| line.trim_start().starts_with("run:")) {
            assert!(!line.contains("${{"), "an input inside a script can be code: {line}");
        }
    }
}

#[test]
#[ignore = "needs curl"]
fn the_program_of_the_release_weighs_and_judges_without_cargo() {
    let job = Job::new();
    let release = Release::of(&job, env!("CARGO_BIN_EXE_tonnage"));
    let path = release.path_without_cargo(&job);
    assert!(!path.split(':').any(|directory| Path::new(directory).join("cargo").exists()));
    let runner = [("PATH", path.as_str()), ("TONNAGE_BINARY", ""), ("TONNAGE_RELEASES", release.url.as_str())];
    assert!(job.step("source", &runner).status.success());
    assert!(job.outputs().contains(&"way=download".to_owned()), "{:?}", job.outputs());
    let program = job.0.path("temp/tonnage-program/tonnage").display().to_string();
    assert!(job.outputs().contains(&format!("binary={program}")));

    let archive = Path::new(ROOT).join("fuzz/seeds/archive/c6434d71d51d81e5d9e7d8909e72d333611f0023");
    let image = format!("app={}", archive.display());
    let mut runner = runner.to_vec();
    runner.extend([("TONNAGE_BINARY", program.as_str()), ("TONNAGE_IMAGE", image.as_str())]);
    let downloaded = job.step("download", &runner);
    assert!(downloaded.status.success(), "{}", said(&downloaded));
    assert_eq!(said(&downloaded), format!("tonnage {VERSION}\n"));
    let measured = job.step("measure", &runner);
    assert!(measured.status.success(), "{}", said(&measured));
    // The first verdict: it is not in the baseline yet; the proposal has it.
    let judged = job.step("judge", &runner);
    assert!(judged.status.success(), "{}", said(&judged));
    let proposal = job.0.json("temp/tonnage-results/tonnage-baseline.json");
    assert!(proposal.to_string().contains("\"app\""), "{proposal}");
    job.0.write("tonnage-baseline.json", &job.0.read("temp/tonnage-results/tonnage-baseline.json"));
    let judged = job.step("judge", &[&runner[..], &[("TONNAGE_CHECK_ARGUMENTS", "--allow-vanished")]].concat());
    assert!(judged.status.success(), "{}", said(&judged));
    assert_eq!(job.outputs().iter().rfind(|line| line.starts_with("exit-code=")).unwrap(), "exit-code=0");
    // Other sums of a given digest are not asked for.
    fs::remove_file(release.file("SHA256SUMS")).unwrap();
    let digest = release.digest.clone();
    let pinned = job.step("download", &[&runner[..], &[("TONNAGE_SHA256", digest.as_str())]].concat());
    assert!(pinned.status.success(), "{}", said(&pinned));
}

#[test]
#[ignore = "needs curl"]
fn a_wrong_digest_or_an_archive_that_is_not_there_stops_the_action() {
    let job = Job::new();
    let release = Release::of(&job, "/bin/true");
    let program = job.0.path("temp/tonnage-program/tonnage");
    let name = program.display().to_string();
    let runner = [("TONNAGE_BINARY", name.as_str()), ("TONNAGE_RELEASES", release.url.as_str())];
    let download = |more: &[(&str, &str)]| {
        let ran = job.step("download", &[&runner[..], more].concat());
        assert!(!program.exists(), "nothing is unpacked: {}", said(&ran));
        assert_eq!(ran.status.code(), Some(1), "{}", said(&ran));
        said(&ran)
    };
    let wrong = "0".repeat(64);
    assert!(download(&[("TONNAGE_SHA256", wrong.as_str())]).contains(&format!("and not {wrong}")));
    let sums = fs::read_to_string(release.file("SHA256SUMS")).unwrap();
    fs::write(release.file("SHA256SUMS"), sums.replace(&release.digest, &wrong)).unwrap();
    assert!(download(&[]).contains("it was not unpacked"));
    fs::write(release.file("SHA256SUMS"), format!("{}  other.tar.gz\n", release.digest)).unwrap();
    assert!(download(&[]).contains("not one that SHA256SUMS names"));
    fs::remove_file(release.file(&format!("tonnage-v{VERSION}-{TARGET}.tar.gz"))).unwrap();
    assert!(download(&[]).contains("::error title=tonnage::cannot download http://127.0.0.1:"));
}

#[test]
#[ignore = "needs jq"]
fn a_pull_request_from_a_fork_gets_no_comment() {
    let job = Job::new();
    job.step("judge", &[("TONNAGE_RECORD", "head")]);
    job.0.write(
        "event.json",
        r#"{"pull_request": {"number": 7, "head": {"repo": {"full_name": "mallory/shop"}}, "base": {"repo": {"full_name": "owner/shop"}}}}"#,
    );
    let ran = job.step("comment", &[]);
    assert!(ran.status.success() && said(&ran).contains("from a fork"), "{}", said(&ran));
    assert!(!job.0.path("asked").exists());
}
