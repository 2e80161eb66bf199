//! Layouts as registries, engines, and signing tools fill them: several platforms, and entries that are not images.

use serde_json::{Value, json};

use super::chain;
use crate::testing::archives::{archive, digest, gzip, layer, zeros};
use crate::{ImageError, ImageScan, Options, Weigher};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A layout in the making.
#[derive(Default)]
struct Layout {
    members: Vec<(String, Vec<u8>)>,
}

impl Layout {
    fn blob(&mut self, media_type: &str, content: &[u8]) -> Value {
        self.members.push((format!("blobs/sha256/{}", digest(content)), content.to_vec()));
        json!({"mediaType": media_type, "digest": format!("sha256:{}", digest(content)), "size": content.len()})
    }

    fn json(&mut self, media_type: &str, content: &Value) -> Value {
        self.blob(media_type, &serde_json::to_vec(content).unwrap())
    }

    fn manifest(&mut self, config: Value, layers: &[Value]) -> Value {
        self.json(MANIFEST, &json!({"schemaVersion": 2, "config": config, "layers": layers}))
    }

    /// An image with one file of that size; its descriptor, and the names of its config and layer.
    fn image(&mut self, architecture: &str, size: usize) -> (Value, [String; 2]) {
        let plain = layer(&[zeros("a", size)]);
        let config = json!({"architecture": architecture, "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&plain))]}});
        let (config, layer) = (self.json(CONFIG, &config), self.blob(LAYER, &gzip(&plain)));
        let names = [&config, &layer].map(|blob| blob["digest"].as_str().unwrap().replace(':', "/"));
        let mut descriptor = self.manifest(config, &[layer]);
        descriptor["platform"] = json!({"os": "linux", "architecture": architecture});
        (descriptor, names)
    }

    fn without(&mut self, name: &str) {
        self.members.retain(|(path, _)| !path.ends_with(name));
    }

    fn index(mut self, manifests: &[Value]) -> Vec<(String, Vec<u8>)> {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        self.members.push(("index.json".into(), serde_json::to_vec(&index).unwrap()));
        self.members
    }
}

fn read(members: &[(String, Vec<u8>)]) -> Result<(Vec<ImageScan>, u64), ImageError> {
    let mut weigher = Weigher::new(Options::default());
    let images = weigher.read_archive(&archive(members)[..])?;
    Ok((images, weigher.skipped()))
}

fn platforms(images: &[ImageScan]) -> Vec<&str> {
    images.iter().map(|image| image.platform.as_str()).collect()
}

#[test]
fn an_archive_of_the_containerd_store_holds_every_platform_that_its_index_names() {
    let mut layout = Layout::default();
    let (amd, [config, layer]) = layout.image("amd64", 50);
    let (arm, _) = layout.image("arm64", 30);
    let mut nested = layout.json(INDEX, &json!({"manifests": [amd, arm]}));
    nested["annotations"] = json!({"io.containerd.image.name": "docker.io/library/x:1"});
    let mut members = layout.index(&[nested]);
    let one = json!([{"Config": format!("blobs/{config}"), "RepoTags": ["x:1"], "Layers": [format!("blobs/{layer}")]}]);
    members.push(("manifest.json".into(), serde_json::to_vec(&one).unwrap()));
    let (images, skipped) = read(&members).unwrap();
    assert_eq!((platforms(&images), skipped), (vec!["linux/amd64", "linux/arm64"], 0));
    assert!(images.iter().all(|image| image.tags == ["x:1"]), "one name for all platforms");
}

#[test]
fn what_is_not_an_image_is_skipped_and_counted() {
    let mut layout = Layout::default();
    let (image, _) = layout.image("amd64", 50);
    let others = |layout: &mut Layout| {
        let empty = json!({"architecture": "", "os": "", "rootfs": {"type": "layers", "diff_ids": ["sha256:0"]}});
        let config = layout.json(CONFIG, &empty);
        let signature = layout.blob("application/vnd.dev.cosign.simplesigning.v1+json", b"{}");
        let statement = layout.blob("application/vnd.in-toto+json", b"{\"a\":1}");
        let chart = layout.blob("application/vnd.cncf.helm.config.v1+json", b"{\"name\":\"c\"}");
        let sbom = layout.blob("application/vnd.oci.empty.v1+json", b"{}");
        let text = layout.blob("application/spdx+json", b"{\"b\":1}");
        let packed = layout.blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", &gzip(b"x"));
        let cache = layout.blob("application/vnd.buildkit.cacheconfig.v0", b"{\"layers\":[]}");
        vec![
            layout.manifest(config.clone(), &[signature]),
            // An attestation without BuildKit's annotation.
            layout.manifest(config, &[statement]),
            layout.manifest(chart, &[packed]),
            layout.manifest(sbom, &[text]),
            // What a cache has among its manifests.
            cache.clone(),
            layout.manifest(cache, &[]),
        ]
    };
    let mut manifests = others(&mut layout);
    manifests.insert(2, image);
    let (images, skipped) = read(&layout.index(&manifests)).unwrap();
    assert_eq!((platforms(&images), skipped), (vec!["linux/amd64"], 6));

    let mut layout = Layout::default();
    let manifests = others(&mut layout);
    let error = read(&layout.index(&manifests[2..])).unwrap_err();
    assert!(matches!(&error, ImageError::NotImages { count: 4, .. }), "{error}");
    assert!(error.to_string().contains("helm"), "{error}");
}

#[test]
fn content_that_is_missing_for_another_platform_does_not_matter() {
    for part in 0..3 {
        let mut layout = Layout::default();
        let (amd, _) = layout.image("amd64", 50);
        let (arm, [config, layer]) = layout.image("arm64", 30);
        let manifest = arm["digest"].as_str().unwrap().replace(':', "/");
        layout.without([&manifest, &config, &layer][part]);
        let (images, _) = read(&layout.index(&[amd, arm.clone()])).unwrap();
        assert_eq!(platforms(&images), ["linux/amd64"]);

        let mut layout = Layout::default();
        let (arm, _) = layout.image("arm64", 30);
        layout.without([&manifest, &config, &layer][part]);
        assert!(matches!(read(&layout.index(&[arm])), Err(ImageError::Missing { .. })));
    }
}

#[test]
fn archives_and_layers_that_are_packed_in_another_way_are_named() {
    for (start, name) in [
        (&b"\xfd7zXZ\0\0\x04"[..], "xz"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\x04\x22\x4d\x18\x64", "lz4"),
        (b"PK\x03\x04\x14", "zip"),
    ] {
        let content = [start, &[0; 600]].concat();
        let error = Weigher::new(Options::default()).read_archive(&content[..]).unwrap_err();
        assert!(matches!(error, ImageError::Compression { with } if with == name), "{error}");

        let mut layout = Layout::default();
        let config = json!({"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": ["sha256:0"]}});
        let config = layout.json(CONFIG, &config);
        let blob = layout.blob("application/vnd.oci.image.layer.v1.tar", &content);
        let manifest = layout.manifest(config, &[blob]);
        let message = chain(&read(&layout.index(&[manifest])).unwrap_err());
        assert!(message.contains(&format!("packed as {name}")), "{message}");
    }
}

#[test]
fn encrypted_layers_and_other_digests_are_named() {
    let build = |media_type: &str, diff_id: &str| {
        let mut layout = Layout::default();
        let config = json!({"architecture": "amd64", "os": "linux", "rootfs": {"diff_ids": [diff_id]}});
        let config = layout.json(CONFIG, &config);
        let blob = layout.blob(media_type, &[7; 700]);
        let manifest = layout.manifest(config, &[blob]);
        read(&layout.index(&[manifest])).unwrap_err()
    };
    let error = build("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "sha256:0");
    assert!(matches!(error, ImageError::Encrypted { .. }), "{error}");
    let error = build(LAYER, &format!("sha512:{}", "0".repeat(128)));
    assert!(matches!(error, ImageError::Algorithm { .. }), "{error}");
}
