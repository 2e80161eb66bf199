//! Requests to one registry: a deadline on each answer, redirects, credentials where they are wanted and nowhere else,
//! and patience where the registry asks for it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, LOCATION, RANGE, RETRY_AFTER, USER_AGENT};
use http::uri::{Authority, Scheme, Uri};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::time::{sleep, timeout};

use super::auth::{self, Challenge};
use super::error::{RegistryError, RequestError};
use super::quota::PullQuota;
use super::reference::{ImageReference, is_loopback};
use crate::credentials::{Credentials, Store};
use crate::error::causes;
use crate::text::shorten;

/// Kinds of manifests that are understood.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";
/// Redirects that are followed.
const REDIRECTS: usize = 5;
/// Times that a request is sent where the registry limits requests, or cannot answer for the moment.
const TRIES: u32 = 4;
/// Longest answer to a request for a token, and longest message of an error.
const LONGEST_ANSWER: u64 = 1 << 20;

/// What may be trusted, and how long is waited.
#[derive(Debug, Clone)]
pub(crate) struct RegistrySettings {
    /// Certificates of authorities, besides those of this system.
    pub ca_file: Option<PathBuf>,
    /// Whether plain HTTP may be spoken to other machines.
    pub plain_http: bool,
    /// Longest time without a byte.
    pub deadline: Duration,
    /// Longest wait in all for a registry that limits requests.
    pub patience: Duration,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        let (deadline, patience) = (Duration::from_secs(30), Duration::from_secs(60));
        Self { ca_file: None, plain_http: false, deadline, patience }
    }
}

type Http = hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Speaks to registries.
pub(crate) struct RegistryClient {
    http: Http,
    pub(super) settings: RegistrySettings,
    credentials: Store,
    /// How each registry is spoken to, by its authority.
    schemes: Mutex<BTreeMap<String, Scheme>>,
    /// The header that let us in, by registry and repository.
    headers: Mutex<BTreeMap<String, HeaderValue>>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Below `/v2/`.
    pub path: &'a str,
    /// What it is, for messages.
    pub what: &'a str,
    /// What of it.
    pub part: BlobPart,
}

/// What of a document or a blob is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlobPart {
    /// All of it.
    Whole,
    /// What begins at a byte.
    From(u64),
    /// Only the headers: registries that count pulls do not count it.
    Nothing,
}

impl RegistryClient {
    /// A client that trusts this system's certificates and those of the settings.
    pub(crate) fn new(settings: RegistrySettings, credentials: Store) -> Result<Self, RegistryError> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = &settings.ca_file {
            let failed = |reason: String| RegistryError::CaFile { path: path.clone(), reason };
            let found: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect)
                .map_err(|error| failed(error.to_string()))?;
            if roots.add_parsable_certificates(found).0 == 0 {
                return Err(failed("it holds no certificate".to_owned()));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| RequestError::Unreachable { host: String::new(), reason: error.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(settings.deadline));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self { http, settings, credentials, schemes: Mutex::default(), headers: Mutex::default() })
    }

    /// A manifest or an index, at most `most` bytes, and the digest that the registry says it has.
    pub(super) async fn manifest(
        &self,
        image: &ImageReference,
        version: &str,
        most: u64,
    ) -> Result<(Vec<u8>, Option<String>), RegistryError> {
        let what = ImageReference { version: version.to_owned(), ..image.clone() }.to_string();
        let path = format!("{}/manifests/{version}", image.repository);
        let asked = Asked { path: &path, what: &what, part: BlobPart::Whole };
        let response = self.get(image, asked).await?;
        let digest = response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        let digest = digest.map(str::to_owned);
        Ok((self.whole(response, &what, most).await?, digest))
    }

    /// Whether an image is there and may be read, and what the registry says of the pulls that are left.
    pub(crate) async fn quota(&self, image: &ImageReference) -> Result<Option<PullQuota>, RegistryError> {
        let path = format!("{}/manifests/{}", image.repository, image.version);
        let asked = Asked { path: &path, what: &image.to_string(), part: BlobPart::Nothing };
        Ok(PullQuota::of(self.get(image, asked).await?.headers()))
    }

    /// The index of what refers to a manifest, at most `most` bytes (OCI distribution specification, "Listing Referrers").
    pub(super) async fn referrers(
        &self,
        image: &ImageReference,
        digest: &str,
        most: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        let path = format!("{}/referrers/{digest}", image.repository);
        let asked = Asked { path: &path, what: digest, part: BlobPart::Whole };
        Ok(self.whole(self.get(image, asked).await?, digest, most).await?)
    }

    /// Asks for something of a repository; the answer is 200 or 206.
    pub(super) async fn get(
        &self,
        image: &ImageReference,
        asked: Asked<'_>,
    ) -> Result<Response<Incoming>, RegistryError> {
        let scheme = self.scheme(image).await?;
        let key = image.path();
        let mut header = locked(&self.headers).get(&key).cloned();
        let mut answered = false;
        loop {
            let url = url(&scheme, image.authority(), &format!("/v2/{}", asked.path))?;
            let response = self.follow(url, header.as_ref(), asked).await?;
            match response.status() {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => return Ok(response),
                StatusCode::UNAUTHORIZED if !answered => {
                    answered = true;
                    let Some(challenge) = Challenge::of(response.headers()) else {
                        return Err(self.refused(response, image, asked, header.is_some()).await.into());
                    };
                    header = self.answer(image, &challenge, &scheme, asked).await?;
                    match &header {
                        Some(header) => drop(locked(&self.headers).insert(key.clone(), header.clone())),
                        None => return Err(self.refused(response, image, asked, false).await.into()),
                    }
                }
                status => {
                    // Elsewhere nothing is said of credentials, and no helper is asked for them.
                    let denied = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
                    let sent = denied && self.credentials_for(image)?.is_some();
                    return Err(self.refused(response, image, asked, sent).await.into());
                }
            }
        }
    }

    /// How the registry is spoken to. On this machine, plain HTTP is spoken where TLS is not.
    async fn scheme(&self, image: &ImageReference) -> Result<Scheme, RequestError> {
        let authority = image.authority();
        if let Some(scheme) = locked(&self.schemes).get(authority) {
            return Ok(scheme.clone());
        }
        let asked = Asked { path: "", what: authority, part: BlobPart::Whole };
        let plain = self.settings.plain_http || is_loopback(&image.host);
        let mut scheme = Scheme::HTTPS;
        let mut response = self.follow(url(&scheme, authority, "/v2/")?, None, asked).await;
        if plain && matches!(response, Err(RequestError::NoTls { .. })) {
            scheme = Scheme::HTTP;
            response = self.follow(url(&scheme, authority, "/v2/")?, None, asked).await;
        }
        let status = response?.status();
        if !matches!(status, StatusCode::OK | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(RequestError::NotARegistry { host: authority.to_owned(), status: status.as_u16() });
        }
        locked(&self.schemes).insert(authority.to_owned(), scheme.clone());
        Ok(scheme)
    }

    /// Sends a request where redirects lead; credentials stay with the host that they are for.
    async fn follow(
        &self,
        mut url: Uri,
        header: Option<&HeaderValue>,
        asked: Asked<'_>,
    ) -> Result<Response<Incoming>, RequestError> {
        let wrong = |reason| RequestError::Redirect { what: asked.what.to_owned(), reason };
        let first = url.clone();
        for _ in 0..=REDIRECTS {
            let same = url.scheme() == first.scheme() && url.authority() == first.authority();
            let response = self.patient(&url, header.filter(|_| same), asked).await?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| resolve(&url, location)).ok_or_else(|| wrong("no valid URL"))?;
            if url.scheme() == Some(&Scheme::HTTPS) && next.scheme() != Some(&Scheme::HTTPS) {
                return Err(wrong("from HTTPS to plain HTTP"));
            }
            url = next;
        }
        Err(wrong("too many redirects"))
    }

    /// Sends a request, again after the wait that the registry asks for.
    async fn patient(
        &self,
        url: &Uri,
        header: Option<&HeaderValue>,
        asked: Asked<'_>,
    ) -> Result<Response<Incoming>, RequestError> {
        let mut patience = self.settings.patience;
        let mut tries = 0;
        loop {
            let method = if asked.part == BlobPart::Nothing { Method::HEAD } else { Method::GET };
            let mut request = Request::builder().method(method).uri(url).header(ACCEPT, MANIFESTS);
            if let Some(header) = header {
                request = request.header(AUTHORIZATION, header);
            }
            if let BlobPart::From(byte @ 1..) = asked.part {
                request = request.header(RANGE, format!("bytes={byte}-"));
            }
            let response = self.send(request, Bytes::new(), asked.what).await?;
            tries += 1;
            let status = response.status();
            let again = matches!(
                status,
                StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            );
            if !again {
                return Ok(response);
            }
            let wait = retry_after(response.headers()).unwrap_or(Duration::from_secs(1 << tries.min(5)));
            if wait > patience || tries == TRIES {
                if status == StatusCode::TOO_MANY_REQUESTS {
                    let host = url.authority().map(Authority::to_string).unwrap_or_default();
                    return Err(RequestError::Limited { host, seconds: wait.as_secs() });
                }
                return Ok(response);
            }
            patience -= wait;
            sleep(wait).await;
        }
    }

    async fn send(
        &self,
        request: http::request::Builder,
        body: Bytes,
        what: &str,
    ) -> Result<Response<Incoming>, RequestError> {
        let unreachable = |host: &str, reason: String| RequestError::Unreachable { host: host.to_owned(), reason };
        let request = request
            .header(USER_AGENT, concat!("tonnage/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(body))
            .map_err(|error| unreachable(what, error.to_string()))?;
        let host = request.uri().authority().map(Authority::to_string).unwrap_or_default();
        let secure = request.uri().scheme() == Some(&Scheme::HTTPS);
        match timeout(self.settings.deadline, self.http.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(match causes(&error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
                Some(rustls::Error::InvalidCertificate(reason)) => {
                    RequestError::Certificate { host, reason: reason.to_string() }
                }
                Some(rustls::Error::InvalidMessage(_)) if secure => RequestError::NoTls { host },
                Some(other) => unreachable(&host, other.to_string()),
                None => unreachable(&host, causes(&error).last().map(ToString::to_string).unwrap_or_default()),
            }),
            Err(_) => Err(RequestError::Stalled { what: what.to_owned(), seconds: self.settings.deadline.as_secs() }),
        }
    }

    /// The whole body of an answer.
    async fn whole(&self, response: Response<Incoming>, what: &str, most: u64) -> Result<Vec<u8>, RequestError> {
        let mut body = response.into_body();
        let mut whole = Vec::new();
        while let Some(frame) = timeout(self.settings.deadline, body.frame())
            .await
            .map_err(|_| RequestError::Stalled { what: what.to_owned(), seconds: self.settings.deadline.as_secs() })?
        {
            let frame = frame
                .map_err(|error| RequestError::Broken { what: what.to_owned(), reason: crate::error::chain(&error) })?;
            whole.extend_from_slice(frame.data_ref().map(Bytes::as_ref).unwrap_or_default());
            if whole.len() as u64 > most {
                return Err(RequestError::TooLong { what: what.to_owned(), most });
            }
        }
        Ok(whole)
    }

    fn credentials_for(&self, image: &ImageReference) -> Result<Option<Credentials>, RegistryError> {
        Ok(self.credentials.for_repository(&image.path())?)
    }

    /// The header that answers a challenge; `None` where there are no credentials and some are wanted.
    async fn answer(
        &self,
        image: &ImageReference,
        challenge: &Challenge,
        scheme: &Scheme,
        asked: Asked<'_>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let found = self.credentials_for(image)?.unwrap_or_default();
        if !found.registry_token.expose().is_empty() {
            return Ok(auth::bearer(found.registry_token.expose()));
        }
        let Challenge::Bearer { realm, service, scope } = challenge else { return Ok(auth::basic(&found)) };
        let failed = |reason: &str| RequestError::Token { host: image.host.clone(), reason: reason.to_owned() };
        let realm: Uri = realm.parse().map_err(|_| failed("the registry names no valid address for tokens"))?;
        let realm_host = realm.authority().map(Authority::as_str).unwrap_or_default().to_owned();
        let secure = realm.scheme() == Some(&Scheme::HTTPS);
        let plain = self.settings.plain_http || is_loopback(&realm_host);
        if realm_host.is_empty() || realm_host.contains('@') || !(secure || (plain && *scheme == Scheme::HTTP)) {
            return Err(failed("the address for tokens is not HTTPS").into());
        }
        let own_scope = format!("repository:{}:pull", image.repository);
        let scope = if scope.is_empty() { &own_scope } else { scope };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("service", service).append_pair("scope", scope);
        let (request, body) = if found.identity_token.expose().is_empty() {
            let path = realm.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
            let joint = if path.contains('?') { '&' } else { '?' };
            let path = format!("{path}{joint}{}", form.finish());
            let url = url(realm.scheme().unwrap_or(&Scheme::HTTPS), &realm_host, &path)?;
            let mut request = Request::builder().method(Method::GET).uri(url);
            if let Some(header) = auth::basic(&found) {
                request = request.header(AUTHORIZATION, header);
            }
            (request, Bytes::new())
        } else {
            form.append_pair("grant_type", "refresh_token")
                .append_pair("client_id", "tonnage")
                .append_pair("refresh_token", found.identity_token.expose());
            let request = Request::builder()
                .method(Method::POST)
                .uri(realm)
                .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            (request, Bytes::from(form.finish()))
        };
        let response = self.send(request, body, &realm_host).await?;
        let status = response.status();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let sent = found != Credentials::default();
            return Err(self.refused(response, image, asked, sent).await.into());
        }
        if status != StatusCode::OK {
            return Err(failed(&format!("`{realm_host}` answers {}", status.as_u16())).into());
        }
        let answer = self.whole(response, &realm_host, LONGEST_ANSWER).await?;
        let token = auth::token_in(&answer).ok_or_else(|| failed("the answer has no token"))?;
        Ok(Some(auth::bearer(&token).ok_or_else(|| failed("the token is not valid"))?))
    }

    /// The error for an answer that is not what was asked for.
    async fn refused(
        &self,
        response: Response<Incoming>,
        image: &ImageReference,
        asked: Asked<'_>,
        sent: bool,
    ) -> RequestError {
        let status = response.status();
        let message = self.whole(response, asked.what, LONGEST_ANSWER).await.ok();
        let message = message.as_deref().map(message_in).unwrap_or_default();
        let what = asked.what.to_owned();
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                RequestError::Denied { host: image.host.clone(), what, message, sent }
            }
            StatusCode::NOT_FOUND => RequestError::NotFound { what, message },
            _ => RequestError::Status { what, status: status.as_u16(), message },
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn url(scheme: &Scheme, authority: &str, path: &str) -> Result<Uri, RequestError> {
    Uri::builder()
        .scheme(scheme.clone())
        .authority(authority)
        .path_and_query(path)
        .build()
        .map_err(|error| RequestError::Unreachable { host: authority.to_owned(), reason: error.to_string() })
}

/// Where a redirect leads: a URL of its own, or a path of the same host.
fn resolve(from: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or_default();
    if location.starts_with("//") {
        return format!("{}:{location}", from.scheme_str()?).parse().ok();
    }
    if location.starts_with('/') {
        return url(from.scheme()?, from.authority()?.as_str(), location).ok();
    }
    let found: Uri = location.parse().ok()?;
    let known = matches!(found.scheme_str(), Some("http" | "https"));
    (known && found.authority().is_some_and(|authority| !authority.as_str().contains('@'))).then_some(found)
}

/// The wait that a registry asks for: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Duration::try_from(date.timestamp().duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

/// The first message of the errors in an answer (OCI distribution specification, error codes).
fn message_in(answer: &[u8]) -> String {
    #[derive(serde::Deserialize)]
    struct Errors {
        errors: Vec<OneError>,
    }
    #[derive(serde::Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct OneError {
        code: String,
        message: String,
    }
    let Ok(Errors { errors }) = serde_json::from_slice(answer) else { return String::new() };
    let first = errors.into_iter().next().unwrap_or_default();
    shorten(if first.message.is_empty() { &first.code } else { &first.message }, 200)
}
