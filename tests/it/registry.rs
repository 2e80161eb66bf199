//! Images in registries, scripted on the loopback interface: what is read of them, and what a user is told where
//! something is wrong.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tonnage::testing::registry::{OneLayerImage, RegistryAnswer, RegistryScript, ScriptedRegistry, answer, ok};
use tonnage_image::testing::archives::{self, digest};

use crate::sandbox::{Ran, Sandbox};

/// What a registry holds, by the end of the path.
#[derive(Clone, Default)]
struct Content(BTreeMap<String, Vec<u8>>);

impl Content {
    fn add(&mut self, kind: &str, content: &[u8]) -> Value {
        let digest = format!("sha256:{}", digest(content));
        self.0.insert(format!("{kind}/{digest}"), content.to_vec());
        json!({"digest": digest, "size": content.len()})
    }

    fn add_json(&mut self, kind: &str, content: &Value) -> Value {
        self.add(kind, content.to_string().as_bytes())
    }

    /// An image whose layers are files of these contents.
    fn image(&mut self, architecture: &str, files: &[&str]) -> Value {
        let tars: Vec<Vec<u8>> = files.iter().map(|file| archives::archive(&[("srv/file", file)])).collect();
        let diff_ids: Vec<String> = tars.iter().map(|tar| format!("sha256:{}", digest(tar))).collect();
        let history: Vec<Value> = (0..tars.len()).map(|n| json!({"created_by": format!("RUN step {n}")})).collect();
        let config = json!({
            "os": "linux", "architecture": architecture, "rootfs": {"diff_ids": diff_ids}, "history": history,
            "config": {"User": "app", "Entrypoint": ["/bin/server", "--at=https://u:secret@host"]},
        });
        let config = self.add_json("blobs", &config);
        let layers: Vec<Value> = tars.iter().map(|tar| self.add("blobs", &archives::gzip(tar))).collect();
        let mut manifest = self.add_json("manifests", &json!({"config": config, "layers": layers}));
        manifest["platform"] = json!({"os": "linux", "architecture": architecture});
        manifest
    }

    /// An index under a tag.
    fn index(&mut self, tag: &str, manifests: &[Value]) {
        let index = json!({"schemaVersion": 2, "manifests": manifests});
        self.0.insert(format!("manifests/{tag}"), index.to_string().into_bytes());
    }

    fn script(self) -> RegistryScript {
        Box::new(move |request, _| self.answer(&request.path))
    }

    fn answer(&self, path: &str) -> RegistryAnswer {
        let found = path.strip_prefix("/v2/team/app/").and_then(|path| self.0.get(path));
        found.map_or_else(|| answer("404 Not Found", "", b"{}"), |content| ok(content, ""))
    }
}

/// Two platforms that share a layer, and an attestation of one of them.
fn two_platforms() -> Content {
    let mut content = Content::default();
    let amd64 = content.image("amd64", &["shared", "amd64's own"]);
    let arm64 = content.image("arm64", &["shared", "arm64's own"]);
    let statement = content.add("blobs", &[b'x'; 5_000]);
    let empty = content.add("blobs", b"{}");
    let mut attestation = content.add_json("manifests", &json!({"config": empty, "layers": [statement]}));
    attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    attestation["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": amd64["digest"],
    });
    content.index("1", &[amd64.clone(), arm64, attestation]);
    content.index("one", &[amd64]);
    content
}

/// The program without an engine, and with the given credentials.
fn run(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let mut command = sandbox.command_on("unix:///nonexistent.sock", arguments);
    Ran::from(command.env("DOCKER_CONFIG", sandbox.path("docker")).output().unwrap())
}

fn weigh_json(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let arguments = [&["weigh", "--format", "json"], arguments].concat();
    serde_json::from_str(&run(sandbox, &arguments).expect(0).stdout).unwrap()
}

fn target(server: &ScriptedRegistry, tag: &str) -> String {
    format!("registry://127.0.0.1:{}/team/app:{tag}", server.port)
}

#[test]
fn a_known_layer_is_not_transferred_again_until_the_cache_is_cleared() {
    let image = OneLayerImage::incompressible();
    let registry = image.clone();
    let server = ScriptedRegistry::start(Box::new(move |request, _| registry.answer(&request.path)));
    let layer = format!("/v2/team/app/blobs/sha256:{}", digest(&image.layer));
    let (sandbox, image) = (Sandbox::new(), target(&server, "1"));
    let transferred = || server.heard(&layer).len();
    let without = weigh_json(&sandbox, &["--no-cache", &image]);
    let first = weigh_json(&sandbox, &[&image]);
    assert_eq!(transferred(), 2);
    assert_eq!(weigh_json(&sandbox, &[&image]), first);
    assert_eq!(first, without);
    assert_eq!(transferred(), 2);
    let cleared = run(&sandbox, &["clean", "--cache"]).expect(0);
    assert!(cleared.stdout.contains("kept of 1 layer"), "{}", cleared.stdout);
    assert_eq!(weigh_json(&sandbox, &[&image]), first);
    assert_eq!(transferred(), 3);
    // What was changed on disk is as if it were not there.
    for entry in std::fs::read_dir(sandbox.path("state/tonnage/layers")).unwrap() {
        std::fs::write(entry.unwrap().path(), "not what was kept").unwrap();
    }
    assert_eq!(weigh_json(&sandbox, &[&image]), first);
    assert_eq!(transferred(), 4);
}

#[test]
fn layers_of_what_is_only_a_base_are_not_transferred() {
    let mut content = Content::default();
    for (tag, files) in [("app", &["shared", "own"][..]), ("base", &["shared"]), ("other", &["another"])] {
        let image = content.image("amd64", files);
        content.index(tag, &[image]);
    }
    let server = ScriptedRegistry::start(content.script());
    let (sandbox, app, other) = (Sandbox::new(), target(&server, "app"), target(&server, "other"));
    let transferred = || server.heard("/v2/team/app/blobs/").len();
    let weighed = weigh_json(&sandbox, &["--no-cache", "--base", &target(&server, "base"), &app]);
    let layers = &weighed["targets"][0]["layers"];
    assert_eq!((&layers[0]["origin"], &layers[1]["origin"]), (&json!("base"), &json!("own")), "{weighed}");
    assert_eq!(transferred(), 4, "two configs, and the layers of the image");
    let ran = run(&sandbox, &["weigh", "--no-cache", "--base", &other, &app]).expect(0);
    assert!(ran.stderr.contains("is not built on"), "{}", ran.stderr);
    assert_eq!(transferred(), 8, "two configs, and the layers of the image");
}

#[test]
fn a_manifest_says_what_is_transferred_and_no_layer_is() {
    let content = two_platforms();
    let server = ScriptedRegistry::start(content.clone().script());
    let (sandbox, image) = (Sandbox::new(), target(&server, "1"));
    let read = weigh_json(&sandbox, &["--manifest-only", &image]);
    let targets = read["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 2);
    let whole = {
        let layers = server.heard("/v2/team/app/blobs/").len();
        assert_eq!(layers, 2, "the configs");
        weigh_json(&sandbox, &[&image])
    };
    for (read, whole) in targets.iter().zip(whole["targets"].as_array().unwrap()) {
        assert_eq!(read["manifest"]["compressed_bytes"], whole["sizes"]["wire_bytes"]);
        for key in ["target", "config_digest", "platform", "user", "also_stored_bytes"] {
            assert_eq!(read[key], whole[key], "{key}");
        }
        let layers = read["manifest"]["layers"].as_array().unwrap().iter().zip(whole["layers"].as_array().unwrap());
        for (read, whole) in layers {
            assert_eq!(read["compressed_bytes"], whole["wire_bytes"]);
            assert_eq!(read["diff_id"], whole["diff_id"]);
            assert_eq!(read["instruction"], whole["instruction"]);
        }
        assert!(read["sizes"].is_null() && read["layers"].is_null(), "{read}");
    }
    // Its manifest, the statement, and the empty config; the other platform has none.
    let also = targets[0]["also_stored_bytes"].as_u64().unwrap();
    assert!((5_002..6_000).contains(&also), "{also}");
    assert_eq!(targets[1]["also_stored_bytes"], 0);

    let one = run(&sandbox, &["weigh", "--manifest-only", "--platform", "linux/arm64", &image]).expect(0);
    assert!(one.stdout.contains("2 layers, linux/arm64, runs as app."), "{}", one.stdout);
    assert!(one.stdout.contains("RUN step 1") && !one.stdout.contains("secret"), "{}", one.stdout);
    let shown = run(&sandbox, &["weigh", "--platform", "linux/amd64", &image]).expect(0);
    assert!(shown.stdout.contains("Also stored, not part of the size: 5."), "{}", shown.stdout);
    run(&sandbox, &["weigh", "--manifest-only", "archive.tar"]).expect(2).complains(&["archive.tar", "registry"]);
}

#[test]
fn budgets_of_what_is_transferred_are_judged_from_the_manifest() {
    let server = ScriptedRegistry::start(two_platforms().script());
    let (sandbox, image) = (Sandbox::new(), format!("app={}", target(&server, "1")));
    let check = |budget: &str| {
        sandbox.write("tonnage.toml", &format!("[budget]\n{budget}\n"));
        run(&sandbox, &["check", "--suite", ".", "--manifest-only", &image])
    };
    let all = "compressed = \"1 MB\"\nlayer_compressed = \"1 MB\"\nlayers = 2\nroot = false";
    let passed = check(all).expect(0);
    assert!(passed.stdout.contains("app (linux/amd64)") && passed.stdout.contains("app (linux/arm64)"));
    assert_eq!(server.heard("/v2/team/app/blobs/").len(), 2, "the configs");
    for budget in ["compressed = \"100 B\"", "layer_compressed = \"10 B\"", "layers = 1"] {
        let failed = check(budget).expect(1);
        assert!(failed.stdout.contains(budget.split(' ').next().unwrap()), "{}", failed.stdout);
    }
    // What a manifest does not say is not known, and passes nothing.
    let unknown = check("size = \"1 MB\"").expect(4);
    assert!(unknown.stdout.contains("only the manifest was read"), "{}", unknown.stdout);
    run(&sandbox, &["check", "--suite", ".", "--manifest-only"]).expect(2).complains(&["registry"]);
}

#[test]
fn a_platform_that_is_gone_is_a_variant_that_vanished() {
    let server = ScriptedRegistry::start(two_platforms().script());
    let sandbox = Sandbox::new();
    sandbox.write("tonnage.toml", "[budget]\nsize = \"+0 B\"\n");
    let both = format!("app={}", target(&server, "1"));
    sandbox.write("weighed.json", &weigh_json(&sandbox, &[&both]).to_string());
    run(&sandbox, &["baseline", "accept", "weighed.json", "--suite", "."]).expect(0);
    run(&sandbox, &["check", "--suite", ".", &both]).expect(0);
    let one = format!("app={}", target(&server, "one"));
    let gone = run(&sandbox, &["check", "--suite", ".", "--format", "json", &one]).expect(1);
    let judged: Value = serde_json::from_str(&gone.stdout).unwrap();
    let of = |name: &str| -> Vec<&Value> {
        judged["rules"].as_array().unwrap().iter().filter(|rule| rule["variant"] == name).collect()
    };
    assert!(of("app (linux/amd64)").iter().all(|rule| rule["verdict"] == "pass"), "{judged}");
    assert!(of("app (linux/arm64)").iter().any(|rule| rule["metric"] == "presence"), "{judged}");
    let compare = |platform: &str| {
        run(&sandbox, &["compare", "--platform", platform, &target(&server, "1"), &target(&server, "one")])
    };
    compare("linux/amd64").expect(0);
    compare("linux/arm64").expect(7).complains(&["team/app:one", "linux/arm64"]);
}

#[test]
fn doctor_says_what_a_registry_says_of_pulls() {
    let image = OneLayerImage::incompressible();
    let server = ScriptedRegistry::start(Box::new(move |request, _| {
        if request.path.ends_with("/manifests/free") {
            return ok(&image.manifest, "");
        }
        ok(&image.manifest, "RateLimit-Limit: 100;w=21600\r\nRateLimit-Remaining: 76;w=21600\r\n")
    }));
    let (sandbox, limited, free) = (Sandbox::new(), target(&server, "1"), target(&server, "free"));
    let found = run(&sandbox, &["doctor", "--image", &limited, "--image", &free]).expect(6);
    assert!(found.stdout.contains("76 of 100 pulls left per 6 h"), "{}", found.stdout);
    assert!(found.stdout.contains("names no limit"), "{}", found.stdout);
    let missing = format!("registry://127.0.0.1:{}/team/app:1", 1);
    let found = run(&sandbox, &["doctor", "--format", "json", "--image", &limited, "--image", &missing]).expect(6);
    let found: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!(found["registries"][0]["pull_quota"]["remaining"], 76);
    assert_eq!(found["registries"][1]["readable"], false);
    assert!(found["problems"].to_string().contains("cannot reach"), "{found}");
}

/// What an odd registry does, and words of the error.
type Row = (&'static str, fn(&OneLayerImage, &str, bool) -> RegistryAnswer, &'static [&'static str]);

const ODD: &[Row] = &[
    ("sends less than the manifest says", |i, p, l| if l { cut(&i.layer) } else { i.answer(p) }, &["ended"]),
    (
        "lies about a length",
        |i, p, l| if l { ok(&[&i.layer[..], b"more"].concat(), "") } else { i.answer(p) },
        &["bytes, but its manifest says"],
    ),
    (
        "sends another layer",
        |i, p, l| if l { ok(&i.layer.iter().map(|byte| byte ^ 1).collect::<Vec<_>>(), "") } else { i.answer(p) },
        &["layer"],
    ),
    (
        "sends another manifest",
        |i, p, _| if p.contains("/manifests/") { ok(&i.manifest, WRONG_DIGEST) } else { i.answer(p) },
        &["has the digest"],
    ),
    ("sends no JSON", |i, p, _| if p.contains("/manifests/") { ok(b"<html>", "") } else { i.answer(p) }, &["blobs"]),
    (
        "redirects to where nobody answers",
        |i, p, l| {
            if l { answer("307 Temporary Redirect", "Location: http://127.0.0.1:1/x\r\n", b"") } else { i.answer(p) }
        },
        &["cannot reach", "127.0.0.1:1"],
    ),
    ("redirects to a file", |_, _, _| answer("302 Found", "Location: file:///etc/passwd\r\n", b""), &["redirects"]),
    ("limits requests", |_, _, _| answer("429 Too Many Requests", "Retry-After: 3600\r\n", b""), &["limits", "3600 s"]),
    ("does not know the tag", |_, _, _| answer("404 Not Found", "", UNKNOWN), &["has no", "manifest"]),
    ("refuses the password", |_, _, _| answer("401 Unauthorized", BASIC, b""), &["denies access"]),
    ("fails", |_, _, _| answer("500 Internal Server Error", "", b""), &["answers 500"]),
];
const WRONG_DIGEST: &str =
    "Docker-Content-Digest: sha256:0000000000000000000000000000000000000000000000000000000000000000\r\n";
const UNKNOWN: &[u8] = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest \u001b[2Junknown"}]}"#;
const BASIC: &str = "WWW-Authenticate: Basic realm=\"x\"\r\n";

fn cut(content: &[u8]) -> RegistryAnswer {
    let mut whole = ok(content, "");
    whole.bytes.truncate(whole.bytes.len() / 2);
    whole
}

#[test]
fn a_registry_that_misbehaves_is_a_clear_error_and_passes_no_gate() {
    for (name, behave, words) in ODD {
        let image = OneLayerImage::incompressible();
        let server =
            ScriptedRegistry::start(Box::new(move |request, _| behave(&image, &request.path, image.is_layer(request))));
        let sandbox = Sandbox::new();
        let auths =
            json!({"auths": {format!("127.0.0.1:{}", server.port): {"username": "u", "password": "pass-word"}}});
        sandbox.write("docker/config.json", &auths.to_string());
        sandbox.write("tonnage.toml", "[budget]\nsize = \"1 GB\"\n");
        let image = target(&server, "1");
        let commands: [(&[&str], i32); 3] =
            [(&["weigh", &image], 7), (&["compare", &image, &image], 7), (&["check", "--suite", ".", &image], 3)];
        for (arguments, code) in commands {
            let ran = run(&sandbox, arguments);
            assert_eq!(ran.code, Some(code), "{name}: {arguments:?}\n{}\n{}", ran.stdout, ran.stderr);
            assert!(!ran.stderr.contains("pass-word") && !ran.stderr.contains('\u{1b}'), "{name}: {}", ran.stderr);
            ran.complains(words);
        }
    }
}
