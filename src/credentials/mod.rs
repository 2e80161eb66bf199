//! The user's credentials for image registries, and proxies, as Docker and Podman keep them.
//!
//! In: the configuration files of this user ([`Places`]), never one that a suite names. Out: for an image or a registry
//! the [`Credentials`] that were stored for exactly that registry, or nothing. Nothing here speaks to a registry or an
//! engine, and nothing is written.
//!
//! Docker's `config.json` names helpers (`credHelpers` by registry, else `credsStore`) or holds the credentials
//! (`auths`); Podman's `auth.json` is alike, and its keys may name a part of a registry (`quay.io/team`), the longest
//! that fits first (containers-auth.json(5)). A helper is a program `docker-credential-NAME` (docker-credential-helpers).

mod file;
mod helper;
mod host;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use file::{ConfigFile, Flavour};

pub(crate) use host::{image_path, registry_of, server_address};

/// For how long an answer is used again: tokens of helpers are good for an hour or more.
const FRESH: Duration = Duration::from_secs(600);

/// A value that is shown by nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for whoever it is meant for.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "***" })
    }
}

/// What a registry is told to let this user in: a name with a password, or a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// User name; empty beside an identity token.
    pub username: String,
    /// Password; empty beside an identity token.
    pub password: Secret,
    /// A refresh token of OAuth 2, in place of name and password.
    pub identity_token: Secret,
    /// A bearer token to send as it is.
    pub registry_token: Secret,
}

/// Why stored credentials could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialsError {
    /// A configuration file could not be read.
    #[error("cannot read `{}`: {reason}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A configuration names a helper that can be no program.
    #[error("`{name}` in `{}` is not a valid name of a credential helper", path.display())]
    HelperName {
        /// The name.
        name: String,
        /// Which file.
        path: PathBuf,
    },
    /// A helper did not answer as helpers do.
    #[error("credential helper `{program}` failed: {reason}")]
    Helper {
        /// The program.
        program: String,
        /// Why.
        reason: String,
    },
}

/// Where this user's configuration is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Docker's `config.json`.
    pub docker: Option<PathBuf>,
    /// Podman's `auth.json`, in the order in which they are read.
    pub podman: Vec<PathBuf>,
    /// Whether Podman's files are read before Docker's.
    pub podman_first: bool,
    /// Directories in which helpers are looked for. Relative ones are not used: they could be a suite's.
    pub path: Vec<PathBuf>,
}

impl Places {
    /// The usual places, and those that `DOCKER_CONFIG` and `REGISTRY_AUTH_FILE` name.
    pub fn from_env() -> Self {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = var("HOME");
        let in_home = |directory: &str| home.as_ref().map(|home| home.join(directory));
        let docker = var("DOCKER_CONFIG").or_else(|| in_home(".docker")).map(|directory| directory.join("config.json"));
        let named = var("REGISTRY_AUTH_FILE");
        let podman = match named {
            Some(file) => vec![file],
            None => [var("XDG_RUNTIME_DIR"), var("XDG_CONFIG_HOME").or_else(|| in_home(".config"))]
                .into_iter()
                .flatten()
                .map(|directory| directory.join("containers/auth.json"))
                .collect(),
        };
        let path = var("PATH").iter().flat_map(std::env::split_paths).collect();
        Self { docker, podman, podman_first: var("REGISTRY_AUTH_FILE").is_some(), path }
    }
}

/// An answer and when it was given.
type RememberedAnswer = (Instant, Result<Option<Credentials>, CredentialsError>);

/// The credentials that are stored on this machine. Files are read once; helpers are asked when an image or a registry
/// is asked for, and their answers are kept for some minutes.
#[derive(Debug, Default)]
pub(crate) struct Store {
    files: Vec<Result<ConfigFile, CredentialsError>>,
    path: Vec<PathBuf>,
    answers: Mutex<BTreeMap<String, RememberedAnswer>>,
}

impl Store {
    /// Reads the configuration. A file that is missing is not an error; one that cannot be read is one of each look-up that
    /// finds nothing in the others.
    pub(crate) fn read(places: &Places) -> Self {
        let docker = places.docker.iter().map(|path| (path, Flavour::Docker));
        let podman = places.podman.iter().map(|path| (path, Flavour::Podman));
        let mut all: Vec<_> = docker.chain(podman).collect();
        if places.podman_first {
            all.sort_by_key(|(_, flavour)| *flavour == Flavour::Docker);
        }
        let files = all.into_iter().filter_map(|(path, flavour)| ConfigFile::read(path, flavour).transpose()).collect();
        Self { files, path: places.path.clone(), answers: Mutex::default() }
    }

    /// Credentials for pulling an image: `registry.example/team/app:1`. May take as long as a helper does: not for an
    /// async task.
    pub(crate) fn for_image(&self, reference: &str) -> Result<Option<Credentials>, CredentialsError> {
        self.look_up(&image_path(reference))
    }

    /// Credentials for a repository, `host[:port]/name`, whose host is named.
    pub(crate) fn for_repository(&self, path: &str) -> Result<Option<Credentials>, CredentialsError> {
        self.look_up(path)
    }

    /// Credentials for a registry, `host[:port]`, that are not for a part of it only. As slow as [`Self::for_image`].
    pub(crate) fn for_registry(&self, host: &str) -> Result<Option<Credentials>, CredentialsError> {
        self.look_up(host::canonical(host))
    }

    /// The proxies that builds are given by an engine at `endpoint`, as build arguments under both spellings, as
    /// Docker's command line does it (docker/cli, `ParseProxyConfig`).
    pub(crate) fn proxies(&self, endpoint: &str) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for file in self.files.iter().flatten() {
            for (name, value) in file.proxies(endpoint) {
                found.entry(name.to_ascii_lowercase()).or_insert_with(|| value.to_owned());
                found.entry(name.to_owned()).or_insert_with(|| value.to_owned());
            }
        }
        found
    }

    fn look_up(&self, path: &str) -> Result<Option<Credentials>, CredentialsError> {
        let now = Instant::now();
        let answers = || self.answers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((at, answer)) = answers().get(path)
            && now.duration_since(*at) < FRESH
        {
            return answer.clone();
        }
        let answer = self.ask(path);
        answers().insert(path.to_owned(), (now, answer.clone()));
        answer
    }

    fn ask(&self, path: &str) -> Result<Option<Credentials>, CredentialsError> {
        let mut failed = None;
        for file in &self.files {
            match file.as_ref().map_err(Clone::clone).and_then(|file| file.find(path, &self.path)) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(None), Err)
    }
}

#[cfg(test)]
mod tests;
