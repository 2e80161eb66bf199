//! One image is the same image whichever engine saved it and whatever tool converted it.

use std::process::Command;

use serde_json::Value;

use crate::docker::docker;
use crate::holdings::Holdings;
use crate::sandbox::Sandbox;
use crate::shared_engine::SharedEngine;

const IMAGE: &str = "tonnage-live/formats:1";

/// Everything that layers can hold and that formats may write in different ways: hard links, links, a sparse file, a
/// fifo, long names and targets, names that are not text, copies, setuid, and then deletions, a folder made anew, a
/// change of mode, and a link that becomes a folder.
const DOCKERFILE: &str = r#"FROM tonnage-tiny/python:3.9-alpine
RUN mkdir -p /d/deep/er /o /l && \
    head -c 70000 /dev/urandom >/d/big && ln /d/big /l/hard && ln -s ../d/big /l/soft && \
    cp /d/big /d/copy && echo x >/o/below && chmod 4755 /d/copy && \
    truncate -s 300000 /l/sparse && mknod /l/pipe p && \
    name=$(printf 'n%.0s' $(seq 150)) && mkdir -p /d/$name/$name && echo long >/d/$name/$name/$name && \
    ln -s $(printf 't/%.0s' $(seq 90)) /l/far && \
    echo 1 >"/d/$(printf '\377\376')" && echo 2 >"/d/$(printf 'two\nlines')" && echo 3 >/d/größe
RUN rm -rf /o && mkdir /o && echo y >/o/above && rm -r /d/deep && chmod 600 /d/big && echo 4 >/d/größe
RUN rm /l/hard /l/soft && mkdir /l/soft && echo z >/l/soft/file
"#;

/// What must be the same of a weighing: all but the name of the target, the digest of the config, which skopeo writes
/// anew for OCI, and the compressed sizes, which are another thing for each compression.
fn facts(mut target: Value) -> Value {
    let fields = target.as_object_mut().unwrap();
    for name in ["target", "config_digest"] {
        fields.remove(name);
    }
    for (field, inner) in [("sizes", "wire_kind"), ("sizes", "wire_bytes"), ("sizes", "engine_size_bytes")] {
        fields[field].as_object_mut().unwrap().remove(inner);
    }
    for layer in fields["layers"].as_array_mut().unwrap() {
        layer.as_object_mut().unwrap().remove("wire_bytes");
    }
    target
}

#[test]
#[ignore = "needs a container engine"]
fn an_image_weighs_the_same_from_docker_podman_and_skopeo() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    sandbox.write("context/Dockerfile", DOCKERFILE);
    let before = Holdings::now();
    let context = sandbox.path("context");
    docker(&["build", "--quiet", "--force-rm", "--tag", IMAGE, context.to_str().unwrap()]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/convert.sh");
    let converted = Command::new(script).args([IMAGE, sandbox.path("").to_str().unwrap()]).output().unwrap();
    docker(&["image", "rm", IMAGE]);
    before.expect_unchanged();
    assert!(converted.status.success(), "{}", String::from_utf8_lossy(&converted.stderr));

    let forms: Vec<String> = String::from_utf8(converted.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(forms.len(), 10, "{forms:?}");
    let weighed: Vec<Value> = forms
        .iter()
        .map(|form| {
            let ran = sandbox.run(&["weigh", form, "--format", "json"]).expect(0);
            let mut json: Value = serde_json::from_str(&ran.stdout).unwrap();
            json["targets"][0].take()
        })
        .collect();
    let sizes = &weighed[0]["sizes"];
    // The two copies, the sparse file, and the lines and links that are there or were.
    assert!(sizes["size_bytes"].as_u64().unwrap() > 500_000, "{sizes}");
    assert!(sizes["reclaimable_bytes"].as_u64().unwrap() >= 70_000, "the big file was written twice: {sizes}");
    assert!(sizes["duplicate_bytes"].as_u64().unwrap() >= 70_000, "the big file has a copy: {sizes}");
    for (form, one) in forms.iter().zip(&weighed) {
        let wire = if form.contains("gzip") || form.contains("zstd") { "exact" } else { "estimated" };
        let is_packed_by_podman = form.contains("podman-oci");
        assert!(is_packed_by_podman || one["sizes"]["wire_kind"] == wire, "{form}: {}", one["sizes"]);
        let (ours, first) = (facts(one.clone()), facts(weighed[0].clone()));
        for (field, value) in first.as_object().unwrap() {
            assert_eq!(&ours[field], value, "{form} and {} differ in `{field}`", forms[0]);
        }
    }
}
