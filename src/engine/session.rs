//! BuildKit's session: a connection on which the builder asks this program, for registry credentials and for the
//! secrets of `RUN --mount=type=secret`; a builder that is not an engine's also for the context, and sends archives.
//!
//! The connection is an HTTP request to the engine that is upgraded (`POST /session`), or a stream of messages in a call
//! to the builder (`Control.Session`); from then on the other side is the client of a gRPC server here (moby/buildkit,
//! session/grpc.go). It must not hold up a build, nor live longer than one, so each session has a thread and a runtime of
//! its own, which end with it; and it is open before a build's clock starts.

mod services;
mod socket;
mod stream;

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use tokio::sync::oneshot;
use tonic::transport::Channel;

use super::endpoint::Address;
use crate::machine::unix_nanos;
pub(super) use services::{Answers, MESSAGE};
pub(super) use socket::{Stream, connect, connect_tls, host_of, tls};

/// Time to open a session.
const OPENING: Duration = Duration::from_secs(5);

/// An open session; dropping it closes it.
#[derive(Debug)]
pub(super) struct Session {
    id: String,
    _stop: oneshot::Sender<()>,
}

/// Who a session is opened with.
#[derive(Debug)]
pub(super) enum Peer {
    /// The engine at an address, which speaks the API under a prefix (`/v1.41`).
    Engine(Address, String),
    /// A builder.
    Builder(ControlClient<Channel>),
}

impl Peer {
    async fn connect(self, id: &str, methods: &[&str]) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Engine(address, prefix) => socket::upgrade(&address, &format!("{prefix}/session"), id, methods).await,
            Self::Builder(control) => stream::open(control, id, methods).await,
        }
    }
}

impl Session {
    /// Opens a session. The error says why that cannot be.
    pub(super) async fn open(peer: Peer, answers: Answers) -> Result<Self, String> {
        let id = fresh_id();
        let (ready, opened) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let own_id = id.clone();
        let serve = async move {
            let served = match tokio::time::timeout(OPENING, peer.connect(&own_id, &answers.methods())).await {
                Ok(Ok(connection)) => services::serve(connection, answers).await,
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(format!("no answer within {} s", OPENING.as_secs())),
            };
            let is_open = served.is_ok();
            // Nobody waits any more where the build was stopped.
            if ready.send(served).is_ok() && is_open {
                drop(stopped.await);
            }
        };
        std::thread::Builder::new()
            .name("session".to_owned())
            .spawn(move || {
                let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
                runtime.block_on(serve);
                // A name that is being looked up, or a helper that is being asked, must not hold the thread.
                runtime.shutdown_background();
            })
            .map_err(|error| error.to_string())?;
        opened.await.map_err(|_| "it ended at once".to_owned())??;
        Ok(Self { id, _stop: stop })
    }

    /// Its id, for the build that uses it.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// An id that no other session has.
pub(super) fn fresh_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("tonnage-{}-{}-{}", std::process::id(), unix_nanos(), COUNT.fetch_add(1, Ordering::Relaxed))
}
