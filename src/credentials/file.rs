//! One configuration file: `config.json` of Docker or `auth.json` of Podman.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde::{Deserialize, Deserializer};

use super::{Credentials, CredentialsError, Secret, helper, host};

/// Longest file that is read.
const LONGEST: u64 = 4 << 20;

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    Docker,
    Podman,
}

/// What a file says.
#[derive(Debug)]
pub(super) struct ConfigFile {
    path: PathBuf,
    flavour: Flavour,
    /// By registry or a part of it.
    auths: BTreeMap<String, AuthEntry>,
    helpers: BTreeMap<String, String>,
    store: String,
    /// By endpoint.
    proxies: BTreeMap<String, Proxy>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Raw {
    #[serde(deserialize_with = "or_default")]
    auths: BTreeMap<String, AuthEntry>,
    #[serde(deserialize_with = "or_default")]
    cred_helpers: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    creds_store: String,
    #[serde(deserialize_with = "or_default")]
    proxies: BTreeMap<String, Proxy>,
}

/// An entry of `auths`. No `Debug`: it holds passwords.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AuthEntry {
    #[serde(deserialize_with = "or_default")]
    auth: String,
    #[serde(deserialize_with = "or_default")]
    username: String,
    #[serde(deserialize_with = "or_default")]
    password: String,
    #[serde(deserialize_with = "or_default")]
    identitytoken: String,
    #[serde(deserialize_with = "or_default")]
    registrytoken: String,
}

impl std::fmt::Debug for AuthEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

/// An entry of `proxies`. No `Debug`: its URLs may hold passwords.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Proxy {
    #[serde(rename = "httpProxy", deserialize_with = "or_default")]
    http: String,
    #[serde(rename = "httpsProxy", deserialize_with = "or_default")]
    https: String,
    #[serde(rename = "noProxy", deserialize_with = "or_default")]
    no: String,
    #[serde(rename = "ftpProxy", deserialize_with = "or_default")]
    ftp: String,
    #[serde(rename = "allProxy", deserialize_with = "or_default")]
    all: String,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(input: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(input)?.unwrap_or_default())
}

impl ConfigFile {
    /// Reads a file; `None` where there is none.
    pub(super) fn read(path: &Path, flavour: Flavour) -> Result<Option<Self>, CredentialsError> {
        let failed = |reason: String| CredentialsError::File { path: path.to_path_buf(), reason };
        let is_file = match std::fs::metadata(path) {
            Ok(found) => found.is_file(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.to_string())),
        };
        if !is_file {
            return Err(failed("it is not a file".to_owned()));
        }
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
        file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| failed(error.to_string()))?;
        if bytes.len() as u64 > LONGEST {
            return Err(failed("it is too long".to_owned()));
        }
        // Where, and not what: a message about a wrong value would show it.
        let raw: Raw = serde_json::from_slice(&bytes)
            .map_err(|error| failed(format!("invalid at line {} column {}", error.line(), error.column())))?;
        let by_host = |(key, value): (String, _)| (host::of_key(&key), value);
        Ok(Some(Self {
            path: path.to_path_buf(),
            flavour,
            auths: raw.auths.into_iter().map(by_host).collect(),
            helpers: raw.cred_helpers.into_iter().map(|(key, value)| (host::of_key(&key), value)).collect(),
            store: raw.creds_store,
            proxies: raw.proxies,
        }))
    }

    /// What is stored for a registry, or for `registry/path` and what is above it.
    pub(super) fn find(&self, path: &str, programs: &[PathBuf]) -> Result<Option<Credentials>, CredentialsError> {
        let registry = path.split('/').next().unwrap_or(path);
        let helper = self.helpers.get(registry).unwrap_or(&self.store);
        if !helper.is_empty() {
            let server = match self.flavour {
                Flavour::Docker => host::server_address(registry),
                Flavour::Podman => registry,
            };
            if !helper::is_name(helper) {
                let name = crate::text::shorten(helper, 60);
                return Err(CredentialsError::HelperName { name, path: self.path.clone() });
            }
            return helper::get(helper, server, programs);
        }
        Ok(host::upwards(path).find_map(|path| self.auths.get(path)?.credentials()))
    }

    /// Proxies for builds on the engine at `endpoint`: name of the variable and value.
    pub(super) fn proxies(&self, endpoint: &str) -> impl Iterator<Item = (&'static str, &str)> {
        let found = self.proxies.get(endpoint).or_else(|| self.proxies.get("default"));
        let pairs = found.map(|proxy| {
            [
                ("HTTP_PROXY", proxy.http.as_str()),
                ("HTTPS_PROXY", proxy.https.as_str()),
                ("NO_PROXY", proxy.no.as_str()),
                ("FTP_PROXY", proxy.ftp.as_str()),
                ("ALL_PROXY", proxy.all.as_str()),
            ]
        });
        pairs.into_iter().flatten().filter(|(_, value)| !value.is_empty())
    }
}

impl AuthEntry {
    fn credentials(&self) -> Option<Credentials> {
        let (mut username, mut password) = (self.username.clone(), self.password.clone());
        if !self.auth.is_empty() {
            let engine = base64::engine::general_purpose::STANDARD;
            let decoded = engine.decode(self.auth.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok())?;
            let (name, secret) = decoded.split_once(':')?;
            name.clone_into(&mut username);
            secret.trim_end_matches('\0').clone_into(&mut password);
        }
        let found = Credentials {
            username,
            password: Secret::new(password),
            identity_token: Secret::new(self.identitytoken.clone()),
            registry_token: Secret::new(self.registrytoken.clone()),
        };
        let any = !found.username.is_empty()
            || !found.identity_token.expose().is_empty()
            || !found.registry_token.expose().is_empty();
        any.then_some(found)
    }
}
