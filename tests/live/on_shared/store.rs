//! Weighing in the engine's own store against weighing its export, on the real engine: the same to the byte.
//!
//! Where the engine's store cannot be read in place (it is remote, or of another kind), `doctor` says so, and these
//! tests hold that `--via store` is refused with the reason and that `auto` exports.

use serde_json::Value;

use crate::holdings::Holdings;
use crate::sandbox::{Ran, Sandbox};
use crate::shared_engine::SharedEngine;

/// What has ways of its own in a store: devices for deletions, opaque folders, hard links within a layer and across
/// two, holes, links that lead out, names that are not text, names and targets too long for a header, no bytes at all,
/// a layer without anything in it, and content that other layers have.
const ODD: &str = r#"FROM tonnage-tiny/python:3.9-alpine
WORKDIR /odd
RUN mkdir -p a/b c && echo one >a/b/one && echo two >a/two && ln a/two c/hard && ln -s /etc/passwd c/out && ln -s ../../../../.. c/up
RUN rm a/two && ln c/hard c/harder && rm -rf a/b && mkdir a/b && echo new >a/b/new
RUN truncate -s 3000000 hole && echo end >>hole && mkfifo pipe && touch empty && chmod 4755 empty && printf x >"$(printf 'raw\377\033[1m\nname')"
RUN n=$(printf '%0150d' 7) && mkdir -p "$n/$n" && echo long >"$n/$n/$n" && ln -s "/$n/$n/$n" "$n/link"
RUN true
RUN rm -rf /usr/share && mv c moved && cp /bin/busybox copy && echo one >again
"#;

fn odd_suite(sandbox: &Sandbox) {
    sandbox.write("suite/tonnage.toml", "[suite]\nname = \"odd\"\n[[variant]]\nname = \"odd\"\n");
    sandbox.write("suite/odd/Dockerfile", ODD);
}

/// Whether the engine's store can be read in place, in the words of `doctor`.
fn is_in_place(sandbox: &Sandbox) -> bool {
    let ran = sandbox.run(&["doctor", "--format", "json"]).expect(0);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["in_place"] == Value::Bool(true), found["not_in_place"].is_null(), "{found}");
    found["in_place"] == Value::Bool(true)
}

fn weigh(sandbox: &Sandbox, images: &[&str], via: &str) -> Ran {
    sandbox.run(&[&["weigh", "--format", "json", "--via", via], images].concat())
}

/// Fails unless the images weigh the same both ways, and `auto` takes the one that `doctor` says.
fn same_both_ways(sandbox: &Sandbox, images: &[&str]) {
    let exported = weigh(sandbox, images, "export").expect(0).stdout;
    assert_eq!(exported.matches("\"via\": \"export\"").count(), images.len(), "{images:?}");
    if !is_in_place(sandbox) {
        weigh(sandbox, images, "store").expect(7).complains(&[]);
        let auto: Value = serde_json::from_str(&weigh(sandbox, images, "auto").expect(0).stdout).unwrap();
        assert_eq!(auto["targets"][0]["via"], "export");
        assert_ne!(auto["targets"][0]["via_reason"], "");
        return;
    }
    let stored = weigh(sandbox, images, "store").expect(0);
    assert_eq!(stored.stderr, "");
    let renamed = stored.stdout.replace("\"via\": \"store\"", "\"via\": \"export\"");
    assert!(renamed != stored.stdout && renamed == exported, "{images:?} weigh otherwise in place");
    assert!(weigh(sandbox, images, "auto").expect(0).stdout == stored.stdout, "auto is another way for {images:?}");
}

/// Builds a suite and keeps its images; their ids, and the run's record.
fn build(sandbox: &Sandbox, builder: &str, out: &str) -> (Vec<String>, Value) {
    let build = ["run", "suite", "--sizes-only", "--keep", "--no-serve", "--builder", builder, "--out", out];
    sandbox.run(&build).expect(0);
    let record = sandbox.json(&format!("{out}/run.json"));
    let ids = record["variants"].as_array().unwrap().iter().map(|v| v["image_id"].as_str().unwrap().to_owned());
    (ids.collect(), record)
}

#[test]
#[ignore = "needs a container engine"]
fn every_image_of_the_suite_weighs_the_same_in_place_and_by_its_export() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    let mut all = vec!["tonnage-tiny/python:3.9".to_owned()];
    for builder in ["buildkit", "classic"] {
        let (ids, record) = build(&sandbox, builder, builder);
        let way = if is_in_place(&sandbox) { "store" } else { "export" };
        for variant in record["variants"].as_array().unwrap() {
            assert_eq!(variant["via"], way);
            assert_eq!(variant["via_reason"] == "", way == "store");
        }
        all.extend(ids);
    }
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    for image in &all {
        same_both_ways(&sandbox, &[image]);
    }
    same_both_ways(&sandbox, &all);
    sandbox.run(&["clean"]).expect(0);
    before.expect_unchanged();
}

#[test]
#[ignore = "needs a container engine"]
fn odd_layers_weigh_the_same_in_place_and_by_their_export() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    odd_suite(&sandbox);
    let before = Holdings::now();
    for builder in ["buildkit", "classic"] {
        let (ids, record) = build(&sandbox, builder, builder);
        let sizes = &record["variants"][0]["sizes"];
        assert!(sizes["size_bytes"].as_u64().unwrap() > 3_000_000 && sizes["reclaimable_bytes"] != 0, "{sizes}");
        same_both_ways(&sandbox, &[&ids[0]]);
    }
    sandbox.run(&["clean"]).expect(0);
    before.expect_unchanged();
}

#[test]
#[ignore = "needs a container engine"]
fn a_run_can_be_told_which_way_to_weigh() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    let before = Holdings::now();
    let run = |via: &str, out: &str, code: i32| {
        let run = ["run", "suite", "--sizes-only", "--no-serve", "--only", "python3.9", "--via", via, "--out", out];
        let ran = sandbox.run(&run).expect(code);
        (ran, sandbox.path(out).join("run.json").exists().then(|| sandbox.json(&format!("{out}/run.json"))))
    };
    let exported = run("export", "export", 0).1.unwrap();
    assert_eq!(
        (&exported["variants"][0]["via"], &exported["variants"][0]["via_reason"]),
        (&"export".into(), &"".into())
    );
    if is_in_place(&sandbox) {
        assert_eq!(run("store", "store", 0).1.unwrap()["variants"][0]["via"], "store");
    } else {
        let (refused, record) = run("store", "store", 7);
        refused.complains(&[]);
        assert!(record.is_none(), "what cannot be weighed was built");
    }
    before.expect_unchanged();
}
