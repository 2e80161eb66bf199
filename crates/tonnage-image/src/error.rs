//! Why an archive could not be weighed.

use std::io;
use std::path::PathBuf;

use crate::file::FileError;
use crate::text::for_people;

/// Which limit was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// What is kept in memory: entries, names, documents, a zstd window.
    Memory,
    /// What is unpacked and forgotten.
    Unpacked,
}

impl Excess {
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::OutOfMemory => Some(Self::Memory),
            io::ErrorKind::FileTooLarge => Some(Self::Unpacked),
            _ => None,
        }
    }
}

impl ImageError {
    /// The limit that was passed, if that is why.
    pub fn excess(&self) -> Option<Excess> {
        match self {
            Self::Limit { .. } => Some(Excess::Memory),
            Self::LayerLimit { excess, .. } => Some(*excess),
            Self::Read { source, .. } => Excess::of(source),
            _ => None,
        }
    }
}

/// Why an archive or a layout could not be weighed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file or folder could not be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// The stream itself failed, or ended too early.
    #[error("failed to read the archive at byte {offset}")]
    Read {
        /// Bytes read before it failed.
        offset: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The archive is not a tar, or a broken one.
    #[error("the archive is broken at byte {offset}: {what}")]
    Archive {
        /// Offset of the broken header in the (unpacked) archive.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A layer is broken.
    #[error("layer `{}` is broken at byte {offset} of its unpacked tar: {what}", for_people(member))]
    Layer {
        /// Where the layer is in the archive.
        member: String,
        /// Offset in the unpacked layer.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A layer has more than is allowed.
    #[error("layer `{}` is too large at byte {offset} of its unpacked tar: {what}", for_people(member))]
    LayerLimit {
        /// Where the layer is in the archive.
        member: String,
        /// Offset in the unpacked layer.
        offset: u64,
        /// What there is too much of.
        what: String,
        /// Which limit it is.
        excess: Excess,
    },
    /// A layer is packed in a way that is not read.
    #[error("layer `{}` is packed as {with}: only plain, gzip, and zstd layers are read", for_people(member))]
    LayerPacking {
        /// Where the layer is in the archive.
        member: String,
        /// `xz`, `bzip2`, …
        with: &'static str,
    },
    /// A layer is not what the image's config says.
    #[error("layer `{}` has the diff id {found}, but the config says {}", for_people(member), for_people(expected))]
    DiffId {
        /// Where the layer is in the archive.
        member: String,
        /// What the config says.
        expected: String,
        /// Digest of the unpacked layer.
        found: String,
    },
    /// A manifest or a config is not what its digest says.
    #[error("`{}` has the digest {found}", for_people(member))]
    Digest {
        /// Where it is in the archive, its name being a digest.
        member: String,
        /// Digest of what is there.
        found: String,
    },
    /// The number of layers differs between manifest and config.
    #[error("the manifest lists {manifest} layers, the config {config}")]
    LayerCount {
        /// Layers in the manifest.
        manifest: usize,
        /// Diff ids in the config.
        config: usize,
    },
    /// Something that the manifest names is not there.
    #[error("the archive has no `{}`, which its manifest names", for_people(member))]
    Missing {
        /// What is missing.
        member: String,
    },
    /// A link of a layout leads to a file outside of it.
    #[error("`{}` leads out of the layout's directory", for_people(&path.to_string_lossy()))]
    LeadsOut {
        /// The link.
        path: PathBuf,
    },
    /// A manifest or a config could not be understood.
    #[error("failed to read `{}`: {reason}", for_people(member))]
    Json {
        /// Which one.
        member: String,
        /// Why.
        reason: String,
    },
    /// Neither `manifest.json` nor `index.json` names an image.
    #[error("there is no image in the archive: neither `manifest.json` nor `index.json` names one")]
    NoImage,
    /// All that the index names is something else.
    #[error("there is no image in the archive: it names {count} of other kinds, such as `{}`", for_people(media_type))]
    NotImages {
        /// How many entries there are.
        count: u64,
        /// Media type of one of them.
        media_type: String,
    },
    /// A layer is encrypted.
    #[error("the layer `{}` is encrypted", for_people(member))]
    Encrypted {
        /// Where it is in the archive.
        member: String,
    },
    /// A digest is not SHA-256.
    #[error("`{}` names the layer `{}`: only sha256 digests are supported", for_people(member), for_people(digest))]
    Algorithm {
        /// The config.
        member: String,
        /// The digest.
        digest: String,
    },
    /// The whole archive is compressed in a way that is not read.
    #[error("the archive is packed as {with}: only plain, gzip, and zstd archives are read")]
    Compression {
        /// `xz`, `bzip2`, …
        with: &'static str,
    },
    /// The archive is larger than allowed.
    #[error("the archive is too large at `{}`: more than {limit} {what}", for_people(member))]
    Limit {
        /// Where it was seen.
        member: String,
        /// What there is too much of, in the plural.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
}
