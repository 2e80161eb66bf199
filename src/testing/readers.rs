//! Entries to the readers of untrusted input: for the fuzz targets in `fuzz/`, and for the corpus in `fuzz/seeds/`, which
//! every `cargo test` runs through them. Each takes any bytes and asserts what must hold of whatever the reader makes of
//! them; they return whether the reader took the input.

#![expect(clippy::missing_panics_doc, reason = "to panic where something does not hold is what they are for")]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tonnage_image::testing::{KeptInMemory, archives};
use tonnage_image::{Blobs, ImageError, ImageScan, Options, Platform, ReportOptions, Weigher, weigh};

use crate::analyse::proof::kind;
use crate::error::Diagnose as _;
use crate::gate::{Baseline, Budgets};
use crate::import::{ImportFile, record_of};
use crate::record;
use crate::suite::{Document, dockerfile};
use crate::text::for_people;
use crate::{engine, fsx, registry, report, suite};

/// Takes an input, and says whether its reader took it.
pub type ReaderEntry = fn(&[u8]) -> bool;

/// The name of each fuzz target, and what it runs.
pub const READERS: [(&str, ReaderEntry); 8] = [
    ("record", record),
    ("baseline", baseline),
    ("manifest", manifest),
    ("dockerfile", dockerfile),
    ("compose", compose),
    ("events", events),
    ("builds", builds),
    ("registry", registry),
];

/// A `run.json`: what can be read can be reported, and what is written reads as the same.
pub fn record(data: &[u8]) -> bool {
    let Ok(record) = record::parse(Path::new("run.json"), data) else { return false };
    let text = record::to_json(&record);
    assert_inert(&text);
    assert_eq!(record::parse(Path::new("run.json"), text.as_bytes()).ok().as_ref(), Some(&record));
    for (_, csv) in record::csv::FILES {
        assert_inert(&csv(&record));
    }
    assert_inert(&report::json(&record));
    assert!(!report::markdown(&record).is_empty());
    assert!(report::html(&record).is_ok());
    true
}

/// A baseline: it holds what its digest says, so what is written again is the same text.
pub fn baseline(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(baseline) = Baseline::parse(text, Path::new("tonnage-baseline.json")) else { return false };
    let _ = baseline.problems();
    let written = baseline.to_text();
    assert_inert(&written);
    assert_eq!(Baseline::parse(&written, Path::new("x")).map(|again| again.to_text()).ok(), Some(written));
    true
}

/// A `tonnage.toml`, for the suite and for the gate, in a directory with a Dockerfile and a file to edit.
pub fn manifest(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let _ = Document::parse(Path::new("tonnage.toml"), text).and_then(|document| Budgets::of(&document));
    match suite::read_text(directory().join("tonnage.toml"), text, &[]) {
        Ok(suite) => {
            assert!(suite.variants.iter().all(|variant| suite::is_name(&variant.name)));
            true
        }
        Err(error) => {
            let _ = error.hint();
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

/// Made once for all inputs.
fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        let directory = std::env::temp_dir().join(format!("tonnage-readers-{}", std::process::id()));
        for (path, text) in [("a/Dockerfile", "FROM x\nCOPY src .\n"), ("src/x.py", "x = 1\n")] {
            // A directory that cannot be written makes every manifest an error, which is one way to be read.
            let _ = fsx::write_atomic(&directory.join(path), text.as_bytes());
        }
        directory
    })
}

/// A Dockerfile: rewriting its bases changes no other line.
pub fn dockerfile(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let Ok(facts) = dockerfile::Facts::parse(&text) else { return false };
    let arguments = dockerfile::Arguments::of(&[("A".to_owned(), "b".to_owned())].into());
    let _ = facts.external_bases(&arguments, None);
    let _ = facts.final_base(&arguments, Some("0"));
    let _ = facts.stage_count(&arguments, None);
    let _ = facts.copies_for(Path::new("src/x.py"), &arguments, None);
    let bases = facts.all_external_bases(&arguments, None).unwrap_or_default();
    let map = bases.images.into_iter().map(|base| (base, "other:1".to_owned())).collect();
    let rewritten = dockerfile::rewrite_bases(&text, &map, &arguments);
    assert_eq!(rewritten.lines().count(), text.lines().count());
    true
}

/// A compose file, read for `tonnage init` where there are no Dockerfiles.
pub fn compose(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let survey = suite::init::read_compose(directory(), Path::new("compose.yaml"), &text);
    for warning in &survey.warnings {
        assert_eq!(for_people(warning), *warning);
    }
    !survey.variants.is_empty()
}

/// An engine's answer to a build. The first byte chooses the builder, the second how large the pieces are in which the
/// rest arrives, which must not matter.
pub fn events(data: &[u8]) -> bool {
    let [builder, step, answer @ ..] = data else { return false };
    engine::fold_twice(*builder, usize::from(*step) + 1, answer)
}

/// A file of builds: what can be read becomes a record. What begins with `MSG` is the log of a build record, in a layout that
/// is whole.
pub fn builds(data: &[u8]) -> bool {
    let file = data.strip_prefix(b"MSG").map_or_else(|| data.to_vec(), build_record);
    let path = Path::new("build.dockerbuild");
    let found = match ImportFile::parse(path, &file) {
        Ok(found) => found,
        Err(error) => {
            assert!(!error.to_string().is_empty() && error.hint().is_some());
            return false;
        }
    };
    let Ok(found) = record_of(vec![found], None, "builds", None) else { return false };
    for sample in &found.samples {
        assert!(sample.observed.as_ref().is_some_and(|observed| observed.import == 0));
        assert!(sample.cached <= sample.cacheable);
        let mut missed = sample.steps.iter().filter(|step| !step.cached && kind(&step.instruction).is_some());
        assert_eq!(sample.first_miss.as_ref(), missed.next().map(|step| &step.instruction));
    }
    assert!(crate::analyse::trend::observed_lines(&found).len() <= found.samples.len());
    assert!(record(record::to_json(&found).as_bytes()));
    found.samples.iter().any(|sample| !sample.steps.is_empty())
}

/// A build record with this log, as `docker buildx history export` writes it.
pub fn build_record(log: &[u8]) -> Vec<u8> {
    let digest = |content: &[u8]| format!("sha256:{}", archives::digest(content));
    let history = format!(
        r#"{{"FrontendAttrs":{{"target":"x"}},"CreatedAt":{{"seconds":1}},"CompletedAt":{{"seconds":3}},"logs":{{"digest":"{}"}}}}"#,
        digest(log)
    );
    let media_type = "application/vnd.buildkit.historyrecord.v0";
    let manifest = format!(r#"{{"config":{{"mediaType":"{media_type}","digest":"{}"}}}}"#, digest(history.as_bytes()));
    let index = format!(r#"{{"manifests":[{{"digest":"{}"}}]}}"#, digest(manifest.as_bytes()));
    let blob = |content: &[u8]| format!("blobs/sha256/{}", archives::digest(content));
    archives::archive(&[
        (blob(log), log),
        (blob(history.as_bytes()), history.as_bytes()),
        (blob(manifest.as_bytes()), manifest.as_bytes()),
        ("index.json".to_owned(), index.as_bytes()),
    ])
}

/// What a registry answers: parts between lines of a `%`, the manifest or index first. `$2` in a part is the digest of
/// the second, `#2` its length, and `~2` its digest before it was compressed; a part `layer TEXT` is a layer with a file of
/// that text. What a manifest says of sizes is what the layers have, and what was kept of a layer says the same as it.
pub fn registry(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    for line in text.lines().take(8) {
        assert_inert(&registry::read_header(line));
    }
    let mut answers = Answers::default();
    let parts: Vec<&str> = text.split("\n%\n").take(9).collect();
    let mut known: Vec<[String; 3]> = vec![Default::default(); parts.len()];
    for (index, part) in parts.iter().enumerate().rev() {
        let named = known.iter().enumerate().fold((*part).to_owned(), |text, (index, known)| {
            let marks = ['$', '#', '~'].map(|mark| format!("{mark}{}", index + 1));
            marks.iter().zip(known).fold(text, |text, (mark, value)| text.replace(mark, value))
        });
        let (plain, content) = match named.strip_prefix("layer ") {
            Some(text) => {
                let tar = archives::archive(&[("srv/file", text)]);
                let packed = archives::gzip(&tar);
                (tar, packed)
            }
            None => (Vec::new(), named.into_bytes()),
        };
        let digest = |content: &[u8]| format!("sha256:{}", archives::digest(content));
        known[index] = [digest(&content), content.len().to_string(), digest(&plain)];
        let digest = known[index][0].clone();
        answers.parts.insert(digest, content);
    }
    let root = answers.parts.get(&known[0][0]).cloned().unwrap_or_default();
    let options = ReportOptions { base_diff_ids: &[], site_layers: 0, top: 5 };
    let kept = Arc::new(KeptInMemory::default());
    let mut read = || {
        let mut weigher = Weigher::new(Options::default());
        weigher.keep_layers(kept.clone(), None);
        weigher.read_blobs(&root, &mut answers)
    };
    let (first, second) = (read(), read());
    let weights = |scans: &Result<Vec<ImageScan>, ImageError>| {
        scans.as_ref().map_or_else(|_| Vec::new(), |scans| scans.iter().map(|scan| weigh(scan, &options)).collect())
    };
    let found = weights(&first);
    assert_eq!(found, weights(&second));
    let manifests = Weigher::new(Options::default()).read_manifests(&root, &mut answers);
    if first.is_ok() {
        let compressed = manifests.unwrap_or_default().into_iter().map(|scan| scan.facts.compressed_bytes);
        assert_eq!(
            compressed.collect::<Vec<_>>(),
            found.iter().map(|weight| weight.sizes.wire_bytes).collect::<Vec<_>>()
        );
    }
    !found.is_empty()
}

/// What a registry holds.
#[derive(Default)]
struct Answers {
    parts: BTreeMap<String, Vec<u8>>,
}

impl Blobs for Answers {
    type Error = ImageError;

    fn manifest(&mut self, digest: &str) -> Result<Vec<u8>, ImageError> {
        self.parts.get(digest).cloned().ok_or_else(|| ImageError::Missing { member: digest.to_owned() })
    }

    fn blob(&mut self, digest: &str, size: u64) -> Result<Box<dyn Read + '_>, ImageError> {
        let found = self.parts.get(digest).filter(|content| content.len() as u64 == size);
        let found = found.ok_or_else(|| ImageError::Missing { member: digest.to_owned() })?;
        Ok(Box::new(found.as_slice()))
    }

    fn choose(&self, platforms: &[Platform]) -> Result<Vec<usize>, ImageError> {
        Ok((0..platforms.len().min(4)).collect())
    }

    fn referrers(&mut self, _digest: &str) -> Option<Vec<u8>> {
        self.parts.values().next().cloned()
    }
}

/// Nothing that a terminal or a job's log would act upon.
fn assert_inert(text: &str) {
    for line in text.lines() {
        assert_eq!(for_people(line), line);
        assert!(!line.trim_start().starts_with("::"), "{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_pass_and_so_does_each_beginning_of_them() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        for (name, read) in READERS {
            let mut taken = 0;
            for entry in std::fs::read_dir(seeds.join(name)).unwrap() {
                let data = std::fs::read(entry.unwrap().path()).unwrap();
                taken += usize::from(read(&data));
                for part in 1..8 {
                    read(&data[..data.len() * part / 8]);
                }
            }
            assert!(taken >= 2, "the reader of `{name}` took {taken} of its seeds");
        }
    }
}
