//! Which registry an image reference and a key of a configuration file mean.

/// Docker Hub's own name for itself in references.
const HUB: &str = "docker.io";

/// The registry of an image reference, `host[:port]`; `docker.io` where it names none (distribution/reference).
pub(crate) fn registry_of(reference: &str) -> &str {
    match reference.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" || host.chars().any(char::is_uppercase) => {
            canonical(host)
        }
        _ => HUB,
    }
}

/// Registry and repository of an image reference, without tag and digest: `docker.io/library/python`.
pub(crate) fn image_path(reference: &str) -> String {
    let name = reference.split('@').next().unwrap_or(reference);
    let last = name.rfind('/').map_or(0, |at| at + 1);
    let name = name[last..].find(':').map_or(name, |colon| &name[..last + colon]);
    let registry = registry_of(name);
    let repository = match name.split_once('/') {
        Some((host, rest)) if canonical(host) == registry => rest,
        _ => name,
    };
    let library = if registry == HUB && !repository.contains('/') { "library/" } else { "" };
    format!("{registry}/{library}{repository}")
}

/// One name for the hosts of Docker Hub; any other host as it is.
pub(super) fn canonical(host: &str) -> &str {
    if matches!(host, "index.docker.io" | "registry-1.docker.io") { HUB } else { host }
}

/// How a key of a configuration file names a registry or a part of it: `https://index.docker.io/v1/` is `docker.io`,
/// `https://registry.example/v2/` is `registry.example`, `quay.io/team` is itself.
pub(super) fn of_key(key: &str) -> String {
    let stripped = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://"));
    let (host, path) = stripped.unwrap_or(key).split_once('/').unwrap_or((stripped.unwrap_or(key), ""));
    let path = path.trim_end_matches('/');
    if path.is_empty() || stripped.is_some() || matches!(path, "v1" | "v2") {
        canonical(host).to_owned()
    } else {
        format!("{}/{path}", canonical(host))
    }
}

/// A path and what is above it, the registry last: `quay.io/team/app`, `quay.io/team`, `quay.io`.
pub(super) fn upwards(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| Some(path.rsplit_once('/')?.0))
}

/// How Docker's builders and helpers call a registry.
pub(crate) fn server_address(registry: &str) -> &str {
    if registry == HUB { "https://index.docker.io/v1/" } else { registry }
}
