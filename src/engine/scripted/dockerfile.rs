//! What the scripted engine knows of Dockerfiles: lines, stages, and which files an instruction copies.

use std::collections::BTreeMap;
use std::io::Read;

use sha2::{Digest, Sha256};

/// One instruction of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instruction {
    /// Its text on one line.
    pub(super) text: String,
    /// Its stage, counted from 0.
    pub(super) stage: usize,
}

/// Stages and instructions; FROM is the first of each stage.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dockerfile {
    pub(super) instructions: Vec<Instruction>,
    /// Names of the stages; BuildKit's own where they have none.
    pub(super) stages: Vec<String>,
}

const WORDS: [&str; 18] = [
    "FROM",
    "RUN",
    "COPY",
    "ADD",
    "WORKDIR",
    "ENV",
    "ARG",
    "CMD",
    "ENTRYPOINT",
    "LABEL",
    "USER",
    "EXPOSE",
    "VOLUME",
    "SHELL",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ONBUILD",
    "MAINTAINER",
];

impl Instruction {
    pub(super) fn word(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }

    /// Whether builders keep a cache entry for it.
    pub(super) fn is_cacheable(&self) -> bool {
        matches!(self.word(), "RUN" | "COPY" | "ADD" | "WORKDIR")
    }

    /// The stage that a COPY copies from.
    pub(super) fn from(&self) -> Option<&str> {
        self.text.split(' ').find_map(|word| word.strip_prefix("--from="))
    }

    /// What a COPY or ADD copies.
    pub(super) fn sources(&self) -> Vec<&str> {
        let paths: Vec<&str> = self.text.split(' ').skip(1).filter(|word| !word.starts_with("--")).collect();
        paths.split_last().map(|(_, sources)| sources.to_vec()).unwrap_or_default()
    }
}

/// Reads a Dockerfile; the error is the builder's message.
pub(super) fn read(text: &str) -> Result<Dockerfile, String> {
    let mut found = Dockerfile::default();
    let mut pending = String::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (part, goes_on) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        pending = format!("{pending} {part}").split_whitespace().collect::<Vec<_>>().join(" ");
        if goes_on {
            continue;
        }
        let text = std::mem::take(&mut pending);
        let word = text.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        if !WORDS.contains(&word.as_str()) {
            return Err(format!("dockerfile parse error on line {}: unknown instruction: {word}", number + 1));
        }
        if word == "FROM" {
            let words: Vec<&str> = text.split(' ').collect();
            found.stages.push(match words.as_slice() {
                [.., word, name] if word.eq_ignore_ascii_case("as") => name.to_ascii_lowercase(),
                _ => format!("stage-{}", found.stages.len()),
            });
        }
        if let Some(stage) = found.stages.len().checked_sub(1) {
            found.instructions.push(Instruction { text, stage });
        }
    }
    if found.stages.is_empty() { Err("file with no instructions".to_owned()) } else { Ok(found) }
}

/// Path → content of the files of a context.
pub(super) fn files(context: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut archive = tar::Archive::new(context);
    for mut entry in archive.entries().into_iter().flatten().flatten() {
        let path = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
        let mut bytes = Vec::new();
        if entry.header().entry_type().is_file() && entry.read_to_end(&mut bytes).is_ok() {
            out.insert(path, bytes);
        }
    }
    out
}

/// The files that a source names: itself, or what is below it.
pub(super) fn below<'a>(
    files: &'a BTreeMap<String, Vec<u8>>,
    source: &str,
) -> impl Iterator<Item = (&'a String, &'a Vec<u8>)> {
    let source = source.trim_start_matches("./").trim_matches('/').to_owned();
    files.iter().filter(move |(path, _)| {
        source.is_empty() || source == "." || **path == source || path.starts_with(&format!("{source}/"))
    })
}

/// `sha256:…` of the parts, each with its length.
pub(super) fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// `sha256:…` of bytes as they are.
pub(super) fn plain_digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}
