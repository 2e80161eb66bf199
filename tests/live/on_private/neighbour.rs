//! Another client of the same engine: whatever it had, makes, or takes of what a run makes is still there afterwards,
//! however the run ends, and its builds come from cache as before.
//!
//! The engine is a private Podman, and a private Docker: the machine's, or the one that `DOCKERD` and `TONNAGE_ENGINE_CONFIG` name
//! (`tests/support/newer-docker.sh` prints one with the containerd image store).

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tonnage_image::testing::archives::archive;

use crate::docker::{docker_on, load, loses_contexts};
use crate::holdings::Holdings;
use crate::podman::Podman;
use crate::private_engine::PrivateEngine;
use crate::runs::{after_builds, signal};
use crate::sandbox::{Ran, Sandbox};

const BASE: &str = "tonnage-tiny/python:3.9-alpine";
/// A layer that is another one each time it is built: an equal image means that it came from cache.
const DOCKERFILE: &str = "FROM tonnage-tiny/python:3.9-alpine\nRUN head -c 16 /dev/urandom >/stamp\n";
/// Not started: the ports of a private engine are out of reach from here, or are another engine's.
const RUN: [&str; 8] =
    ["run", "suite", "--no-serve", "--rounds", "1", "--only", "python3.9-alpine,python3.9-slim", "--out"];

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Success,
    BuildFails,
    Interrupted,
    HungUp,
    Killed,
    /// Killed, and somebody with another home directory runs `clean`.
    KilledAndCleanedElsewhere,
    /// `run --keep`, then `clean`.
    Kept,
}

const ENDINGS: [Ending; 7] = [
    Ending::Success,
    Ending::BuildFails,
    Ending::Interrupted,
    Ending::HungUp,
    Ending::Killed,
    Ending::KilledAndCleanedElsewhere,
    Ending::Kept,
];

/// The other client.
struct Neighbour<'e> {
    host: &'e str,
    /// Podman, whose `commit` Docker's command line cannot use, and which has no BuildKit.
    is_podman: bool,
}

/// What an engine holds, by name and id.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    tags: BTreeMap<String, String>,
    containers: BTreeSet<String>,
    networks: BTreeSet<String>,
    volumes: BTreeSet<String>,
}

impl Neighbour<'_> {
    fn docker(&self, arguments: &[&str]) -> String {
        String::from_utf8(docker_on(Some(self.host), arguments)).unwrap().trim().to_owned()
    }

    fn lines(&self, arguments: &[&str]) -> BTreeSet<String> {
        self.docker(arguments).lines().map(str::to_owned).collect()
    }

    fn held(&self) -> Held {
        let tags = self.lines(&["images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"]);
        Held {
            // Podman names local images with a host.
            tags: tags
                .iter()
                .filter_map(|line| line.trim_start_matches("localhost/").split_once(' '))
                .filter(|(tag, _)| *tag != "<none>:<none>")
                .map(|(tag, id)| (tag.into(), id.into()))
                .collect(),
            containers: self.lines(&["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"]),
            networks: self.lines(&["network", "ls", "--format", "{{.Name}}"]),
            volumes: self.lines(&["volume", "ls", "--quiet"]),
        }
    }

    /// What it holds once the engine has ended a build whose client is gone: the same for two seconds.
    fn held_at_rest(&self) -> Held {
        let deadline = Instant::now() + Duration::from_secs(60);
        let (mut held, mut since) = (self.held(), Instant::now());
        while since.elapsed() < Duration::from_secs(2) {
            assert!(Instant::now() < deadline, "the build goes on without its client: {held:?}");
            let now = self.held();
            if now != held {
                (held, since) = (now, Instant::now());
            }
        }
        held
    }

    /// Builds with the classic builder and returns the image's id.
    fn build_classic(&self, tag: &str, dockerfile: &str) -> String {
        let mut child = Command::new("docker")
            .args(["--host", self.host, "build", "--quiet", "--tag", tag, "-"])
            .env("DOCKER_BUILDKIT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(dockerfile.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        self.id(tag)
    }

    /// Builds with BuildKit through the plain API (the command line needs a plugin for it) and returns the image's id.
    fn build_buildkit(&self, tag: &str, dockerfile: &str) -> String {
        let context = archive(&[("Dockerfile", dockerfile)]);
        let socket = self.host.strip_prefix("unix://").unwrap();
        let mut child = Command::new("curl")
            .args(["--silent", "--show-error", "--fail-with-body", "--unix-socket", socket, "--data-binary", "@-"])
            .args(["--header", "Content-Type: application/x-tar"])
            .arg(format!("http://engine/build?version=2&t={tag}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&context).unwrap();
        let output = child.wait_with_output().unwrap();
        let answer = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !answer.contains("\"error\""), "{answer}");
        self.id(tag)
    }

    fn id(&self, tag: &str) -> String {
        self.docker(&["image", "inspect", "--format", "{{.Id}}", tag])
    }

    /// What it has before anybody else comes.
    fn settle(&self) {
        self.docker(&["tag", BASE, "myteam/base:1"]);
        self.docker(&["volume", "create", "neighbour-volume"]);
        let mut run = vec!["run", "--detach", "--name", "neighbour", "--volume", "neighbour-volume:/data"];
        // A private Podman keeps its networks with those of the machine's.
        if !self.is_podman {
            self.docker(&["network", "create", "neighbour-net"]);
            run.extend(["--network", "neighbour-net"]);
        }
        run.extend(["myteam/base:1", "sleep", "3600"]);
        self.docker(&run);
    }

    /// Takes of what a run has made, while it goes on: a tag, a container, a commit, a child image. And starts what a RUN
    /// instruction of the suite runs, too.
    fn take(&self) {
        let held = self.held();
        let own = held.tags.keys().find(|tag| tag.starts_with("tonnage-run:"));
        let image = own.unwrap_or_else(|| panic!("the run has no image yet: {held:?}"));
        self.docker(&["tag", image, "myteam/app:release"]);
        self.docker(&["create", "--name", "of-kept", "myteam/app:release", "sh"]);
        if !self.is_podman {
            self.docker(&["commit", "of-kept", "myteam/commit:1"]);
        }
        self.build_classic("myteam/child:1", "FROM myteam/app:release\nENV CHILD=1\n");
        let same = ["run", "--detach", "--name", "same-command", "--entrypoint", "/bin/sh", "myteam/base:1", "-c"];
        self.docker(&[&same[..], &["sleep 3600; pip install --no-cache-dir -r requirements.txt"]].concat());
    }

    /// Gives back what [`Self::take`] took.
    fn give_back(&self) {
        self.docker(&["rm", "--force", "of-kept", "same-command"]);
        let made: &[&str] = if self.is_podman { &[] } else { &["myteam/commit:1"] };
        for image in [&["myteam/child:1", "myteam/app:release"], made].concat() {
            let removed = || Command::new("docker").args(["--host", self.host, "rmi", image]).output().unwrap();
            let begun = Instant::now();
            let mut output = removed();
            // A busy Podman holds an image a moment longer than the last container of it.
            while !output.status.success() && self.is_podman && begun.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(250));
                output = removed();
            }
            assert!(output.status.success(), "{image}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }

    /// Fails unless everything of `before` is here, under the same ids.
    #[track_caller]
    fn expect_all(&self, before: &Held, ending: Ending) {
        let now = self.held();
        for (tag, id) in &before.tags {
            assert_eq!(now.tags.get(tag), Some(id), "{ending:?}: the neighbour's {tag}");
        }
        for (what, had, has) in [
            ("containers", &before.containers, &now.containers),
            ("networks", &before.networks, &now.networks),
            ("volumes", &before.volumes, &now.volumes),
        ] {
            let gone: Vec<_> = had.difference(has).collect();
            assert!(gone.is_empty(), "{ending:?}: the neighbour's {what} are gone: {gone:?}");
        }
        let running = self.docker(&["inspect", "--format", "{{.State.Running}}", "neighbour"]);
        assert_eq!(running, "true", "{ending:?}: the neighbour's container was stopped");
    }
}

/// Whether a name was given by a run.
fn of_a_run(tag: &str) -> bool {
    tag.starts_with("tonnage-run:") || tag.starts_with("tonnage-site:")
}

fn run_to_the_end(sandbox: &Sandbox, neighbour: &Neighbour<'_>, ending: Ending, out: &str) -> Held {
    let mut arguments = RUN.to_vec();
    arguments.push(out);
    if ending == Ending::Kept {
        arguments.push("--keep");
    }
    let mut command = sandbox.command_on(neighbour.host, &arguments);
    let child = after_builds(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), 2);
    neighbour.take();
    let mut taken = neighbour.held();
    taken.tags.retain(|tag, _| !of_a_run(tag));
    // What the run has at this moment is not the neighbour's.
    taken.containers.retain(|line| ["neighbour", "of-kept", "same-command"].iter().any(|name| line.ends_with(name)));
    taken.networks.retain(|name| !name.starts_with("tonnage-"));
    match ending {
        Ending::Interrupted => signal(&child, "INT"),
        Ending::HungUp => signal(&child, "HUP"),
        Ending::Killed | Ending::KilledAndCleanedElsewhere => signal(&child, "KILL"),
        Ending::Success | Ending::BuildFails | Ending::Kept => {}
    }
    let ran = Ran::from(child.wait_with_output().unwrap());
    match ending {
        Ending::Success | Ending::Kept => drop(ran.expect(0)),
        Ending::BuildFails => drop(ran.expect(5)),
        Ending::Interrupted | Ending::HungUp => drop(ran.expect(130)),
        Ending::Killed | Ending::KilledAndCleanedElsewhere => assert_eq!(ran.code, None),
    }
    if ending == Ending::KilledAndCleanedElsewhere {
        let before = neighbour.held_at_rest();
        let elsewhere = sandbox.path("elsewhere");
        let mut clean = sandbox.command_on(neighbour.host, &["clean"]);
        Ran::from(clean.env("XDG_STATE_HOME", elsewhere).output().unwrap()).expect(0);
        assert_eq!(neighbour.held(), before, "a clean-up without the ledger removes nothing");
    }
    if matches!(ending, Ending::Killed | Ending::KilledAndCleanedElsewhere | Ending::Kept) {
        sandbox.run_on(neighbour.host, &["clean"]).expect(0);
    }
    taken
}

#[test]
#[ignore = "needs a container engine"]
fn a_neighbour_keeps_all_that_is_its_own_however_a_run_ends() {
    let engine = PrivateEngine::start();
    for base in ["slim", "alpine"] {
        engine.load(base);
    }
    // Docker 26.0 to 27.4 on the containerd image store loses contexts that are sent so (moby#47717).
    let builds_with_buildkit = !loses_contexts(Some(engine.host()));
    keeps_its_own(&Neighbour { host: engine.host(), is_podman: false }, &ENDINGS, builds_with_buildkit);
}

#[test]
#[ignore = "needs a container engine"]
fn a_neighbour_on_podman_keeps_all_that_is_its_own() {
    let podman = Podman::start();
    for base in ["slim", "alpine"] {
        load(&podman.host(), base);
    }
    // Each takes Podman its time.
    let endings = [Ending::Interrupted, Ending::KilledAndCleanedElsewhere, Ending::Kept];
    keeps_its_own(&Neighbour { host: &podman.host(), is_podman: true }, &endings, false);
}

fn keeps_its_own(neighbour: &Neighbour<'_>, endings: &[Ending], builds_with_buildkit: bool) {
    neighbour.settle();
    let classic = neighbour.build_classic("neighbour/classic:1", DOCKERFILE);
    let buildkit = builds_with_buildkit.then(|| neighbour.build_buildkit("neighbour/buildkit:1", DOCKERFILE));
    let before = neighbour.held();
    for &ending in endings {
        let sandbox = Sandbox::with_tiny_suite();
        if ending == Ending::BuildFails {
            let dockerfile = sandbox.read("suite/python3.9-slim/Dockerfile");
            sandbox.write("suite/python3.9-slim/Dockerfile", &format!("{dockerfile}RUN exit 7\n"));
        }
        let taken = run_to_the_end(&sandbox, neighbour, ending, "out");
        neighbour.expect_all(&taken, ending);
        neighbour.give_back();
        // What the neighbour's images stood on is in the ledger still.
        sandbox.run_on(neighbour.host, &["clean"]).expect(0);
        assert_eq!(neighbour.held(), before, "{ending:?}: something of the run is left");
        assert_eq!(neighbour.build_classic("neighbour/classic:1", DOCKERFILE), classic, "{ending:?}: classic cache");
        if let Some(buildkit) = &buildkit {
            let again = neighbour.build_buildkit("neighbour/buildkit:1", DOCKERFILE);
            assert_eq!(&again, buildkit, "{ending:?}: the neighbour's BuildKit build came from cache before");
        }
    }
}

/// An engine that held nothing holds nothing afterwards.
#[test]
#[ignore = "needs a container engine"]
fn an_empty_engine_is_empty_again_after_a_run() {
    let engine = PrivateEngine::start();
    let before = Holdings::on(Some(engine.host()));
    let sandbox = Sandbox::new();
    sandbox.write("suite/tonnage.toml", "[suite]\nname = \"empty\"\n");
    sandbox.write("suite/one/Dockerfile", "FROM scratch\nCOPY file /file\n");
    sandbox.write("suite/file", "content\n");
    for ending in ["end", "kill"] {
        let mut command = sandbox.command_on(engine.host(), &["run", "suite", "--rounds", "1", "--out", ending]);
        let mut child = after_builds(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), 1);
        if ending == "kill" {
            signal(&child, "KILL");
            child.wait().unwrap();
            sandbox.run_on(engine.host(), &["clean"]).expect(0);
        } else {
            Ran::from(child.wait_with_output().unwrap()).expect(0);
        }
        before.expect_unchanged();
    }
}
