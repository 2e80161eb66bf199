//! Images: looking at them, pulling, exporting, loading, tagging, removing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::time::Instant;

use super::client::{Client, QUICK, Request, SLOW, next, path_with, segment, unless_missing};
use super::events::JsonLines;
use super::{ByteStream, EngineError, ImageInfo, PullProgress, auth, failure};
use crate::credentials::Store;

/// Longest silence inside an export: engines write the whole archive to their disk before the first byte.
const EXPORT_SILENCE: Duration = Duration::from_secs(900);
/// Time for all of an export: a terabyte at 50 MB/s.
const EXPORT_LIMIT: Duration = Duration::from_secs(6 * 3600);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedImage {
    id: String,
    repo_tags: Option<Vec<String>>,
    repo_digests: Option<Vec<String>>,
    size: i64,
    #[serde(alias = "os")]
    os: String,
    #[serde(alias = "architecture")]
    architecture: String,
    #[serde(alias = "variant")]
    variant: Option<String>,
    #[serde(rename = "RootFS", alias = "rootfs")]
    root_fs: RootFs,
    #[serde(alias = "config")]
    config: Option<ImageSettings>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RootFs {
    #[serde(alias = "diff_ids")]
    layers: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ImageSettings {
    labels: Option<BTreeMap<String, String>>,
    user: Option<String>,
    env: Option<Vec<String>>,
}

/// The image that a reference names.
pub(super) async fn inspect(client: &Client, reference: &str) -> Result<Option<ImageInfo>, EngineError> {
    let path = format!("/images/{}/json", segment(reference));
    let request = Request::get(path, format!("look at the image `{reference}`"));
    Ok(unless_missing(client.json::<InspectedImage>(request, QUICK).await)?.map(InspectedImage::into_info))
}

/// The image whose config has this digest, from the config itself, whose fields an engine repeats under other names.
pub(super) fn config_info(digest: &str, config: &[u8]) -> Result<ImageInfo, EngineError> {
    let config: InspectedImage = serde_json::from_slice(config)
        .map_err(|error| failure::refused("read the config of an image", &error.to_string()))?;
    Ok(InspectedImage { id: digest.to_owned(), ..config }.into_info())
}

impl InspectedImage {
    fn into_info(self) -> ImageInfo {
        let config = self.config.unwrap_or_default();
        let mut platform = format!("{}/{}", self.os, self.architecture);
        if let Some(variant) = self.variant.filter(|variant| !variant.is_empty()) {
            platform.push('/');
            platform.push_str(&variant);
        }
        let named = |names: Option<Vec<String>>| {
            names.unwrap_or_default().into_iter().filter(|name| !name.starts_with("<none>")).collect()
        };
        ImageInfo {
            // Podman leaves the algorithm out.
            id: if self.id.contains(':') { self.id } else { format!("sha256:{}", self.id) },
            tags: named(self.repo_tags),
            repo_digests: named(self.repo_digests),
            engine_size_bytes: u64::try_from(self.size).unwrap_or_default(),
            platform,
            diff_ids: self.root_fs.layers.unwrap_or_default(),
            labels: config.labels.unwrap_or_default(),
            user: config.user.unwrap_or_default(),
            env: config.env.unwrap_or_default(),
        }
    }
}

/// Repository and tag or digest, as `/images/create` and `/images/x/tag` want them.
fn split_reference(reference: &str) -> (&str, &str) {
    if let Some((name, digest)) = reference.split_once('@') {
        return (name, digest);
    }
    match reference.rsplit_once(':') {
        // A colon before the last slash is a port.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (reference, "latest"),
    }
}

/// Pulls an image, all within `deadline`.
pub(super) async fn pull(
    client: &Client,
    credentials: &Arc<Store>,
    reference: &str,
    platform: Option<&str>,
    deadline: Duration,
    progress: &mut dyn FnMut(PullProgress),
) -> Result<(), EngineError> {
    let action = format!("pull the image `{reference}`");
    let (name, tag) = split_reference(reference);
    // With a tag and a digest the digest alone is what is meant; engines refuse both.
    let name = if tag.contains(':') { split_reference(name).0 } else { name };
    let mut query = vec![("fromImage", name), ("tag", tag)];
    query.extend(platform.map(|platform| ("platform", platform)));
    let (header, untold) = auth::for_image(credentials, reference).await;
    let request = Request::post(path_with("/images/create", &query), action.clone()).credentials(header);
    let until = Instant::now() + deadline;
    let mut body = client.stream(request);
    let mut lines = JsonLines::default();
    let mut failed = None;
    let mut take = |line: super::events::LogLine| {
        if let (Some(message), true) = (line.failure(), failed.is_none()) {
            failed = Some(failure::one_line(message));
        }
        let told = line.progress.unwrap_or_default();
        let amount = |bytes: Option<i64>| u64::try_from(bytes.unwrap_or_default()).unwrap_or_default();
        if let Some(status) = line.status {
            progress(PullProgress {
                what: crate::text::strip_control(&line.id.unwrap_or_default()),
                status: crate::text::strip_control(&status),
                current_bytes: amount(told.current),
                total_bytes: amount(told.total),
            });
        }
    };
    let ended = loop {
        match next(&mut body, until, deadline, &action).await? {
            Some(Ok(chunk)) => lines.push(&chunk, &mut take),
            Some(Err(error)) => break Err(client.failure(&error, &action)),
            None => break Ok(()),
        }
    };
    lines.finish(&mut take);
    let ended = match failed {
        Some(message) if ended.is_ok() => Err(EngineError::Refused { action, status: 0, message }),
        _ => ended,
    };
    ended.map_err(|error| auth::refusal(error, reference, untold.as_ref()))
}

/// The images as one docker archive.
pub(super) fn export(client: &Client, references: &[String]) -> ByteStream {
    let action = "export images".to_owned();
    let query: Vec<_> = references.iter().map(|name| ("names", name.as_str())).collect();
    let body = client.stream(Request::get(path_with("/images/get", &query), action.clone()));
    let client = client.clone();
    let until = Instant::now() + EXPORT_LIMIT;
    // The state is `None` once an error was told: nothing of worth follows one.
    Box::pin(stream::unfold(Some(body), move |body| {
        let (client, action) = (client.clone(), action.clone());
        async move {
            let mut body = body?;
            let next = tokio::time::timeout(EXPORT_SILENCE, body.next());
            match tokio::time::timeout_at(until, next).await {
                Err(_) => Some((Err(EngineError::Deadline { action, seconds: EXPORT_LIMIT.as_secs() }), None)),
                Ok(Err(_)) => Some((Err(EngineError::Deadline { action, seconds: EXPORT_SILENCE.as_secs() }), None)),
                Ok(Ok(None)) => None,
                Ok(Ok(Some(Err(error)))) => Some((Err(client.failure(&error, &action)), None)),
                Ok(Ok(Some(Ok(chunk)))) => Some((Ok(chunk), Some(body))),
            }
        }
    }))
}

/// What each layer's instruction was, in the engine's words.
pub(super) async fn history(client: &Client, image: &str) -> Result<Vec<String>, EngineError> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "PascalCase", default)]
    struct HistoryEntry {
        created_by: String,
    }
    let action = format!("tell the history of the image `{image}`");
    let request = Request::get(format!("/images/{}/history", segment(image)), action);
    let entries: Option<Vec<HistoryEntry>> = unless_missing(client.json(request, SLOW).await)?;
    Ok(entries.into_iter().flatten().map(|entry| entry.created_by).collect())
}

/// Gives an image one more reference.
pub(super) async fn tag(client: &Client, image: &str, reference: &str) -> Result<(), EngineError> {
    let (name, tag) = split_reference(reference);
    let path = path_with(&format!("/images/{}/tag", segment(image)), &[("repo", name), ("tag", tag)]);
    client.bytes(Request::post(path, format!("tag the image `{image}` as `{reference}`")), QUICK).await.map(drop)
}

/// Removes a reference or an id, nothing below it. Never by force, which would take an image from under a container.
pub(super) async fn remove(client: &Client, reference: &str) -> Result<(), EngineError> {
    let path = path_with(&format!("/images/{}", segment(reference)), &[("noprune", "1")]);
    let request = Request::delete(path, format!("remove the image `{reference}`"));
    unless_missing(client.bytes(request, SLOW).await).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_split_at_the_tag_and_never_at_a_port() {
        for (reference, expected) in [
            ("python", ("python", "latest")),
            ("python:3.9", ("python", "3.9")),
            ("127.0.0.1:5000/python", ("127.0.0.1:5000/python", "latest")),
            ("127.0.0.1:5000/library/python:3.9", ("127.0.0.1:5000/library/python", "3.9")),
            ("python@sha256:ab", ("python", "sha256:ab")),
            ("python:3.9@sha256:ab", ("python:3.9", "sha256:ab")),
        ] {
            assert_eq!(split_reference(reference), expected, "{reference}");
        }
    }

    #[test]
    fn answers_of_engines_are_read_with_what_they_leave_out() {
        let podman = r#"{"Id":"ab12","RepoTags":["localhost/x:1","<none>:<none>"],"Size":7,"Os":"linux","Architecture":"arm64",
            "Variant":"v8","RootFS":{"Layers":["sha256:1"]},"Config":{"Labels":null,"Env":["A=b"]},"GraphDriver":null}"#;
        let image = serde_json::from_str::<InspectedImage>(podman).unwrap().into_info();
        assert_eq!(image.id, "sha256:ab12");
        assert_eq!(image.tags, ["localhost/x:1"]);
        assert_eq!(image.platform, "linux/arm64/v8");
        assert_eq!(image.env, ["A=b"]);
        assert_eq!(image.engine_size_bytes, 7);
        assert!(serde_json::from_str::<InspectedImage>("{}").is_ok());
    }
}
