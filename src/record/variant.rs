//! One variant: the image that came out, its sizes, layers, packages, and how it serves.

use serde::{Deserialize, Serialize};

pub(crate) use tonnage_image::facts::{
    Duplicate, FileNode, Finding, Layer, LayerOrigin, ManifestFacts, Reclaimable, Remainder, Sizes, StoredLayer,
    WireKind,
};
pub use tonnage_image::facts::{Package, PackageManager, PathSize};

use super::{Published, Reference, Serve, Side, Updates};
use crate::units::Bytes;

/// One Dockerfile variant and the image that it made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Which state of the suite it is of, where two are measured.
    #[serde(default, skip_serializing_if = "Side::is_head")]
    pub side: Side,
    /// Path of the Dockerfile, from the suite's directory.
    pub dockerfile: String,
    /// Id of the image that was weighed, as the engine names it; empty where none was built.
    pub image_id: String,
    /// Digest of the image's config, the same on every engine.
    #[serde(default)]
    pub config_digest: String,
    /// `os/arch[/variant]` of the image.
    #[serde(default)]
    pub platform: String,
    /// How it went.
    pub outcome: Outcome,
    /// What went wrong, where something did.
    pub failure: Option<VariantFailure>,
    /// Base images of all stages, the final stage's last.
    pub bases: Vec<Base>,
    /// Instructions of the Dockerfile, in its order.
    #[serde(default)]
    pub instructions: Vec<Instruction>,
    /// The sizes, where an image was built.
    pub sizes: Option<Sizes>,
    /// The layers, lowest first.
    #[serde(default)]
    pub layers: Vec<Layer>,
    /// The packages, largest first.
    #[serde(default)]
    pub packages: Vec<Package>,
    /// Bytes that belong to no package, by label; with the packages they add up to `size`.
    #[serde(default)]
    pub remainder: Vec<Remainder>,
    /// The largest reclaimable paths (bounded; `sizes.reclaimable_bytes` is the whole).
    #[serde(default)]
    pub reclaimable: Vec<Reclaimable>,
    /// The largest groups of equal files (bounded; `sizes.duplicate_bytes` is the whole).
    #[serde(default)]
    pub duplicates: Vec<Duplicate>,
    /// The largest visible files (bounded).
    #[serde(default)]
    pub paths: Vec<PathSize>,
    /// The merged tree, small branches folded together (bounded).
    #[serde(default)]
    pub tree: Option<FileNode>,
    /// What could be better, with measured bytes.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Whether and how fast it serves, where the suite says how to ask.
    pub serve: Option<Serve>,
    /// What came of the command that checks the image, where the suite has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<Verified>,
    /// The figure that the suite compares with.
    pub reference: Option<Reference>,
    /// Published figures of something else than the size.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<Published>,
    /// User of the image's config; empty means root.
    #[serde(default)]
    pub user: String,
    /// Entrypoint of the image's config.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entrypoint: Vec<String>,
    /// How the layers were read.
    #[serde(default)]
    pub via: Option<Via>,
    /// Why they were not read in the engine's own store; empty where they were, or where that was not tried.
    #[serde(default)]
    pub via_reason: String,
    /// How many of the base's topmost layers are the site layer.
    #[serde(default)]
    pub site_layers: u32,
    /// What an edit makes everybody pull.
    #[serde(default, skip_serializing_if = "Updates::is_empty")]
    pub update: Updates,
    /// What its manifest in a registry says, where its layers were not read: there are no `sizes` then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestFacts>,
    /// What a registry stores besides the image: attestations, signatures, and other referrers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub also_stored_bytes: Option<Bytes>,
}

impl Variant {
    /// Size of its image; `None` where none was built.
    pub fn size(&self) -> Option<Bytes> {
        self.sizes.as_ref().map(|sizes| sizes.size_bytes)
    }

    /// What a registry transfers for it and how that is known; `None` where it is not.
    pub(crate) fn compressed(&self) -> Option<(Bytes, WireKind)> {
        let manifest = || self.manifest.as_ref().map(|manifest| (manifest.compressed_bytes, WireKind::Exact));
        let weighed = self.sizes.as_ref().map(|sizes| (sizes.wire_bytes, sizes.wire_kind));
        weighed.or_else(manifest).filter(|(_, kind)| *kind != WireKind::Unknown)
    }

    /// What a registry transfers for each layer.
    pub(crate) fn compressed_layers(&self) -> Vec<Bytes> {
        match &self.manifest {
            Some(manifest) if self.sizes.is_none() => {
                manifest.layers.iter().map(|layer| layer.compressed_bytes).collect()
            }
            _ => self.layers.iter().map(|layer| layer.wire_bytes).collect(),
        }
    }

    /// Whether any base image of any stage is a local substitute for one that could not be pulled.
    pub fn is_stand_in(&self) -> bool {
        self.bases.iter().any(|base| base.origin == BaseOrigin::StandIn)
    }
}

/// How a variant went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Built, and serves where that is asked.
    Ok,
    /// A build failed.
    BuildFailed,
    /// Built, but does not start.
    ServeFailed,
    /// Nothing was tried yet (the run was ended before).
    #[default]
    NotRun,
}

impl Outcome {
    /// Whether it failed to build or to start.
    pub(crate) fn is_failure(self) -> bool {
        matches!(self, Self::BuildFailed | Self::ServeFailed)
    }
}

/// What went wrong with a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VariantFailure {
    /// What was being done.
    pub stage: FailureStage,
    /// Which scenario was built; empty outside builds.
    #[serde(default)]
    pub scenario: String,
    /// The instruction that failed; empty where unknown.
    #[serde(default)]
    pub instruction: String,
    /// One line.
    pub message: String,
    /// The end of the log, control sequences taken out.
    #[serde(default)]
    pub log: Vec<String>,
}

/// What was being done when a variant failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::Display)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FailureStage {
    /// A base image was pulled.
    Pull,
    /// It was built.
    Build,
    /// Its image was read.
    Export,
    /// Its container was started and asked.
    Serve,
    /// A command was run in it to check that it works.
    Verify,
}

/// A base image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Base {
    /// As the Dockerfile names it: `python:3.9-slim`.
    pub reference: String,
    /// What was used for it, where the set of bases says something else; empty otherwise.
    #[serde(default)]
    pub used: String,
    /// Image id on the engine.
    pub id: String,
    /// Registry digest `sha256:…`, where the engine knows one.
    pub digest: String,
    /// Where it comes from.
    pub origin: BaseOrigin,
    /// How a substitute was made; empty otherwise.
    #[serde(default)]
    pub stand_in: String,
    /// `size` of the base, the site layer left out; zero where unknown.
    #[serde(default)]
    pub size_bytes: Bytes,
    /// Bytes of the site layer (extra CA files) put on top for the build.
    #[serde(default)]
    pub site_bytes: Bytes,
    /// Diff ids of the base's layers, site layer included.
    #[serde(default)]
    pub diff_ids: Vec<String>,
}

/// Where a base image comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum BaseOrigin {
    /// From a registry: the engine knows its digest there.
    Registry,
    /// Made on this machine.
    Local,
    /// Made on this machine to stand in for an image that could not be pulled.
    StandIn,
}

/// An instruction of the Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Instruction {
    /// Line in the Dockerfile, counted from 1.
    pub line: u32,
    /// Number of the stage, counted from 0.
    pub stage: u32,
    /// Text of the instruction on one line.
    pub text: String,
}

/// What came of the command that checks an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Verified {
    /// The command.
    pub command: String,
    /// Whether it succeeded.
    pub ok: bool,
    /// Why it did not; empty where it did.
    #[serde(default)]
    pub reason: String,
    /// The end of its log where it did not.
    #[serde(default)]
    pub log: Vec<String>,
}

/// How an image's layers were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// The engine's export.
    Export,
    /// The engine's own store, in place.
    Store,
    /// An archive or directory on disk.
    Archive,
    /// A registry.
    Registry,
}

/// Whether `USER` names root, by name, by number or by saying nothing.
pub(crate) fn is_root(user: &str) -> bool {
    let name = user.split(':').next().unwrap_or_default().trim();
    name.is_empty() || name == "root" || name.parse::<u64>() == Ok(0)
}
