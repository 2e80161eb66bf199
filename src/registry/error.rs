//! Why an image of a registry could not be read.

use std::path::PathBuf;

use tonnage_image::ImageError;

use crate::credentials::CredentialsError;
use crate::error::{Diagnose, chain};
use crate::exit::Exit;
use crate::text::{Untrusted, for_people};

/// A request that failed, or an answer that is not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestError {
    /// No connection.
    #[error("cannot reach the registry at `{host}`: {}", Untrusted(reason))]
    Unreachable {
        /// Host and port.
        host: String,
        /// Why.
        reason: String,
    },
    /// The certificate is not trusted.
    #[error("the certificate of `{host}` is not trusted: {}", Untrusted(reason))]
    Certificate {
        /// Host and port.
        host: String,
        /// Why.
        reason: String,
    },
    /// It speaks HTTP and was asked for HTTPS.
    #[error("`{host}` does not answer over TLS")]
    NoTls {
        /// Host and port.
        host: String,
    },
    /// What answers is not a registry.
    #[error("`{host}` is not a registry: it answers {status} at `/v2/`")]
    NotARegistry {
        /// Host and port.
        host: String,
        /// The status.
        status: u16,
    },
    /// The registry wants other credentials, or any.
    #[error("the registry `{host}` denies access to `{what}`{}", said(message))]
    Denied {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
        /// The registry's words.
        message: String,
        /// Whether credentials were sent.
        sent: bool,
    },
    /// It is not there.
    #[error("the registry has no `{what}`{}", said(message))]
    NotFound {
        /// What was asked for.
        what: String,
        /// The registry's words.
        message: String,
    },
    /// Another status.
    #[error("the registry answers {status} to the request for `{what}`{}", said(message))]
    Status {
        /// What was asked for.
        what: String,
        /// The status.
        status: u16,
        /// The registry's words.
        message: String,
    },
    /// Too many requests, and the wait is longer than is waited.
    #[error("the registry `{host}` limits requests{}", wait(*seconds))]
    Limited {
        /// The registry.
        host: String,
        /// How long it wants us to wait.
        seconds: u64,
    },
    /// Nothing came for too long.
    #[error("the registry sent nothing of `{what}` for {seconds} s")]
    Stalled {
        /// What was asked for.
        what: String,
        /// The deadline.
        seconds: u64,
    },
    /// The connection ended in the middle.
    #[error("the connection ended within `{what}`: {}", Untrusted(reason))]
    Broken {
        /// What was asked for.
        what: String,
        /// Why.
        reason: String,
    },
    /// There are more or fewer bytes than there should be.
    #[error("`{what}` has {found} bytes, but its manifest says {expected}")]
    Length {
        /// The blob.
        what: String,
        /// What the manifest says.
        expected: u64,
        /// What the registry sends.
        found: u64,
    },
    /// A document is longer than may be.
    #[error("the answer to the request for `{what}` is longer than {most} bytes")]
    TooLong {
        /// What was asked for.
        what: String,
        /// The limit.
        most: u64,
    },
    /// A manifest is not what its digest says.
    #[error("`{expected}` has the digest {found}")]
    Digest {
        /// What was asked for, or what the registry says.
        expected: String,
        /// Of what was sent.
        found: String,
    },
    /// A redirect that is not followed.
    #[error("the registry redirects `{what}` to where it cannot be had: {reason}")]
    Redirect {
        /// What was asked for.
        what: String,
        /// Why it is not followed.
        reason: &'static str,
    },
    /// The answer to a request for a token cannot be used.
    #[error("failed to get a token for the registry `{host}`: {reason}")]
    Token {
        /// The registry.
        host: String,
        /// Why.
        reason: String,
    },
    /// A digest that is not checked is not asked for.
    #[error("the manifest names `{}`: only sha256 digests are supported", Untrusted(digest))]
    Algorithm {
        /// The digest.
        digest: String,
    },
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {}", for_people(message)) }
}

fn wait(seconds: u64) -> String {
    if seconds == 0 { String::new() } else { format!(", and wants {seconds} s between them") }
}

/// Why an image of a registry could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegistryError {
    /// The target cannot be a reference.
    #[error("`{}` is not a reference to an image of a registry: {what}", Untrusted(target))]
    Reference {
        /// As typed.
        target: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A file of certificates cannot be used.
    #[error("cannot read certificates from `{}`: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The stored credentials could not be read.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// A request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// What the registry sent cannot be read.
    #[error("what the registry sent cannot be read: {}", chain(.0))]
    Image(ImageError),
    /// There is nothing for the platform that is wanted.
    #[error("it has no image for `{wanted}`")]
    Platform {
        /// As asked for.
        wanted: String,
        /// What there is.
        there: Vec<String>,
    },
}

/// Carries a failed request through a reader.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub(super) struct FailedRead(#[from] pub RequestError);

impl From<ImageError> for RegistryError {
    fn from(error: ImageError) -> Self {
        if let ImageError::Read { source, .. } = &error
            && let Some(FailedRead(failed)) = source.get_ref().and_then(|inner| inner.downcast_ref())
        {
            return Self::Request(failed.clone());
        }
        Self::Image(error)
    }
}

impl Diagnose for RegistryError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Reference { .. } => {
                "write `registry://HOST/NAME:TAG` or `registry://HOST/NAME@sha256:DIGEST`".to_owned()
            }
            Self::CaFile { .. } => "give a PEM file with the certificate of the authority".to_owned(),
            Self::Credentials(_) => "fix the configuration, or log in again with `docker login`".to_owned(),
            Self::Request(error) => error.hint(),
            Self::Image(error) if error.excess().is_some() => {
                "if the registry can be trusted, allow more with `--max-unpacked` or `--max-memory`".to_owned()
            }
            Self::Image(ImageError::NoImage | ImageError::NotImages { .. }) => {
                "name a container image: signatures, attestations, charts, and old manifests (schema 1) are not weighed"
                    .to_owned()
            }
            Self::Image(_) => "push the image again: what is stored does not agree with its manifest".to_owned(),
            Self::Platform { there, .. } => {
                format!("choose with `--platform` from what there is: {}", there.join(", "))
            }
        })
    }

    fn exit(&self) -> Exit {
        if matches!(self, Self::Reference { .. }) { Exit::Usage } else { Exit::Unreadable }
    }
}

impl RequestError {
    fn hint(&self) -> String {
        match self {
            Self::Unreachable { .. } => "check the name and the port, and whether the registry is up".to_owned(),
            Self::Certificate { .. } => {
                "trust its authority with `--ca-file FILE` (PEM), or add it to this system's certificates".to_owned()
            }
            Self::NoTls { .. } => "check the port, or allow plain HTTP with `--plain-http`".to_owned(),
            Self::NotARegistry { .. } => "check the host and the port".to_owned(),
            Self::Denied { host, sent, .. } if *sent => {
                format!("the stored credentials are refused: log in again with `docker login {host}`")
            }
            Self::Denied { host, .. } => format!("log in with `docker login {host}`, or check the name"),
            Self::NotFound { .. } => "check the name and the tag".to_owned(),
            Self::Limited { host, .. } => format!("wait, or log in with `docker login {host}`"),
            Self::Token { .. } | Self::Status { .. } => "try again later, or ask who runs the registry".to_owned(),
            Self::Stalled { .. } | Self::Broken { .. } => {
                "try again; if it fails again, check the network and the registry".to_owned()
            }
            Self::Algorithm { .. } => "push the image with a tool that writes sha256 digests".to_owned(),
            Self::Length { .. } | Self::Digest { .. } | Self::TooLong { .. } | Self::Redirect { .. } => {
                "do not use this image: the registry, or something between, changes what it sends".to_owned()
            }
        }
    }
}
