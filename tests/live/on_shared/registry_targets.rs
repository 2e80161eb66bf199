//! Images read in a real registry, which speaks HTTPS with a certificate of an authority of its own and wants a password.
//! No engine takes part.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::registry::{PASSWORD, Registry, USER};
use crate::sandbox::{Ran, Sandbox};

/// A layer: one file, and a symbolic link to it.
fn layer(path: &str, content: &[u8]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, path, content).unwrap();
    header.set_size(0);
    header.set_entry_type(tar::EntryType::Symlink);
    archive.append_link(&mut header, format!("{path}.link"), path).unwrap();
    archive.into_inner().unwrap()
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(content)))
}

/// Writes blobs of an OCI layout.
struct Layout<'a>(&'a Path);

impl Layout<'_> {
    fn add(&self, media_type: &str, content: &[u8]) -> Value {
        let digest = digest(content);
        let blobs = self.0.join("blobs/sha256");
        std::fs::create_dir_all(&blobs).unwrap();
        std::fs::write(blobs.join(&digest[7..]), content).unwrap();
        json!({"mediaType": media_type, "digest": digest, "size": content.len()})
    }

    fn add_json(&self, media_type: &str, content: &Value) -> Value {
        self.add(media_type, content.to_string().as_bytes())
    }

    fn manifest(&self, architecture: &str, layers: &[(Vec<u8>, Packing)]) -> Value {
        let diff_ids: Vec<String> = layers.iter().map(|(tar, _)| digest(tar)).collect();
        let history: Vec<Value> = (0..layers.len()).map(|n| json!({"created_by": format!("step {n}")})).collect();
        let config = json!({
            "architecture": architecture, "os": "linux", "config": {"User": "app"},
            "history": history, "rootfs": {"type": "layers", "diff_ids": diff_ids},
        });
        let config = self.add_json("application/vnd.oci.image.config.v1+json", &config);
        let layers: Vec<Value> = layers.iter().map(|(tar, packing)| packing.add(self, tar)).collect();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers,
        });
        let mut manifest = self.add_json(MANIFEST, &manifest);
        manifest["platform"] = json!({"os": "linux", "architecture": architecture});
        manifest
    }

    /// One image.
    fn write_one(&self, layers: &[(Vec<u8>, Packing)]) {
        let outer = json!({"schemaVersion": 2, "manifests": [self.manifest("amd64", layers)]});
        self.finish(&outer);
    }

    fn finish(&self, index: &Value) {
        std::fs::write(self.0.join("index.json"), index.to_string()).unwrap();
        std::fs::write(self.0.join("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}").unwrap();
    }

    /// Two platforms with layers of both packings, one of them shared, and an attestation.
    fn write(&self) {
        let shared = layer("shared", "7".repeat(100_000).as_bytes());
        let amd64 = self.manifest("amd64", &[(shared.clone(), Packing::Gzip), (layer("amd64", b"one"), Packing::Zstd)]);
        let arm64 = self.manifest("arm64", &[(shared, Packing::Gzip), (layer("arm64", b"other"), Packing::Gzip)]);
        let statement = self.add_json("application/vnd.in-toto+json", &json!({"subject": "x"}));
        let empty = self.add_json("application/vnd.oci.image.config.v1+json", &json!({"rootfs": {}}));
        let attestation = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": empty, "layers": [statement],
        });
        let mut attestation = self.add_json(MANIFEST, &attestation);
        attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
        attestation["annotations"] = json!({
            "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": amd64["digest"],
        });
        let index = "application/vnd.oci.image.index.v1+json";
        let nested = json!({"schemaVersion": 2, "mediaType": index, "manifests": [amd64, arm64, attestation]});
        let nested = self.add_json(index, &nested);
        let outer = json!({"schemaVersion": 2, "manifests": [nested]});
        self.finish(&outer);
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[derive(Clone, Copy)]
enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    fn add(self, layout: &Layout<'_>, tar: &[u8]) -> Value {
        match self {
            Self::Gzip => {
                let mut packed = flate2::read::GzEncoder::new(tar, flate2::Compression::fast());
                let mut content = Vec::new();
                std::io::Read::read_to_end(&mut packed, &mut content).unwrap();
                layout.add("application/vnd.oci.image.layer.v1.tar+gzip", &content)
            }
            Self::Zstd => {
                let content = zstd::encode_all(tar, 1).unwrap();
                layout.add("application/vnd.oci.image.layer.v1.tar+zstd", &content)
            }
        }
    }
}

/// Layers with what readers may get wrong: what later layers hide, hard links, packages, copies, no entries, and many.
fn odd_images() -> Vec<Vec<(Vec<u8>, Packing)>> {
    use tonnage_image::testing::archives::{file, folder, hard_link, layer, opaque, symlink, whiteout, zeros};
    let status = "Package: p\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n";
    let below = layer(&[
        folder("etc"),
        file("etc/a", "0123456789"),
        hard_link("etc/b", "etc/a"),
        symlink("lib", "usr/lib"),
        zeros("usr/lib/d/x.so.1", 600_000),
        file("var/lib/dpkg/status", status),
        file("var/lib/dpkg/info/p.list", "/.\n/etc/a\n/usr/lib/d/x.so.1\n"),
    ]);
    let above =
        layer(&[whiteout("etc/a"), opaque("usr/lib/d"), file("usr/lib/d/new", "new"), file("srv/copy", "0123456789")]);
    let many = |n: usize| (layer(&[file(&format!("srv/{n}"), &"text ".repeat(n * 100))]), Packing::Gzip);
    let empty = layer(&[]);
    vec![
        vec![(below.clone(), Packing::Gzip), (above.clone(), Packing::Zstd), (above.clone(), Packing::Zstd)],
        (0..60).map(many).collect(),
        vec![(empty, Packing::Gzip), (below, Packing::Zstd), (above, Packing::Gzip)],
    ]
}

#[test]
#[ignore = "needs a container engine"]
fn five_images_in_a_registry_weigh_what_their_archives_weigh() {
    let registry = Registry::start_tls();
    let sandbox = Sandbox::new();
    configuration(&sandbox, &registry, PASSWORD);
    let ca = registry.ca_file();
    let weigh = |options: &[&str], target: &str| {
        let arguments =
            [&["weigh", "--format", "json", "--ca-file", ca.to_str().unwrap()], options, &[target]].concat();
        let mut command = sandbox.command(&arguments);
        command.env("DOCKER_CONFIG", sandbox.path("docker")).env("DOCKER_HOST", "unix:///nonexistent.sock");
        Ran::from(command.output().unwrap()).expect(0).stdout
    };
    let mut compared = 0;
    for (number, layers) in odd_images().iter().map(Some).chain([None]).enumerate() {
        let (layout, name) = (sandbox.path(&format!("layout-{number}")), format!("team/odd:{number}"));
        std::fs::create_dir_all(&layout).unwrap();
        match layers {
            Some(layers) => Layout(&layout).write_one(layers),
            None => Layout(&layout).write(),
        }
        registry.push(&layout, &name);
        let archive = sandbox.path(&format!("{number}.tar"));
        let mut tar = tar::Builder::new(std::fs::File::create(&archive).unwrap());
        tar.append_dir_all(".", &layout).unwrap();
        tar.finish().unwrap();
        let target = format!("registry://{}/{name}", registry.address);
        let local = figures(&weigh(&[], archive.to_str().unwrap()));
        compared += local.len();
        let read = figures(&weigh(&[], &target));
        assert_eq!(read, local, "{number}");
        assert!(read.iter().all(|target| target["sizes"]["wire_kind"] == "exact"), "{read:?}");
        // The same from the cache, and without it.
        assert_eq!(figures(&weigh(&[], &target)), local, "{number}");
        assert_eq!(figures(&weigh(&["--no-cache"], &target)), local, "{number}");
        let manifests: Value = serde_json::from_str(&weigh(&["--manifest-only"], &target)).unwrap();
        let compressed =
            manifests["targets"].as_array().unwrap().iter().map(|found| &found["manifest"]["compressed_bytes"]);
        assert!(compressed.eq(local.iter().map(|target| &target["sizes"]["wire_bytes"])), "{manifests}");
    }
    assert_eq!(compared, 5);
}

/// A configuration of Docker's command line with a password for the registry.
fn configuration(sandbox: &Sandbox, registry: &Registry, password: &str) {
    let address = registry.address.as_str();
    sandbox.write(
        "docker/config.json",
        &json!({"auths": {address: {"username": USER, "password": password}}}).to_string(),
    );
}

/// What `weigh --format json` says of its targets, without the names that they were asked for by and the way.
fn figures(text: &str) -> Vec<Value> {
    let found: Value = serde_json::from_str(text).unwrap();
    let mut targets = found["targets"].as_array().unwrap().clone();
    for target in &mut targets {
        for key in ["target", "name", "via", "via_reason", "tags", "also_stored_bytes"] {
            target.as_object_mut().unwrap().remove(key);
        }
    }
    targets
}

#[test]
#[ignore = "needs a container engine"]
fn an_index_in_a_registry_weighs_what_its_layout_weighs() {
    let registry = Registry::start_tls();
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path("layout")).unwrap();
    Layout(&sandbox.path("layout")).write();
    registry.push(&sandbox.path("layout"), "team/app:1");
    configuration(&sandbox, &registry, PASSWORD);
    let ca = registry.ca_file();
    let image = format!("registry://{}/team/app:1", registry.address);
    let run = |arguments: &[&str]| {
        let mut command = sandbox.command(arguments);
        command.env("DOCKER_CONFIG", sandbox.path("docker")).env("DOCKER_HOST", "unix:///nonexistent.sock");
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(!out.contains(PASSWORD) && !err.contains(PASSWORD), "{out}{err}");
        (output.status.code().unwrap(), out, err)
    };
    let ca = ca.to_str().unwrap();
    let (code, read, complaint) = run(&["weigh", "--format", "json", "--ca-file", ca, &image]);
    assert_eq!(code, 0, "{complaint}");
    let (code, local, complaint) = run(&["weigh", "--format", "json", "layout"]);
    assert_eq!(code, 0, "{complaint}");
    let (read, local) = (figures(&read), figures(&local));
    assert_eq!(read.len(), 2);
    assert_eq!(read, local);
    assert!(read.iter().all(|target| target["sizes"]["wire_kind"] == "exact"), "{read:?}");

    let (code, one, complaint) =
        run(&["weigh", "--format", "json", "--ca-file", ca, "--platform", "linux/arm64", &image]);
    assert_eq!(code, 0, "{complaint}");
    let one = figures(&one);
    assert_eq!(one.len(), 1);
    for key in ["config_digest", "layers", "paths", "platform"] {
        assert_eq!(one[0][key], local[1][key], "{key}");
    }

    // Its own authority is not one that this machine trusts.
    let (code, _, complaint) = run(&["weigh", &image]);
    assert!(code == 7 && complaint.contains("error:") && complaint.contains("hint:"), "{code} {complaint}");
    for (name, code) in [("team/app:no-such-tag", 7), ("nobody/nothing:1", 7)] {
        let missing = format!("registry://{}/{name}", registry.address);
        let (found, _, complaint) = run(&["weigh", "--ca-file", ca, &missing]);
        assert!(found == code && complaint.contains("hint:"), "{name}: {found} {complaint}");
    }
    // What is not known passes no gate.
    sandbox.write("tonnage.toml", "[budget]\nsize = \"1 MB\"\n");
    let missing = format!("app=registry://{}/team/app:no-such-tag", registry.address);
    assert_eq!(run(&["check", "--ca-file", ca, "--suite", ".", &missing]).0, 3);
    let present = format!("app={image}");
    let (code, judged, complaint) = run(&["check", "--ca-file", ca, "--suite", ".", &present]);
    assert!(code == 0 && judged.contains("passed"), "{code} {judged}{complaint}");
    configuration(&sandbox, &registry, "not the password");
    let (code, _, complaint) = run(&["weigh", "--ca-file", ca, &image]);
    assert!(code == 7 && !complaint.contains("not the password"), "{code} {complaint}");
    sandbox.write("docker/config.json", "{}");
    let (code, _, complaint) = run(&["weigh", "--ca-file", ca, &image]);
    assert!(code == 7 && complaint.contains("hint:"), "{code} {complaint}");
}
