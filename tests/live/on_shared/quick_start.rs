//! The documented way from Dockerfiles to a gate, in a directory that holds nothing else: the quick start, and every
//! command of the documentation, line by line.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};

use crate::holdings::Holdings;
use crate::sandbox::{Ran, Sandbox};
use crate::shared_engine::SharedEngine;

/// A Dockerfile that takes everything into its image.
const DOCKERFILE: &str = "FROM scratch\nCOPY . /app\n";

fn in_directory(sandbox: &Sandbox, directory: &str, arguments: &[&str]) -> Ran {
    Ran::from(sandbox.command(arguments).current_dir(sandbox.path(directory)).output().unwrap())
}

/// Sizes of the variants of all runs below a directory of results, oldest first.
fn sizes(results: &Path) -> Vec<u64> {
    let mut runs: Vec<_> = fs::read_dir(results).unwrap().map(|entry| entry.unwrap().path().join("run.json")).collect();
    runs.retain(|path| path.is_file());
    runs.sort();
    let size = |path: &Path| {
        let record: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        record["variants"][0]["sizes"]["size_bytes"].as_u64().unwrap()
    };
    runs.iter().map(|path| size(path)).collect()
}

#[test]
#[ignore = "needs a container engine"]
fn a_second_run_weighs_what_the_first_one_did_and_passes_from_anywhere() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    sandbox.write("shop/Dockerfile", DOCKERFILE);
    sandbox.write("shop/results/mine.csv", "1,2,3\n");
    let before = Holdings::now();
    let here = |arguments: &[&str]| in_directory(&sandbox, "shop", arguments).expect(0);
    let said = here(&["init"]).stderr;
    assert!(said.contains("`tonnage init --dockerignore`"), "{said}");
    assert!(!here(&["run", "--sizes-only"]).stderr.contains("`results"));
    here(&["baseline", "accept", "--reason", "first"]);
    let said = here(&["run", "--sizes-only"]).stderr;
    assert!(
        said.contains("not sent to the builds, because tonnage wrote it: `results/shop`, `tonnage-baseline.json`"),
        "{said}"
    );
    here(&["check"]);
    let sizes = sizes(&sandbox.path("shop/results/shop"));
    let expected = (DOCKERFILE.len() + "1,2,3\n".len()) as u64;
    assert_eq!(sizes, [expected, expected], "the user's own results are in, and nothing of ours");

    let absolute = sandbox.path("shop").to_str().unwrap().to_owned();
    for (directory, named) in
        [("shop", "."), ("shop", "./"), ("shop", &*absolute), (".", "shop"), (".", "./shop/"), (".", &*absolute)]
    {
        for command in [
            &["check", named][..],
            &["baseline", "accept", named],
            &["baseline", "verify", "--suite", named],
            &["trend", named],
        ] {
            let ran = in_directory(&sandbox, directory, command).expect(0);
            assert!(!ran.stdout.contains("no such"), "{command:?}");
        }
    }
    in_directory(&sandbox, ".", &["run", "shop", "--sizes-only"]).expect(0);
    in_directory(&sandbox, ".", &["check", "shop"]).expect(0);
    assert!(!sandbox.path("variants").exists() && !sandbox.path("tonnage-baseline.json").exists());
    before.expect_unchanged();
}

/// The commands of a page: its indented blocks, which is where commands stand, without comments.
fn commands(page: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let arena = Arena::new();
    let mut found = Vec::new();
    for node in parse_document(&arena, &text, &Options::default()).descendants() {
        if let NodeValue::CodeBlock(block) = &node.data.borrow().value
            && !block.fenced
        {
            let lines = block.literal.lines().map(|line| line.split("  #").next().unwrap_or("").trim().to_owned());
            found.extend(lines.filter(|line| !line.is_empty()));
        }
    }
    found
}

/// Does what a page takes for granted at one of its lines.
fn prepare(root: &Path, line: &str) {
    let git = "git init --quiet --initial-branch=main 2>/dev/null; git add --all && git -c user.name=t \
               -c user.email=t@example.org commit --quiet --allow-empty --message x && \
               git update-ref refs/remotes/origin/main HEAD";
    let set_up = match line {
        line if line.contains("--against") => git,
        line if line.contains("compare old/ new/") => {
            "for name in old new; do cp -r \"$(ls -d results/*/*Z | head -n 1)\" $name; done"
        }
        line if line.contains("merge shard-*") => {
            "for i in 1 2; do tonnage run --rounds 2 --shard $i/2 --out shard-$i; done"
        }
        line if line.contains("build.dockerbuild") => {
            concat!(
                "cp ",
                env!("CARGO_MANIFEST_DIR"),
                "/tests/fixtures/build-records/2-src.dockerbuild build.dockerbuild"
            )
        }
        line if line.contains(".npmrc") => "mkdir -p \"$HOME\" && echo x > \"$HOME/.npmrc\"",
        line if line.contains("company-ca.pem") => "cp /etc/ssl/certs/ca-certificates.crt company-ca.pem",
        _ => return,
    };
    assert!(shell(root, set_up).status.success(), "{set_up}");
}

fn shell(root: &Path, line: &str) -> std::process::Output {
    let program = Path::new(env!("CARGO_BIN_EXE_tonnage")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command
        .args(["-euc", line])
        .current_dir(root)
        .env("PATH", path)
        .env("XDG_STATE_HOME", root.with_extension("state"));
    command.env("HOME", root.with_extension("home")).env("API_TOKEN", "x");
    command.stdin(Stdio::null()).output().unwrap()
}

/// Walks a page in an empty directory with one Dockerfile. Images that the page pulls are the tiny ones here.
#[track_caller]
fn walk(page: &str, least: usize) {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    sandbox.write("shop/Dockerfile", DOCKERFILE);
    sandbox.write("shop/.dockerignore", ".git\n");
    let root = sandbox.path("shop");
    let commands = commands(page);
    assert!(commands.len() >= least, "{page}: {commands:?}");
    for line in commands {
        // What needs a clone of this repository is what `make test` itself is run in; the image of a release, buildx, and
        // builders elsewhere are not available on every machine.
        if ["make ", "cargo "].iter().any(|start| line.starts_with(start))
            || ["ghcr.io/", "docker buildx", "--builder "].iter().any(|word| line.contains(word))
        {
            continue;
        }
        prepare(&root, &line);
        let line = line.replace("python:3.9-slim", "tonnage-tiny/python:3.9-slim");
        // The record at hand is of a build of another Dockerfile.
        let line = line.replace("build.dockerbuild", "build.dockerbuild --no-suite");
        let line = line.replace("docker save app ", "docker save tonnage-tiny/python:3.9-slim ");
        let output = shell(&root, &line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{page}: `{line}` ends with {:?}:\n{said}", output.status.code());
    }
    drop(shell(&root, "docker image rm shop:4711"));
}

#[test]
#[ignore = "needs a container engine"]
fn every_command_of_the_readme_works() {
    walk("README.md", 8);
}

#[test]
#[ignore = "needs a container engine"]
fn every_command_of_the_page_about_ci_works() {
    walk("docs/ci.md", 10);
}

#[test]
#[ignore = "needs a container engine"]
fn every_command_of_the_page_about_an_app_works() {
    walk("docs/your-own-app.md", 4);
}

/// Times and stamps differ from run to run, and with them the widths of columns.
fn without_times(text: &str) -> String {
    let mut text = text.to_owned();
    for (pattern, word) in [
        (r"[0-9]{8}T[0-9]{6}Z", "STAMP"),
        (r"[0-9.]+ (ms|s|min [0-9]+ s)\b", "TIME"),
        (r" +", " "),
        ("─+", "─"),
        ("═+", "═"),
    ] {
        text = regex::Regex::new(pattern).unwrap().replace_all(&text, word).into_owned();
    }
    text
}

#[test]
#[ignore = "needs a container engine"]
fn the_page_about_dockerfiles_shows_what_is_printed() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    sandbox.write("shop/shop.py", &"print('shop')\n".repeat(1_000));
    sandbox.write("shop/tests/orders.json", &"[1, 2, 3]\n".repeat(420_000));
    sandbox.write("shop/Dockerfile.full", "FROM scratch\nCOPY . /app\n");
    sandbox.write("shop/Dockerfile.slim", "FROM scratch\nCOPY shop.py /app/\n");
    let before = Holdings::now();
    crate::pages::walk("docs/smallest-dockerfile.md", &sandbox.path("shop"), without_times);
    before.expect_unchanged();
}
