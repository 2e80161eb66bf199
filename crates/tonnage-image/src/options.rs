//! How images are read, and what is too much.

/// How images are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether the compressed size of plain layers is estimated.
    pub wire: WireMode,
    /// Whether files' content is hashed, to find duplicates.
    pub hash_files: bool,
    /// Whether layers are hashed, to check their diff ids.
    pub diff_ids: DiffIds,
    /// What is too much.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self { wire: WireMode::default(), hash_files: true, diff_ids: DiffIds::default(), limits: Limits::default() }
    }
}

/// Whether the compressed size of layers that are stored plain is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WireMode {
    /// At gzip level 6, of large layers by samples: about 0.3 s of CPU a layer at most, spread over the cores.
    #[default]
    Estimate,
    /// Not at all: such layers count nothing in `wire`.
    Skip,
}

/// Where the diff ids of layers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DiffIds {
    /// From the layers' bytes; one that the config contradicts is an error.
    #[default]
    Checked,
    /// From the config, unseen.
    Claimed,
}

/// What is too much for one archive: past any of these it is an error, and nothing is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all layers, unpacked; the archive itself may have as many again.
    pub unpacked_bytes: u64,
    /// Bytes of a zstd window. Two are in memory while a layer is read from an archive that is packed as a whole.
    pub window_bytes: u64,
    /// Entries of all layers, and the folders that only their paths name. So many may an image list in its layers,
    /// one that it lists twice counted twice.
    pub entries: u64,
    /// Bytes of all names and link targets; of those of the archive's own members as many again.
    pub name_bytes: u64,
    /// Layers, documents and links in the archive.
    pub members: u64,
    /// Bytes of one JSON document; a larger one is not read.
    pub json_bytes: u64,
    /// Bytes of all JSON documents.
    pub json_total_bytes: u64,
    /// Bytes of one file of a package database; a larger one is not read.
    pub database_file_bytes: u64,
    /// Bytes of all package databases.
    pub database_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            unpacked_bytes: 1 << 40,
            // What the zstd tool accepts by default.
            window_bytes: 128 << 20,
            entries: 20_000_000,
            name_bytes: 2 << 30,
            members: 100_000,
            json_bytes: 16 << 20,
            json_total_bytes: 256 << 20,
            database_file_bytes: 64 << 20,
            database_bytes: 512 << 20,
        }
    }
}
