//! The gate on what a real engine built: packages that came, went up or lie there twice, a base that moved, and build
//! times of two states measured side by side.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use tonnage_image::testing::archives::archive;

use crate::docker::docker;
use crate::holdings::Holdings;
use crate::runs::{signal, started};
use crate::sandbox::{Ran, Sandbox};
use crate::shared_engine::SharedEngine;

/// A base of this test's own, made of the tiny one by committing a container: no build, so nothing in the cache.
struct Base {
    tag: String,
}

/// Bytes of the package `libdemo` in the base.
const LIBRARY: usize = 70_000;

impl Base {
    fn new(name: &str) -> Self {
        Self { tag: format!("tonnage-live/{name}:1") }
    }

    /// Makes the base, or makes it anew: dpkg's database with `libdemo` 1.0, its file, and another of `pad` bytes.
    fn make(&self, pad: usize) {
        let before = docker(&["images", "--quiet", "--no-trunc", &self.tag]);
        let files = [
            ("var/lib/dpkg/status", dpkg_status("1.0").into_bytes()),
            ("var/lib/dpkg/info/libdemo.list", b"/usr/lib/libdemo.so\n".to_vec()),
            ("usr/lib/libdemo.so", vec![b'1'; LIBRARY]),
            ("usr/share/pad-of-the-base", vec![b'x'; pad]),
        ];
        let made = docker(&["create", "tonnage-tiny/python:3.9-slim"]);
        let container = String::from_utf8(made).unwrap().trim().to_owned();
        let mut copy = Command::new("docker");
        copy.args(["cp", "-", &format!("{container}:/")]);
        let mut child = copy.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&archive(&files)).unwrap();
        assert!(child.wait().unwrap().success());
        docker(&["commit", &container, &self.tag]);
        docker(&["rm", &container]);
        if !before.is_empty() {
            docker(&["rmi", String::from_utf8(before).unwrap().trim()]);
        }
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        drop(Command::new("docker").args(["rmi", &self.tag]).output());
    }
}

fn dpkg_status(version: &str) -> String {
    format!("Package: libdemo\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n")
}

/// Installs each requirement as pip does: a module, whose bytes are as many as the file `sizes` says, and a
/// `*.dist-info` with METADATA and RECORD.
const INSTALL: &str = r#"set -e
site=/usr/local/lib/python3.9/site-packages
while read -r line; do
    name=${line%%==*} version=${line#*==} info=$site/${line%%==*}-${line#*==}.dist-info
    bytes=$(sed -n "s/^$line //p" sizes)
    mkdir -p "$info"
    yes "$line" | head -c "$bytes" >"$site/$name.py"
    printf 'Metadata-Version: 2.1\nName: %s\nVersion: %s\n' "$name" "$version" >"$info/METADATA"
    printf '%s.py,,\n%s-%s.dist-info/METADATA,,\n%s-%s.dist-info/RECORD,,\n' \
        "$name" "$name" "$version" "$name" "$version" >"$info/RECORD"
done <requirements.txt
"#;

const SIZES: &str = "flask==1.0 40000\nflask==2.0 55000\nnumpy==1.21 30000\n";

/// A suite of one variant on the base, measured and accepted as the baseline.
struct Shop {
    sandbox: Sandbox,
    runs: u32,
}

impl Shop {
    fn new(base: &Base) -> Self {
        let sandbox = Sandbox::new();
        let manifest = "[suite]\nname = \"shop\"\n[[variant]]\nname = \"app\"\n";
        sandbox.write("shop/tonnage.toml", &format!("{manifest}[budget]\nsize = \"+1 kB\"\n"));
        sandbox.write("shop/own.toml", &format!("{manifest}[budget]\nown = \"+1 kB\"\n"));
        sandbox.write("shop/install", INSTALL);
        sandbox.write("shop/sizes", SIZES);
        sandbox.write("shop/requirements.txt", "flask==1.0\n");
        sandbox.write("shop/new-status", &dpkg_status("1.1"));
        let shop = Self { sandbox, runs: 0 };
        shop.dockerfile(base, "");
        shop
    }

    fn dockerfile(&self, base: &Base, upgrade: &str) {
        let text = format!(
            "FROM {}\nWORKDIR /app\n{upgrade}COPY install sizes requirements.txt ./\nRUN sh install\n",
            base.tag
        );
        self.sandbox.write("shop/app/Dockerfile", &text);
    }

    /// Measures the sizes and returns the folder of the record.
    fn measure(&mut self) -> String {
        self.runs += 1;
        let out = format!("out-{}", self.runs);
        self.sandbox.run(&["run", "shop", "--sizes-only", "--no-serve", "--out", &out]).expect(0);
        out
    }

    fn size(&self, out: &str) -> i64 {
        self.sandbox.json(&format!("{out}/run.json"))["variants"][0]["sizes"]["size_bytes"].as_i64().unwrap()
    }

    fn check(&self, out: &str, manifest: &str) -> Ran {
        let suite = format!("shop/{manifest}");
        let json = format!("json={out}/gate.json");
        self.sandbox.run(&["check", out, "--suite", &suite, "--output", &json])
    }

    /// Fails the test unless causes, groups and the two sizes agree to the byte; returns all causes.
    fn causes(&self, before: &str, after: &str) -> Vec<Value> {
        let difference = &self.sandbox.json(&format!("{after}/gate.json"))["variants"][0]["difference"];
        let delta = |value: &Value| value["delta_bytes"].as_i64().unwrap();
        let groups = difference["groups"].as_array().unwrap();
        assert_eq!(delta(difference), self.size(after) - self.size(before));
        assert_eq!(groups.iter().map(delta).sum::<i64>(), delta(difference));
        for group in groups {
            let causes = group["causes"].as_array().unwrap();
            assert_eq!(causes.iter().map(delta).sum::<i64>(), delta(group), "{group}");
        }
        groups.iter().flat_map(|group| group["causes"].as_array().unwrap().clone()).collect()
    }
}

#[test]
#[ignore = "needs a container engine"]
fn growth_is_named_by_its_package_its_upgrade_or_its_base_and_adds_up() {
    let _engine = SharedEngine::take();
    let before = Holdings::now();
    let base = Base::new("reasons");
    base.make(1_000);
    let mut shop = Shop::new(&base);
    let first = shop.measure();
    shop.sandbox.run(&["baseline", "accept", &first, "--suite", "shop"]).expect(0);
    shop.check(&first, "tonnage.toml").expect(0);

    // A package more: exactly its files.
    shop.sandbox.write("shop/requirements.txt", "flask==1.0\nnumpy==1.21\n");
    let gained = shop.measure();
    let ran = shop.check(&gained, "tonnage.toml").expect(1);
    assert!(ran.stdout.contains("package `numpy` added in `RUN sh install`"), "{}", ran.stdout);
    let total = shop.size(&gained) - shop.size(&first);
    assert!(ran.stdout.contains(&format!("  +{},{:03} B  TOTAL", total / 1_000, total % 1_000)), "{}", ran.stdout);
    let causes = shop.causes(&first, &gained);
    let numpy = causes.iter().find(|cause| cause["name"] == "numpy").unwrap();
    let metadata = "Metadata-Version: 2.1\nName: numpy\nVersion: 1.21\n".len();
    let record = "numpy.py,,\nnumpy-1.21.dist-info/METADATA,,\nnumpy-1.21.dist-info/RECORD,,\n".len();
    assert_eq!(numpy["kind"], "package_added");
    assert_eq!(numpy["delta_bytes"].as_u64().unwrap(), (30_000 + metadata + record) as u64);
    let line = i64::try_from("numpy==1.21\n".len()).unwrap();
    assert_eq!(total, numpy["delta_bytes"].as_i64().unwrap() + line);

    // A requirement in another version.
    shop.sandbox.write("shop/requirements.txt", "flask==2.0\n");
    let upgraded = shop.measure();
    let ran = shop.check(&upgraded, "tonnage.toml").expect(1);
    assert!(ran.stdout.contains("`flask` upgraded 1.0 → 2.0 in `RUN sh install`"), "{}", ran.stdout);
    let causes = shop.causes(&first, &upgraded);
    assert!(causes.iter().any(|cause| cause["kind"] == "package_upgraded" && cause["delta_bytes"] == 15_000));
    shop.sandbox.write("shop/requirements.txt", "flask==1.0\n");

    // What `apt-get upgrade` does: the same package once more, in another layer.
    let upgrade = "COPY new-status /var/lib/dpkg/status\n\
                   RUN tr 1 2 </usr/lib/libdemo.so >/tmp/new && mv /tmp/new /usr/lib/libdemo.so\n";
    shop.dockerfile(&base, upgrade);
    let twice = shop.measure();
    let ran = shop.check(&twice, "tonnage.toml").expect(1);
    let words = "package `libdemo` upgraded 1.0 → 1.1 on top of the base, stored twice";
    assert!(ran.stdout.contains(words), "{}", ran.stdout);
    let causes = shop.causes(&first, &twice);
    let stored = causes.iter().find(|cause| cause["kind"] == "package_stored_twice").unwrap();
    assert_eq!(stored["delta_bytes"].as_u64().unwrap(), LIBRARY as u64);
    shop.dockerfile(&base, "");

    // The base made anew with a larger file: nothing of ours grew.
    base.make(900_000);
    let moved = shop.measure();
    shop.check(&moved, "own.toml").expect(0);
    let ran = shop.check(&moved, "tonnage.toml").expect(1);
    assert!(ran.stdout.contains("+899 kB: base moved, `tonnage-live/reasons:1 sha256:"), "{}", ran.stdout);
    shop.causes(&first, &moved);
    drop(base);
    before.expect_unchanged();
}

/// The tiny suite as a git repository, with a gate on cold build times.
fn repository() -> Sandbox {
    let sandbox = Sandbox::with_tiny_suite();
    let manifest = sandbox.read("suite/tonnage.toml");
    let gate = "[budget]\nsize = \"+5 %\"\n[gate.timing]\nmode = \"gate\"\nscenarios = [\"cold\"]\n";
    sandbox.write("suite/tonnage.toml", &format!("{manifest}\n{gate}"));
    git(&sandbox, &["init", "--quiet", "--initial-branch=main"]);
    git(&sandbox, &["add", "suite"]);
    git(&sandbox, &["commit", "--quiet", "--message", "the base"]);
    sandbox
}

fn git(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(sandbox.path("suite").parent().unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
#[ignore = "needs a container engine"]
fn a_slower_build_is_found_against_a_ref_confirmed_and_fails_the_gate() {
    let _engine = SharedEngine::take();
    let sandbox = repository();
    let before = Holdings::now();
    let dockerfile = sandbox.read("suite/python3.9-slim/Dockerfile");
    // Two seconds and more: where the engine ends layers at whole seconds, less than one is not judged.
    let slow = dockerfile.replace("RUN pip", "RUN FAKE_PIP_SLEEP=2.8 pip");
    assert_ne!(slow, dockerfile);
    sandbox.write("suite/python3.9-slim/Dockerfile", &slow);
    let arguments = ["run", "suite", "--against", "main", "--only", "python3.9-slim", "--scenarios", "cold"];
    // As many rounds as one comparison needs.
    let ran = sandbox
        .run(&[&arguments[..], &["--rounds", "5", "--no-serve", "--no-twin", "--out", "out"]].concat())
        .expect(0);
    before.expect_unchanged();
    assert!(ran.stdout.contains("python3.9-slim cold"), "{}", ran.stdout);
    assert!(ran.stderr.contains("they are measured once more"), "{}", ran.stderr);
    let against = sandbox.json("out/against.json");
    assert_eq!(against["commit"], git(&sandbox, &["rev-parse", "main"]).as_str());
    assert_eq!(against["base"]["samples"].as_array().unwrap().len(), 6);
    let again = &against["confirmations"][0];
    assert_eq!((&again["variant"], &again["scenario"]), (&"python3.9-slim".into(), &"cold".into()));
    for side in [&again["base"], &again["head"], &against["base"]["samples"]] {
        let samples = side.as_array().unwrap();
        assert!(samples.iter().all(|sample| sample["valid"] == true), "{side}");
    }
    let ran = sandbox.run(&["check", "out", "--suite", "suite"]).expect(1);
    assert!(ran.stdout.contains("confirmed by a rerun"), "{}", ran.stdout);
    assert!(ran.stdout.contains("gate failed: 1 of 2 rules – `python3.9-slim` slower: "), "{}", ran.stdout);
}

#[test]
#[ignore = "needs a container engine"]
fn a_run_against_a_ref_is_interrupted_and_resumed_after_the_ref_has_moved() {
    let _engine = SharedEngine::take();
    let sandbox = repository();
    let before = Holdings::now();
    let arguments = [
        "run",
        "suite",
        "--only",
        "python3.9,python3.9-slim",
        "--rounds",
        "1",
        "--scenarios",
        "cold,src",
        "--no-serve",
    ];
    let begin = [&arguments[..], &["--against", "main", "--out", "out"]].concat();
    let child = started(&sandbox, &begin, 4);
    signal(&child, "INT");
    let ran = Ran::from(child.wait_with_output().unwrap()).expect(130);
    before.expect_unchanged();
    drop(ran);
    let commit = git(&sandbox, &["rev-parse", "main"]);
    sandbox.write("suite/requirements.txt", "other==1\n");
    git(&sandbox, &["commit", "--quiet", "--all", "--message", "main moves on"]);
    git(&sandbox, &["checkout", "--quiet", "--detach", &commit]);

    let resume = |more: &[&str]| sandbox.run(&[&arguments[..], &["--resume", "out"], more].concat());
    resume(&[]).expect(7).complains(&["against `main`", "not nothing"]);
    let moved = resume(&["--against", "main"]).expect(7);
    assert!(moved.stderr.contains(&format!("--against {commit}")), "{}", moved.stderr);
    moved.complains(&["against `main`"]);
    resume(&["--against", &commit]).expect(0);
    before.expect_unchanged();
    let (head, base) = (sandbox.json("out/run.json"), sandbox.json("out/against.json"));
    let mut steps: Vec<u64> = [&head["samples"], &base["base"]["samples"]]
        .iter()
        .flat_map(|samples| samples.as_array().unwrap())
        .map(|sample| sample["step"].as_u64().unwrap())
        .collect();
    steps.sort_unstable();
    // Two rounds of two variants in both states and a twin, two builds each.
    assert_eq!(steps, (0..2 * 5 * 2).collect::<Vec<u64>>());
}
