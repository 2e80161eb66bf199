//! What an instruction takes files from: the context, a stage, or an image.

/// A path or pattern of the context that an instruction takes in, as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TakenPath {
    /// The path or pattern.
    pub source: String,
    /// Whether wildcards count.
    pub glob: bool,
    /// Patterns of `--exclude`.
    pub excluded: Vec<String>,
}

/// The fields of a `--mount=` that say where the mount's content comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount<'v> {
    kind: &'v str,
    from: &'v str,
    source: &'v str,
}

impl<'v> Mount<'v> {
    /// Reads `key=value,…`; keys count in any case, and the last of several.
    pub(super) fn read(value: &'v str) -> Self {
        let mut mount = Self { kind: "bind", from: "", source: "" };
        for (key, value) in value.split(',').filter_map(|field| field.split_once('=')) {
            match key.trim().to_ascii_lowercase().as_str() {
                "type" => mount.kind = value,
                "from" => mount.from = value.trim_matches(['"', '\'']),
                "source" | "src" => mount.source = value.trim_matches(['"', '\'']),
                _ => {}
            }
        }
        mount
    }

    /// The stage or image that it shows, whatever its type.
    pub(super) fn from(&self) -> Option<&'v str> {
        Some(self.from).filter(|from| !from.is_empty())
    }

    /// What it shows of the context: a bind mount that has no `from` does.
    pub(super) fn input(&self) -> Option<TakenPath> {
        let source = if self.source.is_empty() { "." } else { self.source };
        let bind = self.kind.eq_ignore_ascii_case("bind");
        bind.then(|| TakenPath { source: source.to_owned(), glob: false, excluded: Vec::new() })
    }
}

/// Where an instruction takes files from. Only COPY may name a stage by its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CopySource {
    /// `COPY --from=`
    Copy(String),
    /// `RUN --mount=from=`
    Mount(String),
}

/// Whether an ADD fetches it instead of taking it from the context.
pub(super) fn is_remote(source: &str) -> bool {
    ["http://", "https://", "git://", "ssh://", "git@"].iter().any(|prefix| source.starts_with(prefix))
}
