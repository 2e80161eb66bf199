//! What a target names: `registry://HOST/NAME:TAG`, or `docker://NAME`, where Docker's defaults hold.

use super::RegistryError;
use crate::credentials::image_path;

const SCHEMES: [&str; 2] = ["registry://", "docker://"];
/// Longest reference that is read.
const LONGEST: usize = 1024;

/// Whether a target names an image of a registry.
pub(crate) fn is_registry(target: &str) -> bool {
    SCHEMES.iter().any(|scheme| target.starts_with(scheme))
}

/// An image of a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageReference {
    /// `host[:port]`; `docker.io` for Docker Hub.
    pub host: String,
    /// `team/app`.
    pub repository: String,
    /// A tag or a digest.
    pub version: String,
}

impl ImageReference {
    /// Reads a target. Only what can be a name gets into a URL.
    pub(crate) fn parse(target: &str) -> Result<Self, RegistryError> {
        let wrong = |what| RegistryError::Reference { target: target.to_owned(), what };
        let docker = target.strip_prefix("docker://");
        let rest = docker.or_else(|| target.strip_prefix("registry://")).ok_or_else(|| wrong("it has no scheme"))?;
        if rest.len() > LONGEST {
            return Err(wrong("it is too long"));
        }
        let (name, digest) = rest.split_once('@').map_or((rest, None), |(name, digest)| (name, Some(digest)));
        if digest.is_some_and(|digest| !is_sha256(digest)) {
            return Err(wrong("its digest is not `sha256:` and 64 lowercase hexadecimal digits"));
        }
        let last = name.rfind('/').map_or(0, |slash| slash + 1);
        let (name, tag) = match name[last..].find(':') {
            Some(colon) if last > 0 || docker.is_some() => (&name[..last + colon], Some(&name[last + colon + 1..])),
            _ => (name, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(wrong("its tag is not valid"));
        }
        let path = if docker.is_some() { image_path(name) } else { name.to_owned() };
        let (host, repository) = path.split_once('/').ok_or_else(|| wrong("it names no repository"))?;
        if !is_host(host) {
            return Err(wrong("its host is not valid"));
        }
        if !is_repository(repository) {
            return Err(wrong("its repository is not valid"));
        }
        let version = digest.or(tag).unwrap_or("latest").to_owned();
        Ok(Self { host: host.to_owned(), repository: repository.to_owned(), version })
    }

    /// Registry and repository, as credentials are stored for them.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.host, self.repository)
    }

    /// The digest, where the reference has one.
    pub(super) fn digest(&self) -> Option<&str> {
        self.version.contains(':').then_some(self.version.as_str())
    }

    /// Host and port of the registry's API.
    pub(super) fn authority(&self) -> &str {
        if self.host == "docker.io" { "registry-1.docker.io" } else { &self.host }
    }
}

impl std::fmt::Display for ImageReference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let separator = if self.digest().is_some() { '@' } else { ':' };
        write!(f, "{}/{}{separator}{}", self.host, self.repository, self.version)
    }
}

/// Whether an authority is on this machine.
pub(super) fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a digest is one that is checked: SHA-256, in lower case.
pub(super) fn is_sha256(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

fn is_tag(tag: &str) -> bool {
    (1..=128).contains(&tag.len())
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rfind(':') {
        Some(colon) if !host.ends_with(']') => (&host[..colon], Some(&host[colon + 1..])),
        _ => (host, None),
    };
    let name_is_fine = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)),
    };
    name_is_fine && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn is_repository(repository: &str) -> bool {
    repository.split('/').all(|part| {
        part.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte))
    })
}
