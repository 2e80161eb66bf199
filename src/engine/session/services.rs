//! What a session answers: `moby.filesync.v1.Auth`, `moby.buildkit.secrets.v1.Secrets`, and gRPC's own health check,
//! without which builders close the session; for a builder that is not an engine's also `moby.upload.v1.Upload`, which
//! asks for the context, and `moby.filesync.v1.FileSend`, which brings an image's archive.

use std::sync::Arc;

use bollard_buildkit_proto::health::health_check_response::ServingStatus;
use bollard_buildkit_proto::health::health_server::{Health, HealthServer};
use bollard_buildkit_proto::health::{HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard_buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use bollard_buildkit_proto::moby::filesync::v1::auth_server::{Auth, AuthServer};
use bollard_buildkit_proto::moby::filesync::v1::file_send_server::{FileSend, FileSendServer};
use bollard_buildkit_proto::moby::filesync::v1::{
    BytesMessage, CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse,
    GetTokenAuthorityRequest, GetTokenAuthorityResponse, VerifyTokenAuthorityRequest, VerifyTokenAuthorityResponse,
};
use bollard_buildkit_proto::moby::upload::v1::BytesMessage as Uploaded;
use bollard_buildkit_proto::moby::upload::v1::upload_server::{Upload, UploadServer};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status, Streaming};

use super::socket::Stream;
use crate::credentials::{Credentials, Store, registry_of};
use crate::engine::types;

/// Bytes on their way between the connection and the server.
const BUFFER: usize = 64 << 10;
/// Longest message, as `BuildKit` has it itself (containerd, defaults, `DefaultMaxRecvMsgSize`).
pub(in crate::engine) const MESSAGE: usize = 16 << 20;
/// Bytes of the context in one message.
const PIECE: usize = 512 << 10;

/// What a session has answers from.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Answers {
    /// Credentials of registries.
    pub(in crate::engine) credentials: Arc<Store>,
    /// Images that the build names: their credentials may be for a part of a registry.
    pub(in crate::engine) images: Vec<String>,
    /// Secrets.
    pub(in crate::engine) secrets: types::Secrets,
    /// The context, as an uncompressed tar.
    pub(in crate::engine) context: Option<Bytes>,
    /// Where an image's archive goes.
    pub(in crate::engine) archive: Option<mpsc::Sender<Bytes>>,
}

/// Serves on a connection, in tasks of the runtime at hand.
pub(super) async fn serve(mut connection: Box<dyn Stream>, answers: Answers) -> Result<(), String> {
    let (ours, mut theirs) = tokio::io::duplex(BUFFER);
    tokio::spawn(async move { drop(tokio::io::copy_bidirectional(&mut connection, &mut theirs).await) });
    let connections = stream::iter([Ok::<_, std::io::Error>(ours)]);
    tonic::transport::Server::builder()
        .add_service(HealthServer::new(Healthy))
        .add_service(AuthServer::new(answers.clone()))
        .add_service(SecretsServer::new(answers.clone()))
        .add_service(UploadServer::new(answers.clone()))
        .add_service(FileSendServer::new(answers).max_decoding_message_size(MESSAGE))
        .serve_with_incoming(connections)
        .await
        .map_err(|error| error.to_string())
}

#[tonic::async_trait]
impl Upload for Answers {
    type PullStream = BoxStream<'static, Result<Uploaded, Status>>;

    async fn pull(&self, _: Request<Streaming<Uploaded>>) -> Result<Response<Self::PullStream>, Status> {
        let context = self.context.clone().ok_or_else(|| Status::not_found("no context was given"))?;
        let pieces = (0..context.len()).step_by(PIECE).map(move |from| {
            let piece = &context[from..context.len().min(from + PIECE)];
            Ok(Uploaded { data: piece.to_vec() })
        });
        Ok(Response::new(stream::iter(pieces).boxed()))
    }
}

#[tonic::async_trait]
impl FileSend for Answers {
    type DiffCopyStream = BoxStream<'static, Result<BytesMessage, Status>>;

    /// Nothing is answered but the end, which says that all has come.
    async fn diff_copy(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let archive = self.archive.clone().ok_or_else(|| Status::not_found("no archive is awaited"))?;
        let mut coming = request.into_inner();
        let all = async move {
            while let Some(message) = coming.message().await? {
                archive.send(message.data.into()).await.map_err(|_| Status::cancelled("nobody reads it"))?;
            }
            Ok(())
        };
        let end = stream::once(all).filter_map(async |came: Result<(), Status>| came.err().map(Err));
        Ok(Response::new(end.boxed()))
    }
}

/// Says that all is well.
struct Healthy;

#[tonic::async_trait]
impl Health for Healthy {
    async fn check(&self, _: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(&self, _: Request<HealthListRequest>) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("not offered"))
    }

    type WatchStream = stream::Pending<Result<HealthCheckResponse, Status>>;

    async fn watch(&self, _: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not offered"))
    }
}

#[tonic::async_trait]
impl Auth for Answers {
    async fn credentials(&self, request: Request<CredentialsRequest>) -> Result<Response<CredentialsResponse>, Status> {
        let (answers, host) = (self.clone(), request.into_inner().host);
        let found = tokio::task::spawn_blocking(move || answers.credentials_for(&host)).await;
        Ok(Response::new(credentials_response(found.unwrap_or_default())))
    }

    /// Asked only where the token authority is here: it is the engine that asks registries for tokens.
    async fn fetch_token(&self, _: Request<FetchTokenRequest>) -> Result<Response<FetchTokenResponse>, Status> {
        Err(Status::unimplemented("not offered"))
    }

    async fn get_token_authority(
        &self,
        _: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("not offered"))
    }

    async fn verify_token_authority(
        &self,
        _: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        Err(Status::unimplemented("not offered"))
    }
}

#[tonic::async_trait]
impl Secrets for Answers {
    async fn get_secret(&self, request: Request<GetSecretRequest>) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        match self.secrets.0.get(&id) {
            Some(data) => Ok(Response::new(GetSecretResponse { data: data.clone() })),
            None => Err(Status::not_found("no such secret was given")),
        }
    }
}

impl Answers {
    /// What may be asked, as the other side is told beforehand.
    pub(super) fn methods(&self) -> Vec<&'static str> {
        let mut methods = vec![
            "/grpc.health.v1.Health/Check",
            "/moby.filesync.v1.Auth/Credentials",
            "/moby.buildkit.secrets.v1.Secrets/GetSecret",
        ];
        methods.extend(self.context.as_ref().map(|_| "/moby.upload.v1.Upload/Pull"));
        methods.extend(self.archive.as_ref().map(|_| "/moby.filesync.v1.FileSend/DiffCopy"));
        methods
    }

    /// Credentials for a registry: those of an image that the build names, else those of the registry as a whole.
    fn credentials_for(&self, host: &str) -> Option<Credentials> {
        let registry = registry_of(&format!("{host}/")).to_owned();
        let images = self.images.iter().filter(|image| registry_of(image) == registry);
        let of_image = images.map(|image| self.credentials.for_image(image)).find(|found| !matches!(found, Ok(None)));
        let found = of_image.unwrap_or_else(|| self.credentials.for_registry(&registry));
        found.unwrap_or_else(|error| {
            tracing::warn!(%error, "no credentials for `{registry}`");
            None
        })
    }
}

/// Without credentials the engine asks as anybody does.
fn credentials_response(found: Option<Credentials>) -> CredentialsResponse {
    let found = found.unwrap_or_default();
    let token = found.identity_token.expose();
    if token.is_empty() {
        CredentialsResponse { username: found.username, secret: found.password.expose().to_owned() }
    } else {
        CredentialsResponse { username: String::new(), secret: token.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Places;

    #[test]
    fn the_engine_is_told_the_credentials_of_the_registry_that_it_asks_about() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("auth.json");
        let auths = r#"{"auths":{"quay.io":{"username":"all","password":"1"},"quay.io/team":{"username":"team","password":"2"},
            "docker.io":{"username":"hub","password":"3"},"t.example":{"identitytoken":"tok"}}}"#;
        std::fs::write(&file, auths).unwrap();
        let credentials = Arc::new(Store::read(&Places { podman: vec![file], ..Places::default() }));
        let images = vec!["quay.io/team/app:1".to_owned(), "python".to_owned()];
        let answers = Answers { credentials, images, ..Answers::default() };
        for (host, username, secret) in [
            ("quay.io", "team", "2"),
            ("registry-1.docker.io", "hub", "3"),
            ("t.example", "", "tok"),
            ("evil.example", "", ""),
            ("quay.io:444", "", ""),
        ] {
            let told = credentials_response(answers.credentials_for(host));
            assert_eq!((told.username.as_str(), told.secret.as_str()), (username, secret), "{host}");
        }
    }
}
