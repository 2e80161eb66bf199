//! Requests over bollard's transports, with a deadline on each and a bound on what is kept of the answer.
//!
//! bollard opens the socket, speaks TLS, and carries the bodies. Its typed calls are not used, although they decode most
//! answers of Docker 20.10 and Podman 4.3. In 0.21, they
//! - collect an answer without a bound: one that never ends took 2.7 GB within 3 s, where a deadline of 60 s must allow a
//!   slow engine (a request modifier can mend the missing API version in their paths, but not this);
//! - refuse a whole container for a word that they do not know: `stopped`, which Podman 4.3 says of one that has ended and
//!   is not cleaned up yet;
//! - lose the rest of a stream with the first line that they cannot decode, and decode `/system/df` of engines up to 28 to
//!   nothing.
//!
//! So each request is one of bollard's raw body streams with method, path, and body replaced, and the few fields that matter
//! are read here.

use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bollard::{BollardRequest, Docker};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use super::endpoint::{Address, certificate_files};
use super::tunnel::Tunnel;
use super::{EngineError, Obstacle, failure};

/// Time for a request that the engine answers from memory.
pub(super) const QUICK: Duration = Duration::from_secs(60);
/// Time for a request that makes the engine work on its disk.
pub(super) const SLOW: Duration = Duration::from_secs(600);
/// How long an engine is asked again that does the same for somebody else, and how often.
const BUSY: Duration = Duration::from_secs(60);
const BUSY_PAUSE: Duration = Duration::from_millis(250);
/// The most that is kept of an answer that is read whole.
const ANSWER: usize = 64 << 20;
/// The newest API whose answers were looked at (Docker 28).
const NEWEST: (u32, u32) = (1, 51);
/// bollard's own time-out, in seconds, out of the way of the deadlines here.
const NEVER: u64 = 7 * 24 * 3600;

/// Bytes of an answer as they come.
pub(super) type Body = Pin<Box<dyn Stream<Item = Result<Bytes, bollard::errors::Error>> + Send>>;

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: http::Method,
    path: String,
    body: Bytes,
    media_type: &'static str,
    /// Credentials for registries: name and value of a header.
    credentials: Option<(&'static str, http::HeaderValue)>,
    /// What is being done: what follows "failed to".
    pub(super) action: String,
}

/// A connection to one endpoint.
#[derive(Debug, Clone)]
pub(super) struct Client {
    docker: Docker,
    /// Where connections are made.
    address: Address,
    endpoint: String,
    tunnel: Option<Arc<Tunnel>>,
    /// `/v1.41`, or nothing before it is known.
    prefix: String,
}

impl Request {
    fn new(method: http::Method, path: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            body: Bytes::new(),
            media_type: "application/json",
            credentials: None,
            action: action.into(),
        }
    }

    pub(super) fn get(path: impl Into<String>, action: impl Into<String>) -> Self {
        Self::new(http::Method::GET, path, action)
    }

    pub(super) fn post(path: impl Into<String>, action: impl Into<String>) -> Self {
        Self::new(http::Method::POST, path, action)
    }

    pub(super) fn delete(path: impl Into<String>, action: impl Into<String>) -> Self {
        Self::new(http::Method::DELETE, path, action)
    }

    pub(super) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Bytes::from(body.to_string());
        self
    }

    /// Sends credentials in a header, of which nothing is shown.
    pub(super) fn credentials(mut self, header: Option<(&'static str, http::HeaderValue)>) -> Self {
        self.credentials = header;
        self
    }

    pub(super) fn tar(mut self, body: Bytes) -> Self {
        self.body = body;
        self.media_type = "application/x-tar";
        self
    }
}

/// A path with its query, percent-encoded.
pub(super) fn path_with(path: &str, query: &[(&str, &str)]) -> String {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(query);
    let encoded = encoded.finish();
    if encoded.is_empty() { path.to_owned() } else { format!("{path}?{encoded}") }
}

/// A name as one segment of a path: what could end the segment or start a query is percent-encoded, the slashes
/// of a repository stay (engines route them).
pub(super) fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' | b'@' => {
                out.push(char::from(byte));
            }
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    out
}

impl Client {
    /// Prepares a connection; nothing is sent yet.
    pub(super) fn new(address: &Address) -> Result<Self, EngineError> {
        let version = bollard::API_DEFAULT_VERSION;
        let endpoint = address.to_string();
        let tunnel = match address {
            Address::Ssh(host) => {
                Some(Arc::new(Tunnel::to_engine(host).map_err(|error| EngineError::Unreachable {
                    endpoint: endpoint.clone(),
                    reason: error.to_string(),
                    obstacle: Obstacle::Ssh,
                })?))
            }
            _ => None,
        };
        let address = tunnel.as_ref().map_or_else(|| address.clone(), |tunnel| Address::Unix(tunnel.socket()));
        let docker = match &address {
            Address::Unix(path) => Docker::connect_with_unix(&path.display().to_string(), NEVER, version),
            Address::Http(authority) => Docker::connect_with_http(authority, NEVER, version),
            Address::Https { authority, certificates } => {
                let [key, cert, ca] = certificate_files(certificates)?;
                Docker::connect_with_ssl(authority, &key, &cert, &ca, NEVER, version)
            }
            Address::Ssh(_) => return Err(EngineError::NoSocket { endpoint }),
        };
        let docker = docker.map_err(|error| failure::of_transport(&error, "connect", &endpoint))?;
        Ok(Self { docker, address, endpoint, tunnel, prefix: String::new() })
    }

    /// The same connection, speaking the API version that both sides know; returns that version.
    pub(super) fn speak(&mut self, engine: &str) -> String {
        let number = |text: &str| {
            let (major, minor) = text.split_once('.')?;
            Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
        };
        let (major, minor) = number(engine).map_or(NEWEST, |theirs| theirs.min(NEWEST));
        self.prefix = format!("/v{major}.{minor}");
        format!("{major}.{minor}")
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// What paths begin with: `/v1.41`.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Sends a request when first polled; the stream is the body of a successful answer.
    pub(super) fn stream(&self, request: Request) -> Body {
        let path = format!("{}{}", self.prefix, request.path);
        let docker = self.docker.clone().with_request_modifier(move |original: BollardRequest| {
            let (mut parts, _) = original.into_parts();
            parts.method = request.method.clone();
            parts.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(request.media_type));
            if let Some((name, value)) = &request.credentials {
                parts.headers.insert(*name, value.clone());
            }
            let mut uri = parts.uri.clone().into_parts();
            // A path that is none (it cannot be: names are encoded) leaves bollard's own, which is a harmless 404.
            if let Ok(path) = path.parse() {
                uri.path_and_query = Some(path);
            }
            if let Ok(uri) = http::Uri::from_parts(uri) {
                parts.uri = uri;
            }
            BollardRequest::from_parts(parts, bollard::body_full(request.body.clone()))
        });
        Box::pin(docker.export_image("-"))
    }

    /// What an error of the transport means while this was done.
    pub(super) fn failure(&self, error: &bollard::errors::Error, action: &str) -> EngineError {
        let told = failure::of_transport(error, action, &self.endpoint);
        // What the engine answers is not a fault of the way to it.
        let complaint = self.tunnel.as_ref().filter(|_| told.is_lost()).and_then(|tunnel| tunnel.complaint());
        complaint.map_or(told, |reason| EngineError::Unreachable {
            endpoint: self.endpoint.clone(),
            reason,
            obstacle: Obstacle::Ssh,
        })
    }

    /// Where a container's address can be reached from here; `None` where it cannot.
    pub(super) fn reachable(&self, address: String) -> Option<String> {
        let Some(tunnel) = &self.tunnel else { return Some(address) };
        // A port that is published there; any other address is the container's own, to which ssh does not lead.
        tunnel.port(address.strip_prefix("127.0.0.1:")?.parse().ok()?).ok()
    }

    /// The whole answer, within `limit`.
    pub(super) async fn bytes(&self, request: Request, limit: Duration) -> Result<Bytes, EngineError> {
        let action = request.action.clone();
        let deadline = Instant::now() + limit;
        let mut body = self.stream(request);
        let mut whole = BytesMut::new();
        while let Some(chunk) = next(&mut body, deadline, limit, &action).await? {
            whole.extend_from_slice(&chunk.map_err(|error| self.failure(&error, &action))?);
            if whole.len() > ANSWER {
                return Err(failure::refused(action, "its answer is too long"));
            }
        }
        Ok(whole.freeze())
    }

    /// As [`Self::json`], asked again while the engine does the same for somebody else: up to Docker 20.10 it refuses
    /// a second `/system/df`, and any version a second prune ("a prune operation is already running").
    pub(super) async fn json_when_idle<T: DeserializeOwned>(
        &self,
        request: Request,
        limit: Duration,
    ) -> Result<T, EngineError> {
        let until = Instant::now() + BUSY;
        loop {
            let answer = self.json(request.clone(), limit).await;
            let busy =
                matches!(&answer, Err(EngineError::Refused { message, .. }) if message.contains("already running"));
            if !busy || Instant::now() > until {
                return answer;
            }
            tokio::time::sleep(BUSY_PAUSE).await;
        }
    }

    /// The answer read as JSON, within `limit`.
    pub(super) async fn json<T: DeserializeOwned>(&self, request: Request, limit: Duration) -> Result<T, EngineError> {
        let action = request.action.clone();
        let bytes = self.bytes(request, limit).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| failure::refused(action, &format!("its answer cannot be read: {error}")))
    }
}

/// The next chunk before the deadline; `None` at the end.
pub(super) async fn next<S: Stream + Unpin>(
    stream: &mut S,
    deadline: Instant,
    limit: Duration,
    action: &str,
) -> Result<Option<S::Item>, EngineError> {
    timeout_at(deadline, stream.next())
        .await
        .map_err(|_| EngineError::Deadline { action: action.to_owned(), seconds: limit.as_secs().max(1) })
}

/// `None` in place of a 404.
pub(super) fn unless_missing<T>(result: Result<T, EngineError>) -> Result<Option<T>, EngineError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(EngineError::Refused { status: 404, .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_one_path_and_queries_are_encoded() {
        assert_eq!(segment("library/python:3.9@sha256:ab"), "library/python:3.9@sha256:ab");
        assert_eq!(segment("a?b#c d\n%"), "a%3Fb%23c%20d%0A%25");
        assert_eq!(path_with("/x", &[]), "/x");
        assert_eq!(path_with("/x", &[("t", "a b"), ("t", "{\"k\":1}")]), "/x?t=a+b&t=%7B%22k%22%3A1%7D");
    }

    #[test]
    fn the_older_of_both_api_versions_is_spoken() {
        let mut client = Client::new(&Address::Http("127.0.0.1:1".into())).unwrap();
        for (engine, spoken) in [("1.41", "1.41"), ("1.51", "1.51"), ("1.60", "1.51"), ("1.9", "1.9"), ("?", "1.51")] {
            assert_eq!(client.speak(engine), spoken);
            assert_eq!(client.prefix, format!("/v{spoken}"));
        }
    }
}
