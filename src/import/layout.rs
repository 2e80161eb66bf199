//! The builds of an OCI layout in a tar archive, as `docker buildx history export` writes it (docker/buildx,
//! util/desktop/bundle/export.go): a manifest per build, or an index of such; its config is the history record as JSON, and
//! the log lies among its layers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind};
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::error::{ImportError, MOST_BUILDS};
use crate::text::without_url_credentials;

/// Media type of a manifest's config.
const HISTORY: &str = "application/vnd.buildkit.historyrecord.v0";
/// Most members of an archive.
const MOST_MEMBERS: u64 = 100_000;
/// How deep an index may lie in indexes.
const DEPTH: usize = 4;
/// Longest name, path, or message that is kept, in characters.
const LONGEST_TEXT: usize = 1_000;
/// Most bytes of a manifest or history record.
const DOCUMENT: usize = 4 << 20;

/// What the builder kept of a build; all of it empty where there is the output of the build only.
#[derive(Debug, Clone, Default)]
pub(super) struct KeptBuild {
    /// Target of `bake`.
    pub(super) target: String,
    /// Stage that was built.
    pub(super) stage: String,
    /// The Dockerfile, with as much of its path as is known.
    pub(super) dockerfile: String,
    /// Commit of the repository.
    pub(super) commit: String,
    /// Digest of the image.
    pub(super) image: String,
    /// Why it failed.
    pub(super) error: String,
    /// Begin and end, in nanoseconds since 1970.
    pub(super) span: Option<(i128, i128)>,
}

/// `BuildHistoryRecord` of BuildKit's control.proto in the JSON of Go, as far as it is of use.
#[derive(Default, Deserialize)]
#[serde(default)]
struct HistoryRecord {
    #[serde(rename = "FrontendAttrs")]
    attributes: Option<BTreeMap<String, String>>,
    error: Option<Status>,
    #[serde(rename = "CreatedAt")]
    created: Option<Stamp>,
    #[serde(rename = "CompletedAt")]
    completed: Option<Stamp>,
    logs: Option<Descriptor>,
    #[serde(rename = "ExporterResponse")]
    exported: Option<BTreeMap<String, String>>,
    #[serde(rename = "localState")]
    local: Option<LocalState>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct Stamp {
    seconds: i64,
    nanos: i32,
}

/// What buildx knew of a build where it was started.
#[derive(Default, Deserialize)]
#[serde(default)]
struct LocalState {
    #[serde(rename = "Target")]
    target: String,
    #[serde(rename = "DockerfilePath")]
    dockerfile: String,
}

impl KeptBuild {
    fn of(record: HistoryRecord) -> Self {
        let attributes = record.attributes.unwrap_or_default();
        let attribute = |name: &str| attributes.get(name).map(String::as_str).unwrap_or_default();
        let local = record.local.unwrap_or_default();
        let file = Some(attribute("filename")).filter(|name| !name.is_empty()).unwrap_or("Dockerfile");
        let beside = Path::new(attribute("vcs:localdir:dockerfile")).join(file);
        let dockerfile =
            if local.dockerfile.is_empty() { beside.to_string_lossy().into_owned() } else { local.dockerfile };
        let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        // buildx marks a tree with changes: `…-dirty`.
        let commit = attribute("vcs:revision").split('-').next().unwrap_or_default();
        let image = record.exported.and_then(|mut exported| exported.remove("containerimage.digest"));
        let short = |text: &str| crate::text::shorten(&without_url_credentials(text), LONGEST_TEXT);
        let nanos = |stamp: Stamp| i128::from(stamp.seconds) * 1_000_000_000 + i128::from(stamp.nanos);
        Self {
            target: if local.target == "default" { String::new() } else { short(&local.target) },
            stage: short(attribute("target")),
            dockerfile: short(&dockerfile),
            commit: if is_hex(commit) && matches!(commit.len(), 40 | 64) { commit.to_owned() } else { String::new() },
            image: image
                .filter(|digest| digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && is_hex(hex)))
                .unwrap_or_default(),
            error: record.error.map(|error| short(&error.message)).unwrap_or_default(),
            span: record.created.map(nanos).zip(record.completed.map(nanos)).filter(|(begin, end)| begin <= end),
        }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Descriptor {
    #[serde(rename = "mediaType", alias = "media_type")]
    media_type: String,
    digest: String,
}

/// A manifest or an index.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ManifestOrIndex {
    config: Option<Descriptor>,
    manifests: Vec<Descriptor>,
}

/// What was kept of each build, and its log.
pub(super) fn records<'a>(path: &'a Path, tar: &'a [u8]) -> Result<Vec<(KeptBuild, &'a [u8])>, ImportError> {
    let blobs = Blobs::read(path, tar)?;
    let Some(index) = blobs.members.get("index.json") else {
        let what = "the archive has no `index.json`".to_owned();
        return Err(ImportError::Other { path: path.to_path_buf(), what });
    };
    let index: ManifestOrIndex = blobs.parse("index.json", index)?;
    let mut queue: Vec<(Descriptor, usize)> = index.manifests.into_iter().map(|manifest| (manifest, 0)).collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some((descriptor, depth)) = queue.pop() {
        if !seen.insert(descriptor.digest.clone()) {
            continue;
        }
        let document: ManifestOrIndex = blobs.parse(&descriptor.digest, blobs.blob(&descriptor.digest)?)?;
        match document.config {
            Some(config) if config.media_type == HISTORY => {
                if !seen.insert(config.digest.clone()) {
                    continue;
                }
                let record: HistoryRecord = blobs.parse(&config.digest, blobs.blob(&config.digest)?)?;
                let Some(logs) = record.logs.as_ref() else {
                    return Err(blobs.corrupt(format!("the build {} has no log", descriptor.digest)));
                };
                if !seen.insert(logs.digest.clone()) {
                    return Err(blobs.corrupt(format!("two builds have the log `{}`", logs.digest)));
                }
                let log = blobs.blob(&logs.digest)?;
                found.push((KeptBuild::of(record), log));
            }
            _ if depth < DEPTH => queue.extend(document.manifests.into_iter().map(|manifest| (manifest, depth + 1))),
            _ => {}
        }
        if seen.len() > MOST_BUILDS || queue.len() > MOST_BUILDS {
            return Err(ImportError::many_builds(path));
        }
    }
    if found.is_empty() {
        let what = "it holds no build, though it may be an image".to_owned();
        return Err(ImportError::Other { path: path.to_path_buf(), what });
    }
    Ok(found)
}

/// The members of an archive.
struct Blobs<'a> {
    path: &'a Path,
    members: BTreeMap<String, &'a [u8]>,
}

impl<'a> Blobs<'a> {
    fn read(path: &'a Path, tar: &'a [u8]) -> Result<Self, ImportError> {
        let mut blobs = Self { path, members: BTreeMap::new() };
        let mut archive = tar::Archive::new(tar);
        let mut read = || -> Result<(), Error> {
            let mut count = 0;
            for entry in archive.entries()? {
                let entry = entry?;
                count += 1;
                if count > MOST_MEMBERS {
                    return Err(Error::new(ErrorKind::FileTooLarge, format!("more than {MOST_MEMBERS} members")));
                }
                if !entry.header().entry_type().is_file() {
                    continue;
                }
                let start = usize::try_from(entry.raw_file_position()).unwrap_or(usize::MAX);
                let size = usize::try_from(entry.size()).unwrap_or(usize::MAX);
                let content = start.checked_add(size).and_then(|end| tar.get(start..end));
                let content = content.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?;
                let name = crate::text::from_bytes(&entry.path_bytes());
                blobs.members.insert(name.trim_start_matches("./").to_owned(), content);
            }
            Ok(())
        };
        match read() {
            Ok(()) => Ok(blobs),
            Err(error) => Err(blobs.corrupt(format!("it is truncated or damaged ({error})"))),
        }
    }

    fn corrupt(&self, reason: String) -> ImportError {
        ImportError::Corrupt { path: self.path.to_path_buf(), reason: crate::text::for_people(&reason) }
    }

    /// The blob of a digest, which its bytes must have.
    fn blob(&self, digest: &str) -> Result<&'a [u8], ImportError> {
        let hex_digest = digest.strip_prefix("sha256:").unwrap_or_default();
        let Some(blob) = self.members.get(&format!("blobs/sha256/{hex_digest}")) else {
            return Err(self.corrupt(format!("the blob `{digest}` is missing")));
        };
        if hex::encode(Sha256::digest(blob)) != hex_digest {
            return Err(self.corrupt(format!("the blob `{digest}` has other bytes than its digest says")));
        }
        Ok(blob)
    }

    fn parse<T: serde::de::DeserializeOwned>(&self, name: &str, content: &[u8]) -> Result<T, ImportError> {
        if content.len() > DOCUMENT {
            return Err(self.corrupt(format!("`{name}` has more than {DOCUMENT} bytes")));
        }
        serde_json::from_slice(content).map_err(|error| self.corrupt(format!("`{name}`: {error}")))
    }
}
