//! The script of the component for GitLab, run by the shell of its image.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use crate::action_job::{Job, ROOT, said};
use crate::release_host::{Release, VERSION};

/// The script of the job, as GitLab reads it.
fn script() -> String {
    let text = fs::read_to_string(Path::new(ROOT).join("templates/tonnage/template.yml")).unwrap();
    let block = text.split_once("    - |\n").unwrap().1;
    let lines = block.lines().take_while(|line| line.starts_with("      ")).map(|line| &line[6..]);
    lines.collect::<Vec<_>>().join("\n")
}

/// A release whose `run` finds the record that the test names, and which is else the program itself.
fn release(job: &Job, record: &str) -> Release {
    let real = env!("CARGO_BIN_EXE_tonnage");
    let program = format!(
        "#!/bin/sh\ncase $1 in run) mkdir image-size; cp {record}/run.json image-size ;; *) exec {real} \"$@\" ;; esac\n"
    );
    job.0.write("bin/program", &program);
    fs::set_permissions(job.0.path("bin/program"), fs::Permissions::from_mode(0o755)).unwrap();
    Release::of(job, &job.0.path("bin/program").display().to_string())
}

fn ran(job: &Job, release: &Release, sha256: &str) -> Output {
    let applets = job.0.path("applets");
    fs::create_dir_all(&applets).unwrap();
    let installed = Command::new("busybox").args(["--install", "-s"]).arg(&applets).status().unwrap();
    assert!(installed.success());
    // What `dist.sh` puts there, below the version.
    let mut command = Command::new("busybox");
    command.args(["sh", "-e", "-c", &script()]).current_dir(job.0.path(".")).env("PATH", &applets);
    command.env("TONNAGE_VERSION", VERSION).env("TONNAGE_RELEASES", &release.url).env("TONNAGE_SHA256", sha256);
    command.env("TONNAGE_SUITE", ".").env("TONNAGE_RUN_ARGUMENTS", "--sizes-only");
    command.env("TONNAGE_CHECK_ARGUMENTS", "").env("XDG_STATE_HOME", job.0.path("state")).output().unwrap()
}

#[test]
#[ignore = "needs busybox"]
fn the_component_downloads_measures_and_judges_in_the_shell_of_its_image() {
    for (record, code) in [("head", 1), ("base", 0)] {
        let job = Job::new();
        let output = ran(&job, &release(&job, record), "");
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(&format!("tonnage {VERSION}\n")), "{}", said(&output));
        for file in ["gate.xml", "gate.codequality.json", "gate.metrics.txt", "gate.md", "tonnage-baseline.json"] {
            assert!(job.0.path("image-size").join(file).is_file(), "{file}: {}", said(&output));
        }
    }
}

#[test]
#[ignore = "needs busybox"]
fn the_component_runs_nothing_with_a_wrong_digest() {
    let job = Job::new();
    let output = ran(&job, &release(&job, "head"), &"0".repeat(64));
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("has another digest: not unpacked"), "{}", said(&output));
    assert!(!job.0.path("image-size").exists());
}
