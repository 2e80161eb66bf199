//! `tonnage improve`: bad Dockerfiles of ten kinds, each improved by its remedy and by the exact bytes; remedies that break
//! the application; and the printed patch, applied and built by Docker's own command line.
//!
//! The package managers are made here, so that what they leave behind is known to the byte.

use std::process::Command;

use serde_json::Value;

use crate::docker::{docker, independent_size, left_out};
use crate::holdings::Holdings;
use crate::runs::{signal, started};
use crate::sandbox::{Ran, Sandbox};
use crate::shared_engine::SharedEngine;

/// The base image: package managers that write known amounts.
const BASE: &str = "tonnage-live/improve:1";
const DOCKERFILE: &str = "FROM tonnage-tiny/python:3.9-slim\n\
    RUN mv /usr/local/bin/python /usr/local/bin/serve && mkdir -p /srv/www && chmod 777 /srv/www\n\
    COPY managers /usr/local/bin\nRUN chmod 755 /usr/local/bin/*\n";
const FILL: &str = "#!/bin/sh\nfill() { mkdir -p \"${1%/*}\"; yes \"$1\" | head -c \"$2\" > \"$1\"; }\n";
const APT_GET: &str = r#"
for word in "$@"; do
    case $word in
    update) fill /var/lib/apt/lists/index 700000 ;;
    install) install=1 ;;
    --no-install-recommends) bare=1 ;;
    clean | -*) ;;
    *) [ -z "$install" ] || fill "/usr/share/$word" 200000 ;;
    esac
done
[ -z "$install" ] || [ -n "$bare" ] || fill /usr/share/recommended 300000
"#;
const NPM: &str = r#"
case "$*" in
"cache clean"*) rm -rf /root/.npm ;;
ci*)
    [ -f package.json ] || { echo "npm error: no package.json"; exit 1; }
    fill ./node_modules/express 100000
    case "$*" in *--omit=dev*) ;; *) fill ./node_modules/typescript 250000 ;; esac
    fill /root/.npm/cache 150000
    ;;
esac
"#;
/// Slow until an application that says so is compiled: by more than a busy machine is.
const PYTHON: &str = r#"
case "$*" in
"-m compileall -q "*) fill "$4/__pycache__/server.pyc" 1000 ;;
*)
    [ ! -e "${1%/*}/slow" ] || [ -d "${1%/*}/__pycache__" ] || sleep 6
    exec serve "$@"
    ;;
esac
"#;
const APK: &str = "fill /usr/share/tool 50000\nfill /var/cache/apk/APKINDEX.tar.gz 120000\n";

const SUITE: &str = "[suite]\nname = \"bad\"\nsrc = \"server.py\"\n\
    [serve]\nport = 5000\nexpect = \"Hello World!\"\ntimeout = \"20 s\"\n[[variant]]\nname = \"app\"\ndockerfile = \"Dockerfile\"\n";
const START: &str = "CMD [\"python\", \"/app/server.py\"]\n";

/// The base image for as long as a test lasts.
struct Base;

impl Base {
    fn make(sandbox: &Sandbox) -> Self {
        sandbox.write("base/Dockerfile", DOCKERFILE);
        for (name, script) in [("apt-get", APT_GET), ("npm", NPM), ("apk", APK), ("python", PYTHON)] {
            sandbox.write(&format!("base/managers/{name}"), &format!("{FILL}{script}"));
        }
        let built = Command::new("docker")
            .args(["build", "--quiet", "--tag", BASE, "base"])
            .env("DOCKER_BUILDKIT", "0")
            .current_dir(sandbox.path("."))
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        drop(Command::new("docker").args(["rmi", "--force", BASE]).output());
    }
}

/// Writes an application with this Dockerfile.
fn application(sandbox: &Sandbox, instructions: &str) {
    sandbox.write("app/tonnage.toml", SUITE);
    sandbox.write("app/server.py", "app = 1\n");
    sandbox.write("app/package.json", "{}\n");
    sandbox.write("app/data.txt", &"data\n".repeat(100_000));
    sandbox.write("app/Dockerfile", &format!("FROM {BASE}\n{instructions}{START}"));
}

/// The remedies that were kept, in their order.
fn kept(found: &Value) -> Vec<&str> {
    let steps = found["trials"].as_array().unwrap().iter().filter(|trial| trial["step"].is_u64());
    steps.filter(|trial| trial["verdict"] == "kept").map(|trial| trial["remedy"].as_str().unwrap()).collect()
}

/// What is found in the application of a sandbox with these goals.
fn improved(sandbox: &Sandbox, goal: &str, out: &str) -> Value {
    let before = Holdings::now();
    let found = sandbox.run(&["improve", "app", "--goal", goal, "--format", "json", "--out", out]).expect(0);
    before.expect_unchanged();
    serde_json::from_str(&found.stdout).unwrap()
}

#[test]
#[ignore = "needs a container engine"]
fn ten_bad_dockerfiles_are_improved_by_the_exact_bytes() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    let _base = Base::make(&sandbox);
    let copy = "COPY server.py /app/\n";
    for (remedy, instructions, saves) in [
        ("apt-lists", format!("RUN apt-get update && apt-get install --no-install-recommends gcc\n{copy}"), 700_000),
        ("apt-recommends", format!("RUN apt-get install gcc\n{copy}"), 300_000),
        ("apk-cache", format!("RUN apk add tool\n{copy}"), 120_000),
        ("npm-cache", format!("WORKDIR /app\nCOPY package.json ./\nRUN npm ci --omit=dev\n{copy}"), 150_000),
        (
            "npm-dev",
            format!("WORKDIR /app\nCOPY package.json ./\nRUN npm ci && rm -rf /root/.npm/cache\n{copy}"),
            250_000,
        ),
        ("merge-runs", format!("RUN yes | head -c 400000 > /big\nRUN rm /big\n{copy}"), 400_000),
        ("copy-chown", format!("COPY data.txt /app/\n{copy}RUN chown -R 1000:1000 /app\n"), 500_008),
        ("copy-chmod", format!("{copy}COPY data.txt /data.txt\nRUN chmod 0600 /data.txt\n"), 500_000),
        ("mount-instead-of-copy", format!("{copy}COPY data.txt /tmp/d\nRUN wc -l /tmp/d && rm /tmp/d\n"), 500_000),
        ("dockerignore", "COPY . /app\n".to_owned(), 300_000),
    ] {
        application(&sandbox, &instructions);
        if remedy == "dockerignore" {
            sandbox.write("app/.git/pack", &"p".repeat(300_000));
        }
        let found = improved(&sandbox, "size", remedy);
        let size = |side: &str| found[side]["size_bytes"].as_u64().unwrap();
        assert_eq!(kept(&found), [remedy], "{}", found["trials"]);
        assert_eq!(size("before") - size("after"), saves, "{remedy}: {}", found["trials"]);
    }
}

#[test]
#[ignore = "needs a container engine"]
fn an_installation_behind_the_sources_is_moved_before_them() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    let _base = Base::make(&sandbox);
    application(&sandbox, "WORKDIR /app\nCOPY . .\nRUN npm ci\n");
    let found = improved(&sandbox, "rebuild", "out");
    let reruns = |side: &str| found[side]["src_reruns"].as_u64().unwrap();
    assert_eq!((reruns("before"), reruns("after")), (2, 1), "{found}");
    let update = |side: &str| found[side]["update_src_bytes"].as_u64().unwrap();
    assert!(update("before") > update("after") + 450_000, "{found}");
}

#[test]
#[ignore = "needs a container engine"]
fn what_breaks_the_application_is_rejected_with_its_own_message() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    let _base = Base::make(&sandbox);
    let start = |file: &str, message: &str| {
        format!(
            "ENTRYPOINT [\"/bin/sh\", \"-c\", \"[ -f {file} ] || {{ echo '{message}'; exit 1; }}; exec python /app/server.py\"]\n"
        )
    };
    for (remedy, instructions, message) in [
        (
            "apt-recommends",
            format!(
                "RUN apt-get install gcc\nCOPY server.py /app/\n{}",
                start("/usr/share/recommended", "ImportError: libpq.so.5")
            ),
            "ImportError: libpq.so.5",
        ),
        (
            "npm-dev",
            format!(
                "WORKDIR /app\nCOPY package.json ./\nRUN npm ci && rm -rf /root/.npm/cache\nCOPY server.py /app/\n{}",
                start("/app/node_modules/typescript", "Cannot find module typescript")
            ),
            "Cannot find module typescript",
        ),
        (
            "dockerignore",
            "COPY . /app\nENTRYPOINT [\"/bin/sh\", \"/app/start.sh\"]\n".to_owned(),
            "fatal: not a git repository",
        ),
    ] {
        application(&sandbox, &instructions);
        sandbox.write("app/.git/pack", &"p".repeat(300_000));
        let check = "[ -f /app/.git/pack ] || { echo 'fatal: not a git repository'; exit 1; }";
        sandbox.write("app/start.sh", &format!("{check}\nexec python /app/server.py\n"));
        let before = Holdings::now();
        let found =
            sandbox.run(&["improve", "app", "--goal", "size", "--format", "markdown", "--out", remedy]).expect(0);
        before.expect_unchanged();
        assert!(found.stdout.contains("cannot be improved: of "), "{}", found.stdout);
        assert!(found.stdout.contains(message) && found.stdout.contains(remedy), "{}", found.stdout);
        assert!(!found.stdout.contains("+++"), "{}", found.stdout);
    }
}

#[test]
#[ignore = "needs a container engine"]
fn the_printed_patch_builds_an_image_of_the_same_size_by_other_means() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    let _base = Base::make(&sandbox);
    application(&sandbox, "RUN apt-get update && apt-get install gcc\nCOPY . /app\nRUN chown -R 7 /app\n");
    sandbox.write("app/.git/pack", &"p".repeat(300_000));
    let suite = sandbox.path("app");
    let tonnage = |arguments: &[&str]| {
        let mut command = sandbox.command(&[&["improve"][..], arguments].concat());
        command.current_dir(&suite).output().unwrap()
    };
    let found = tonnage(&["--format", "patch", "--write", "--out", "../out"]);
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    sandbox.write("improve.patch", &String::from_utf8(found.stdout).unwrap());
    let record = sandbox.json("out/run.json");
    let improved = &record["variants"][1];
    let size = improved["sizes"]["size_bytes"].as_u64().unwrap();
    let steps: i64 =
        record["trials"].as_array().unwrap().iter().filter(|trial| trial["step"].is_u64()).fold(0, |sum, trial| {
            sum + trial["before"]["size_bytes"].as_i64().unwrap() - trial["after"]["size_bytes"].as_i64().unwrap()
        });
    let first = record["variants"][0]["sizes"]["size_bytes"].as_u64().unwrap();
    assert_eq!(steps, i64::try_from(first - size).unwrap(), "{}", record["trials"]);
    // Written files are what the patch makes; they are not written again.
    let (dockerfile, ignore) = (sandbox.read("app/Dockerfile.improved"), sandbox.read("app/.dockerignore.improved"));
    assert_eq!(tonnage(&["--write", "--out", "../again"]).status.code(), Some(2));
    for file in ["app/Dockerfile.improved", "app/.dockerignore.improved"] {
        std::fs::remove_file(sandbox.path(file)).unwrap();
    }
    let patched = Command::new("patch")
        .args(["-p0", "--input", sandbox.path("improve.patch").to_str().unwrap()])
        .current_dir(&suite)
        .output()
        .unwrap();
    assert!(patched.status.success(), "{}", String::from_utf8_lossy(&patched.stdout));
    assert_eq!((sandbox.read("app/Dockerfile"), sandbox.read("app/.dockerignore")), (dockerfile, ignore));
    // As the suite has it, its manifest is not the application's.
    std::fs::rename(sandbox.path("app/tonnage.toml"), sandbox.path("tonnage.toml")).unwrap();
    let built = Command::new("docker")
        .args(["build", "--quiet", "--no-cache", "--tag", "tonnage-live/improved:1", "."])
        .env("DOCKER_BUILDKIT", "0")
        .current_dir(&suite)
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let counted = independent_size("tonnage-live/improved:1");
    docker(&["rmi", "--force", "tonnage-live/improved:1"]);
    assert_eq!(counted, size);
}

#[test]
#[ignore = "needs a container engine"]
fn without_a_check_nothing_that_takes_away_is_called_proven() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    let _base = Base::make(&sandbox);
    application(&sandbox, "RUN apt-get update\nCOPY server.py /app/\n");
    let before = Holdings::now();
    let mut command = sandbox.command(&["improve", "Dockerfile", "--out", "../out"]);
    let found = command.current_dir(sandbox.path("app")).output().unwrap();
    before.expect_unchanged();
    let text = String::from_utf8(found.stdout).unwrap();
    assert_eq!(found.status.code(), Some(4), "{text}");
    assert!(text.contains("not verified to work") && text.contains("700,000 B"), "{text}");
    assert!(!text.contains("+++"), "{text}");
    // With a command that succeeds it is proven, with one that fails as it is nothing is tried.
    for (verify, code, said) in [
        ("test -f /app/server.py", 0, "`/bin/sh -c test -f /app/server.py` succeeded"),
        ("echo 'no such table'; exit 3", 5, "does not work as it is: the command ended with code 3"),
    ] {
        let suite = SUITE.split("[serve]").next().unwrap();
        let variant = "[[variant]]\nname = \"app\"\ndockerfile = \"Dockerfile\"\n";
        sandbox.write("app/tonnage.toml", &format!("{suite}[verify]\ncommand = \"{verify}\"\n{variant}"));
        let found =
            sandbox.run(&["improve", "app", "--format", "markdown", "--out", &format!("out-{code}")]).expect(code);
        assert!(found.stdout.contains(said), "{}", found.stdout);
    }
    before.expect_unchanged();
}

#[test]
#[ignore = "needs a container engine"]
fn an_application_that_starts_faster_compiled_is_compiled_and_times_have_intervals() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    let _base = Base::make(&sandbox);
    sandbox.write("app/slow", "");
    application(&sandbox, "COPY server.py slow /app/\n");
    let before = Holdings::now();
    let goal = ["--goal", "startup", "--rounds", "2", "--out", "out"];
    let found = sandbox.run(&[&["improve", "app"], &goal[..]].concat()).expect(0);
    before.expect_unchanged();
    for said in ["1 of 1 remedy kept", "python-compile", "Startup", "Build times", "+RUN python -m compileall -q /app"]
    {
        assert!(found.stdout.contains(said), "no {said}:\n{}", found.stdout);
    }
    let record = sandbox.json("out/run.json");
    let rounds = record["samples"].as_array().unwrap().iter().filter(|sample| sample["scenario"] == "cold");
    assert_eq!(rounds.count(), 2 * 3, "of both, and one that does not count");
    let trial = &record["trials"][0];
    let ends = |end: &str| trial["before"][end].as_u64().unwrap();
    assert!(trial["after"]["startup_high_ns"].as_u64().unwrap() < ends("startup_low_ns"), "{trial}");
    assert!((ends("startup_low_ns")..=ends("startup_high_ns")).contains(&ends("startup_ns")), "{trial}");
    // `report` says the same from the record alone.
    let again = sandbox.run(&["report", "out"]).expect(0);
    assert_eq!(again.stdout, found.stdout);
}

#[test]
#[ignore = "needs a container engine"]
fn an_application_that_need_not_be_root_runs_as_a_user_who_owns_its_files() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    let _base = Base::make(&sandbox);
    let manifest = SUITE.replace("[serve]", "[verify]\ncommand = \"test -O /app/server.py -a -O /app\"\n[serve]");
    for (out, more, user, said) in [
        ("out", "", "10001:10001", "root → 10001:10001"),
        (
            "root",
            "ENTRYPOINT [\"/bin/sh\", \"-c\", \"touch /run.pid && exec python /app/server.py\"]\n",
            "",
            "/run.pid: Permission denied",
        ),
    ] {
        application(&sandbox, &format!("WORKDIR /app\nRUN true\nCOPY server.py ./\n{more}"));
        sandbox.write("app/tonnage.toml", &manifest);
        let before = Holdings::now();
        let found = sandbox.run(&["improve", "app", "--goal", "user", "--format", "markdown", "--out", out]).expect(0);
        before.expect_unchanged();
        assert!(found.stdout.contains(said), "{}", found.stdout);
        let record = sandbox.json(&format!("{out}/run.json"));
        let last = record["variants"].as_array().unwrap().last().unwrap();
        assert_eq!((last["user"].as_str(), last["outcome"].as_str()), (Some(user), Some("ok")));
        let first = &record["variants"][0];
        assert_eq!(first["sizes"]["size_bytes"], last["sizes"]["size_bytes"], "owners cost no bytes");
    }
}

#[test]
#[ignore = "needs a container engine"]
fn copies_are_linked_where_the_engine_keeps_them_when_the_base_moves() {
    let _engine = SharedEngine::take();
    let store = String::from_utf8(docker(&["info", "--format", "{{.DriverStatus}}"])).unwrap();
    let version = String::from_utf8(docker(&["version", "--format", "{{.Server.Version}}"])).unwrap();
    let major: u32 = version.split('.').next().unwrap().parse().unwrap();
    let keeps = store.contains("io.containerd.snapshotter") && major >= 28;
    let sandbox = Sandbox::new();
    let _base = Base::make(&sandbox);
    application(&sandbox, "RUN sleep 1\nCOPY data.txt /app/\nCOPY server.py /app/\n");
    let found = improved(&sandbox, "rebuild", "out");
    if keeps {
        assert_eq!(kept(&found), ["copy-link"], "{found}");
        let pulled = |side: &str| found[side]["update_base_bytes"].as_u64().unwrap();
        assert_eq!((pulled("before"), pulled("after")), (500_008, 0), "{found}");
    } else {
        left_out("no Docker 28 with the containerd image store: `COPY --link` is not proposed");
        assert!(!found["trials"].to_string().contains("copy-link"), "{found}");
    }
}

#[test]
#[ignore = "needs a container engine"]
fn a_search_that_is_stopped_says_what_is_known_so_far_and_cleans_up() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    let _base = Base::make(&sandbox);
    let slow = "RUN sleep 2 && apt-get update && apt-get install gcc\nRUN apk add tool\nCOPY . /app\n";
    application(&sandbox, slow);
    sandbox.write("app/.git/pack", &"p".repeat(300_000));
    let before = Holdings::now();
    // After the variant as it is and its edit, and the first remedy.
    let child = started(&sandbox, &["improve", "app", "--out", "interrupted"], 3);
    signal(&child, "INT");
    let found = Ran::from(child.wait_with_output().unwrap()).expect(130);
    before.expect_unchanged();
    assert!(found.stdout.contains("Not complete") && found.stdout.contains("not tried"), "{}", found.stdout);
    let record = sandbox.json("interrupted/run.json");
    assert_eq!(record["improved"]["complete"], false);
    assert_eq!(record["variants"][0]["outcome"], "ok");
    // Whatever there was time for.
    for (time, out) in [("1ms", "nothing"), ("6s", "something")] {
        let found = sandbox.run(&["improve", "app", "--max-time", time, "--out", out]).expect(0);
        before.expect_unchanged();
        assert!(found.stdout.contains("stopped before") || found.stdout.contains("Not complete"), "{}", found.stdout);
        let record = sandbox.json(&format!("{out}/run.json"));
        assert_eq!(record["improved"]["complete"], false, "{}", found.stdout);
    }
}
