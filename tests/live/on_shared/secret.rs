//! Credentials of a registry that wants them, secrets of builds, and that no value of either or of a build argument is
//! told anywhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use tonnage::testing::credentials::Places;
use tonnage::testing::engine::{
    BuildRequest, BuilderChoice, ConnectOptions, Engine as _, ImageBuilder as _, Secrets, Surroundings, find, labels,
};
use tonnage_image::testing::archives::archive;

use crate::docker::{docker, is_containerd_store, left_out};
use crate::registry::{PASSWORD, Registry, USER};
use crate::sandbox::{Ran, Sandbox};
use crate::shared_engine::SharedEngine;

const VALUE: &str = "correct-horse-battery";
const PIN: &str = "93471";

/// A Docker configuration with these credentials for a registry.
fn config(sandbox: &Sandbox, registry: &str, pair: &str) -> PathBuf {
    let auth = base64::engine::general_purpose::STANDARD.encode(pair);
    sandbox.write("docker/config.json", &format!(r#"{{"auths":{{"{registry}":{{"auth":"{auth}"}}}}}}"#));
    sandbox.path("docker")
}

fn suite(sandbox: &Sandbox, dockerfile: &str) {
    sandbox.write(
        "suite/tonnage.toml",
        "[suite]\nname = \"secret\"\n[[variant]]\nname = \"v\"\ndockerfile = \"Dockerfile\"\n",
    );
    sandbox.write("suite/Dockerfile", dockerfile);
}

fn run(sandbox: &Sandbox, docker_config: &Path, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command(&["run", "suite", "--sizes-only", "--no-serve", "--out", "out"]);
    Ran::from(command.args(arguments).env("DOCKER_CONFIG", docker_config).output().unwrap())
}

/// Everything that a run has written and printed.
fn told(sandbox: &Sandbox, ran: &Ran) -> String {
    let mut all = format!("{}{}", ran.stdout, ran.stderr);
    let mut open = vec![sandbox.path("out"), sandbox.path("results")];
    while let Some(path) = open.pop() {
        if let Ok(entries) = fs::read_dir(&path) {
            open.extend(entries.map(|entry| entry.unwrap().path()));
        } else if let Ok(content) = fs::read(&path) {
            let _ = writeln!(all, "== {}\n{}", path.display(), String::from_utf8_lossy(&content));
        }
    }
    all
}

#[track_caller]
fn expect_untold(all: &str, value: &str) {
    let line = all.lines().find(|line| line.contains(value));
    assert_eq!(line, None, "told");
}

#[test]
#[ignore = "needs a container engine"]
fn a_private_base_is_pulled_with_the_credentials_of_its_registry_and_not_without() {
    let _engine = SharedEngine::take();
    if is_containerd_store(None) {
        left_out("containerd exports without the blobs of layers that it has unpacked");
        return;
    }
    let registry = Registry::start_private();
    registry.fill();
    let base = format!("{}/library/python:3.9-slim", registry.address);
    for (host, pair, code) in [
        ("registry.example", format!("{USER}:{PASSWORD}"), 5),
        (registry.address.as_str(), format!("{USER}:{VALUE}"), 5),
        (registry.address.as_str(), format!("{USER}:{PASSWORD}"), 0),
    ] {
        let sandbox = Sandbox::new();
        suite(&sandbox, &format!("FROM {base}\nCOPY Dockerfile /\n"));
        let config = config(&sandbox, host, &pair);
        let ran = run(&sandbox, &config, &[]).expect(code);
        let all = told(&sandbox, &ran);
        expect_untold(&all, PASSWORD);
        expect_untold(&all, VALUE);
        if code != 0 {
            assert_eq!(sandbox.json("out/run.json")["variants"][0]["failure"]["stage"], "pull");
        }
    }
    // By a helper, and `doctor`, which asks the registry through the engine.
    let sandbox = Sandbox::new();
    suite(&sandbox, &format!("FROM {base}\nCOPY Dockerfile /\n"));
    sandbox.write("docker/config.json", &format!(r#"{{"credHelpers":{{"{}":"tonnage-test"}}}}"#, registry.address));
    let answer = format!(r#"{{"Username":"{USER}","Secret":"{PASSWORD}"}}"#);
    sandbox.write("bin/docker-credential-tonnage-test", &format!("#!/bin/sh\ncat > /dev/null\necho '{answer}'\n"));
    let helper = sandbox.path("bin/docker-credential-tonnage-test");
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", sandbox.path("bin").display(), std::env::var("PATH").unwrap());
    for (path, states) in [(path.as_str(), "pullable"), ("/usr/bin:/bin", "missing")] {
        let mut doctor = sandbox.command(&["doctor", "suite", "--format", "json"]);
        let ran = Ran::from(doctor.env("DOCKER_CONFIG", sandbox.path("docker")).env("PATH", path).output().unwrap());
        assert!(ran.stdout.contains(&format!("\"{states}\"")), "{path}: {}\n{}", ran.stdout, ran.stderr);
        expect_untold(&ran.stdout, PASSWORD);
    }
}

#[test]
#[ignore = "needs a container engine"]
fn builders_fetch_a_private_base_with_the_credentials_of_its_registry() {
    let Some(_engine) = SharedEngine::take_with_buildkit() else { return };
    if is_containerd_store(None) {
        left_out("what the engine fetches itself stays in its content store");
        return;
    }
    let registry = Registry::start_private();
    registry.fill();
    let base = format!("{}/library/python:3.9-slim", registry.address);
    let sandbox = Sandbox::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for builder in [BuilderChoice::Buildkit, BuilderChoice::Classic] {
        for (host, works) in [("registry.example", false), (registry.address.as_str(), true)] {
            let docker_config = config(&sandbox, host, &format!("{USER}:{PASSWORD}")).join("config.json");
            let registries = Places { docker: Some(docker_config), ..Places::default() };
            let around = Surroundings { registries, ..Surroundings::from_env() };
            let options = ConnectOptions { builder, ..ConnectOptions::default() };
            let engine = runtime.block_on(find(&options, &around)).0.unwrap();
            let before = runtime.block_on(engine.snapshot()).unwrap();
            let dockerfile = format!("FROM {base}\nLABEL a=b\n");
            let request = BuildRequest {
                context: archive(&[("Dockerfile", dockerfile)]).into(),
                dockerfile: "Dockerfile".into(),
                tags: vec!["tonnage-live/private:x".into()],
                labels: BTreeMap::from([(labels::RUN.to_owned(), "private".to_owned())]),
                build_args: BTreeMap::new(),
                secrets: Secrets::default(),
                images: vec![base.clone()],
                target: None,
                platform: None,
                network: None,
                no_cache: true,
                builder: engine.facts().builder,
                deadline: Duration::from_secs(120),
            };
            let built = runtime.block_on(engine.build(&request, &mut |_| {})).unwrap();
            let after = runtime.block_on(engine.snapshot()).unwrap();
            for tag in after.tags.keys().filter(|tag| !before.tags.contains_key(*tag)) {
                docker(&["rmi", tag]);
            }
            let rest = runtime.block_on(engine.snapshot()).unwrap();
            for image in rest.images.difference(&before.images) {
                docker(&["rmi", "--force", image]);
            }
            // BuildKit lists a record under another id as long as the build that has just ended uses it.
            for _ in 0..100 {
                let rest = runtime.block_on(engine.snapshot()).unwrap();
                let records: Vec<_> = rest.cache.difference(&before.cache).collect();
                if records.is_empty() {
                    break;
                }
                for record in records {
                    docker(&["builder", "prune", "--all", "--force", "--filter", &format!("id={record}")]);
                }
                std::thread::sleep(Duration::from_millis(100));
            }
            assert_eq!(built.is_ok(), works, "{builder} {host}: {built:?}");
            assert!(!format!("{built:?}").contains(PASSWORD));
        }
    }
}

#[test]
#[ignore = "needs a container engine"]
fn a_secret_reaches_its_mount_and_nothing_else() {
    let Some(_engine) = SharedEngine::take_with_buildkit() else { return };
    let sandbox = Sandbox::new();
    let length =
        |id, length| format!("RUN --mount=type=secret,id={id} test $(wc -c < /run/secrets/{id}) -eq {length}\n");
    let arrive = length("file", VALUE.len() + 1) + &length("env", VALUE.len());
    let print = "RUN --mount=type=secret,id=file echo got $(cat /run/secrets/file) && exit 7";
    sandbox.write("token", &format!("{VALUE}\n"));
    let given =
        ["--secret", "id=file,src=token", "--secret", "id=env,env=TONNAGE_TEST_SECRET", "--builder", "buildkit"];
    for (dockerfile, code) in [
        (format!("FROM tonnage-tiny/python:3.9-alpine\nCOPY Dockerfile /\n{arrive}"), 0),
        (format!("FROM tonnage-tiny/python:3.9-alpine\nCOPY Dockerfile /\n{print}\n"), 5),
    ] {
        fs::remove_dir_all(sandbox.path("out")).ok();
        suite(&sandbox, &dockerfile);
        let mut command = sandbox.command(&["run", "suite", "--sizes-only", "--no-serve", "--out", "out"]);
        let ran = command.args(given).env("TONNAGE_TEST_SECRET", VALUE).output().unwrap();
        let ran = Ran::from(ran).expect(code);
        let all = told(&sandbox, &ran);
        expect_untold(&all, VALUE);
        if code == 5 {
            assert!(sandbox.read("out/run.json").contains("got ***"), "{}", sandbox.read("out/run.json"));
        }
    }
    fs::remove_dir_all(sandbox.path("out")).ok();
    let ran = run(&sandbox, &sandbox.path("none"), &["--secret", "id=file,src=token", "--builder", "classic"]);
    ran.expect(2).complains(&["secrets need BuildKit"]);
}

#[test]
#[ignore = "needs a container engine"]
fn values_of_build_arguments_are_told_nowhere_whatever_the_builder_and_the_shell() {
    for builder in ["buildkit", "classic"] {
        let Some(_engine) = SharedEngine::take_with(builder) else { continue };
        let sandbox = Sandbox::new();
        let token = format!("TOKEN={VALUE} and more");
        let pin = format!("PIN={PIN}");
        let given = ["--builder", builder, "--build-arg", &token, "--build-arg", &pin];
        let steps = "ARG TOKEN\nARG PIN\nRUN echo $PIN > /pin && echo \"$TOKEN\" > /token\nCOPY Dockerfile /d-$PIN\n\
                     RUN [\"/bin/sh\", \"-c\", \"echo json > /json\"]\nSHELL [\"/bin/sh\", \"-e\", \"-c\"]\nRUN echo shell > /shell\n";
        for (end, code) in [("", 0), ("RUN echo \"got $TOKEN\" && exit 7\n", 5)] {
            fs::remove_dir_all(sandbox.path("out")).ok();
            suite(&sandbox, &format!("FROM tonnage-tiny/python:3.9-alpine\n{steps}{end}"));
            let ran = run(&sandbox, &sandbox.path("none"), &given).expect(code);
            let all = told(&sandbox, &ran).replace(&format!("d-{PIN}"), "");
            expect_untold(&all, VALUE);
            // The path of a file is content of the image.
            expect_untold(&all, PIN);
            let record = sandbox.json("out/run.json");
            assert_eq!(record["settings"]["build_arg_names"], serde_json::json!(["PIN", "TOKEN"]));
            assert!(all.contains("RUN echo $PIN > /pin"), "{builder}");
            if code == 5 {
                assert!(all.contains("got ***"), "{builder}");
            }
        }
    }
}
