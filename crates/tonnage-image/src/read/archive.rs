//! Archives as a stream of tar: what each member is can be told by its first bytes, so layers are read as they come and
//! the order is learned from the manifests afterwards.

use std::io::{BufReader, Read};

use super::blob::{Limited, Packing, drain, read_full};
use super::image::ImageScan;
use super::members::Members;
use super::tar::{Fault, Kind, TarError, TarReader};
use super::weigher::Weigher;
use crate::ImageError;
use crate::path::{normalise, split};
use crate::text::from_bytes;

const BUFFER: usize = 256 * 1024;

impl Weigher {
    /// Reads a docker archive or an OCI layout as tar, plain or compressed as a whole, in one pass.
    pub fn read_archive<R: Read>(&mut self, reader: R) -> Result<Vec<ImageScan>, ImageError> {
        let mut input = BufReader::with_capacity(BUFFER, reader);
        let read = |source| ImageError::Read { offset: 0, source };
        let mut start = [0; Packing::TOLD_BY];
        let count = read_full(&mut input, &mut start).map_err(read)?;
        if let Some(with) = Packing::foreign(&start[..count]) {
            return Err(ImageError::Compression { with });
        }
        let packing = Packing::of(&start[..count]);
        let limits = self.options.limits;
        let unpacked = packing.unpack((&start[..count]).chain(input), limits.window_bytes).map_err(read)?;
        // An archive may have no end, and one that is packed as a whole may unpack to anything.
        let most = limits.unpacked_bytes.saturating_mul(2);
        let mut tar = TarReader::new(Limited::new(unpacked, most));
        let mut members = Members::new(&self.options);
        loop {
            let entry = match tar.next_entry() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(error) => return Err(archive_error(error)),
            };
            let path = from_bytes(&normalise(&entry.path));
            match entry.kind {
                Kind::File if entry.sparse => {
                    return Err(ImageError::Archive { offset: entry.offset, what: "a sparse member".into() });
                }
                Kind::File => {
                    let offset = tar.offset();
                    self.member(&mut members, &path, entry.size, &mut tar.data(), offset)?;
                    let drained = drain(&mut tar.data());
                    drained.map_err(|source| ImageError::Read { offset: tar.offset(), source })?;
                }
                Kind::Symlink => members.alias(path.clone(), &from_bytes(&link_target(&path, &entry.link)))?,
                Kind::HardLink => members.alias(path, &from_bytes(&normalise(&entry.link)))?,
                Kind::Directory | Kind::Other => {}
            }
        }
        // The rest tells whether the stream is whole, and lets who writes it finish.
        tar.drain_input().map_err(archive_error)?;
        self.images(&mut members)
    }
}

fn archive_error(error: TarError) -> ImageError {
    let TarError { offset, what } = error;
    match what {
        Fault::Io(source) => ImageError::Read { offset, source },
        Fault::Format(what) | Fault::TooMuch(what) => ImageError::Archive { offset, what },
    }
}

/// A symbolic link's target, from the root of the archive.
fn link_target(path: &str, link: &[u8]) -> Vec<u8> {
    if link.starts_with(b"/") {
        return normalise(link);
    }
    normalise(&[split(path.as_bytes()).0, b"/", link].concat())
}
