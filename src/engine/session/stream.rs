//! A session as a stream of messages in a call to the builder, each of which holds some of its bytes.

use std::io;

use bollard_buildkit_proto::moby::buildkit::v1::BytesMessage;
use bollard_buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::Request;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

use super::socket::Stream;

/// Bytes in one message.
const PIECE: usize = 64 << 10;

/// Offers a session of this id in which the builder may call these methods.
pub(super) async fn open(
    mut control: ControlClient<Channel>,
    id: &str,
    methods: &[&str],
) -> io::Result<Box<dyn Stream>> {
    let (ours, theirs) = tokio::io::duplex(PIECE);
    let (read, mut write) = tokio::io::split(theirs);
    let sent = stream::unfold(read, async |mut read| {
        let mut piece = vec![0; PIECE];
        let size = read.read(&mut piece).await.ok().filter(|&size| size > 0)?;
        piece.truncate(size);
        Some((BytesMessage { data: piece }, read))
    });
    let mut request = Request::new(sent);
    let metadata = request.metadata_mut();
    metadata.insert("x-docker-expose-session-uuid", MetadataValue::try_from(id).map_err(io::Error::other)?);
    metadata.insert("x-docker-expose-session-name", MetadataValue::from_static("tonnage"));
    for method in methods {
        let method = MetadataValue::try_from(*method).map_err(io::Error::other)?;
        metadata.append("x-docker-expose-session-grpc-method", method);
    }
    let mut coming =
        control.session(request).await.map_err(|status| io::Error::other(status.message().to_owned()))?.into_inner();
    tokio::spawn(async move {
        while let Ok(Some(message)) = coming.message().await {
            if write.write_all(&message.data).await.is_err() {
                break;
            }
        }
    });
    Ok(Box::new(ours))
}
