//! Registries that misbehave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tonnage_image::testing::archives::digest;
use tonnage_image::{ImageError, ImageScan, Options, Platform, Weigher};

use super::error::RequestError;
use super::*;
use crate::credentials::{Places, Store};
use crate::testing::registry::{
    AfterAnswer, OneLayerImage, RegistryAnswer, RegistryScript, ScriptedRegistry, answer, ok,
};

fn store(port: u16, pair: &str) -> Store {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config.json");
    let (name, password) = pair.split_once(':').unwrap_or_default();
    let auths = serde_json::json!({"auths": {format!("127.0.0.1:{port}"): {"username": name, "password": password}}});
    std::fs::write(&file, auths.to_string()).unwrap();
    Store::read(&Places { docker: Some(file), ..Places::default() })
}

/// Reads the image twice with one weigher.
fn weigh_as(server: &ScriptedRegistry, pair: &str) -> Result<Vec<ImageScan>, RegistryError> {
    let settings = RegistrySettings {
        deadline: Duration::from_millis(400),
        patience: Duration::from_secs(3),
        ..RegistrySettings::default()
    };
    let client = RegistryClient::new(settings, store(server.port, pair)).unwrap();
    let image = ImageReference::parse(&format!("registry://127.0.0.1:{}/team/app:1", server.port)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let handle = tokio::runtime::Handle::current();
        let work = move || {
            let all = |platforms: &[Platform]| Ok((0..platforms.len()).collect());
            let mut weigher = Weigher::new(Options::default());
            let first = read(&client, &image, &all, &handle, &mut weigher)?;
            let second = read(&client, &image, &all, &handle, &mut weigher)?;
            assert_eq!(first[0].config_digest, second[0].config_digest);
            Ok(first)
        };
        tokio::task::spawn_blocking(work).await.unwrap()
    })
}

fn failed(script: RegistryScript) -> RequestError {
    match weigh_as(&ScriptedRegistry::start(script), "").unwrap_err() {
        RegistryError::Request(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_image_is_read_and_its_layer_transferred_once() {
    let image = OneLayerImage::incompressible();
    let registry = image.clone();
    let server = ScriptedRegistry::start(Box::new(move |heard, _| registry.answer(&heard.path)));
    let scans = weigh_as(&server, "").unwrap();
    assert_eq!(scans.len(), 1);
    assert_eq!(scans[0].platform, "linux/amd64");
    let options = tonnage_image::ReportOptions { base_diff_ids: &[], site_layers: 0, top: 10 };
    let weight = tonnage_image::weigh(&scans[0], &options);
    assert_eq!(weight.sizes.size_bytes.0, 300_000);
    assert_eq!(weight.layers[0].wire_bytes.0, image.layer.len() as u64);
    assert_eq!(server.heard(&format!("/v2/team/app/blobs/sha256:{}", digest(&image.layer))).len(), 1);
    assert_eq!(server.heard("/v2/team/app/manifests/1").len(), 2);
}

#[test]
fn a_transfer_that_breaks_off_is_continued_where_it_was() {
    for ranges in [true, false] {
        let image = OneLayerImage::incompressible();
        let half = image.layer.len() / 2;
        let registry = image.clone();
        let server = ScriptedRegistry::start(Box::new(move |heard, before| {
            let whole = registry.answer(&heard.path);
            if !registry.is_layer(heard) {
                return whole;
            }
            if before == 0 {
                let cut = whole.bytes.len() - half;
                return RegistryAnswer { bytes: whole.bytes[..cut].to_vec(), then: AfterAnswer::Close };
            }
            if !ranges {
                return whole;
            }
            let from: usize = heard.range["bytes=".len()..].trim_end_matches('-').parse().unwrap();
            let total = registry.layer.len();
            let range = format!("Content-Range: bytes {from}-{}/{total}\r\n", total - 1);
            answer("206 Partial Content", &range, &registry.layer[from..])
        }));
        assert_eq!(weigh_as(&server, "").unwrap().len(), 1, "{ranges}");
        let asked = server.heard(&format!("/v2/team/app/blobs/sha256:{}", digest(&image.layer)));
        assert_eq!((asked.len(), asked[0].range.as_str()), (2, ""));
        assert!(asked[1].range.starts_with("bytes="), "{asked:?}");
    }
}

#[test]
fn what_is_sent_again_after_a_break_may_not_be_longer() {
    // All but the last byte, and then all of it with more behind it: what is skipped and what is too much come together.
    let image = OneLayerImage::incompressible();
    let error = failed(Box::new(move |heard, before| {
        let whole = image.answer(&heard.path);
        if !image.is_layer(heard) {
            return whole;
        }
        let bytes = match before {
            0 => whole.bytes[..whole.bytes.len() - 1].to_vec(),
            _ => [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", &image.layer[..], &[b'x'; 9_000]].concat(),
        };
        RegistryAnswer { bytes, then: AfterAnswer::Close }
    }));
    assert!(matches!(error, RequestError::Length { .. }), "{error:?}");
}

#[test]
fn a_registry_that_stalls_or_cuts_or_lies_is_an_error_that_says_so() {
    let broken = |change: fn(RegistryAnswer, &OneLayerImage) -> RegistryAnswer| {
        let image = OneLayerImage::incompressible();
        let script: RegistryScript = Box::new(move |heard, _| {
            let whole = image.answer(&heard.path);
            if image.is_layer(heard) { change(whole, &image) } else { whole }
        });
        weigh_as(&ScriptedRegistry::start(script), "").unwrap_err()
    };
    let stalled = broken(|answer, _| RegistryAnswer { bytes: answer.bytes[..1000].to_vec(), then: AfterAnswer::Stall });
    assert!(matches!(stalled, RegistryError::Request(RequestError::Stalled { .. })), "{stalled:?}");
    let cut = broken(|answer, _| RegistryAnswer { bytes: answer.bytes[..1000].to_vec(), then: AfterAnswer::Close });
    assert!(matches!(cut, RegistryError::Request(RequestError::Broken { .. })), "{cut:?}");
    let longer = broken(|_, image| ok(&[&image.layer[..], b"more"].concat(), ""));
    assert!(matches!(longer, RegistryError::Request(RequestError::Length { .. })), "{longer:?}");
    let unsized_longer = broken(|_, image| RegistryAnswer {
        bytes: [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", &image.layer[..], b"more"].concat(),
        then: AfterAnswer::Close,
    });
    assert!(matches!(unsized_longer, RegistryError::Request(RequestError::Length { .. })), "{unsized_longer:?}");
    let other = broken(|_, image| {
        let mut layer = image.layer.clone();
        // The byte of gzip's head that names the system: the tar stays what it is.
        layer[9] ^= 1;
        ok(&layer, "")
    });
    assert!(
        matches!(&other, RegistryError::Image(ImageError::Layer { what, .. }) if what.contains("its digest is")),
        "{other:?}"
    );
}

#[test]
fn a_manifest_is_what_its_digest_says_and_no_longer_than_may_be() {
    let image = OneLayerImage::incompressible();
    let lie = format!("Docker-Content-Digest: sha256:{}\r\n", "0".repeat(64));
    let error = failed(Box::new(move |_, _| ok(&image.manifest, &lie)));
    assert!(matches!(error, RequestError::Digest { .. }), "{error:?}");
    let error = failed(Box::new(|_, _| ok(&vec![b' '; 5 << 20], "")));
    assert!(matches!(error, RequestError::TooLong { .. }), "{error:?}");
}

#[test]
fn statuses_are_told_apart() {
    let missing = br#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest \u001b[2Junknown"}]}"#;
    let error = failed(Box::new(move |_, _| answer("404 Not Found", "", missing)));
    assert!(matches!(error, RequestError::NotFound { .. }), "{error:?}");
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
    let basic = "WWW-Authenticate: Basic realm=\"x\"\r\n";
    let error = failed(Box::new(move |_, _| answer("401 Unauthorized", basic, b"")));
    assert!(matches!(error, RequestError::Denied { sent: false, .. }), "{error:?}");
    let error = failed(Box::new(|_, _| answer("418 Teapot", "", b"<html>")));
    assert!(matches!(error, RequestError::Status { status: 418, .. }), "{error:?}");
    let error = failed(Box::new(|_, _| answer("429 Too Many Requests", "Retry-After: 3600\r\n", b"")));
    assert!(matches!(error, RequestError::Limited { seconds: 3600, .. }), "{error:?}");
    let error = failed(Box::new(|heard, _| answer("302 Found", &format!("Location: {}\r\n", heard.path), b"")));
    assert!(matches!(error, RequestError::Redirect { .. }), "{error:?}");
    let error = failed(Box::new(|_, _| answer("302 Found", "Location: file:///etc/passwd\r\n", b"")));
    assert!(matches!(error, RequestError::Redirect { .. }), "{error:?}");
}

#[test]
fn a_registry_that_limits_requests_is_asked_again() {
    let image = OneLayerImage::incompressible();
    let server = ScriptedRegistry::start(Box::new(move |heard, before| {
        if before == 0 { answer("429 Too Many Requests", "Retry-After: 0\r\n", b"") } else { image.answer(&heard.path) }
    }));
    assert_eq!(weigh_as(&server, "").unwrap().len(), 1);
}

#[test]
fn credentials_go_to_the_registry_and_not_where_it_redirects() {
    let image = OneLayerImage::incompressible();
    let layers = image.clone();
    let elsewhere = ScriptedRegistry::start(Box::new(move |_, _| ok(&layers.layer, "")));
    let location = format!("Location: http://localhost:{}/stored\r\n", elsewhere.port);
    let server = ScriptedRegistry::start(Box::new(move |heard, _| {
        if heard.authorization.is_empty() {
            answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", b"")
        } else if heard.authorization != "Basic dTpw" {
            answer("401 Unauthorized", "WWW-Authenticate: Basic realm=\"x\"\r\n", br#"{"errors":[{"code":"DENIED"}]}"#)
        } else if image.is_layer(heard) {
            answer("307 Temporary Redirect", &location, b"")
        } else {
            image.answer(&heard.path)
        }
    }));
    let refused = weigh_as(&server, "u:wrong").unwrap_err();
    assert!(matches!(refused, RegistryError::Request(RequestError::Denied { sent: true, .. })), "{refused:?}");
    assert!(!format!("{refused:?} {refused}").contains("wrong"));
    assert_eq!(weigh_as(&server, "u:p").unwrap().len(), 1);
    let stored = elsewhere.heard("/stored");
    assert_eq!((stored.len(), stored[0].authorization.as_str()), (1, ""));
}

#[test]
fn a_token_is_fetched_with_the_credentials_and_sent_in_their_place() {
    let image = OneLayerImage::incompressible();
    let port = Arc::new(Mutex::new(0));
    let own = Arc::clone(&port);
    let server = ScriptedRegistry::start(Box::new(move |heard, _| {
        if heard.path.starts_with("/token") {
            assert_eq!(heard.authorization, "Basic dTpw");
            return ok(br#"{"token":"abc"}"#, "");
        }
        if heard.authorization == "Bearer abc" {
            return image.answer(&heard.path);
        }
        let challenge = format!(
            "WWW-Authenticate: Bearer realm=\"http://127.0.0.1:{}/token\",service=\"a, \\\"b\",scope=\"x:y:pull\"\r\n",
            own.lock().unwrap()
        );
        answer("401 Unauthorized", &challenge, b"")
    }));
    *port.lock().unwrap() = server.port;
    assert_eq!(weigh_as(&server, "u:p").unwrap().len(), 1);
    let asked = server.heard("/token");
    assert_eq!(asked.len(), 1, "a token is used again");
    assert_eq!(asked[0].path, "/token?service=a%2C+%22b&scope=x%3Ay%3Apull");
}

#[test]
fn targets_name_a_registry_a_repository_and_a_version() {
    let sha = format!("sha256:{}", "a".repeat(64));
    let by_digest = format!("registry://r.example:5000/a/b:1@{sha}");
    for (target, host, repository, version) in [
        ("registry://r.example/app", "r.example", "app", "latest"),
        ("registry://host/team/app:1.2", "host", "team/app", "1.2"),
        ("registry://localhost:5000/app:x", "localhost:5000", "app", "x"),
        ("registry://[::1]:5000/app:x", "[::1]:5000", "app", "x"),
        (by_digest.as_str(), "r.example:5000", "a/b", sha.as_str()),
        ("docker://python:3.9", "docker.io", "library/python", "3.9"),
        ("docker://me/app", "docker.io", "me/app", "latest"),
        ("docker://quay.io/me/app:1", "quay.io", "me/app", "1"),
    ] {
        let expected = ImageReference { host: host.into(), repository: repository.into(), version: version.into() };
        assert_eq!(ImageReference::parse(target).unwrap(), expected, "{target}");
    }
    for target in [
        "registry://",
        "registry://host",
        "registry://host:5000",
        "registry:///app",
        "registry://host/",
        "registry://host/../x",
        "registry://host/a//b",
        "registry://u:p@host/app",
        "registry://host/App",
        "registry://host/app:",
        "registry://host/app?x=1",
        "registry://host/app@sha256:abc",
        "registry://host:99999/app",
        "registry://ho st/app",
        "registry://host/app\u{1b}",
    ] {
        let error = ImageReference::parse(target).unwrap_err();
        assert!(!error.to_string().contains('\u{1b}'), "{target}");
    }
}

#[test]
fn a_file_without_certificates_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, "nothing").unwrap();
    for ca_file in [file, directory.path().join("gone")] {
        let settings = RegistrySettings { ca_file: Some(ca_file), ..RegistrySettings::default() };
        assert!(matches!(RegistryClient::new(settings, Store::default()), Err(RegistryError::CaFile { .. })));
    }
}
