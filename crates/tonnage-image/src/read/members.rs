//! What is known of an archive's members while it is read: documents by path, layers as they were scanned, links.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::blob::digest_of;
use super::config::DockerManifest;
use super::layer::{Budget, LayerScan};
use crate::path::normalise;
use crate::text::from_bytes;
use crate::{Excess, ImageError, Limits, Options};

/// A layer that could not be read.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub offset: u64,
    pub what: Trouble,
}

/// What is wrong with a layer.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    Damaged(String),
    TooMuch(Excess, String),
    /// It is packed in a way that is not read.
    Packed(&'static str),
}

impl Trouble {
    /// What is wrong, in words.
    #[cfg(feature = "docker-store")]
    pub(crate) fn text(self) -> String {
        match self {
            Self::Damaged(what) | Self::TooMuch(_, what) => what,
            Self::Packed(with) => format!("it is packed as {with}"),
        }
    }
}

impl Broken {
    fn error(&self, member: &str) -> ImageError {
        let (member, offset) = (member.to_owned(), self.offset);
        match self.what.clone() {
            Trouble::Damaged(what) => ImageError::Layer { member, offset, what },
            Trouble::TooMuch(excess, what) => ImageError::LayerLimit { member, offset, what, excess },
            Trouble::Packed(with) => ImageError::LayerPacking { member, with },
        }
    }
}

/// Where members come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// An archive or a layout: a layer that is stored plain there may travel compressed.
    Archive,
    /// A registry: a layer is transferred exactly as it is stored.
    Registry,
}

/// What is known of an archive's members.
pub(crate) struct Members {
    pub source: Source,
    pub json: BTreeMap<String, Vec<u8>>,
    pub scans: BTreeMap<String, Result<Arc<LayerScan>, Broken>>,
    pub limits: Limits,
    aliases: BTreeMap<String, String>,
    /// Documents that were too large to be kept.
    pub oversized: BTreeSet<String>,
    pub json_left: u64,
    names_left: u64,
    pub unpack_left: u64,
    pub budget: Budget,
    /// Entries of the index that are not images.
    pub others: u64,
    count: u64,
    pub strays: u64,
}

impl Members {
    pub(crate) fn new(options: &Options) -> Self {
        let limits = options.limits;
        Self {
            source: Source::Archive,
            json: BTreeMap::new(),
            scans: BTreeMap::new(),
            aliases: BTreeMap::new(),
            oversized: BTreeSet::new(),
            json_left: limits.json_total_bytes,
            names_left: limits.name_bytes,
            unpack_left: limits.unpacked_bytes,
            budget: Budget::new(&limits),
            limits,
            others: 0,
            count: 0,
            strays: 0,
        }
    }

    pub(crate) fn alias(&mut self, path: String, target: &str) -> Result<(), ImageError> {
        self.count(&path, target)?;
        self.aliases.insert(path, target.to_owned());
        Ok(())
    }

    /// Where a path leads: links are followed, sixteen at most, so that a loop ends.
    pub(crate) fn follow(&self, path: &str) -> String {
        let mut path = from_bytes(&normalise(path.as_bytes()));
        for _ in 0..16 {
            let Some(target) = self.aliases.get(&path) else { break };
            path.clone_from(target);
        }
        path
    }

    pub(crate) fn document(&self, path: &str) -> Option<&[u8]> {
        self.json.get(&self.follow(path)).map(Vec::as_slice)
    }

    pub(crate) fn layer(&self, path: &str) -> Result<Arc<LayerScan>, ImageError> {
        match self.scans.get(&self.follow(path)) {
            Some(Ok(layer)) => Ok(Arc::clone(layer)),
            Some(Err(broken)) => Err(broken.error(path)),
            None => Err(ImageError::Missing { member: path.to_owned() }),
        }
    }

    /// The error for a document that a manifest names and that is not there.
    pub(crate) fn without(&self, path: &str) -> ImageError {
        let member = path.to_owned();
        if self.oversized.contains(&self.follow(path)) {
            ImageError::Limit { member, what: "bytes in one JSON document", limit: self.limits.json_bytes }
        } else {
            ImageError::Missing { member }
        }
    }

    /// Takes a layer's diff id from the config where its bytes were not hashed; the first one that it is given counts.
    pub(crate) fn claim(&mut self, path: &str, diff_id: &str) {
        if !is_digest(diff_id.strip_prefix("sha256:").unwrap_or_default()) {
            return;
        }
        let path = self.follow(path);
        if let Some(Ok(layer)) = self.scans.get_mut(&path)
            && layer.diff_id.is_empty()
            && let Some(layer) = Arc::get_mut(layer)
        {
            diff_id.clone_into(&mut layer.diff_id);
        }
    }

    /// Counts bytes of names.
    pub(crate) fn charge(&mut self, path: &str, bytes: usize) -> Result<(), ImageError> {
        self.names_left = self.names_left.checked_sub(bytes as u64).ok_or_else(|| ImageError::Limit {
            member: path.to_owned(),
            what: "bytes of names",
            limit: self.limits.name_bytes,
        })?;
        Ok(())
    }

    /// Counts a layer or a document, by its name and what that leads to.
    pub(crate) fn count(&mut self, path: &str, target: &str) -> Result<(), ImageError> {
        self.charge(path, path.len() + target.len())?;
        self.count += 1;
        if self.count > self.limits.members {
            return Err(ImageError::Limit {
                member: path.to_owned(),
                what: "layers and documents",
                limit: self.limits.members,
            });
        }
        Ok(())
    }
}

pub(crate) fn parse<'a, T: serde::Deserialize<'a>>(member: &str, content: &'a [u8]) -> Result<T, ImageError> {
    serde_json::from_slice(content)
        .map_err(|error| ImageError::Json { member: member.to_owned(), reason: error.to_string() })
}

/// The images of `manifest.json`, where there is one.
pub(crate) fn docker_manifest(members: &Members) -> Result<Option<Vec<DockerManifest>>, ImageError> {
    members.document("manifest.json").map(|content| parse("manifest.json", content)).transpose()
}

pub(crate) fn checked_digest(member: &str, content: &[u8]) -> Result<String, ImageError> {
    let found = digest_of(content);
    let name = member.rsplit('/').next().unwrap_or_default();
    let name = name.strip_suffix(".json").unwrap_or(name);
    if is_digest(name) && found.strip_prefix("sha256:") != Some(name) {
        return Err(ImageError::Digest { member: member.to_owned(), found });
    }
    Ok(found)
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
