//! A connection to an engine that is upgraded to a stream of bytes.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::engine::endpoint::{Address, certificate_files};

/// Longest head of an answer.
const HEAD: usize = 16 << 10;

/// A stream of bytes both ways.
pub(in crate::engine) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects, and offers a session of this id in which the engine may call these methods.
pub(super) async fn upgrade(address: &Address, path: &str, id: &str, methods: &[&str]) -> io::Result<Box<dyn Stream>> {
    let mut stream = connect(address).await?;
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\
         X-Docker-Expose-Session-Uuid: {id}\r\nX-Docker-Expose-Session-Name: tonnage\r\n"
    );
    for method in methods {
        request.push_str("X-Docker-Expose-Session-Grpc-Method: ");
        request.push_str(method);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    // Byte by byte: what follows the head is not HTTP/1.1 any more.
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD {
            return Err(io::Error::other("the head of its answer is too long"));
        }
        head.push(stream.read_u8().await?);
    }
    let status = String::from_utf8_lossy(&head);
    let status = status.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("101") {
        Ok(stream)
    } else {
        Err(io::Error::other(crate::engine::failure::one_line(status)))
    }
}

/// Connects to an address.
pub(in crate::engine) async fn connect(address: &Address) -> io::Result<Box<dyn Stream>> {
    Ok(match address {
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        Address::Http(authority) => Box::new(TcpStream::connect(authority).await?),
        Address::Ssh(_) => return Err(io::ErrorKind::Unsupported.into()),
        Address::Https { authority, certificates } => {
            let [key, cert, ca] = certificate_files(certificates).map_err(io::Error::other)?;
            let host = host_of(authority);
            connect_tls(authority, host, tls(&ca, Some((&cert, &key)))?).await?
        }
    })
}

/// The host of `host:port`, without brackets.
pub(in crate::engine) fn host_of(authority: &str) -> &str {
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Connects over TLS to a server that must prove to be `name`.
pub(in crate::engine) async fn connect_tls(
    authority: &str,
    name: &str,
    config: rustls::ClientConfig,
) -> io::Result<Box<dyn Stream>> {
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    Ok(Box::new(connector.connect(name, TcpStream::connect(authority).await?).await?))
}

/// TLS that trusts the authorities of a file, with a certificate and its key where there is one.
pub(in crate::engine) fn tls(ca: &Path, own: Option<(&Path, &Path)>) -> io::Result<rustls::ClientConfig> {
    let read = |path: &Path| -> io::Result<Vec<CertificateDer<'static>>> {
        let found = CertificateDer::pem_file_iter(path).map_err(io::Error::other)?;
        found.collect::<Result<_, _>>().map_err(io::Error::other)
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(read(ca)?);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(roots);
    let Some((cert, key)) = own else { return Ok(config.with_no_client_auth()) };
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    config.with_client_auth_cert(read(cert)?, key).map_err(io::Error::other)
}
