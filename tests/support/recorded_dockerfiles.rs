//! The Dockerfiles of `tests/fixtures/dockerfiles` and what BuildKit reads in each: which images it asks for, which
//! instructions it makes of the file, or why it refuses it. `buildkit.json` there was recorded from a real engine by a live
//! test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tonnage::testing::analyse::proof::same_instruction;
use tonnage::testing::suite::dockerfile::{Arguments, Facts, platform_args, same_image};

/// Dockerfiles that BuildKit refuses, and which tonnage understands on purpose: other builders take the first, and one
/// bad default must not make the bases unknown.
const TOLERATED: [&str; 2] = ["stage-from-in-another-case", "default-bad"];

/// What an engine was recorded to read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Recorded {
    /// Name and version.
    pub engine: String,
    /// Its platform.
    pub platform: String,
    /// By the name of the Dockerfile.
    pub dockerfiles: BTreeMap<String, Answer>,
}

/// What an engine reads in a Dockerfile.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// Images that it asks for.
    pub asks: BTreeSet<String>,
    /// Instructions that it carries out, as it calls them, in the order of the text.
    pub steps: BTreeSet<String>,
    /// Why it does not do anything; empty where it does.
    pub refuses: String,
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/dockerfiles"))
}

/// The Dockerfiles by their names.
pub(crate) fn all() -> BTreeMap<String, String> {
    let items = std::fs::read_dir(folder()).unwrap().map(|item| item.unwrap().path());
    let dockerfiles = items.filter(|path| path.extension().is_some_and(|extension| extension == "Dockerfile"));
    let named = |path: PathBuf| {
        (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(path).unwrap())
    };
    dockerfiles.map(named).collect()
}

pub(crate) fn recorded() -> Recorded {
    serde_json::from_str(&std::fs::read_to_string(folder().join("buildkit.json")).unwrap()).unwrap()
}

/// What tonnage reads otherwise than an engine; empty where they agree.
pub(crate) fn difference(name: &str, text: &str, answer: &Answer, platform: &str) -> String {
    let facts = Facts::parse(text);
    let args = Arguments { automatic: platform_args(None, platform), ..Arguments::default() };
    let bases = facts.clone().map(|facts| facts.external_bases(&args, None).unwrap());
    if !answer.refuses.is_empty() {
        let understood = bases.is_ok_and(|bases| bases.unknown.is_empty());
        return if understood && !TOLERATED.contains(&name) {
            format!("{name}: the builder says `{}`, and tonnage understands it", answer.refuses)
        } else {
            String::new()
        };
    }
    let (facts, bases) = match (facts, bases) {
        (Ok(facts), Ok(bases)) if bases.unknown.is_empty() => (facts, bases),
        (facts, bases) => return format!("{name}: not understood: {facts:?} {bases:?}"),
    };
    let same = bases.images.len() == answer.asks.len()
        && bases.images.iter().all(|image| answer.asks.iter().any(|asked| same_image(image, asked)));
    if !same {
        return format!("{name}: the builder asks for {:?}, tonnage for {:?}", answer.asks, bases.images);
    }
    let is_written = |step: &String| facts.instructions.iter().any(|fact| same_instruction(&fact.text, step));
    answer
        .steps
        .iter()
        .filter(|step| !is_written(step))
        .map(|step| format!("{name}: the builder carries out `{step}`, which tonnage does not have"))
        .collect::<Vec<_>>()
        .join("\n")
}
