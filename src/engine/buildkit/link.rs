//! The connection to a builder: HTTP/2 over whatever leads there, and what goes wrong with it.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use hyper_util::rt::TokioIo;
use tonic::codegen::Service;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::address::{BuilderAddress, Certificates, Transport};
use crate::engine::endpoint::Address;
use crate::engine::session::{MESSAGE, Stream, connect, connect_tls, host_of, tls};
use crate::engine::tunnel::Tunnel;
use crate::engine::{EngineError, Obstacle, failure};
use crate::error::causes;

/// Time for the first connection: ssh and the clients of containers take their time.
const FIRST_CONTACT: Duration = Duration::from_secs(30);

/// A connection to a builder; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Link {
    channel: Channel,
    shown: String,
    tunnel: Option<Arc<Tunnel>>,
}

/// Makes connections.
#[derive(Debug, Clone)]
enum Dial {
    Plain(Address),
    Tls(String, Certificates),
}

impl Dial {
    async fn connect(self) -> io::Result<TokioIo<Box<dyn Stream>>> {
        Ok(TokioIo::new(match &self {
            Self::Plain(address) => connect(address).await?,
            Self::Tls(authority, Certificates { ca, own, name }) => {
                let own = own.as_ref().map(|(cert, key)| (cert.as_path(), key.as_path()));
                let mut config = tls(Path::new(ca), own)?;
                // Go's gRPC servers refuse who does not ask for it.
                config.alpn_protocols = vec![b"h2".to_vec()];
                connect_tls(authority, name.as_deref().unwrap_or_else(|| host_of(authority)), config).await?
            }
        }))
    }
}

impl Service<http::Uri> for Dial {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}

impl Link {
    /// Connects.
    pub(super) async fn open(address: &BuilderAddress) -> Result<Self, EngineError> {
        let shown = address.shown.clone();
        let unreachable = |reason: String| EngineError::Unreachable {
            endpoint: shown.clone(),
            reason: failure::one_line(&reason),
            obstacle: Obstacle::BuildKit,
        };
        let tunnel = match &address.way {
            Transport::Unix(_) | Transport::Tcp(..) => None,
            Transport::Command(command) => Some(Tunnel::to_command(command.clone())),
            Transport::Ssh(host) => {
                let at = host.socket.iter().flat_map(|socket| ["--addr".to_owned(), format!("unix://{socket}")]);
                let command = ["buildctl".to_owned()].into_iter().chain(at).chain(["dial-stdio".to_owned()]);
                Some(Tunnel::over_ssh(host, command.collect()))
            }
        };
        let tunnel = tunnel.transpose().map_err(|error| unreachable(error.to_string()))?.map(Arc::new);
        let dial = match (&tunnel, &address.way) {
            (Some(tunnel), _) => Dial::Plain(Address::Unix(tunnel.socket())),
            (None, Transport::Unix(path)) => Dial::Plain(Address::Unix(path.clone())),
            (None, Transport::Tcp(authority, None)) => Dial::Plain(Address::Http(authority.clone())),
            (None, Transport::Tcp(authority, Some(tls))) => Dial::Tls(authority.clone(), tls.clone()),
            (None, Transport::Ssh(_) | Transport::Command(_)) => {
                return Err(unreachable("nothing leads there".to_owned()));
            }
        };
        let endpoint = Endpoint::from_static("http://buildkit").connect_timeout(FIRST_CONTACT);
        let connected = endpoint.connect_with_connector(dial).await;
        let channel = connected.map_err(|error| {
            let complaint = tunnel.as_ref().and_then(|tunnel| tunnel.complaint());
            unreachable(complaint.unwrap_or_else(|| causes(&error).last().map(ToString::to_string).unwrap_or_default()))
        })?;
        Ok(Self { channel, shown, tunnel })
    }

    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(super) fn control(&self) -> ControlClient<Channel> {
        ControlClient::new(self.channel()).max_decoding_message_size(MESSAGE)
    }

    /// What a status that is not a good one means while this was done: the connection broke, or the builder refused.
    pub(super) fn failure(&self, status: &Status, action: &str) -> EngineError {
        if status.source().is_none() && status.code() != Code::Unavailable {
            return failure::refused(action, status.message());
        }
        if let Some(reason) = self.tunnel.as_ref().and_then(|tunnel| tunnel.complaint()) {
            return EngineError::Unreachable { endpoint: self.shown.clone(), reason, obstacle: Obstacle::BuildKit };
        }
        let inner = causes(status).last().map(ToString::to_string).unwrap_or_default();
        EngineError::Lost { action: action.to_owned(), reason: failure::one_line(&inner) }
    }

    /// What an error means while nothing is known yet of what listens there.
    pub(super) fn first_contact(&self, error: EngineError) -> EngineError {
        let reason = match error {
            EngineError::Lost { reason, .. } => format!("what listens there does not answer like it ({reason})"),
            EngineError::Refused { message, .. } => format!("what listens there does not answer like it ({message})"),
            EngineError::Deadline { seconds, .. } => format!("nothing answered within {seconds} s"),
            other => return other,
        };
        EngineError::Unreachable { endpoint: self.shown.clone(), reason, obstacle: Obstacle::BuildKit }
    }

    /// Waits for an answer, but no longer than `limit`.
    pub(super) async fn ask<T>(
        &self,
        action: &str,
        limit: Duration,
        answer: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, EngineError> {
        let late = || EngineError::Deadline { action: action.to_owned(), seconds: limit.as_secs().max(1) };
        let answer = tokio::time::timeout(limit, answer).await.map_err(|_| late())?;
        answer.map_err(|status| self.failure(&status, action))
    }
}
