//! What a repository holds, and how it is named.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::text;

/// What a repository holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Variants, sorted by name.
    pub variants: Vec<FoundVariant>,
    /// What was found but cannot be used, one line each.
    pub warnings: Vec<String>,
}

/// A variant as it was found and guessed. Paths are relative to the folder that was surveyed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FoundVariant {
    /// Its name, fit for a manifest.
    pub name: String,
    /// What tells it from another of its name: the folder of the compose file that names it; else empty.
    pub place: String,
    /// The services that a compose file builds in this way.
    pub services: Vec<String>,
    /// Its Dockerfile.
    pub dockerfile: PathBuf,
    /// Its build context; `.` for the folder itself.
    pub context: PathBuf,
    /// Stage to stop at.
    pub target: Option<String>,
    /// Platform.
    pub platform: Option<String>,
    /// Network of its build.
    pub network: Option<String>,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// A file of the application, from the context's root.
    pub src: Option<PathBuf>,
    /// The file that lists what the application depends on, from the context's root.
    pub deps: Option<PathBuf>,
    /// Ports that it listens on: of its HEALTHCHECK, its EXPOSE, and its service in a compose file.
    pub ports: Vec<u16>,
    /// The path that its HEALTHCHECK asks for.
    pub health: Option<String>,
    /// The command of the service's own health check, which counts instead of the Dockerfile's; empty where the
    /// service has it off.
    pub check: Option<String>,
    /// The environment of the service, as far as the compose file says it.
    pub environment: BTreeMap<String, String>,
    /// Names of the image that compose makes of it.
    pub images: Vec<String>,
}

/// A text made fit to be a name in a manifest.
pub(super) fn fit_name(text: &str) -> String {
    let name: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
        .take(80)
        .collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "app".to_owned() } else { name.to_owned() }
}

/// Names in backticks.
pub(super) fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{}`", text::for_people(name))).collect::<Vec<_>>().join(", ")
}
