//! Where a container engine listens: the command line, the environment, the Docker context, the usual sockets.
//!
//! In: an address that was asked for and the [`Surroundings`]. Out: the places to try, in order. An address that
//! somebody chose is the only candidate: another engine than the one meant is never used in its place. Nothing
//! here opens a connection.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::EngineError;
use crate::credentials::Places;

/// Where Docker's socket is.
const USUAL_SOCKET: &str = "/var/run/docker.sock";
/// The host of a TCP address that names none.
const LOCAL_HOST: &str = "localhost";
/// The context that stands for no context.
const DEFAULT_CONTEXT: &str = "default";

/// What the environment of the process says about engines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// `DOCKER_TLS_VERIFY`: any value that is not empty turns TLS on.
    pub tls_verify: bool,
    /// `DOCKER_CERT_PATH`.
    pub cert_path: Option<PathBuf>,
    /// The folder of `config.json`: `DOCKER_CONFIG`, else `~/.docker`.
    pub config_dir: Option<PathBuf>,
    /// `BUILDX_BUILDER`.
    pub buildx_builder: Option<String>,
    /// `BUILDX_CONFIG`: the directory of buildx, where it is not `buildx` in that of `config.json`.
    pub buildx_config: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// Where the user's credentials for registries are.
    pub registries: Places,
}

/// How bytes get to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket.
    Unix(PathBuf),
    /// Plain HTTP: `host:port`.
    Http(String),
    /// HTTPS with the certificates of a folder (`ca.pem`, `cert.pem`, `key.pem`).
    Https {
        /// `host:port`.
        authority: String,
        /// The folder.
        certificates: PathBuf,
    },
    /// `docker system dial-stdio` on another machine.
    Ssh(SshHost),
}

/// Where ssh finds an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshHost {
    /// Who to be there; what ssh's configuration says otherwise.
    pub user: Option<String>,
    /// A host, or a name of ssh's configuration.
    pub name: String,
    /// Port of ssh.
    pub port: Option<u16>,
    /// The engine's socket there; what its Docker command line takes otherwise.
    pub socket: Option<String>,
}

/// Who named an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Asked,
    /// `DOCKER_HOST`.
    DockerHost,
    /// A Docker context of this name.
    Context(String),
    /// A usual place.
    Usual,
}

/// A place where an engine may listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// How to get there.
    pub address: Address,
    /// Who named it.
    pub source: Source,
}

impl Surroundings {
    /// Reads the environment of this process.
    pub fn from_env() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            docker_host: text("DOCKER_HOST"),
            docker_context: text("DOCKER_CONTEXT"),
            tls_verify: text("DOCKER_TLS_VERIFY").is_some(),
            cert_path: path("DOCKER_CERT_PATH"),
            config_dir: path("DOCKER_CONFIG").or_else(|| path("HOME").map(|home| home.join(".docker"))),
            buildx_builder: text("BUILDX_BUILDER"),
            buildx_config: path("BUILDX_CONFIG"),
            runtime_dir: path("XDG_RUNTIME_DIR"),
            registries: Places::from_env(),
        }
    }
}

impl Address {
    /// The host of an address over TCP that is not this one's own; IPv6 in brackets.
    pub(super) fn other_host(&self) -> Option<String> {
        let (Self::Http(authority) | Self::Https { authority, .. }) = self else { return None };
        let (host, _) = authority.rsplit_once(':')?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let here = bare.eq_ignore_ascii_case(LOCAL_HOST)
            || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified());
        (!here).then(|| host.to_owned())
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Http(authority) => write!(f, "tcp://{authority}"),
            Self::Https { authority, .. } => write!(f, "https://{authority}"),
            Self::Ssh(SshHost { user, name, port, socket }) => {
                let user = user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
                let port = port.map(|port| format!(":{port}")).unwrap_or_default();
                write!(f, "ssh://{user}{name}{port}{}", socket.as_deref().unwrap_or_default())
            }
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Asked => f.write_str("asked for"),
            Self::DockerHost => f.write_str("DOCKER_HOST"),
            Self::Context(name) => write!(f, "Docker context `{name}`"),
            Self::Usual => f.write_str("usual place"),
        }
    }
}

/// The places to try, in order. The Docker CLI's order holds for those that somebody chose: address or context of the
/// command line, `DOCKER_HOST`, `DOCKER_CONTEXT`, `currentContext` of `config.json`. An empty value chooses nothing;
/// the context `default` leaves out the contexts, not `DOCKER_HOST`.
pub(super) fn candidates(
    asked: Option<&str>,
    context: Option<&str>,
    around: &Surroundings,
) -> Result<Vec<Candidate>, EngineError> {
    if let Some(host) = asked.filter(|host| !host.trim().is_empty()) {
        return Ok(vec![Candidate { address: parse(host, around)?, source: Source::Asked }]);
    }
    let context = context.filter(|name| !name.is_empty());
    let named = |name: &str| -> Result<Vec<Candidate>, EngineError> {
        Ok(vec![Candidate { address: context_address(name, around)?, source: Source::Context(name.to_owned()) }])
    };
    if let Some(name) = context.filter(|name| *name != DEFAULT_CONTEXT) {
        return named(name);
    }
    if let Some(host) = around.docker_host.as_deref().filter(|host| !host.trim().is_empty()) {
        return Ok(vec![Candidate { address: parse(host, around)?, source: Source::DockerHost }]);
    }
    if let Some(name) = if context.is_some() { None } else { chosen_context(around)? } {
        return named(&name);
    }
    let runtime = |path: &str| around.runtime_dir.as_ref().map(|dir| dir.join(path));
    let places = [
        Some(PathBuf::from(USUAL_SOCKET)),
        runtime("docker.sock"),
        Some(PathBuf::from("/run/podman/podman.sock")),
        runtime("podman/podman.sock"),
    ];
    let usual = |path| Candidate { address: Address::Unix(path), source: Source::Usual };
    Ok(places.into_iter().flatten().map(usual).collect())
}

fn bad(endpoint: &str, reason: impl Into<String>) -> EngineError {
    EngineError::BadEndpoint { endpoint: endpoint.to_owned(), reason: reason.into() }
}

/// Reads an address as Docker's command line does (docker/cli, opts/hosts.go): without a scheme it is one of TCP, and
/// what is left out is filled in. A bare path is a socket's, which Docker refuses.
fn parse(host: &str, around: &Surroundings) -> Result<Address, EngineError> {
    let host = host.trim();
    let bare = if host.starts_with('/') { ("unix", host) } else { ("tcp", host) };
    let (scheme, rest) = host.split_once("://").unwrap_or(bare);
    match scheme {
        "unix" if rest.is_empty() => Ok(Address::Unix(PathBuf::from(USUAL_SOCKET))),
        "unix" if rest.starts_with('/') => Ok(Address::Unix(PathBuf::from(rest))),
        "unix" => Err(bad(host, "the path of a socket begins with `/`")),
        "tcp" | "http" | "https" => {
            let encrypted = scheme == "https" || (scheme == "tcp" && around.tls_verify);
            let authority = authority(host, rest, if encrypted { 2376 } else { 2375 })?;
            if encrypted {
                let certificates = around.cert_path.clone().or_else(|| around.config_dir.clone());
                let certificates = certificates.ok_or_else(|| bad(host, "DOCKER_CERT_PATH is not set"))?;
                Ok(Address::Https { authority, certificates })
            } else {
                Ok(Address::Http(authority))
            }
        }
        "ssh" => ssh_host(host, rest).map(Address::Ssh),
        "npipe" => Err(bad(host, "named pipes exist on Windows only")),
        other => Err(bad(host, format!("the scheme `{other}` is unknown"))),
    }
}

/// `[user@]host[:port][/path/of.sock]`, as Docker's command line reads it (docker/cli, cli/connhelper/ssh). What ssh could
/// take for an option, or the shell over there for more than a word, is refused.
pub(super) fn ssh_host(whole: &str, rest: &str) -> Result<SshHost, EngineError> {
    // Nothing of an address with a password is shown.
    if rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':')) {
        return Err(bad("ssh://…", "a password cannot be part of the address; use a key or an agent"));
    }
    let (authority, socket) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let (name, port) = match host.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => (name, Some(digits)),
        _ => (host, None),
    };
    let port = port.map(str::parse).transpose().map_err(|_| bad(whole, "the port is not a number from 0 to 65535"))?;
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let is_word = |text: &str, more: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    if !is_word(name, ".-_:%") || user.is_some_and(|user| !is_word(user, ".-_")) {
        return Err(bad(whole, "a host was expected, perhaps with a user before it: `ssh://user@host`"));
    }
    let socket = Some(socket).filter(|socket| !socket.is_empty() && *socket != "/");
    if socket.is_some_and(|socket| !is_word(socket, "/.-_")) {
        return Err(bad(whole, "the path of a socket holds letters, digits, and `/.-_` only"));
    }
    Ok(SshHost { user: user.map(str::to_owned), name: name.to_owned(), port, socket: socket.map(str::to_owned) })
}

/// `host:port` with nothing after it; the port is Docker's own where there is none.
pub(super) fn authority(whole: &str, rest: &str, port: u16) -> Result<String, EngineError> {
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.is_empty() || rest.starts_with(':') {
        return authority(whole, &format!("{LOCAL_HOST}{rest}"), port);
    }
    if rest.contains(['/', '?', '#', '@']) || rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(bad(whole, "a host and a port were expected, and nothing after them"));
    }
    let after_bracket = rest.rsplit_once(']').map_or(rest, |(_, after)| after);
    match after_bracket.rsplit_once(':') {
        Some((_, digits)) if digits.parse::<u16>().is_ok() => Ok(rest.to_owned()),
        Some(_) => Err(bad(whole, "the port is not a number from 0 to 65535")),
        None => Ok(format!("{rest}:{port}")),
    }
}

#[derive(Deserialize)]
struct DockerConfig {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

#[derive(Deserialize)]
struct ContextMeta {
    #[serde(rename = "Endpoints", default)]
    endpoints: std::collections::BTreeMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
struct ContextEndpoint {
    #[serde(rename = "Host", default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

/// The context that is not `default`; a `config.json` that is missing or unreadable names none, as for the CLI.
fn chosen_context(around: &Surroundings) -> Result<Option<String>, EngineError> {
    let name = match (&around.docker_context, &around.config_dir) {
        (Some(name), _) => name.clone(),
        (None, Some(dir)) => match std::fs::read(dir.join("config.json")) {
            Ok(bytes) => match serde_json::from_slice::<DockerConfig>(&bytes) {
                Ok(config) => config.current_context,
                Err(error) => return Err(bad(&dir.join("config.json").display().to_string(), error.to_string())),
            },
            Err(_) => String::new(),
        },
        (None, None) => String::new(),
    };
    Ok((!name.is_empty() && name != DEFAULT_CONTEXT).then_some(name))
}

/// The address in a context's `contexts/meta/<sha256 of the name>/meta.json`.
fn context_address(name: &str, around: &Surroundings) -> Result<Address, EngineError> {
    let label = format!("context {name}");
    let dir = around.config_dir.as_deref().ok_or_else(|| bad(&label, "there is no directory `~/.docker`"))?;
    let id = hex::encode(Sha256::digest(name.as_bytes()));
    let path = dir.join("contexts/meta").join(&id).join("meta.json");
    let bytes = std::fs::read(&path).map_err(|error| bad(&label, format!("`{}`: {error}", path.display())))?;
    let meta: ContextMeta =
        serde_json::from_slice(&bytes).map_err(|error| bad(&label, format!("`{}`: {error}", path.display())))?;
    let endpoint = meta.endpoints.get("docker").ok_or_else(|| bad(&label, "it names no Docker endpoint"))?;
    let certificates = dir.join("contexts/tls").join(&id).join("docker");
    let has_certificates = certificates.join("ca.pem").is_file();
    if endpoint.host.trim().is_empty() {
        return Err(bad(&label, "it names no address"));
    }
    if endpoint.skip_tls_verify && has_certificates {
        return Err(bad(&label, "it turns the check of the engine's certificate off, which is not supported"));
    }
    let around = Surroundings {
        tls_verify: has_certificates,
        cert_path: has_certificates.then_some(certificates),
        ..around.clone()
    };
    parse(&endpoint.host, &around)
}

/// The files that TLS needs, or which of them is missing.
pub(super) fn certificate_files(dir: &Path) -> Result<[PathBuf; 3], EngineError> {
    let files = ["key.pem", "cert.pem", "ca.pem"].map(|name| dir.join(name));
    match files.iter().find(|file| !file.is_file()) {
        None => Ok(files),
        Some(missing) => Err(bad(&dir.display().to_string(), format!("`{}` is missing", missing.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(path: &str) -> Address {
        Address::Unix(PathBuf::from(path))
    }

    #[test]
    fn addresses_are_read_as_the_docker_cli_reads_them() {
        let plain = Surroundings { config_dir: Some("/home/u/.docker".into()), ..Surroundings::default() };
        let tls = Surroundings { tls_verify: true, cert_path: Some("/certs".into()), ..plain.clone() };
        let https =
            |authority: &str, dir: &str| Address::Https { authority: authority.into(), certificates: dir.into() };
        let ssh = |user: Option<&str>, name: &str, port, socket: Option<&str>| {
            let (user, socket) = (user.map(str::to_owned), socket.map(str::to_owned));
            Address::Ssh(SshHost { user, name: name.to_owned(), port, socket })
        };
        for (host, around, expected) in [
            ("unix:///var/run/docker.sock", &plain, unix("/var/run/docker.sock")),
            ("/tmp/x.sock", &plain, unix("/tmp/x.sock")),
            ("unix:///tmp/x.sock", &tls, unix("/tmp/x.sock")),
            ("tcp://box:2375", &plain, Address::Http("box:2375".into())),
            ("tcp://box", &plain, Address::Http("box:2375".into())),
            ("tcp://[::1]:99", &plain, Address::Http("[::1]:99".into())),
            ("tcp://[::1]", &plain, Address::Http("[::1]:2375".into())),
            ("http://box:80/", &tls, Address::Http("box:80".into())),
            ("tcp://box:2376", &tls, https("box:2376", "/certs")),
            ("tcp://box", &tls, https("box:2376", "/certs")),
            ("https://box:1", &plain, https("box:1", "/home/u/.docker")),
            ("box:2375", &plain, Address::Http("box:2375".into())),
            ("box", &plain, Address::Http("box:2375".into())),
            (" 10.0.0.7 ", &plain, Address::Http("10.0.0.7:2375".into())),
            ("[::1]:99", &plain, Address::Http("[::1]:99".into())),
            (":99", &plain, Address::Http("localhost:99".into())),
            ("tcp://:99", &plain, Address::Http("localhost:99".into())),
            ("tcp://", &plain, Address::Http("localhost:2375".into())),
            ("unix://", &plain, unix("/var/run/docker.sock")),
            ("box", &tls, https("box:2376", "/certs")),
            ("ssh://box", &tls, ssh(None, "box", None, None)),
            ("ssh://box/", &plain, ssh(None, "box", None, None)),
            ("ssh://u.v@box-1:2222", &plain, ssh(Some("u.v"), "box-1", Some(2222), None)),
            ("ssh://u@[fd00::1]:22/run/user/1/docker.sock", &plain, {
                ssh(Some("u"), "fd00::1", Some(22), Some("/run/user/1/docker.sock"))
            }),
        ] {
            assert_eq!(parse(host, around).unwrap(), expected, "{host}");
        }
    }

    #[test]
    fn only_an_address_of_another_machine_has_another_host() {
        for (address, host) in [
            ("tcp://docker:2375", Some("docker")),
            ("10.0.0.7", Some("10.0.0.7")),
            ("tcp://[fd00::1]:2375", Some("[fd00::1]")),
            ("localhost", None),
            ("tcp://127.0.0.2:1", None),
            ("tcp://[::1]:1", None),
            ("unix:///x", None),
        ] {
            assert_eq!(parse(address, &Surroundings::default()).unwrap().other_host().as_deref(), host, "{address}");
        }
    }

    #[test]
    fn addresses_that_mean_nothing_are_refused_with_the_reason() {
        for (host, reason) in [
            ("box:2375/path", "nothing after"),
            ("box:port", "not a number"),
            ("box:70000", "not a number"),
            ("ftp://box", "`ftp` is unknown"),
            ("ssh://u:pw@box", "password"),
            ("ssh://u:pw@box:abc", "password"),
            ("ssh://u:p/w@box", "password"),
            ("ssh://u:1/w@box", "password"),
            ("ssh://", "a host was expected"),
            ("ssh://-oProxyCommand=x", "a host was expected"),
            ("ssh://-u@box", "a host was expected"),
            ("ssh://box;id", "a host was expected"),
            ("ssh://box:70000", "not a number"),
            ("ssh://box/x;id", "letters, digits"),
            ("unix://relative", "begins with `/`"),
            ("tcp://box:port", "not a number"),
            ("tcp://box:2375/path", "nothing after"),
            ("tcp://bo x:2375", "host and a port"),
        ] {
            match parse(host, &Surroundings::default()) {
                Err(EngineError::BadEndpoint { reason: told, .. }) => assert!(told.contains(reason), "{host}: {told}"),
                other => panic!("{host}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_address_that_somebody_chose_is_the_only_candidate() {
        let around = Surroundings { docker_host: Some("unix:///gone.sock".into()), ..Surroundings::default() };
        let found = candidates(None, None, &around).unwrap();
        assert_eq!(found, [Candidate { address: unix("/gone.sock"), source: Source::DockerHost }]);
        let found = candidates(Some("tcp://a:1"), None, &around).unwrap();
        assert_eq!(found, [Candidate { address: Address::Http("a:1".into()), source: Source::Asked }]);
    }

    #[test]
    fn an_empty_address_chooses_nothing() {
        let around = Surroundings { docker_host: Some(" ".into()), ..Surroundings::default() };
        for asked in [None, Some(""), Some("  ")] {
            let found = candidates(asked, Some(""), &around).unwrap();
            assert!(found.iter().all(|candidate| candidate.source == Source::Usual), "{asked:?}: {found:?}");
        }
    }

    #[test]
    fn without_a_choice_the_usual_sockets_are_tried_in_order() {
        let around = Surroundings { runtime_dir: Some("/run/user/7".into()), ..Surroundings::default() };
        let found: Vec<_> =
            candidates(None, None, &around).unwrap().into_iter().map(|c| c.address.to_string()).collect();
        assert_eq!(
            found,
            [
                "unix:///var/run/docker.sock",
                "unix:///run/user/7/docker.sock",
                "unix:///run/podman/podman.sock",
                "unix:///run/user/7/podman/podman.sock"
            ]
        );
        assert_eq!(candidates(None, None, &Surroundings::default()).unwrap().len(), 2);
    }

    #[test]
    fn a_docker_context_names_the_endpoint_and_its_certificates() {
        let dir = tempfile::tempdir().unwrap();
        let id_of = |name: &str| hex::encode(Sha256::digest(name.as_bytes()));
        let meta = dir.path().join("contexts/meta").join(id_of("lab"));
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(meta.join("meta.json"), r#"{"Name":"lab","Endpoints":{"docker":{"Host":"tcp://lab:2376"}}}"#)
            .unwrap();
        std::fs::write(dir.path().join("config.json"), r#"{"auths":{},"currentContext":"lab"}"#).unwrap();
        let around = Surroundings { config_dir: Some(dir.path().into()), ..Surroundings::default() };
        let found = candidates(None, None, &around).unwrap();
        assert_eq!(
            found,
            [Candidate { address: Address::Http("lab:2376".into()), source: Source::Context("lab".into()) }]
        );
        let tls = dir.path().join("contexts/tls").join(id_of("lab")).join("docker");
        std::fs::create_dir_all(&tls).unwrap();
        std::fs::write(tls.join("ca.pem"), "").unwrap();
        match &candidates(None, None, &around).unwrap()[0].address {
            Address::Https { certificates, .. } => assert_eq!(certificates, &tls),
            other => panic!("{other:?}"),
        }
        let over = Surroundings { docker_host: Some("unix:///a".into()), ..around.clone() };
        assert_eq!(candidates(None, None, &over).unwrap()[0].source, Source::DockerHost);
        let other = Surroundings { docker_context: Some("nowhere".into()), ..around.clone() };
        assert!(matches!(candidates(None, None, &other), Err(EngineError::BadEndpoint { .. })));
        let usual = Surroundings { docker_context: Some("default".into()), ..around.clone() };
        assert_eq!(candidates(None, None, &usual).unwrap()[0].source, Source::Usual);
        // The command line's goes before `DOCKER_HOST`; its `default` leaves out contexts only.
        let lab = Source::Context("lab".into());
        assert_eq!(candidates(None, Some("lab"), &over).unwrap()[0].source, lab);
        assert_eq!(candidates(None, Some("lab"), &usual).unwrap()[0].source, lab);
        assert_eq!(candidates(None, Some("default"), &over).unwrap()[0].source, Source::DockerHost);
        assert_eq!(candidates(None, Some("default"), &around).unwrap()[0].source, Source::Usual);
        assert!(matches!(candidates(None, Some("no such"), &around), Err(EngineError::BadEndpoint { .. })));
    }

    #[test]
    fn the_name_of_a_context_is_hashed_as_docker_does_it() {
        // FIPS 180-2, B.1.
        assert_eq!(
            hex::encode(Sha256::digest(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
