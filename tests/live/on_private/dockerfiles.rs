//! The Dockerfiles of `tests/fixtures/dockerfiles`, read by the BuildKit of the engine that is at hand.
//!
//! The builds are sent an empty context: they end at the first file that is missing, which is after the builder has
//! said how it reads the Dockerfile. An older engine refuses newer syntax, takes what newer ones refuse, and does not carry
//! out the triggers of stages (all seen on Docker 20.10); that is counted, not compared. A Dockerfile of ARGs alone is not
//! among them: it ends the daemon of 20.10.
//!
//! `TONNAGE_RECORD_DOCKERFILES=1` writes what the engine says into `buildkit.json`. The record that is committed was
//! made with `DOCKERD=$(TONNAGE_DOCKER_SUITE=sid tests/support/newer-docker.sh)`.

use std::process::{Command, Stdio};

use bollard::models::BuildInfoAux;
use serde::Deserialize;
use tonnage_image::testing::archives::archive;

use crate::docker::docker_on;
use crate::private_engine::PrivateEngine;
use crate::recorded_dockerfiles::{Answer, Recorded, all, difference, folder, recorded};

/// Images that the Dockerfiles name, each of other content.
const IMAGES: [&str; 4] = ["a", "b", "c", "no"];

/// One value of a build's stream.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    id: String,
    aux: Option<serde_json::Value>,
    #[serde(default, alias = "message")]
    error: String,
}

/// What the engine's BuildKit does with a Dockerfile.
fn ask(host: &str, text: &str) -> Answer {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("context.tar");
    std::fs::write(&file, archive(&[("Dockerfile", text)])).unwrap();
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "300", "--unix-socket", host.strip_prefix("unix://").unwrap()])
        .args(["--header", "Content-Type: application/x-tar", "--data-binary"])
        .arg(format!("@{}", file.display()))
        .arg("http://engine/build?version=2&nocache=1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut answer = Answer::default();
    let mut error = String::new();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for event in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Event>() {
        let event = event.unwrap();
        if !event.error.is_empty() {
            error = event.error;
        }
        let aux = event.aux.filter(|_| event.id == "moby.buildkit.trace");
        let Some(Ok(BuildInfoAux::BuildKit(status))) = aux.map(BuildInfoAux::deserialize) else { continue };
        for vertex in status.vertexes {
            // Docker 20.10 looks up what `--from` names without saying so; the image's own step has its name.
            let lookup = vertex.name.split_once("load metadata for ").map(|(_, image)| image);
            if let Some(image) = lookup.or_else(|| vertex.name.strip_prefix("FROM ")) {
                let image = image.split('@').next().unwrap_or(image);
                answer.asks.insert(image.trim_start_matches("docker.io/").to_owned());
            } else if let Some((stage, step)) = vertex.name.strip_prefix('[').and_then(|name| name.split_once("] ")) {
                // The base's own step is among what is asked for.
                if stage != "internal" && !step.starts_with("FROM ") {
                    answer.steps.insert(step.to_owned());
                }
            }
        }
    }
    if answer.asks.is_empty() && answer.steps.is_empty() {
        error.lines().next().unwrap_or_default().clone_into(&mut answer.refuses);
    }
    answer
}

#[test]
#[ignore = "needs a container engine"]
fn buildkit_reads_the_dockerfiles_as_tonnage_does() {
    let engine = PrivateEngine::start();
    let dir = tempfile::tempdir().unwrap();
    for image in IMAGES {
        let root = dir.path().join("root.tar");
        std::fs::write(&root, archive(&[("name", image)])).unwrap();
        docker_on(Some(engine.host()), &["import", root.to_str().unwrap(), &format!("tdf/{image}:1")]);
    }
    let known = recorded();
    let all = all();
    let answers: Vec<(&String, Answer)> = all.iter().map(|(name, text)| (name, ask(engine.host(), text))).collect();
    let version = ["version", "--format", "Docker {{.Server.Version}}|{{.Server.Os}}/{{.Server.Arch}}"];
    let version = String::from_utf8(docker_on(Some(engine.host()), &version)).unwrap();
    let (version, platform) = version.trim().split_once('|').unwrap();
    let is_older = |name: &str, answer: &Answer| {
        known.dockerfiles.get(name).is_some_and(|known| {
            let fewer = answer.asks.len() < known.asks.len() && answer.asks.is_subset(&known.asks);
            answer.refuses.is_empty() != known.refuses.is_empty() || fewer
        })
    };
    let compared: Vec<_> = answers.iter().filter(|(name, answer)| !is_older(name, answer)).collect();
    let differences: Vec<String> = compared
        .iter()
        .map(|(name, answer)| difference(name, &all[*name], answer, platform))
        .filter(|difference| !difference.is_empty())
        .collect();
    println!("{version}: {} Dockerfiles compared, {} newer than it", compared.len(), answers.len() - compared.len());
    if std::env::var_os("TONNAGE_RECORD_DOCKERFILES").is_some() {
        let dockerfiles = answers.into_iter().map(|(name, answer)| (name.clone(), answer)).collect();
        let record = Recorded { engine: version.to_owned(), platform: platform.to_owned(), dockerfiles };
        let text = serde_json::to_string_pretty(&record).unwrap() + "\n";
        std::fs::write(folder().join("buildkit.json"), text).unwrap();
    } else {
        assert!(compared.len() >= 50, "{}", compared.len());
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
