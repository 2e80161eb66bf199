//! What the scripted engine does with Dockerfiles and contexts: which files an instruction copies, and digests.

use std::collections::BTreeMap;
use std::io::Read;

use tonnage_image::testing::archives;

use crate::suite::dockerfile::{Facts, Kind};

/// One instruction of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ScriptInstruction {
    pub(super) kind: Kind,
    /// Its text on one line.
    pub(super) text: String,
    /// Its stage, counted from 0.
    pub(super) stage: usize,
    /// Whether builders keep a cache entry for it.
    pub(super) cacheable: bool,
}

/// Stages and instructions; FROM is the first of each stage.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dockerfile {
    pub(super) instructions: Vec<ScriptInstruction>,
    /// Names of the stages, BuildKit's own where they have none, and what they are FROM.
    pub(super) stages: Vec<(String, String)>,
}

impl ScriptInstruction {
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
    let facts = Facts::parse(text).map_err(|error| format!("dockerfile parse error on {error}"))?;
    let stages = facts.stages.into_iter().enumerate().map(|(index, stage)| {
        let name = stage.name.map_or_else(|| format!("stage-{index}"), |name| name.to_ascii_lowercase());
        (name, stage.base)
    });
    let instructions = facts.instructions.into_iter().skip_while(|fact| fact.kind != Kind::From);
    let instructions = instructions.map(|fact| ScriptInstruction {
        kind: fact.kind,
        text: fact.text,
        stage: fact.stage as usize,
        cacheable: fact.cacheable,
    });
    Ok(Dockerfile { stages: stages.collect(), instructions: instructions.collect() })
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
    let whole: Vec<u8> = parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes(), *part].concat()).collect();
    plain_digest(&whole)
}

/// `sha256:…` of bytes as they are.
pub(super) fn plain_digest(bytes: &[u8]) -> String {
    format!("sha256:{}", archives::digest(bytes))
}
