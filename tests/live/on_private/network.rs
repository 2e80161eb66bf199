//! What a build downloads is counted, and a round that downloads something else is named.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use serde_json::Value;

use crate::docker::docker_on;
use crate::private_engine::PrivateEngine;
use crate::sandbox::Sandbox;

const DATA: u64 = 2_000_000;

/// Serves so many bytes to everybody who asks; to the fifth three times as many.
fn serve_bytes(listener: TcpListener) {
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let size = if number == 4 { 3 * DATA } else { DATA };
            let _ = write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {size}\r\n\r\n");
            let _ = stream.write_all(&vec![7; usize::try_from(size).unwrap()]);
        }
    });
}

/// Most bytes that this network namespace has sent a second time over TCP: segments of at most an Ethernet frame
/// (`RetransSegs` in /proc/net/snmp, proc(5)).
fn sent_again() -> u64 {
    let text = std::fs::read_to_string("/proc/net/snmp").unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let names = lines.next().unwrap().split_whitespace();
    let segments =
        names.zip(lines.next().unwrap().split_whitespace()).find(|(name, _)| *name == "RetransSegs").unwrap().1;
    segments.parse::<u64>().unwrap() * 1_500
}

fn suite(sandbox: &Sandbox, server: SocketAddr) {
    let mut manifest = String::from("[suite]\nname = \"downloads\"\n");
    for (name, command) in [("fetches", format!("wget -q -O /dev/null http://{server}/")), ("stays", "true".into())] {
        let _ = write!(manifest, "[[variant]]\nname = \"{name}\"\n");
        let text = format!("FROM tonnage-tiny/python:3.9-alpine\nRUN {command}\n");
        sandbox.write(&format!("suite/{name}/Dockerfile"), &text);
    }
    sandbox.write("suite/tonnage.toml", &manifest);
}

fn samples<'a>(record: &'a Value, variant: &'a str) -> impl Iterator<Item = &'a Value> {
    record["samples"].as_array().unwrap().iter().filter(move |sample| sample["variant"] == variant)
}

fn counts_downloads(builder: &str) {
    let engine = PrivateEngine::start();
    engine.load("alpine");
    let listener = TcpListener::bind((engine.outside(), 0)).unwrap();
    let sandbox = Sandbox::new();
    suite(&sandbox, listener.local_addr().unwrap());
    serve_bytes(listener);
    let arguments = ["run", "suite", "--builder", builder, "--scenarios", "cold,warm", "--rounds", "6", "--no-twin"];
    let sent_before = sent_again();
    sandbox.run_on(engine.host(), &[&arguments[..], &["--out", "out"]].concat()).expect(0);
    // What a busy machine sends again is received again.
    let again = sent_again() - sent_before;
    let record = sandbox.json("out/run.json");
    for sample in samples(&record, "fetches").chain(samples(&record, "stays")) {
        let bytes = sample["network_bytes"].as_u64().unwrap_or_else(|| panic!("{}", sample["network_remark"]));
        let expected = match (sample["variant"].as_str(), sample["scenario"].as_str(), sample["round"].as_u64()) {
            (Some("fetches"), Some("cold"), Some(4)) => 3 * DATA,
            (Some("fetches"), Some("cold"), _) => DATA,
            _ => 0,
        };
        let near = expected - expected / 100..expected + expected / 100 + 10_000 + again;
        assert!(near.contains(&bytes), "{bytes} bytes, {expected} sent, {again} again");
    }
    // A terminal has no room for remarks.
    let report = sandbox.read("out/report.md");
    assert!(report.contains("2.00 MB downloaded"), "{report}");
    assert!(report.contains("downloads differ"), "{report}");
    let mut rounds = report.split(" in round ").skip(1).filter_map(|rest| rest.split(" |").next());
    // A busy machine may have sent so much again in others that they differ too.
    let others = again > DATA / 20;
    assert!(rounds.any(|told| told == "4" || (others && told.split(", ").any(|round| round == "4"))), "{report}");

    // Somebody else's data are not taken for the build's.
    let other = "while true; do wget -q -O /dev/null http://SERVER/; done".replace("SERVER", &server_of(&sandbox));
    let base = "tonnage-tiny/python:3.9-alpine";
    docker_on(Some(engine.host()), &["run", "--detach", "--name", "other", base, "sh", "-c", &other]);
    sandbox
        .run_on(engine.host(), &[&arguments[..6], &["--rounds", "1", "--no-twin", "--out", "busy"]].concat())
        .expect(0);
    let record = sandbox.json("busy/run.json");
    for sample in samples(&record, "fetches") {
        assert_eq!(sample["network_bytes"], Value::Null, "{sample}");
        assert!(sample["network_remark"].as_str().unwrap().contains("another container"), "{sample}");
    }
    assert!(sandbox.read("busy/report.md").contains("not attributed: another container"));
}

/// Where the data come from, as the Dockerfile says.
fn server_of(sandbox: &Sandbox) -> String {
    let text = sandbox.read("suite/fetches/Dockerfile");
    text.split("http://").nth(1).unwrap().trim_end_matches(['/', '\n']).to_owned()
}

#[test]
#[ignore = "needs a container engine"]
fn what_a_buildkit_build_downloads_is_counted() {
    counts_downloads("buildkit");
}

#[test]
#[ignore = "needs a container engine"]
fn what_a_classic_build_downloads_is_counted() {
    counts_downloads("classic");
}
