//! The label that accepts: what it commits, and what it refuses.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output};

use crate::action_job::{Job, ROOT, said};

const HEAD: &str = "1111111111111111111111111111111111111111";

/// GitHub as the test says: `tip`, `permission`, `runs`, and what is in `artifact/`. It writes down what is written.
const GH: &str = r#"#!/bin/sh
echo "$*" >>"$FAKE/asked"
filter=.
previous=
for argument; do
    [ "$previous" != --jq ] || filter=$argument
    previous=$argument
done
answer() { jq -r "$filter"; }
case "$*" in
'run download'*) for last; do :; done; cp -P "$FAKE/artifact/." -r "$last" ;;
*--method\ DELETE*) ;;
*/permission*) echo "{\"permission\": \"$(cat "$FAKE/permission")\"}" | answer ;;
*--method\ PATCH*) cat >"$FAKE/moved"; [ ! -e "$FAKE/pushed" ] ;;
*/git/ref/*) echo "{\"object\": {\"sha\": \"$(cat "$FAKE/tip")\"}}" | answer ;;
*/runs\?*) answer <"$FAKE/runs" ;;
*/git/blobs*) cat >"$FAKE/blob"; echo '{"sha": "b10b"}' | answer ;;
*/git/trees*) cat >"$FAKE/tree"; echo '{"sha": "7ee"}' | answer ;;
*--method\ POST*/git/commits*) cat >"$FAKE/commit"; echo '{"sha": "c0331"}' | answer ;;
*/git/commits/*) echo '{"tree": {"sha": "01d"}}' | answer ;;
*) echo "unexpected: $*" >&2; exit 1 ;;
esac
"#;

/// A labelled pull request of the repository, whose run has proposed a valid baseline.
fn labelled() -> Job {
    let job = Job::new();
    job.0.write("bin/gh", GH);
    fs::set_permissions(job.0.path("bin/gh"), fs::Permissions::from_mode(0o755)).unwrap();
    job.0.write("permission", "write");
    job.0.write("tip", HEAD);
    let run = |id: u32, head: &str, repository: &str, at: &str| serde_json::json!({"id": id, "head_sha": head, "head_repository": {"full_name": repository}, "run_started_at": at});
    let runs = [
        run(1, HEAD, "owner/shop", "2026-11-01T00:00:00Z"),
        run(2, HEAD, "owner/shop", "2026-11-02T00:00:00Z"),
        run(3, HEAD, "mallory/shop", "2026-11-03T00:00:00Z"),
        run(4, "2222222222222222222222222222222222222222", "owner/shop", "2026-11-04T00:00:00Z"),
    ];
    job.0.write("runs", &serde_json::json!({ "workflow_runs": runs }).to_string());
    event(&job, "owner/shop", "accept-size");
    job.0.write("artifact/gate.md", "x");
    job.0.write("artifact/tonnage-baseline.json", &job.0.read("tonnage-baseline.json"));
    job
}

fn event(job: &Job, repository: &str, label: &str) {
    let head = serde_json::json!({"sha": HEAD, "ref": "topic/a#b", "repo": {"full_name": repository}});
    let event = serde_json::json!({
        "label": {"name": label}, "sender": {"login": "maria"}, "pull_request": {"number": 7, "head": head},
    });
    job.0.write("event.json", &event.to_string());
}

fn accept(job: &Job, baseline: &str) -> Output {
    let mut command = Command::new(Path::new(ROOT).join("scripts/accept.sh"));
    job.environment(&mut command);
    command.env("TONNAGE_BASELINE", baseline).env("TONNAGE_LABEL", "accept-size");
    command.env("TONNAGE_WORKFLOW", "image-size.yml").env("TONNAGE_ARTIFACT", "tonnage").output().unwrap()
}

#[test]
#[ignore = "needs jq"]
fn a_label_commits_the_proposed_baseline_on_top_of_the_labelled_commit() {
    let job = labelled();
    let ran = accept(&job, "images/tonnage-baseline.json");
    assert!(ran.status.success(), "{}", said(&ran));
    let asked = job.0.read("asked");
    assert!(
        asked.contains("run download 2 --repo owner/shop --name tonnage "),
        "the newest run of the commit: {asked}"
    );
    let tree = job.0.json("tree");
    assert_eq!(tree["base_tree"], "01d");
    let entries = tree["tree"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "one file and nothing else");
    assert_eq!(entries[0]["path"], "images/tonnage-baseline.json");
    assert_eq!(entries[0]["mode"], "100644");
    let commit = job.0.json("commit");
    assert_eq!(commit["parents"], serde_json::json!([HEAD]));
    assert!(commit["message"].as_str().unwrap().contains("Accepted by maria"), "{commit}");
    assert_eq!(job.0.json("moved"), serde_json::json!({"sha": "c0331", "force": false}));
    assert!(asked.contains("PATCH repos/owner/shop/git/refs/heads/topic/a%23b"), "{asked}");
    let content = job.0.json("blob")["content"].as_str().unwrap().replace('\n', "");
    let content_file = {
        job.0.write("content", &content);
        job.0.path("content")
    };
    let decoded = Command::new("base64").arg("-d").arg(content_file).output().unwrap().stdout;
    assert_eq!(String::from_utf8(decoded).unwrap(), job.0.read("tonnage-baseline.json"));
    assert!(asked.lines().last().unwrap().ends_with("DELETE repos/owner/shop/issues/7/labels/accept-size"), "{asked}");
}

#[test]
#[ignore = "needs jq"]
fn a_label_is_void_for_another_commit_another_repository_and_another_person() {
    let refused = |change: &dyn Fn(&Job), because: &str| {
        let job = labelled();
        change(&job);
        let ran = accept(&job, "tonnage-baseline.json");
        assert_eq!(ran.status.code(), Some(1), "{because}: {}", said(&ran));
        assert!(said(&ran).contains(because), "{because}: {}", said(&ran));
        job
    };
    let nothing_written = |change: &dyn Fn(&Job), because: &str| {
        let job = refused(change, because);
        for file in ["blob", "tree", "commit", "moved"] {
            assert!(!job.0.path(file).exists(), "{because}: {file}");
        }
        assert!(job.0.read("asked").contains("--method DELETE"), "the label is used up");
    };
    nothing_written(&|job| job.0.write("tip", "3333333333333333333333333333333333333333"), "the branch has moved");
    nothing_written(&|job| event(job, "mallory/shop", "accept-size"), "from a fork");
    nothing_written(&|job| job.0.write("permission", "read"), "only who may write");
    nothing_written(&|job| job.0.write("runs", r#"{"workflow_runs": []}"#), "there is no finished run");
    nothing_written(
        &|job| fs::remove_file(job.0.path("artifact/tonnage-baseline.json")).unwrap(),
        "no proposed baseline",
    );
    nothing_written(
        &|job| {
            fs::remove_file(job.0.path("artifact/tonnage-baseline.json")).unwrap();
            symlink(job.0.path("tonnage-baseline.json"), job.0.path("artifact/tonnage-baseline.json")).unwrap();
        },
        "no proposed baseline",
    );
    nothing_written(
        &|job| {
            let text = job.0.read("artifact/tonnage-baseline.json");
            job.0.write("artifact/tonnage-baseline.json", &text.replacen("python3.9-slim", "python3.9-tiny", 1));
        },
        "not a valid baseline",
    );
    nothing_written(&|job| job.0.write("artifact/tonnage-baseline.json", "{}"), "not a valid baseline");
    // A push between the look and the write: the branch only moves forward from the labelled commit.
    let job = refused(&|job| job.0.write("pushed", ""), "the branch has moved");
    assert_eq!(job.0.json("moved")["force"], false);
}

#[test]
#[ignore = "needs jq"]
fn another_label_and_a_path_outside_do_nothing() {
    let job = labelled();
    event(&job, "owner/shop", "bug");
    assert!(accept(&job, "tonnage-baseline.json").status.success());
    for path in ["/etc/x.json", "../x.json", "a/../../x.json", ".github/workflows/x.json", "x.yml", "a\nb.json", ""] {
        assert_eq!(accept(&job, path).status.code(), Some(1), "{path}");
    }
    assert!(!job.0.path("asked").exists());
}
