//! One build: the request, the clock around it, the folding of its answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::client::{QUICK, Request, next, path_with};
use super::docker::DockerEngine;
use super::events::{Folded, Folder, JsonLines, Known, LogLine};
use super::session::{Answers, Peer, Session};
use super::{BuildEvent, BuildFailure, BuildOutput, BuildRequest, Downloads, EngineError, Ownership, auth, failure};
use crate::record::{Builder, ImageStore};
use crate::suite::dockerfile::Facts;
use crate::units::Nanos;

/// What is being done, for errors.
pub(super) const ACTION: &str = "build an image";

/// How the answer to a build ended.
enum End {
    /// It came to its end.
    Whole,
    /// The engine refused the build at once: a fact about the Dockerfile.
    RefusedAtOnce(String),
    /// The time was over.
    Late,
}

/// Folds a build's events, and leaves with the engine what its clean-up needs, also where the build is stopped by
/// dropping it.
pub(super) struct BuildWatch<'a> {
    built: &'a RefCell<Ownership>,
    folder: Option<Folder>,
}

impl<'a> BuildWatch<'a> {
    /// `built` is where the traces of all builds of an engine are kept.
    pub(super) fn new(built: &'a RefCell<Ownership>, folder: Folder) -> Self {
        Self { built, folder: Some(folder) }
    }

    fn line(&mut self, at: Nanos, line: &LogLine, observe: &mut dyn FnMut(BuildEvent)) {
        let built = self.built;
        self.fold(|folder| {
            folder.line(at, line, &mut |event| {
                if let BuildEvent::Made(trace) = &event {
                    built.borrow_mut().note(trace);
                }
                observe(event);
            });
        });
    }

    pub(super) fn fold(&mut self, take: impl FnOnce(&mut Folder)) {
        if let Some(folder) = &mut self.folder {
            take(folder);
        }
    }

    pub(super) fn finish(mut self, wall: Nanos) -> Folded {
        self.remember();
        self.folder.take().map(|folder| folder.finish(wall)).unwrap_or_default()
    }

    fn remember(&self) {
        if let Some(folder) = &self.folder {
            self.built.borrow_mut().instructions.extend(folder.instructions());
        }
    }
}

impl Drop for BuildWatch<'_> {
    fn drop(&mut self) {
        self.remember();
    }
}

/// Builds an image. Dropping the future closes the connection, which stops the build on Docker.
pub(super) async fn build(
    engine: &DockerEngine,
    request: &BuildRequest,
    observe: &mut dyn FnMut(BuildEvent),
) -> Result<Result<BuildOutput, BuildFailure>, EngineError> {
    let builder = engine.builder_for(request.builder)?;
    let client = engine.client();
    let known = Known {
        stages: stages_of(request),
        has_labels: !request.labels.is_empty(),
        lookup_apart: engine.store() == ImageStore::Containerd,
    };
    // Before the clock starts: helpers take their time. Their answers are kept for when the engine asks in the session.
    let (header, untold) = auth::for_build(engine.credentials(), &request.images).await;
    let (session, header) =
        if builder == Builder::Buildkit { (open_session(engine, request).await?, None) } else { (None, header) };
    let session_id = session.as_ref().map_or("", Session::id);
    let sent =
        Request::post(query(request, builder, session_id), ACTION).tar(request.context.clone()).credentials(header);
    let mut watch = BuildWatch::new(engine.built(), Folder::new(builder, known));
    let mut lines = JsonLines::default();

    let meter = engine.meter(request);
    let started = Instant::now();
    let deadline = started + request.deadline;
    let mut body = client.stream(sent);
    let end = loop {
        let chunk = match next(&mut body, deadline, request.deadline, ACTION).await {
            Err(_late) => break End::Late,
            Ok(None) => break End::Whole,
            Ok(Some(chunk)) => chunk,
        };
        match chunk {
            Ok(chunk) => {
                let at = Nanos::from(started.elapsed());
                lines.push(&chunk, |line| watch.line(at, &line, observe));
            }
            Err(error) => match client.failure(&error, ACTION) {
                EngineError::Refused { status, message, .. } if is_about_the_dockerfile(status, &message) => {
                    break End::RefusedAtOnce(message);
                }
                error => return Err(error),
            },
        }
    };
    let wall = Nanos::from(started.elapsed());
    drop(body);
    drop(session);
    lines.finish(|line| watch.line(wall, &line, observe));

    let folded = watch.finish(wall);
    let failed = |mut message: String, folded: Folded| {
        if auth::is_about_access(&message) {
            message.extend(untold.iter().map(|error| format!(" ({error})")));
        }
        Ok(Err(folded.into_failure(message, wall)))
    };
    match end {
        End::RefusedAtOnce(message) => failed(message, folded),
        End::Late => failed(format!("no end within {} s", request.deadline.as_secs()), folded),
        End::Whole => {
            let Some(message) = folded.failure.as_ref().map(|failed| failed.message.clone()) else {
                let downloads = match meter {
                    Ok(meter) => meter.end(client, builder, &folded.steps).await,
                    Err(why) => Downloads::Unknown(why.to_owned()),
                };
                return output(engine, request, folded, wall, downloads).await.map(Ok);
            };
            if let Some(error) = engine_trouble(&message) {
                return Err(error);
            }
            // An engine that is told to stop kills what runs and calls it a failure of the RUN.
            match client.bytes(Request::get("/_ping", ACTION), QUICK).await {
                Err(error) if error.is_lost() => Err(error),
                _ => failed(message, folded),
            }
        }
    }
}

/// Opens the session of a build. Without one a build works wherever no registry and no secret is asked for.
async fn open_session(engine: &DockerEngine, request: &BuildRequest) -> Result<Option<Session>, EngineError> {
    let answers = Answers {
        credentials: Arc::clone(engine.credentials()),
        images: request.images.clone(),
        secrets: request.secrets.clone(),
        ..Answers::default()
    };
    let client = engine.client();
    let peer = Peer::Engine(client.address().clone(), client.prefix().to_owned());
    match Session::open(peer, answers).await {
        Ok(session) => Ok(Some(session)),
        Err(reason) if request.secrets.0.is_empty() => {
            tracing::warn!(reason, "no session for the build");
            Ok(None)
        }
        Err(reason) => Err(failure::refused("open a session for the secrets of a build", &reason)),
    }
}

/// The output of a build that told of no failure; without an image the answer was cut short.
async fn output(
    engine: &DockerEngine,
    request: &BuildRequest,
    mut folded: Folded,
    wall: Nanos,
    downloads: Downloads,
) -> Result<BuildOutput, EngineError> {
    let mut image_id = std::mem::take(&mut folded.image_id);
    let short = image_id.len() < 64;
    // Outside the clock. Podman names the image by the beginning of its id, some engines by its tag only.
    if short {
        let name = if image_id.is_empty() { request.tags.first().cloned().unwrap_or_default() } else { image_id };
        let found = if name.is_empty() { None } else { super::images::inspect(engine.client(), &name).await? };
        image_id = found.map(|image| image.id).unwrap_or_default();
    }
    if image_id.is_empty() {
        return Err(EngineError::Lost {
            action: ACTION.to_owned(),
            reason: "its answer ended before the image was named".to_owned(),
        });
    }
    if !image_id.starts_with("sha256:") {
        image_id.insert_str(0, "sha256:");
    }
    Ok(folded.into_output(image_id, wall, downloads))
}

/// Whether an immediate refusal is about the Dockerfile: syntax errors are 400 on the classic builder; a missing
/// or empty Dockerfile is 500 on Docker up to 20.10.
fn is_about_the_dockerfile(status: u16, message: &str) -> bool {
    status == 400 || (status == 500 && message.to_ascii_lowercase().contains("dockerfile"))
}

/// Failures inside the answer that are not facts about the Dockerfile.
pub(super) fn engine_trouble(message: &str) -> Option<EngineError> {
    let gone = ["code = Unavailable", "client connection is closing", "daemon is shutting down"];
    if message == "context canceled" || gone.iter().any(|word| message.contains(word)) {
        // An engine that is told to stop ends its builds like this.
        return Some(EngineError::Lost { action: ACTION.to_owned(), reason: message.to_owned() });
    }
    // The reason of a RUN that fills the disk is in its log; here it is the engine's own disk.
    message.contains("no space left on device").then(|| failure::refused(ACTION, message))
}

fn query(request: &BuildRequest, builder: Builder, session: &str) -> String {
    let json = |map: &BTreeMap<String, String>| serde_json::to_string(map).unwrap_or_default();
    let (labels, arguments) = (json(&request.labels), json(&request.build_args));
    let mut query = vec![("dockerfile", request.dockerfile.as_str()), ("rm", "1"), ("forcerm", "1"), ("pull", "0")];
    query.extend(request.tags.iter().map(|tag| ("t", tag.as_str())));
    if !request.labels.is_empty() {
        query.push(("labels", &labels));
    }
    if !request.build_args.is_empty() {
        query.push(("buildargs", &arguments));
    }
    let optional = [("target", &request.target), ("platform", &request.platform), ("networkmode", &request.network)];
    query.extend(optional.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    if request.no_cache {
        query.push(("nocache", "1"));
    }
    match builder {
        Builder::Buildkit => {
            query.push(("version", "2"));
            if !session.is_empty() {
                query.push(("session", session));
            }
        }
        Builder::Classic => query.push(("version", "1")),
        Builder::Buildah => {}
    }
    path_with("/build", &query)
}

/// Names of the Dockerfile's stages, which BuildKit's events do not order; none where it cannot be read, so that
/// the builder is the one to complain.
pub(super) fn stages_of(request: &BuildRequest) -> Vec<String> {
    let Some(text) = dockerfile_text(request) else { return Vec::new() };
    let Ok(facts) = Facts::parse(&text) else { return Vec::new() };
    facts.stages.into_iter().map(|stage| stage.name.unwrap_or_default().to_ascii_lowercase()).collect()
}

fn dockerfile_text(request: &BuildRequest) -> Option<String> {
    const LONGEST: u64 = 1 << 20;
    let wanted = request.dockerfile.trim_start_matches("./").as_bytes();
    let mut archive = tar::Archive::new(request.context.as_ref());
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let found = entry.path_bytes().strip_prefix(b"./").unwrap_or(&entry.path_bytes()) == wanted;
        if found && entry.size() <= LONGEST {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).ok()?;
            return Some(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    None
}
