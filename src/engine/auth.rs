//! Registry credentials in the headers of requests.
//!
//! `X-Registry-Auth` carries those of one registry, for a pull or a look at a registry; `X-Registry-Config` carries
//! those of several, for a build by the classic builder or Buildah. Both are JSON in URL-safe base64 (moby,
//! api/types/registry/authconfig.go). The engine is told those of the registries at hand and no others.

use std::sync::Arc;

use base64::Engine as _;
use http::HeaderValue;
use serde_json::{Map, Value, json};

use super::EngineError;
use crate::credentials::{Credentials, CredentialsError, Store, registry_of, server_address};

/// A header's name and value.
pub(super) type Header = (&'static str, HeaderValue);

/// The header for an image of a registry, `None` where nothing is stored for it, and what could not be looked up: it may
/// do without.
pub(super) async fn for_image(store: &Arc<Store>, reference: &str) -> (Option<Header>, Option<CredentialsError>) {
    let found = look_up(store, vec![reference.to_owned()]).await.pop().map_or(Ok(None), |(_, found)| found);
    let header = |found: &Credentials| Some(("X-Registry-Auth", encode(&auth_config(registry_of(reference), found))?));
    match found {
        Ok(found) => (found.as_ref().and_then(header), None),
        Err(error) => (None, Some(error)),
    }
}

/// The header for a build whose Dockerfile names these images, and what could not be looked up.
pub(super) async fn for_build(store: &Arc<Store>, images: &[String]) -> (Option<Header>, Vec<CredentialsError>) {
    let mut all = Map::new();
    let mut failed = Vec::new();
    for (image, found) in look_up(store, images.to_vec()).await {
        match found {
            Ok(Some(found)) => {
                let registry = registry_of(&image);
                all.entry(server_address(registry)).or_insert_with(|| auth_config(registry, &found));
            }
            Ok(None) => {}
            Err(error) => failed.push(error),
        }
    }
    let value = if all.is_empty() { None } else { encode(&Value::Object(all)) };
    (value.map(|value| ("X-Registry-Config", value)), failed)
}

/// Looks up images away from the runtime, which a helper would hold up.
async fn look_up(
    store: &Arc<Store>,
    images: Vec<String>,
) -> Vec<(String, Result<Option<Credentials>, CredentialsError>)> {
    let store = Arc::clone(store);
    let all = move || images.into_iter().map(|image| (image.clone(), store.for_image(&image))).collect();
    tokio::task::spawn_blocking(all).await.unwrap_or_default()
}

/// Whether words of an engine or a registry mean that a registry refused, so that missing credentials may be the reason.
pub(super) fn is_about_access(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["unauthorized", "denied", "forbidden", "authentication required", "no basic auth credentials"]
        .iter()
        .any(|words| message.contains(words))
}

/// What kept an image from being had: a registry that refuses is told apart, and `untold` is why there were no
/// credentials that might have helped.
pub(super) fn refusal(error: EngineError, reference: &str, untold: Option<&CredentialsError>) -> EngineError {
    let EngineError::Refused { action, status, mut message } = error else { return error };
    message.extend(untold.iter().map(|untold| format!(" ({untold})")));
    if matches!(status, 401 | 403) || is_about_access(&message) {
        EngineError::Denied { action, registry: registry_of(reference).to_owned(), message }
    } else {
        EngineError::Refused { action, status, message }
    }
}

fn auth_config(registry: &str, found: &Credentials) -> Value {
    let mut config = json!({ "serveraddress": server_address(registry) });
    for (key, value) in [
        ("username", found.username.as_str()),
        ("password", found.password.expose()),
        ("identitytoken", found.identity_token.expose()),
        ("registrytoken", found.registry_token.expose()),
    ] {
        if !value.is_empty() {
            config[key] = value.into();
        }
    }
    config
}

fn encode(config: &Value) -> Option<HeaderValue> {
    let text = base64::engine::general_purpose::URL_SAFE.encode(config.to_string());
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Places;
    use crate::error::Diagnose as _;

    const HUB_KEY: &str = "https://index.docker.io/v1/";

    fn store() -> Arc<Store> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        let auths = r#"{"auths":{"https://index.docker.io/v1/":{"username":"hub","password":"p?>"},
            "a.example":{"username":"a","password":"1"},"b.example":{"identitytoken":"t"}}}"#;
        std::fs::write(&file, auths).unwrap();
        Arc::new(Store::read(&Places { docker: Some(file), ..Places::default() }))
    }

    fn decode(header: Option<Header>) -> (&'static str, Value) {
        let (name, value) = header.unwrap();
        assert!(!format!("{value:?}").contains("ey"), "a debug text shows it: {value:?}");
        let bytes = base64::engine::general_purpose::URL_SAFE.decode(value.as_bytes()).unwrap();
        (name, serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn a_pull_carries_the_credentials_of_its_registry() {
        let store = store();
        for (image, expected) in [
            ("python:3.9", json!({"serveraddress": HUB_KEY, "username": "hub", "password": "p?>"})),
            ("a.example/x:1", json!({"serveraddress": "a.example", "username": "a", "password": "1"})),
            ("b.example/x", json!({"serveraddress": "b.example", "identitytoken": "t"})),
        ] {
            assert_eq!(decode(for_image(&store, image).await.0), ("X-Registry-Auth", expected));
        }
        assert_eq!(for_image(&store, "evil.example/a.example/x").await, (None, None));
    }

    #[tokio::test]
    async fn a_build_carries_those_of_the_images_that_it_names_and_no_others() {
        let store = store();
        let images = ["python".to_owned(), "a.example/x".to_owned(), "evil.example/x".to_owned()];
        let (name, config) = decode(for_build(&store, &images).await.0);
        assert_eq!(name, "X-Registry-Config");
        assert_eq!(config.as_object().unwrap().keys().collect::<Vec<_>>(), [HUB_KEY, "a.example"]);
        assert_eq!(config["a.example"]["username"], "a");
        assert_eq!(for_build(&store, &["evil.example/x".to_owned()]).await, (None, Vec::new()));
    }

    #[test]
    fn a_registry_that_refuses_is_told_apart_and_says_how_to_log_in() {
        for (status, message, denied) in [
            (404, "pull access denied for a.example/x, repository does not exist or may require 'docker login'", true),
            (500, "Head https://a.example/v2/x/manifests/1: unauthorized: authentication required", true),
            (0, "pulling from host a.example failed with status code [manifests 1]: 403 Forbidden", true),
            (401, "no", true),
            (403, "no", true),
            (404, "manifest for a.example/x:1 not found: manifest unknown", false),
            (500, "Get https://a.example/v2/: dial tcp 10.0.0.1:443: connect: connection refused", false),
        ] {
            let error = EngineError::Refused { action: "pull x".into(), status, message: message.into() };
            let found = refusal(error, "a.example/x:1", None);
            assert_eq!(matches!(found, EngineError::Denied { .. }), denied, "{found:?}");
            assert!(found.to_string().ends_with(message));
            assert_eq!(found.hint().unwrap().contains("`docker login a.example`"), denied);
        }
        let lost = EngineError::Deadline { action: "pull x".into(), seconds: 1 };
        assert_eq!(refusal(lost.clone(), "x", None), lost);
    }
}
