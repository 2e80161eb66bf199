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
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

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

async fn connect(address: &Address) -> io::Result<Box<dyn Stream>> {
    Ok(match address {
        Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        Address::Http(authority) => Box::new(TcpStream::connect(authority).await?),
        Address::Ssh(_) => return Err(io::ErrorKind::Unsupported.into()),
        Address::Https { authority, certificates } => {
            let connector = tokio_rustls::TlsConnector::from(Arc::new(tls(certificates)?));
            let host = authority.rsplit_once(':').map_or(authority.as_str(), |(host, _)| host);
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(host).map_err(io::Error::other)?;
            Box::new(connector.connect(name, TcpStream::connect(authority).await?).await?)
        }
    })
}

/// TLS with the certificates of a directory, as for every other request.
fn tls(certificates: &Path) -> io::Result<rustls::ClientConfig> {
    let [key, cert, ca] = certificate_files(certificates).map_err(io::Error::other)?;
    let read = |path: &Path| -> io::Result<Vec<CertificateDer<'static>>> {
        let found = CertificateDer::pem_file_iter(path).map_err(io::Error::other)?;
        found.collect::<Result<_, _>>().map_err(io::Error::other)
    };
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(read(&ca)?);
    let key = PrivateKeyDer::from_pem_file(&key).map_err(io::Error::other)?;
    let chain = read(&cert)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_root_certificates(roots).with_client_auth_cert(chain, key))
        .map_err(io::Error::other)
}
