//! A file of builds, whichever kind it is of.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sha2::{Digest as _, Sha256};

use super::error::{ImportError, MOST_BUILDS};
use super::layout::{self, KeptBuild};
use crate::engine::{RecordedBuild, StatusLog};
use crate::fsx;
use crate::record::{Import, ImportKind};
use crate::text::{for_people, shorten};

/// Most bytes of a file, and of what is packed in it.
const MOST_BYTES: u64 = 64 << 20;
const MOST_UNPACKED: u64 = 256 << 20;
/// Longest name that is kept.
const LONGEST_NAME: usize = 200;

/// A file, and the builds in it.
#[derive(Debug)]
pub(crate) struct ImportFile {
    /// Where it is, for messages.
    pub(super) path: PathBuf,
    /// What is recorded of it.
    pub(crate) import: Import,
    /// Its builds.
    pub(super) builds: Vec<FoundBuild>,
}

/// A build in a file: what was said while it went on, and what the builder kept of it.
#[derive(Debug)]
pub(super) struct FoundBuild {
    pub(super) recorded: RecordedBuild,
    pub(super) kept: KeptBuild,
}

impl ImportFile {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, ImportError> {
        Self::parse(path, &fsx::read(path)?)
    }

    /// As [`ImportFile::read`], from the content.
    pub(crate) fn parse(path: &Path, content: &[u8]) -> Result<Self, ImportError> {
        let too_large = |what, most| ImportError::TooLarge { path: path.to_path_buf(), what, most };
        if content.len() as u64 > MOST_BYTES {
            return Err(too_large("bytes", MOST_BYTES));
        }
        let mut unpacked = Vec::new();
        let plain = if content.starts_with(&[0x1f, 0x8b]) {
            MultiGzDecoder::new(content).take(MOST_UNPACKED + 1).read_to_end(&mut unpacked).map_err(|error| {
                let reason = format!("it is truncated or damaged ({error})");
                ImportError::Corrupt { path: path.to_path_buf(), reason }
            })?;
            if unpacked.len() as u64 > MOST_UNPACKED {
                return Err(too_large("bytes when unpacked", MOST_UNPACKED));
            }
            unpacked.as_slice()
        } else {
            content
        };
        let (kind, builds) = builds(path, plain)?;
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let import = Import {
            file: shorten(&for_people(&name), LONGEST_NAME),
            digest: format!("sha256:{}", hex::encode(Sha256::digest(content))),
            kind,
            builds: u32::try_from(builds.len()).unwrap_or(u32::MAX),
        };
        Ok(Self { path: path.to_path_buf(), import, builds })
    }
}

/// Where a tar archive says that it is one (POSIX ustar, `magic`).
const USTAR: std::ops::Range<usize> = 257..262;

fn builds(path: &Path, content: &[u8]) -> Result<(ImportKind, Vec<FoundBuild>), ImportError> {
    let other = |what: &str| Err(ImportError::Other { path: path.to_path_buf(), what: what.to_owned() });
    let unreadable = |source| ImportError::Status { path: path.to_path_buf(), source };
    if content.get(USTAR) == Some(b"ustar") {
        let (mut found, mut left) = (Vec::new(), StatusLog::MOST);
        for (kept, log) in layout::records(path, content)? {
            let log = StatusLog::of_messages(log, left).map_err(unreadable)?;
            left -= log.len();
            let builds = log.builds().map_err(unreadable)?;
            found.extend(builds.into_iter().map(|recorded| FoundBuild { recorded, kept: kept.clone() }));
            if found.len() > MOST_BUILDS {
                return Err(ImportError::many_builds(path));
            }
        }
        return Ok((ImportKind::BuildRecord, found));
    }
    if content.starts_with(b"PK") {
        return other("it is a zip archive, which may hold one");
    }
    let begin = content.iter().position(|&byte| byte == b'{');
    if begin.is_none_or(|begin| content[..begin].contains(&0)) {
        return other("it is neither an OCI layout nor JSON");
    }
    let log = StatusLog::of_json(content).map_err(unreadable)?;
    if log.len() == 0 {
        return other("it mentions no build");
    }
    let found = log.builds().map_err(unreadable)?.into_iter();
    let found = found.map(|recorded| FoundBuild { recorded, kept: KeptBuild::default() });
    Ok((ImportKind::Progress, found.collect()))
}
