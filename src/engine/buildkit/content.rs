//! Reading a blob out of a builder's content store: containerd's API, which `BuildKit` offers at its own socket for reading
//! only (moby/buildkit, control/control.go; from 0.11 on).

use http::uri::PathAndQuery;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::link::Link;
use crate::engine::EngineError;
use crate::engine::client::QUICK;

/// Longest config that is read: registries stop at 4 MiB.
const LONGEST: usize = 8 << 20;

/// `containerd.services.content.v1.ReadContentRequest`.
#[derive(Clone, PartialEq, prost::Message)]
struct ReadContent {
    #[prost(string, tag = "1")]
    digest: String,
    #[prost(int64, tag = "2")]
    offset: i64,
    #[prost(int64, tag = "3")]
    size: i64,
}

/// `containerd.services.content.v1.ReadContentResponse`.
#[derive(Clone, PartialEq, prost::Message)]
struct ReadContentResponse {
    #[prost(int64, tag = "1")]
    offset: i64,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
}

/// The blob of this digest.
pub(super) async fn read(link: &Link, digest: &str) -> Result<Vec<u8>, EngineError> {
    let reading = async {
        let mut grpc = tonic::client::Grpc::new(link.channel());
        grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
        let request = Request::new(ReadContent { digest: digest.to_owned(), offset: 0, size: 0 });
        let path = PathAndQuery::from_static("/containerd.services.content.v1.Content/Read");
        let codec = ProstCodec::<ReadContent, ReadContentResponse>::default();
        let mut coming = grpc.server_streaming(request, path, codec).await?.into_inner();
        let mut blob = Vec::new();
        while let Some(piece) = coming.message().await? {
            blob.extend_from_slice(&piece.data);
            if blob.len() > LONGEST {
                return Err(Status::out_of_range("the config of the image is too long"));
            }
        }
        Ok(blob)
    };
    link.ask("read the config of an image", QUICK, reading).await
}
