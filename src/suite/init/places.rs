//! Where and for what is looked.

/// How many folders deep is looked.
pub(super) const MAX_DEPTH: usize = 6;
/// Folders of what others made, beside hidden ones.
pub(super) const SKIPPED: [&str; 7] =
    ["node_modules", "vendor", "target", "venv", "__pycache__", "site-packages", "bower_components"];

/// Names that compose files have, the first of them that a folder holds being the one that counts.
pub(super) const NAMES: [&str; 4] = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// Whether a file is called as compose files are: one of [`NAMES`], or one of them with a word more, such as
/// `compose.prod.yaml` and `docker-compose-dev.yml`.
pub(super) fn is_compose_file(name: &str) -> bool {
    NAMES.contains(&name) || !extra_word(name).is_empty()
}

/// What the name of a compose file has besides the usual.
pub(super) fn extra_word(name: &str) -> &str {
    let Some(stem) = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")) else { return "" };
    let rest = stem.strip_prefix("docker-compose").or_else(|| stem.strip_prefix("compose")).unwrap_or_default();
    rest.strip_prefix(['.', '-', '_']).unwrap_or_default()
}

/// Ends of names that are like a Dockerfile's: of templates, copies and documents about it.
const NOT_DOCKERFILES: [&str; 20] = [
    ".dockerignore",
    ".containerignore",
    "~",
    ".template",
    ".tmpl",
    ".tpl",
    ".in",
    ".j2",
    ".jinja",
    ".jinja2",
    ".erb",
    ".m4",
    ".bak",
    ".orig",
    ".old",
    ".rej",
    ".swp",
    ".md",
    ".html",
    ".txt",
];

/// Whether a file is called as Dockerfiles are.
pub(super) fn is_dockerfile(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if NOT_DOCKERFILES.iter().any(|end| lower.ends_with(end)) {
        return false;
    }
    ["dockerfile", "containerfile"].iter().any(|word| {
        lower == *word
            || lower.strip_prefix(word).is_some_and(|rest| rest.len() > 1 && rest.starts_with(['.', '-', '_']))
            || lower.strip_suffix(word).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    })
}
