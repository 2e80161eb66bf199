//! `tonnage weigh` and `tonnage compare` of images that the engine has, or does not have.

use serde_json::{Value, json};

use crate::docker::independent_size;
use crate::holdings::Holdings;
use crate::sandbox::Sandbox;
use crate::shared_engine::SharedEngine;

#[test]
#[ignore = "needs a container engine"]
fn images_of_the_engine_weigh_what_docker_save_holds() {
    let _engine = SharedEngine::take();
    let images = ["tonnage-tiny/python:3.9-slim", "tonnage-tiny/python:3.9-alpine"];
    let sandbox = Sandbox::new();
    let before = Holdings::now();
    let ran = sandbox.run(&["weigh", images[0], images[1], "--format", "json"]).expect(0);
    before.expect_unchanged();
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    for (index, image) in images.iter().enumerate() {
        let target = &json["targets"][index];
        assert_eq!(target["target"], *image);
        assert_eq!(target["sizes"]["size_bytes"], independent_size(image), "{image}");
        assert!(target["image_id"].as_str().unwrap().starts_with("sha256:"));
    }
    assert_eq!(json["sharing"]["targets"], json!(images));
    let table = sandbox.run(&["weigh", images[0], images[1]]).expect(0);
    for image in images {
        let answer = format!("`{image}`: ");
        assert!(table.stdout.lines().any(|line| line.starts_with(&answer)), "{}", table.stdout);
    }
    sandbox.run(&["compare", images[0], images[1]]).expect(0);
}

#[test]
#[ignore = "needs a container engine"]
fn what_is_neither_a_file_nor_an_image_is_named() {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    for missing in ["tonnage.invalid/no/such:image", "no such image"] {
        sandbox.run(&["weigh", missing]).expect(7).complains(&[missing, "neither a file nor an image"]);
    }
}
