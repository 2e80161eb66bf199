//! The engine's interface on a real engine on which nothing else builds meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use tonnage::testing::engine::{
    BuildOutput, BuildRequest, BuilderChoice, ConnectOptions, ContainerSpec, DockerEngine, Engine, EngineError,
    ImageBuilder, ImageHost, Listens, Ownership, Removal, Secrets, Snapshot, connect, labels,
};
use tonnage::testing::record::{Builder, ServeLimits};
use tonnage::testing::units::{Bytes, Nanos};
use tonnage_image::testing::archives::archive;

use crate::docker::docker;
use crate::shared_engine::SharedEngine;

const BASE: &str = "tonnage-tiny/python:3.9-alpine";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// A run on the real engine, with what it owns.
struct Run {
    engine: DockerEngine,
    builder: Builder,
    own: Ownership,
}

impl Run {
    async fn begin(choice: BuilderChoice) -> Self {
        let engine = connect(&ConnectOptions { builder: choice, ..ConnectOptions::default() }).await.unwrap();
        let before = engine.snapshot().await.unwrap();
        assert!(engine.image(BASE).await.unwrap().is_some(), "`{BASE}` is not on the engine");
        let builder = engine.facts().builder;
        let own = Ownership { run: format!("live-{}", now()), before: Some(before), ..Ownership::default() };
        Self { engine, builder, own }
    }

    fn request(&self, dockerfile: &str, source: &str) -> BuildRequest {
        // Files of its own, so that nothing an earlier test may have left in the cache answers for it.
        let source = format!("{source}# {}\n", self.own.run);
        let requirements = format!("# {}\nFlask==1.1.1\n", self.own.run);
        let files = [("Dockerfile", dockerfile), ("requirements.txt", &requirements), ("src/server.py", &source)];
        BuildRequest {
            context: archive(&files).into(),
            dockerfile: "Dockerfile".into(),
            tags: vec![format!("tonnage-run:{}-x", self.own.run)],
            labels: BTreeMap::from([(labels::RUN.to_owned(), self.own.run.clone())]),
            build_args: BTreeMap::new(),
            secrets: Secrets::default(),
            images: Vec::new(),
            target: None,
            platform: None,
            network: None,
            no_cache: false,
            builder: self.builder,
            deadline: Duration::from_secs(120),
        }
    }

    /// Builds, and keeps what proves the traces to be ours.
    async fn build(
        &mut self,
        request: &BuildRequest,
    ) -> Result<Result<BuildOutput, tonnage::testing::engine::BuildFailure>, EngineError> {
        let start = now();
        self.own.tags.extend(request.tags.iter().cloned());
        let built = self.engine.build(request, &mut |_| {}).await;
        self.own.windows.push((start, now()));
        match &built {
            Ok(Ok(output)) => {
                self.own.images.insert(output.image_id.clone());
                self.own.images.extend(output.intermediate.iter().cloned());
                self.own.instructions.extend(output.steps.iter().map(|step| step.instruction.clone()));
            }
            Ok(Err(failure)) => {
                self.own.images.extend(failure.intermediate.iter().cloned());
                self.own.instructions.insert(failure.instruction.clone());
            }
            Err(_) => {}
        }
        built
    }

    async fn end(self) {
        let report = self.engine.clean(&self.own, Removal::Remove).await.unwrap();
        assert_eq!(report.left, Vec::<String>::new());
        let after = self.engine.snapshot().await.unwrap();
        assert_same(self.own.before.as_ref().unwrap(), &after);
    }
}

fn assert_same(before: &Snapshot, after: &Snapshot) {
    assert_eq!(before.images, after.images, "images");
    assert_eq!(before.tags, after.tags, "tags");
    assert_eq!(before.containers, after.containers, "containers");
    assert_eq!(before.cache, after.cache, "build cache");
}

const MULTISTAGE: &str = "FROM tonnage-tiny/python:3.9-alpine AS base
FROM base AS builder
WORKDIR /build
COPY requirements.txt /requirements.txt
RUN FAKE_PIP_SLEEP=0.05 pip install --user -r /requirements.txt
FROM base
COPY --from=builder /root/.local /root/.local
COPY src /app
WORKDIR /app
ENV PATH=/home/app/.local/bin:$PATH
CMD [\"/bin/sh\"]
";

/// Words of instructions that can come from cache, with whether they did.
fn proof(output: &BuildOutput) -> Vec<(String, bool)> {
    let cacheable = |text: &str| ["RUN", "COPY", "ADD", "WORKDIR"].iter().any(|word| text.starts_with(word));
    let steps = output.steps.iter().filter(|step| cacheable(&step.instruction));
    steps.map(|step| (format!("{} {}", step.stage, step.instruction.split(' ').next().unwrap()), step.cached)).collect()
}

fn builds_prove_what_came_from_cache(choice: BuilderChoice) {
    runtime().block_on(async {
        let mut run = Run::begin(choice).await;
        let mut request = run.request(MULTISTAGE, "print(1)\n");
        request.no_cache = true;
        let cold = run.build(&request).await.unwrap().unwrap();
        let names = |proof: &[(String, bool)]| proof.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        let expected =
            ["builder WORKDIR", "builder COPY", "builder RUN", "stage-2 COPY", "stage-2 COPY", "stage-2 WORKDIR"];
        assert_eq!(names(&proof(&cold)), expected);
        assert!(proof(&cold).iter().all(|(name, cached)| !cached || name.ends_with("WORKDIR")), "{cold:?}");
        assert!(cold.parts.steps_ns.0 > 50_000_000, "the fake pip sleeps 50 ms: {:?}", cold.parts);
        assert!(!cold.pulled);
        assert!(cold.log.iter().any(|line| line.contains("Collecting Flask")), "{:?}", cold.log);

        request.no_cache = false;
        let warm = run.build(&request).await.unwrap().unwrap();
        assert_eq!(warm.image_id, cold.image_id);
        assert_eq!(names(&proof(&warm)), expected);
        assert!(proof(&warm).iter().all(|(_, cached)| *cached), "{warm:?}");
        assert!(warm.wall_ns < cold.wall_ns);
        assert!(warm.intermediate.is_empty(), "{:?}", warm.intermediate);
        assert!(warm.steps.iter().all(|step| !step.instruction.starts_with("LABEL")));

        let source = run.build(&run.request(MULTISTAGE, "print(2)\n")).await.unwrap().unwrap();
        assert_ne!(source.image_id, cold.image_id);
        let missed = proof(&source).iter().position(|(_, cached)| !cached);
        assert_eq!(missed, Some(4), "the first miss is COPY src: {source:?}");

        let info = run.engine.image(&run.own.tags.iter().next().unwrap().clone()).await.unwrap().unwrap();
        assert_eq!(info.id, source.image_id);
        assert_eq!(info.labels.get(labels::RUN), Some(&run.own.run));
        run.end().await;
    });
}

#[test]
#[ignore = "needs a container engine"]
fn buildkit_builds_prove_what_came_from_cache_and_leave_no_trace() {
    let Some(_engine) = SharedEngine::take_with_buildkit() else { return };
    builds_prove_what_came_from_cache(BuilderChoice::Buildkit);
}

#[test]
#[ignore = "needs a container engine"]
fn classic_builds_prove_what_came_from_cache_and_leave_no_trace() {
    let _engine = SharedEngine::take();
    builds_prove_what_came_from_cache(BuilderChoice::Classic);
}

fn failed_builds_are_facts(choice: BuilderChoice) {
    runtime().block_on(async {
        let mut run = Run::begin(choice).await;
        let base = format!("FROM {BASE}\n");
        for (dockerfile, message, instruction) in [
            (
                "RUN echo one\nRUN echo going; echo wrong >&2; exit 7\n",
                "code: 7",
                "RUN echo going; echo wrong >&2; exit 7",
            ),
            ("RUNN echo one\n", "unknown instruction: RUNN", ""),
            ("COPY nothing.txt /\n", "not found", "COPY nothing.txt /"),
        ] {
            let request = run.request(&format!("{base}{dockerfile}"), "");
            let failure = run.build(&request).await.unwrap().unwrap_err();
            assert!(failure.message.contains(message), "{failure:?}");
            assert_eq!(failure.instruction, instruction, "{failure:?}");
            if message == "code: 7" {
                assert!(failure.log.iter().any(|line| line == "wrong"), "{failure:?}");
            }
        }
        // A port that nobody serves answers at once.
        let request = run.request("FROM 127.0.0.1:9/nothing/here:1\nRUN echo one\n", "");
        let failure = run.build(&request).await.unwrap().unwrap_err();
        assert!(failure.message.contains("connection refused"), "{failure:?}");
        assert_eq!(failure.instruction, "FROM 127.0.0.1:9/nothing/here:1");

        let mut request = run.request(&format!("{base}RUN sleep 60\n"), "");
        request.deadline = Duration::from_secs(3);
        let failure = run.build(&request).await.unwrap().unwrap_err();
        assert_eq!(failure.message, "no end within 3 s");
        assert_eq!(failure.instruction, "RUN sleep 60");
        wait_until_no_process("sleep 60").await;
        run.end().await;
    });
}

#[test]
#[ignore = "needs a container engine"]
fn failed_buildkit_builds_are_facts_about_the_dockerfile() {
    let Some(_engine) = SharedEngine::take_with_buildkit() else { return };
    failed_builds_are_facts(BuilderChoice::Buildkit);
}

#[test]
#[ignore = "needs a container engine"]
fn failed_classic_builds_are_facts_about_the_dockerfile() {
    let _engine = SharedEngine::take();
    failed_builds_are_facts(BuilderChoice::Classic);
}

fn processes(words: &str) -> usize {
    let folders = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = folders.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).replace('\0', " ").trim() == words).count()
}

async fn wait_until_no_process(words: &str) {
    for _ in 0..100 {
        if processes(words) == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("`{words}` still runs");
}

fn a_dropped_build_stops(choice: BuilderChoice, seconds: u32) {
    runtime().block_on(async {
        let mut run = Run::begin(choice).await;
        let dockerfile = format!("FROM {BASE}\nRUN echo first\nRUN sleep {seconds}\n");
        let request = run.request(&dockerfile, "");
        let words = format!("sleep {seconds}");
        let start = now();
        run.own.tags.extend(request.tags.iter().cloned());
        {
            let mut shown = |_| {};
            let build = run.engine.build(&request, &mut shown);
            tokio::pin!(build);
            loop {
                tokio::select! {
                    ended = &mut build => panic!("it ended by itself: {ended:?}"),
                    () = tokio::time::sleep(Duration::from_millis(50)) => {}
                }
                if processes(&words) > 0 {
                    break;
                }
            }
        }
        wait_until_no_process(&words).await;
        run.own.windows.push((start, now()));
        run.own.instructions.extend(["RUN echo first".to_owned(), format!("RUN sleep {seconds}")]);
        // The classic builder takes its container away a moment later.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let leftover = run.engine.snapshot().await.unwrap().containers;
        assert_eq!(leftover, run.own.before.as_ref().unwrap().containers);
        run.end().await;
    });
}

#[test]
#[ignore = "needs a container engine"]
fn dropping_a_buildkit_build_stops_it() {
    let Some(_engine) = SharedEngine::take_with_buildkit() else { return };
    a_dropped_build_stops(BuilderChoice::Buildkit, 71);
}

#[test]
#[ignore = "needs a container engine"]
fn dropping_a_classic_build_stops_it() {
    let _engine = SharedEngine::take();
    a_dropped_build_stops(BuilderChoice::Classic, 72);
}

fn contents(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let mut out = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        out.insert(String::from_utf8_lossy(&entry.path_bytes()).into_owned(), content);
    }
    out
}

#[test]
#[ignore = "needs a container engine"]
fn an_export_is_what_docker_save_writes() {
    let _engine = SharedEngine::take();
    runtime().block_on(async {
        let engine = connect(&ConnectOptions::default()).await.unwrap();
        let before = engine.snapshot().await.unwrap();
        let mut exported = Vec::new();
        let mut stream = engine.export(&[BASE.to_owned()]);
        while let Some(chunk) = stream.next().await {
            exported.extend_from_slice(&chunk.unwrap());
        }
        let saved = Command::new("docker").args(["save", BASE]).output().unwrap();
        assert!(saved.status.success());
        assert_eq!(contents(&exported), contents(&saved.stdout));
        assert!(contents(&exported).contains_key("manifest.json"));
        assert_same(&before, &engine.snapshot().await.unwrap());
    });
}

#[test]
#[ignore = "needs a container engine"]
fn a_container_starts_answers_and_goes() {
    let _engine = SharedEngine::take();
    runtime().block_on(async {
        let engine = connect(&ConnectOptions::default()).await.unwrap();
        let run = format!("live-{}", now());
        let spec = ContainerSpec {
            bare: false,
            image: BASE.into(),
            command: ["/bin/sh", "-c", "echo out; echo err >&2; exec sleep 73"].map(ToOwned::to_owned).into(),
            labels: BTreeMap::from([(labels::RUN.to_owned(), run.clone())]),
            port: 5000,
            publish: false,
            env: vec!["A=b".into()],
            limits: ServeLimits { memory_bytes: Bytes(64 << 20), ..ServeLimits::default() },
            platform: None,
            network: None,
        };
        let before = engine.snapshot().await.unwrap();
        let id = engine.start(&spec).await.unwrap();
        let state = engine.container(&id).await.unwrap();
        assert!(state.running && state.exit_code.is_none(), "{state:?}");
        assert!(state.address.unwrap().ends_with(":5000"));
        let mut lines = BTreeSet::new();
        for _ in 0..50 {
            lines.extend(engine.logs(&id, 10).await.unwrap());
            if lines.len() == 2 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(lines, BTreeSet::from(["err".to_owned(), "out".to_owned()]));
        let used = engine.used(&id).await.unwrap();
        assert!(used.memory.is_some_and(|bytes| bytes > Bytes::ZERO && bytes < Bytes(64 << 20)), "{used:?}");
        assert!(used.cpu.is_some_and(|cpu| cpu > Nanos::ZERO && cpu < Nanos::from_seconds(60.0)), "{used:?}");
        assert!(engine.running().await.unwrap().iter().any(|running| running.image == BASE));
        assert_eq!(engine.listens(&id, 5000).await.unwrap(), Some(Listens::No));

        // Only where the engine's bridges are this host's; a private engine has a namespace of its own.
        let mut apart = 0;
        if let Ok(network) = engine.make_network(&run).await {
            assert_eq!(engine.make_network(&run).await.unwrap(), network, "one network a run");
            let internal = docker(&["network", "inspect", "--format", "{{.Internal}}", &network]);
            assert_eq!(String::from_utf8(internal).unwrap().trim(), "true");
            let spec = ContainerSpec { network: Some(network.clone()), ..spec.clone() };
            let id = engine.start(&spec).await.unwrap();
            assert!(engine.container(&id).await.unwrap().address.unwrap().ends_with(":5000"));
            apart = 1;
        }

        let published = engine.start(&ContainerSpec { publish: true, ..spec.clone() }).await.unwrap();
        let address = engine.container(&published).await.unwrap().address.unwrap();
        assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":5000"), "{address}");

        // After a kill nothing is known but the label: that is enough, and no more is touched.
        let lost = Ownership { run, ..Ownership::default() };
        let report = engine.clean(&lost, Removal::Remove).await.unwrap();
        assert_eq!((report.containers, report.images, report.networks, report.cache_records), (2 + apart, 0, apart, 0));
        engine.remove_network("tonnage-live-none").await.unwrap();
        assert_same(&before, &engine.snapshot().await.unwrap());
        engine.remove_container(&id).await.unwrap();
        assert!(matches!(engine.container(&id).await, Err(EngineError::Refused { status: 404, .. })));

        let absent = ContainerSpec { image: "tonnage-live/absent:1".into(), ..spec };
        assert!(matches!(engine.start(&absent).await, Err(EngineError::Refused { status: 404, .. })));
    });
}

#[test]
#[ignore = "needs a container engine"]
fn a_container_says_at_which_addresses_it_listens() {
    let _engine = SharedEngine::take();
    runtime().block_on(async {
        let engine = connect(&ConnectOptions::default()).await.unwrap();
        for (address, expected) in [("5000", Listens::Yes), ("127.0.0.1:5000", Listens::AtLoopback)] {
            let spec = ContainerSpec {
                image: BASE.into(),
                command: ["httpd", "-f", "-p", address].map(ToOwned::to_owned).into(),
                labels: BTreeMap::from([(labels::RUN.to_owned(), format!("live-{}", now()))]),
                port: 5000,
                ..ContainerSpec::default()
            };
            let id = engine.start(&spec).await.unwrap();
            let mut found = None;
            for _ in 0..50 {
                found = engine.listens(&id, 5000).await.unwrap();
                if found == Some(expected) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            engine.remove_container(&id).await.unwrap();
            assert_eq!(found, Some(expected), "{address}");
        }
    });
}

#[test]
#[ignore = "needs a container engine"]
fn after_a_kill_labelled_images_go_and_nothing_else() {
    let _engine = SharedEngine::take();
    runtime().block_on(async {
        let mut run = Run::begin(BuilderChoice::Auto).await;
        let request = run.request(&format!("FROM {BASE}\nCOPY src /app\n"), "print(3)\n");
        let built = run.build(&request).await.unwrap().unwrap();
        let lost = Ownership { run: run.own.run.clone(), ..Ownership::default() };
        run.engine.clean(&lost, Removal::Remove).await.unwrap();
        assert!(run.engine.image(&built.image_id).await.unwrap().is_none());
        run.end().await;
    });
}

#[test]
#[ignore = "needs a container engine"]
fn what_a_registry_does_not_have_cannot_be_pulled() {
    let _engine = SharedEngine::take();
    runtime().block_on(async {
        let engine = connect(&ConnectOptions::default()).await.unwrap();
        let pulled = engine.pull("127.0.0.1:9/nothing:1", None, Duration::from_secs(20), &mut |_| {}).await;
        match pulled {
            Err(EngineError::Refused { message, .. }) => assert!(message.contains("connection refused"), "{message}"),
            other => panic!("{other:?}"),
        }
    });
}

/// A Dockerfile that could not be told from a foreign one: its build must not be claimed.
#[test]
#[ignore = "needs a container engine"]
fn another_build_in_the_same_span_is_left_alone() {
    let Some(_engine) = SharedEngine::take_with_buildkit() else { return };
    runtime().block_on(async {
        let mut run = Run::begin(BuilderChoice::Buildkit).await;
        let foreign = run.request(&format!("FROM {BASE}\nRUN echo theirs\n"), "");
        let foreign = BuildRequest { labels: BTreeMap::new(), tags: vec!["tonnage-live/foreign:1".into()], ..foreign };
        let start = now();
        let theirs = run.engine.build(&foreign, &mut |_| {}).await.unwrap().unwrap();
        let ours = run.build(&run.request(&format!("FROM {BASE}\nRUN echo ours\n"), "")).await.unwrap().unwrap();
        run.own.windows = vec![(start, now())];
        let report = run.engine.clean(&run.own, Removal::Remove).await.unwrap();
        assert!(run.engine.image(&ours.image_id).await.unwrap().is_none());
        assert!(run.engine.image(&theirs.image_id).await.unwrap().is_some());
        assert!(report.left.iter().any(|line| line.contains("something else was built")), "{report:?}");
        // Now that it is known to be ours after all, it goes too.
        run.own.tags.extend(foreign.tags);
        run.own.images.insert(theirs.image_id);
        run.own.instructions.insert("RUN echo theirs".into());
        run.end().await;
    });
}
