//! Build records that `docker buildx` made, imported: what came from cache, and what the gate says of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::pages::walk;
use crate::sandbox::{Ran, Sandbox};

fn records() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/build-records")
}

fn record(name: &str) -> String {
    records().join(name).to_str().unwrap().to_owned()
}

/// A sandbox in the suite whose builds the records are.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for file in ["tonnage.toml", "Dockerfile", "web/Dockerfile", "requirements.txt", "src/server.py"] {
        sandbox.write(file, &fs::read_to_string(records().join("app").join(file)).unwrap());
    }
    sandbox
}

fn import(sandbox: &Sandbox, files: &[&str], more: &[&str]) -> Ran {
    let files: Vec<String> = files.iter().map(|name| record(name)).collect();
    let mut arguments = vec!["import"];
    arguments.extend(files.iter().map(String::as_str));
    arguments.extend(more);
    sandbox.run(&arguments)
}

/// Variant, cached/cacheable, the first miss, and the edit of each build of a record.
fn builds(sandbox: &Sandbox, record: &str) -> Vec<String> {
    let record = sandbox.json(record);
    let samples = record["samples"].as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    samples
        .map(|sample| {
            assert_eq!((&sample["scenario"], &sample["twin"]), (&"observed".into(), &false.into()));
            let [variant, miss, edit] =
                [&sample["variant"], &sample["first_miss"], &sample["observed"]["edit"]].map(word);
            format!("{variant} {}/{} {miss} {edit}", sample["cached"], sample["cacheable"])
        })
        .collect()
}

const JOBS: [&str; 5] =
    ["5-bake.dockerbuild", "1-cold.dockerbuild", "2-src.dockerbuild", "4-deps.dockerbuild", "3-warm.dockerbuild"];

#[test]
fn builds_are_read_in_their_order_with_what_came_from_cache_and_the_edit_that_they_are_of() {
    let sandbox = sandbox();
    let ran = import(&sandbox, &JOBS, &["--out", "out"]).expect(0);
    assert_eq!(
        builds(&sandbox, "out/run.json"),
        [
            "api 0/5 WORKDIR /build -",
            "api 4/5 COPY src /app src",
            "api 5/5 - -",
            "api 3/5 COPY requirements.txt ./ deps",
            "api 4/5 COPY src /app src",
            "web 1/3 COPY . . src",
        ]
    );
    assert!(ran.stdout.contains("6 builds of 2 variants, read from 5 files"), "{}", ran.stdout);
    assert!(ran.stdout.contains("`5-bake.dockerbuild` holds 2 builds"), "{}", ran.stdout);
    let lines = ran.stdout.lines().count();
    assert!(lines <= 40 && ran.stdout.lines().all(|line| line.chars().count() <= 120), "{}", ran.stdout);
    for format in ["markdown", "json"] {
        let shown = sandbox.run(&["report", "out", "--format", format]).expect(0).stdout;
        assert!(shown.contains("pip install --user"), "{shown}");
    }
    let shown: Value =
        serde_json::from_str(&sandbox.run(&["report", "out", "--format", "json"]).expect(0).stdout).unwrap();
    let pip = |variant: usize| {
        let steps = shown["variants"][variant]["instructions"].as_array().unwrap();
        steps.iter().find(|step| step["instruction"].as_str().unwrap().contains("pip")).unwrap().clone()
    };
    assert_eq!((&pip(0)["builds"], &pip(0)["cached"]), (&5.into(), &3.into()), "{shown}");
    assert!(pip(0)["total_ns"].as_u64() > pip(0)["median_ns"].as_u64());
}

#[test]
fn the_output_of_a_build_says_the_same_as_its_record_whoever_wrote_it() {
    let sandbox = sandbox();
    let pairs = [("2-src.dockerbuild", "src.rawjson"), ("5-bake.dockerbuild", "bake.rawjson")];
    for (record, progress) in pairs {
        import(&sandbox, &[record], &["--out", record]).expect(0);
        import(&sandbox, &[progress], &["--out", progress]).expect(0);
        let mut found = [record, progress].map(|name| builds(&sandbox, &format!("{name}/run.json")));
        for builds in &mut found {
            builds.sort();
        }
        assert_eq!(found[0], found[1]);
    }
    import(&sandbox, &["src-buildx-0.13.rawjson"], &["--out", "old"]).expect(0);
    assert_eq!(builds(&sandbox, "old/run.json"), ["api 4/5 COPY src /app src"]);
}

#[test]
fn each_platform_counts_with_what_it_needs() {
    let sandbox = sandbox();
    import(&sandbox, &["platforms.dockerbuild"], &["--no-suite", "--out", "out"]).expect(0);
    let record = sandbox.json("out/run.json");
    let steps = |index: usize| -> Vec<&str> {
        let steps = record["samples"][index]["steps"].as_array().unwrap();
        steps.iter().map(|step| step["instruction"].as_str().unwrap()).collect()
    };
    for (index, (variant, architecture)) in
        [("cross (linux/amd64)", "amd64"), ("cross (linux/arm64)", "arm64")].into_iter().enumerate()
    {
        assert_eq!(record["samples"][index]["variant"], variant);
        assert_eq!(
            steps(index),
            [
                "WORKDIR /build",
                "COPY requirements.txt ./",
                "RUN pip install -r requirements.txt",
                &format!("RUN echo \"{architecture}\" >arch"),
                "COPY --from=builder /build/arch /arch",
                "COPY src /app",
            ]
        );
    }
}

#[test]
fn a_build_that_failed_is_kept_and_judged() {
    let sandbox = sandbox();
    for name in ["failed.dockerbuild", "failed.rawjson"] {
        import(&sandbox, &[name], &["--out", name]).expect(0);
        let record = sandbox.json(&format!("{name}/run.json"));
        let (sample, failure) = (&record["samples"][0], &record["variants"][0]["failure"]);
        assert_eq!((&sample["state"], &sample["valid"]), (&"failed".into(), &false.into()), "{name}");
        assert!(failure["instruction"].as_str().unwrap().starts_with("RUN exit 7"), "{name}: {failure}");
        let checked = sandbox.run(&["check", name]).expect(1);
        assert!(checked.stdout.contains("it does not build"), "{}", checked.stdout);
    }
}

#[test]
fn the_gate_judges_what_a_source_edit_runs_again_and_nothing_that_is_not_known() {
    let sandbox = sandbox();
    // `COPY . .` before pip: the edit runs two instructions, and pip.
    import(&sandbox, &JOBS, &["--out", "all"]).expect(0);
    let checked = sandbox.run(&["check", "all", "--format", "json"]).expect(1);
    let judged: Value = serde_json::from_str(&checked.stdout).unwrap();
    let verdict = |variant: &str, metric: &str| {
        let rules = judged["rules"].as_array().unwrap();
        let rule = rules.iter().find(|rule| rule["variant"] == variant && rule["metric"] == metric).unwrap();
        rule["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!((verdict("api", "src_reruns"), verdict("api", "pip_cached")), ("pass".into(), "pass".into()));
    assert_eq!((verdict("web", "src_reruns"), verdict("web", "pip_cached")), ("fail".into(), "fail".into()));

    import(&sandbox, &["2-src.dockerbuild"], &["--out", "src"]).expect(0);
    sandbox.run(&["check", "src"]).expect(0);
    // Another change than one of the source alone proves nothing.
    for name in ["1-cold.dockerbuild", "3-warm.dockerbuild", "4-deps.dockerbuild"] {
        import(&sandbox, &[name], &["--out", name]).expect(0);
        let checked = sandbox.run(&["check", name]).expect(4);
        assert!(checked.stdout.contains("follow an edit of the source alone"), "{}", checked.stdout);
    }
    // Nor does a build whose suite is not known.
    import(&sandbox, &["2-src.dockerbuild"], &["--no-suite", "--out", "alone"]).expect(0);
    sandbox.run(&["check", "alone"]).expect(4);
    let manifest = sandbox.read("tonnage.toml");
    for rule in ["size = \"1 GB\"", "serve = true", "root = false", "update.src = \"1 GB\""] {
        sandbox.write("tonnage.toml", &format!("{manifest}{rule}\n"));
        let checked = sandbox.run(&["check", "src"]).expect(4);
        assert!(checked.stdout.contains("a build record"), "{rule}: {}", checked.stdout);
    }
    // No budget at all is not a pass either.
    sandbox.write("tonnage.toml", manifest.split("[budget]").next().unwrap());
    sandbox.run(&["check", "src"]).expect(4);
    sandbox.run(&["baseline", "accept", "src"]).expect(2).complains(&["imported builds"]);
}

#[test]
fn a_hundred_jobs_make_a_trend_and_none_counts_twice() {
    let sandbox = sandbox();
    let first = import(&sandbox, &JOBS[1..3], &[]).expect(0);
    assert!(first.stderr.contains("history: 2 lines added; `tonnage trend results/app/observed`"), "{}", first.stderr);
    let again = import(&sandbox, &JOBS, &[]).expect(0);
    assert!(again.stderr.contains("history: 3 lines added, 2 were in it before"), "{}", again.stderr);
    let trend = |more: &[&str]| sandbox.run(&[&["trend", "results/app/observed"], more].concat()).expect(0).stdout;
    let reruns: Value = serde_json::from_str(&trend(&["--format", "json"])).unwrap();
    let values = |trend: &Value, variant: usize| -> Vec<u64> {
        let points = trend["variants"][variant]["points"].as_array().unwrap();
        points.iter().map(|point| point["value"].as_u64().unwrap()).collect()
    };
    assert_eq!((&reruns["metric"], &reruns["unit"]), (&"reruns".into(), &"count".into()));
    assert_eq!((values(&reruns, 0), values(&reruns, 1)), (vec![5, 1, 0, 2, 1], vec![2]));
    assert!(reruns["variants"][0]["points"][4]["commit"].as_str().unwrap().len() == 40);
    assert!(trend(&["--metric", "observed"]).contains("observed of app over 5 runs"));
    // Measured runs have a history of their own, and the newest run is not an import.
    sandbox.run(&["trend", "."]).expect(7);
    sandbox.run(&["check"]).expect(7);

    let many = Sandbox::new();
    let text = fs::read_to_string(records().join("src.rawjson")).unwrap();
    let names: Vec<String> = (0..100).map(|job| format!("job-{job:02}.rawjson")).collect();
    for (job, name) in names.iter().enumerate() {
        many.write(name, &text.replace("2026-11-29T14", &format!("20{job:02}-11-29T14")));
    }
    let mut arguments = vec!["import"];
    arguments.extend(names.iter().map(String::as_str));
    let ran = many.run(&[&arguments[..], &["--variant", "api", "--out", "results/jobs/observed/1"]].concat()).expect(0);
    assert!(ran.stdout.contains("100 builds of 1 variant, read from 100 files"), "{}", ran.stdout);
    let shown = many.run(&["trend", "results/jobs/observed", "--metric", "observed"]).expect(0).stdout;
    assert!(shown.contains("over 100 runs, 2000-11-29 to 2099-11-29"), "{shown}");
}

#[test]
fn what_is_not_a_build_record_says_what_to_do() {
    let sandbox = sandbox();
    let whole = fs::read(record("2-src.dockerbuild")).unwrap();
    let write = |name: &str, content: &[u8]| fs::write(sandbox.path(name), content).unwrap();
    write("cut.dockerbuild", &whole[..whole.len() / 2]);
    write("empty", b"");
    write("text.log", b"#1 [internal] load build definition\n#1 DONE 0.0s\n");
    write("zip.dockerbuild", b"PK\x03\x04 and more");
    write("null.json", b"{\"vertexes\":null}\n");
    let progress = fs::read_to_string(record("src.rawjson")).unwrap();
    write("cut.rawjson", &progress.as_bytes()[..progress.len() - 40]);
    let mut plain = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&whole[..]), &mut plain).unwrap();
    write("plain.tar", &plain);
    let at = plain.windows(7).position(|part| part == b"COPY sr").unwrap();
    plain[at] = b'K';
    write("changed.tar", &plain);
    for (name, words) in [
        ("cut.dockerbuild", "truncated or damaged"),
        ("empty", "neither an OCI layout nor JSON"),
        ("text.log", "neither an OCI layout nor JSON"),
        ("zip.dockerbuild", "zip archive"),
        ("null.json", "no build"),
        ("cut.rawjson", "truncated"),
        ("changed.tar", "other bytes than its digest"),
        ("nowhere", "nowhere"),
    ] {
        sandbox.run(&["import", name]).expect(7).complains(&[words]);
    }
    sandbox.run(&["import", "plain.tar", "--out", "out"]).expect(0);
    sandbox.run(&["import", "plain.tar", "--out", "out"]).expect(2).complains(&["already holds"]);
    sandbox.run(&["import", "plain.tar", "--variant", "other"]).expect(2).complains(&["no variant `other`"]);
    import(&sandbox, &["platforms.dockerbuild"], &[]).expect(2).complains(&["cannot tell which variant"]);
    let twice = import(&sandbox, &["src.rawjson", "src.rawjson"], &["--out", "twice"]).expect(0);
    assert!(twice.stderr.contains("is left out"), "{}", twice.stderr);
    assert_eq!(builds(&sandbox, "twice/run.json").len(), 1);
    assert_eq!(sandbox.run(&["run", "--scenarios", "observed"]).code, Some(2));
}

#[test]
fn the_page_about_builds_of_ci_shows_what_is_printed() {
    let sandbox = sandbox();
    fs::create_dir(sandbox.path("jobs")).unwrap();
    for name in JOBS {
        fs::copy(record(name), sandbox.path("jobs").join(name)).unwrap();
    }
    walk("docs/builds-of-ci.md", &sandbox.path(""), str::to_owned);
}
