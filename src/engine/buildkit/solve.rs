//! One build: the session, `Control.Solve` and the clock around it, `Control.Status` folded as the events of an engine are.

use std::cell::RefCell;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::{CacheOptions, SolveRequest, StatusRequest, StatusResponse};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::builder::BuildKit;
use crate::engine::build::{ACTION, BuildWatch, engine_trouble, stages_of};
use crate::engine::events::{Folded, Folder, Known};
use crate::engine::session::{Answers, Peer, Session, fresh_id};
use crate::engine::{BuildEvent, BuildFailure, BuildRequest, EngineError, Ownership, failure};
use crate::machine::unix_nanos;
use crate::record::Builder;
use crate::units::Nanos;

/// How long the last statuses may take to come once a build has ended: `BuildKit` waits five seconds for a build that it
/// does not know.
const LAST_STATUSES: Duration = Duration::from_secs(10);

/// What a build is to give.
#[derive(Debug)]
pub(super) enum Product {
    /// The digest of an image that is stored nowhere.
    Digest,
    /// The same, and the image's config is kept for a moment: with the build's entry in the history.
    Config,
    /// The image as an OCI archive, sent there.
    Archive(mpsc::Sender<Bytes>),
}

/// A build that succeeded.
#[derive(Debug)]
pub(super) struct Solved {
    pub(super) folded: Folded,
    pub(super) wall: Nanos,
    /// Digest of the image's config.
    pub(super) config: String,
    /// Digest of the last base image, by the vertex that made it ready; empty where there was none.
    pub(super) base: String,
    /// The build's name in the history.
    pub(super) reference: String,
}

/// The span of a build, kept at its end: what used records of the cache then is the run itself, also where it only looks at
/// an image.
struct Window<'a> {
    built: &'a RefCell<Ownership>,
    start: u64,
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        self.built.borrow_mut().windows.push((self.start, unix_nanos()));
    }
}

/// Builds. Dropping the future ends the call, which stops the build.
pub(super) async fn solve(
    builder: &BuildKit,
    request: &BuildRequest,
    wanted: Product,
    observe: &mut dyn FnMut(BuildEvent),
) -> Result<Result<Solved, BuildFailure>, EngineError> {
    let link = builder.link();
    let is_kept = matches!(wanted, Product::Config);
    let (exporter, archive) = match wanted {
        Product::Digest | Product::Config => ("image", None),
        Product::Archive(archive) => ("oci", Some(archive)),
    };
    let answers = Answers {
        credentials: Arc::clone(builder.credentials()),
        images: request.images.clone(),
        secrets: request.secrets.clone(),
        context: Some(request.context.clone()),
        archive,
    };
    // Before the clock starts.
    let session = Session::open(Peer::Builder(link.control()), answers).await.map_err(|reason| EngineError::Lost {
        action: "open a session for a build".to_owned(),
        reason: failure::one_line(&reason),
    })?;
    let reference = fresh_id();
    let asked = SolveRequest {
        r#ref: reference.clone(),
        session: session.id().to_owned(),
        frontend: "dockerfile.v0".to_owned(),
        frontend_attrs: attributes(request, &reference)?,
        entitlements: request
            .network
            .iter()
            .filter(|mode| *mode == "host")
            .map(|_| "network.host".to_owned())
            .collect(),
        // Read by every version; the list that took its place came with 0.13.
        exporter_deprecated: exporter.to_owned(),
        cache: Some(CacheOptions::default()),
        internal: !is_kept,
        ..SolveRequest::default()
    };
    let known = Known { stages: stages_of(request), has_labels: !request.labels.is_empty(), lookup_apart: true };
    let mut watch = BuildWatch::new(builder.built(), Folder::new(Builder::Buildkit, known));
    let mut base = String::new();

    let (mut control, mut watching) = (link.control(), link.control());
    let asking = async move { watching.status(StatusRequest { r#ref: reference }).await };
    let statuses = stream::once(asking).map_ok(tonic::Response::into_inner).try_flatten();
    let mut statuses = pin!(statuses.fuse());
    let reference = asked.r#ref.clone();
    let _window = Window { built: builder.built(), start: unix_nanos() };
    let started = Instant::now();
    let mut until = started + request.deadline;
    let mut solving = pin!(control.solve(asked));
    let (mut answered, mut followed) = (None, None);
    while answered.is_none() || followed.is_none() {
        tokio::select! {
            biased;
            solved = &mut solving, if answered.is_none() => {
                answered = Some((solved, Nanos::from(started.elapsed())));
                until = Instant::now() + LAST_STATUSES;
            }
            status = statuses.next(), if followed.is_none() => match status {
                Some(Ok(status)) => {
                    base = base_of(&status).unwrap_or(base);
                    watch.fold(|folder| folder.status(status, observe));
                }
                Some(Err(status)) => followed = Some(Err(status)),
                None => followed = Some(Ok(())),
            },
            () = sleep_until(until) => break,
        }
    }
    drop(session);
    let Some((solved, wall)) = answered else {
        let message = format!("no end within {} s", request.deadline.as_secs());
        let wall = request.deadline.into();
        return Ok(Err(watch.finish(wall).into_failure(message, wall)));
    };
    match (solved, followed) {
        (Err(status), _) => match link.failure(&status, ACTION) {
            EngineError::Refused { message, .. } => {
                if let Some(error) = engine_trouble(&message) {
                    return Err(error);
                }
                watch.fold(|folder| folder.fail(&message));
                Ok(Err(watch.finish(wall).into_failure(message, wall)))
            }
            error => Err(error),
        },
        // Without its instructions nothing of it could be proven.
        (Ok(_), Some(Err(status))) => Err(link.failure(&status, "follow a build")),
        (Ok(_), None) => Err(EngineError::Deadline {
            action: "tell the end of a build".to_owned(),
            seconds: LAST_STATUSES.as_secs(),
        }),
        (Ok(answer), Some(Ok(()))) => {
            let told = answer.into_inner().exporter_response;
            let config = told.get("containerimage.config.digest").filter(|digest| is_digest(digest));
            let config =
                config.cloned().ok_or_else(|| failure::refused(ACTION, "its answer does not name the image"))?;
            Ok(Ok(Solved { folded: watch.finish(wall), wall, config, base, reference }))
        }
    }
}

/// What the frontend is told. The URL of the context is of this build alone: `BuildKit` takes two sources of one URL that
/// are asked for at the same time for one.
fn attributes(request: &BuildRequest, reference: &str) -> Result<HashMap<String, String>, EngineError> {
    let mut attributes = HashMap::from([
        ("context".to_owned(), format!("http://buildkit-session/{reference}")),
        ("filename".to_owned(), request.dockerfile.clone()),
    ]);
    let mut set = |name: &str, value: &str| drop(attributes.insert(name.to_owned(), value.to_owned()));
    for (name, value) in &request.build_args {
        set(&format!("build-arg:{name}"), value);
    }
    for (name, value) in &request.labels {
        set(&format!("label:{name}"), value);
    }
    if let Some(target) = &request.target {
        set("target", target);
    }
    if let Some(platform) = &request.platform {
        set("platform", platform);
    }
    if request.no_cache {
        set("no-cache", "");
    }
    match request.network.as_deref() {
        None | Some("" | "default" | "bridge") => {}
        Some(mode @ ("host" | "none")) => set("force-network-mode", mode),
        Some(other) => {
            return Err(EngineError::Unsupported {
                action: format!("build with the network mode `{}`", crate::text::for_people(other)),
                reason: "BuildKit has `host`, `none`, and its own".to_owned(),
            });
        }
    }
    Ok(attributes)
}

/// The digest in the name of a vertex that makes a base ready: `[1/2] FROM docker.io/library/python:3.9@sha256:…`.
fn base_of(status: &StatusResponse) -> Option<String> {
    status.vertexes.iter().rev().find_map(|vertex| {
        let (_, from) = vertex.name.split_once("] FROM ")?;
        Some(from.split_once('@')?.1).filter(|digest| is_digest(digest)).map(str::to_owned)
    })
}

/// Whether a text is a digest by SHA-256.
fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:");
    digits.is_some_and(|digits| digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
