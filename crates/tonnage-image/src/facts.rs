//! What is known of an image's bytes, as plain values that serde reads and writes.
//!
//! [`weigh`](crate::weigh) makes them; other programs embed them in their own documents. Field names, and the words of
//! the enums, are an interface: they change only with a major version.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;

/// Sizes of an image. The README of this crate has the definitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sizes {
    /// Classic unpacked size, the same on every engine.
    pub size_bytes: Bytes,
    /// What an engine reports for it, where one was asked; never comparable across kinds of image store.
    pub engine_size_bytes: Option<Bytes>,
    /// Bytes visible in the merged file system.
    pub rootfs_bytes: Bytes,
    /// `size` − visible.
    pub reclaimable_bytes: Bytes,
    /// Bytes beyond the first copy of content-equal files.
    pub duplicate_bytes: Bytes,
    /// What a registry transfers.
    pub wire_bytes: Bytes,
    /// Whether `wire_bytes` was measured or estimated.
    pub wire_kind: WireKind,
    /// Bytes in layers of the final stage's base.
    pub base_bytes: Bytes,
    /// Bytes in layers above the base's.
    pub own_bytes: Bytes,
    /// Bytes in layers that no other image weighed together with it has; zero until [`Sizes::share_out`] is called.
    pub unique_bytes: Bytes,
    /// Bytes in layers that other images weighed together with it have too.
    pub shared_bytes: Bytes,
}

impl Sizes {
    /// Sets what no other image has, and what others have too.
    pub fn share_out(&mut self, unique: Bytes) {
        self.unique_bytes = unique;
        self.shared_bytes = self.size_bytes.saturating_sub(unique);
    }
}

/// Whether the compressed size is that of real blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum WireKind {
    /// Sum of the stored compressed blobs.
    Exact,
    /// Compressed here at a fixed gzip level: within 2–4 % of a real push.
    Estimated,
    /// Some layers were stored plain and not compressed here, as asked: `wire_bytes` leaves them out.
    Unknown,
}

impl WireKind {
    /// The word that serde writes: `exact`, `estimated`, `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Estimated => "estimated",
            Self::Unknown => "unknown",
        }
    }
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Layer {
    /// `sha256:` of the uncompressed tar.
    pub diff_id: String,
    /// Its part of `size`.
    pub size_bytes: Bytes,
    /// Its part of `wire`.
    #[serde(default)]
    pub wire_bytes: Bytes,
    /// The instruction that made it, from the image's history.
    pub instruction: String,
    /// Whether the base image has it too.
    pub origin: LayerOrigin,
    /// Entries in its tar.
    #[serde(default)]
    pub entries: u64,
    /// Bytes of it that belong to packages.
    #[serde(default)]
    pub package_bytes: Bytes,
    /// Bytes of it that a later layer hides or deletes.
    #[serde(default)]
    pub waste_bytes: Bytes,
}

/// What the manifest and the config of an image say, whose layers were not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ManifestFacts {
    /// `sha256:` of the manifest.
    pub digest: String,
    /// What a registry transfers: the sum of its compressed layers, exact.
    pub compressed_bytes: Bytes,
    /// The layers, lowest first.
    pub layers: Vec<StoredLayer>,
    /// Entry point.
    #[serde(default)]
    pub entrypoint: Vec<String>,
    /// Arguments or command.
    #[serde(default)]
    pub cmd: Vec<String>,
}

/// A layer as a registry stores it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StoredLayer {
    /// `sha256:` of the compressed layer.
    pub digest: String,
    /// `sha256:` of the uncompressed tar, as the config claims it.
    pub diff_id: String,
    /// Bytes that a registry transfers for it; zero where a layer below is the same.
    pub compressed_bytes: Bytes,
    /// The instruction that made it, from the image's history.
    #[serde(default)]
    pub instruction: String,
}

/// Whose layer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LayerOrigin {
    /// Shared with the final stage's FROM image.
    Base,
    /// Put into the base for the build: extra CA files.
    Site,
    /// Added on top of the base.
    Own,
}

/// A package and the bytes of it that are in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Package {
    /// Which package manager knows it.
    pub manager: PackageManager,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Bytes of its files in all layers, dead copies included.
    pub size_bytes: Bytes,
    /// Bytes per layer: index of the layer and bytes there.
    #[serde(default)]
    pub layers: Vec<(u32, Bytes)>,
}

/// A package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PackageManager {
    /// Debian's.
    Dpkg,
    /// Alpine's.
    Apk,
    /// Python distributions: `dist-info` and `egg-info`.
    Python,
    /// Red Hat's and SUSE's.
    Rpm,
    /// Slices of Ubuntu's packages.
    Chisel,
    /// Paths of Nix's store.
    Nix,
    /// Packages of conda environments.
    Conda,
    /// Node's packages, whether npm, pnpm, or yarn installed them.
    Npm,
    /// Gems.
    Ruby,
    /// Composer's packages.
    Php,
    /// Packages of `NuGet`, and .NET's own frameworks.
    Dotnet,
    /// R's packages.
    R,
    /// Java archives, those within them, and runtimes.
    Java,
    /// Go programs; the modules in them are named and have no bytes of their own.
    Go,
}

/// As the word that serde writes.
impl fmt::Display for PackageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Bytes that no package owns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Remainder {
    /// What they are: `byte code`, `caches`, `shared libraries`, `app`, `unowned`.
    pub label: String,
    /// How much.
    pub size_bytes: Bytes,
}

/// A path whose bytes are in the image but cannot be seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Reclaimable {
    /// The path.
    pub path: String,
    /// Dead bytes.
    pub size_bytes: Bytes,
    /// Instruction that wrote them.
    pub written_by: String,
    /// Instruction that replaced or deleted them.
    pub removed_by: String,
}

/// Files with the same content under different paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Duplicate {
    /// `blake3:` of the content; older versions wrote `sha256:`.
    pub digest: String,
    /// Bytes of one copy.
    pub size_bytes: Bytes,
    /// The paths (bounded), sorted.
    pub paths: Vec<String>,
    /// How many copies there are.
    pub copies: u64,
}

/// A visible file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PathSize {
    /// The path, with a leading `/`.
    pub path: String,
    /// Its bytes.
    pub size_bytes: Bytes,
    /// Index of the layer that holds it.
    pub layer: u32,
    /// The package that owns it; empty where none does.
    #[serde(default)]
    pub package: String,
}

/// A directory or file of the merged tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FileNode {
    /// Its own name; `/` for the root, `[N others]` for what was folded.
    pub name: String,
    /// Visible bytes in it and below.
    pub size_bytes: Bytes,
    /// What is in it, largest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<FileNode>,
    /// Index of the layer that holds most of its bytes; `None` where it has none, and in records before 1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<u32>,
    /// The package that owns most of them; empty where most are owned by none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub package: String,
}

/// Something that could be better, with its measured cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// A stable word for it: `apt-lists-left`, `stored-twice`, `runs-as-root`.
    pub code: String,
    /// One sentence.
    pub message: String,
    /// The instruction to blame; empty where there is none.
    #[serde(default)]
    pub instruction: String,
    /// Bytes it costs; zero where it is not about bytes.
    #[serde(default)]
    pub size_bytes: Bytes,
    /// What to do.
    #[serde(default)]
    pub remedy: String,
}
