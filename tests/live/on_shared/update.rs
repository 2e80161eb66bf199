//! What an edit makes every node pull, against a count over two archives by other means.

use std::collections::BTreeSet;

use crate::docker::{docker, independent_layers};
use crate::holdings::Holdings;
use crate::sandbox::Sandbox;
use crate::shared_engine::SharedEngine;

const ORDERED: &str = "FROM tonnage-tiny/python:3.9-slim\nWORKDIR /app\nCOPY requirements.txt ./\n\
    RUN pip install --no-cache-dir -r requirements.txt\nCOPY src /app\n";
const WRONG_ORDER: &str =
    "FROM tonnage-tiny/python:3.9-slim\nWORKDIR /app\nCOPY . .\nRUN pip install --no-cache-dir -r requirements.txt\n";

/// The layers of an image by diff id, with their sizes counted by other means.
fn layers(image: &str) -> Vec<(String, u64)> {
    let ids = docker(&["inspect", "--format", "{{range .RootFS.Layers}}{{println .}}{{end}}", image]);
    let ids = String::from_utf8(ids).unwrap();
    let ids: Vec<String> = ids.split_whitespace().map(str::to_owned).collect();
    let sizes = independent_layers(image);
    assert_eq!(ids.len(), sizes.len(), "{image}");
    ids.into_iter().zip(sizes).collect()
}

#[test]
#[ignore = "needs a container engine"]
fn a_source_edit_pulls_the_file_alone_or_the_whole_installation_by_the_order_of_copies() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    sandbox.write("suite/ordered/Dockerfile", ORDERED);
    sandbox.write("suite/wrong-order/Dockerfile", WRONG_ORDER);
    sandbox.write(
        "suite/tonnage.toml",
        "[suite]\nname = \"updates\"\ncontext = \".\"\nsrc = \"src/server.py\"\ndeps = \"requirements.txt\"\n\
         [budget]\nupdate.src = \"10 kB\"\n\
         [[variant]]\nname = \"ordered\"\n[[variant]]\nname = \"wrong-order\"\n",
    );
    let before = Holdings::now();
    let run = ["run", "suite", "--scenarios", "cold,src", "--rounds", "1", "--keep", "--no-serve", "--out", "out"];
    sandbox.run(&run).expect(0);
    let record = sandbox.json("out/run.json");
    let mut pulled = Vec::new();
    for variant in record["variants"].as_array().unwrap() {
        let name = variant["name"].as_str().unwrap();
        let update = &variant["update"]["src"];
        // Of the second round, whose images are the ones that are kept.
        let bytes = update["again"]["bytes"].as_u64().unwrap();
        assert_eq!(update["bytes"], bytes, "{name}: {update}");
        let images = docker(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "tonnage-run"]);
        let images = String::from_utf8(images).unwrap();
        let edited = images.lines().find(|image| image.ends_with(&format!("-{name}--src"))).unwrap();
        let known: BTreeSet<String> =
            layers(edited.strip_suffix("--src").unwrap()).into_iter().map(|(id, _)| id).collect();
        let counted: u64 = layers(edited).iter().filter(|(id, _)| !known.contains(id)).map(|(_, size)| size).sum();
        assert_eq!(bytes, counted, "{name}");
        pulled.push(bytes);
    }
    let edited_file = sandbox.read("suite/src/server.py").len() as u64;
    assert!((edited_file + 1..edited_file + 100).contains(&pulled[0]), "{pulled:?}");
    // What pip installs, and the whole context.
    assert!(pulled[1] > 700_000, "{pulled:?}");
    let judged = sandbox.run(&["check", "out", "--suite", "suite"]).expect(1);
    assert!(judged.stdout.contains("update.src") && judged.stdout.contains("wrong-order"), "{}", judged.stdout);
    let report = sandbox.read("out/report.md");
    assert!(report.contains("a one-line change costs") && report.contains("and every node pulls"), "{report}");
    sandbox.run(&["clean"]).expect(0);
    assert_eq!(Holdings::now(), before);
}

/// Two copies on a base; what linked ones save is seen on a private engine. A layer has the time of its directory in whole
/// seconds: within one, the copies on two bases can be equal.
const ON_THE_BASE: &str =
    "FROM tonnage-tiny/python:3.9-slim\nRUN sleep 1\nCOPY requirements.txt /app/\nCOPY src /app/\n";

#[test]
#[ignore = "needs a container engine"]
fn a_moved_base_rebuilds_what_stands_on_it() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::with_tiny_suite();
    sandbox.write("suite/plain/Dockerfile", ON_THE_BASE);
    let manifest = "[suite]\nname = \"moved\"\ncontext = \".\"\n[[variant]]\nname = \"plain\"\n";
    sandbox.write("suite/tonnage.toml", manifest);
    let before = Holdings::now();
    let run = ["run", "suite", "--scenarios", "cold,base", "--rounds", "1", "--keep", "--no-serve", "--out", "out"];
    sandbox.run(&run).expect(0);
    let record = sandbox.json("out/run.json");
    let samples = record["samples"].as_array().unwrap().iter();
    let found: Vec<_> = samples.filter(|sample| sample["scenario"] == "base").collect();
    assert!(found.len() >= 2 && found.iter().all(|sample| sample["valid"] == true), "{found:?}");
    assert_eq!((found[0]["cached"].as_u64(), found[0]["cacheable"].as_u64()), (Some(0), Some(3)));
    let update = &record["variants"][0]["update"]["base"];
    // The images that are kept are those of the second round.
    let bytes = update["again"]["bytes"].as_u64().unwrap();
    let images = docker(&["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", "tonnage-run"]);
    let images = String::from_utf8(images).unwrap();
    let moved = images.lines().find(|image| image.ends_with("-plain--base")).unwrap();
    let known: BTreeSet<String> = layers(moved.strip_suffix("--base").unwrap()).into_iter().map(|(id, _)| id).collect();
    let new: Vec<u64> = layers(moved).iter().filter(|(id, _)| !known.contains(id)).map(|(_, size)| *size).collect();
    // The first is the moved base's. Of the copies at least the first is another layer: it makes the directory anew.
    assert!(new.len() >= 2, "{new:?}");
    assert_eq!(new[1..].iter().sum::<u64>(), bytes);
    assert!(bytes >= sandbox.read("suite/requirements.txt").len() as u64, "{update}");
    sandbox.run(&["clean"]).expect(0);
    assert_eq!(Holdings::now(), before);
}
