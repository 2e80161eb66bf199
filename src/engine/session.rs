//! BuildKit's session: a connection back to this program, over which the engine asks for registry credentials.
//!
//! The engine needs one only where it asks a registry about a base image; there are no credentials to give, but
//! without a session the question itself fails. bollard opens a session only as a part of its own build call and
//! never closes it: the connection would stay, and be asked for signs of life, as long as this program lives. So
//! each session has a thread and a runtime of its own, which end with it; and it is open before a build's clock
//! starts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};
use bollard::{BollardRequest, Docker};
use futures_util::StreamExt;
use tokio::sync::oneshot;

/// Time to open a session. A build without one works wherever no registry is asked.
const OPENING: Duration = Duration::from_secs(5);

/// An open session; dropping it closes it.
#[derive(Debug)]
pub(super) struct Session {
    id: String,
    _stop: oneshot::Sender<()>,
}

impl Session {
    /// Opens a session; `None` where that fails.
    pub(super) async fn open(docker: &Docker) -> Option<Self> {
        let id = fresh_id();
        let (ready, opened) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let docker = docker.clone().with_request_modifier(build_to_ping);
        let options = BuildImageOptionsBuilder::default().version(BuilderVersion::BuilderBuildKit).session(&id).build();
        let thread = std::thread::Builder::new().name("session".to_owned());
        thread
            .spawn(move || {
                let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
                runtime.block_on(async move {
                    let mut answer = docker.build_image(options, None, Some(bollard::body_full(bytes::Bytes::new())));
                    // Ends when the session is open; what the ping answers is no build event and of no use.
                    while answer.next().await.is_some() {}
                    // Nobody waits any more where opening took too long.
                    ready.send(()).ok();
                    drop(stopped.await);
                });
                // A name that is being looked up must not hold the thread.
                runtime.shutdown_background();
            })
            .ok()?;
        tokio::time::timeout(OPENING, opened).await.ok()?.ok()?;
        Some(Self { id, _stop: stop })
    }

    /// Its id, for the build that uses it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// bollard starts a session beside a build request of its own. The build is sent elsewhere: this one becomes a
/// ping, the requests that make the session stay as they are.
fn build_to_ping(request: BollardRequest) -> BollardRequest {
    if request.uri().path() != "/build" {
        return request;
    }
    let (mut parts, body) = request.into_parts();
    parts.method = http::Method::GET;
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = Some(http::uri::PathAndQuery::from_static("/_ping"));
    if let Ok(uri) = http::Uri::from_parts(uri) {
        parts.uri = uri;
    }
    BollardRequest::from_parts(parts, body)
}

/// An id that no other session on the engine has.
fn fresh_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("tonnage-{}-{}-{}", std::process::id(), now.as_nanos(), COUNT.fetch_add(1, Ordering::Relaxed))
}
