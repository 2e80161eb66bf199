//! The scripted engine behaves as engines do.

use super::*;
use crate::testing::files::{DOCKERFILE, block_on};
use futures_util::StreamExt;
use tonnage_image::testing::archives::archive;

const MULTISTAGE: &str = "FROM python:3.9-alpine as base\nFROM base as builder\nCOPY requirements.txt /\n\
                          RUN pip install\nFROM base as unused\nRUN never\nFROM base\n\
                          COPY --from=builder /root/.local /root/.local\nCOPY src /app\n";

fn request(dockerfile: &str, requirements: &str, source: &str) -> BuildRequest {
    let files = [("Dockerfile", dockerfile), ("requirements.txt", requirements), ("src/server.py", source)];
    BuildRequest {
        context: archive(&files).into(),
        dockerfile: "Dockerfile".into(),
        tags: vec!["app:1".into()],
        labels: BTreeMap::from([(labels::RUN.to_owned(), "r1".to_owned())]),
        build_args: BTreeMap::new(),
        secrets: crate::engine::Secrets::default(),
        images: Vec::new(),
        target: None,
        platform: None,
        network: None,
        no_cache: false,
        builder: Builder::Buildkit,
        deadline: Duration::from_millis(5),
    }
}

async fn built(engine: &ScriptedEngine, request: &BuildRequest) -> BuildOutput {
    engine.build(request, &mut |_| {}).await.unwrap().unwrap()
}

fn missed(output: &BuildOutput) -> Vec<&str> {
    output.steps.iter().filter(|step| !step.cached).map(|step| step.instruction.as_str()).collect()
}

#[test]
fn scenarios_hit_and_miss_as_on_a_real_engine() {
    block_on(async {
        let engine = ScriptedEngine::new(Script::default());
        let cold = BuildRequest { no_cache: true, ..request(DOCKERFILE, "a", "1") };
        let first = built(&engine, &cold).await;
        assert_eq!(missed(&first).len(), 4);
        let again = built(&engine, &cold).await;
        assert_eq!(missed(&again).len(), 3, "WORKDIR comes from cache in spite of nocache");
        assert_ne!(again.image_id, first.image_id);
        let warm = built(&engine, &request(DOCKERFILE, "a", "1")).await;
        assert_eq!(missed(&warm), Vec::<&str>::new());
        assert_eq!(warm.image_id, again.image_id);
        assert!(warm.wall_ns < again.wall_ns);
        assert_eq!(missed(&built(&engine, &request(DOCKERFILE, "a", "2")).await), ["COPY src /app"]);
        let deps = built(&engine, &request(DOCKERFILE, "b", "1")).await;
        assert_eq!(missed(&deps)[0], "COPY requirements.txt ./");
        assert_eq!(missed(&deps).len(), 3);
    });
}

#[test]
fn stages_that_nothing_needs_are_not_built_by_buildkit() {
    block_on(async {
        let engine = ScriptedEngine::new(Script::default());
        let output = built(&engine, &request(MULTISTAGE, "a", "1")).await;
        let stages: Vec<_> = output.steps.iter().map(|step| step.stage.as_str()).collect();
        assert_eq!(stages, ["builder", "builder", "stage-3", "stage-3"]);
        let mut script = Script::default();
        script.facts.builder = Builder::Classic;
        let engine = ScriptedEngine::new(script);
        assert_eq!(built(&engine, &request(MULTISTAGE, "a", "1")).await.steps.len(), 5);
    });
}

#[test]
fn two_engines_with_one_script_do_the_same() {
    block_on(async {
        let one = built(&ScriptedEngine::new(Script::default()), &request(DOCKERFILE, "a", "1")).await;
        let two = built(&ScriptedEngine::new(Script::default()), &request(DOCKERFILE, "a", "1")).await;
        assert_eq!(one, two);
        let other = Script { seed: 2, ..Script::default() };
        let three = built(&ScriptedEngine::new(other), &request(DOCKERFILE, "a", "1")).await;
        assert_eq!(three.image_id, one.image_id);
        assert_ne!(three.wall_ns, one.wall_ns);
    });
}

#[test]
fn troubles_come_when_the_script_says() {
    let trouble = |kind, from| Trouble { dockerfile: "Dockerfile".into(), from, kind };
    let failing = TroubleKind::Fails { instruction: "pip".into(), message: "exit code: 1".into() };
    block_on(async {
        let engine = ScriptedEngine::new(Script { troubles: vec![trouble(failing, 0)], ..Script::default() });
        let failure = engine.build(&request(DOCKERFILE, "a", "1"), &mut |_| {}).await.unwrap().unwrap_err();
        assert_eq!(failure.instruction, "RUN pip install -r requirements.txt");

        let engine =
            ScriptedEngine::new(Script { troubles: vec![trouble(TroubleKind::Lost(1), 1)], ..Script::default() });
        built(&engine, &request(DOCKERFILE, "a", "1")).await;
        let lost = engine.build(&request(DOCKERFILE, "a", "1"), &mut |_| {}).await.unwrap_err();
        assert!(matches!(lost, EngineError::Lost { .. }));
        assert!(engine.snapshot().await.unwrap_err().is_lost());
        engine.revive();
        assert!(engine.snapshot().await.is_ok());

        let engine =
            ScriptedEngine::new(Script { troubles: vec![trouble(TroubleKind::Hangs, 0)], ..Script::default() });
        let failure = engine.build(&request(DOCKERFILE, "a", "1"), &mut |_| {}).await.unwrap().unwrap_err();
        assert_eq!(failure.message, "no end within 0 s");
    });
    block_on(async {
        let engine = ScriptedEngine::new(Script::default());
        for (dockerfile, message) in [
            ("FROM python:3.9\nRUNN x\n", "line 2: `RUNN` is not an instruction"),
            ("FROM nothing:1\nRUN x\n", "does not exist"),
            ("FROM python:3.9\nCOPY nothing /\n", "not found"),
        ] {
            let failure = engine.build(&request(dockerfile, "", ""), &mut |_| {}).await.unwrap().unwrap_err();
            assert!(failure.message.contains(message), "{failure:?}");
        }
        assert_eq!(engine.builds(), 3);
    });
}

#[test]
fn exports_are_docker_archives_and_cleaning_leaves_what_was_there() {
    block_on(async {
        let engine = ScriptedEngine::new(Script::default());
        let before = engine.snapshot().await.unwrap();
        let output = built(&engine, &request(DOCKERFILE, "a", "1")).await;
        let mut bytes = Vec::new();
        let mut stream = engine.export(&["app:1".to_owned()]);
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.unwrap());
        }
        let files = dockerfile::files(&bytes);
        let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        assert_eq!(manifest[0]["RepoTags"][0], "app:1");
        let config = &files[manifest[0]["Config"].as_str().unwrap()];
        assert_eq!(dockerfile::plain_digest(config), output.image_id);
        let config: serde_json::Value = serde_json::from_slice(config).unwrap();
        let layers = manifest[0]["Layers"].as_array().unwrap();
        assert_eq!(layers.len(), 5);
        for (layer, diff_id) in layers.iter().zip(config["rootfs"]["diff_ids"].as_array().unwrap()) {
            assert_eq!(dockerfile::plain_digest(&files[layer.as_str().unwrap()]), diff_id.as_str().unwrap());
        }
        let id = engine.start(&ContainerSpec { image: "app:1".into(), ..ContainerSpec::default() }).await.unwrap();
        assert!(engine.container(&id).await.unwrap().running);
        engine.remove_container(&id).await.unwrap();
        let tags = ["app:1".to_owned()].into();
        let own = Ownership { run: "r1".into(), before: Some(before.clone()), tags, ..Ownership::default() };
        engine.clean(&own, Removal::List).await.unwrap();
        assert!(engine.image("app:1").await.unwrap().is_some());
        let report = engine.clean(&own, Removal::Remove).await.unwrap();
        assert_eq!((report.images, report.cache_records), (1, 4));
        assert_eq!(engine.snapshot().await.unwrap(), before);
    });
}
