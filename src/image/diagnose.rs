//! What the library's errors mean for this program: a hint and an exit code.

use tonnage_image::{Excess, ImageError, StoreError};

use crate::error::Diagnose;

impl Diagnose for ImageError {
    fn hint(&self) -> Option<String> {
        match self.excess() {
            Some(Excess::Unpacked) => {
                return Some("if the archive can be trusted, allow more with `tonnage weigh --max-unpacked`".into());
            }
            Some(Excess::Memory) => {
                return Some("the archive looks made to exhaust memory; nothing of it was kept".into());
            }
            None => {}
        }
        Some(match self {
            Self::File(error) => return error.hint(),
            Self::Read { .. } => "the archive is not complete: save the image again, and check the free disk".into(),
            Self::Archive { .. } | Self::NoImage => {
                "give a `docker save` or `podman save` archive, or an OCI layout as a tar or a directory".into()
            }
            Self::Layer { .. } | Self::DiffId { .. } | Self::Digest { .. } | Self::LayerCount { .. } => {
                "the archive is damaged or was changed: save the image again".into()
            }
            Self::Missing { .. } => {
                "save the image again, whole: all of its layers, for the platform that is wanted".into()
            }
            Self::Json { .. } => {
                "the archive is damaged, or of a format that is not known: save the image again".into()
            }
            Self::LeadsOut { .. } => {
                "if you trust the layout, copy it with its links resolved, `cp -rL LAYOUT COPY`, and weigh the copy"
                    .into()
            }
            Self::NotImages { .. } => {
                "tonnage weighs container images; signatures, attestations, charts, and caches are skipped".into()
            }
            Self::Encrypted { .. } => {
                "decrypt the image first: `skopeo copy --decryption-key KEY oci:IN oci:OUT`".into()
            }
            Self::Algorithm { .. } => {
                "build or copy the image with a tool that writes sha256 digests, as engines do".into()
            }
            Self::Compression { with: tool @ ("xz" | "bzip2" | "lz4" | "lzip" | "lzma") } => {
                format!("unpack it first: `{tool} -dc ARCHIVE | tonnage weigh -`")
            }
            Self::Compression { .. } => {
                "unpack it first, or save the image again: `docker save -o image.tar IMAGE`".into()
            }
            Self::LayerPacking { .. } => "build or copy the image with gzip or zstd layers, as engines do".into(),
            Self::Limit { .. } | Self::LayerLimit { .. } => return None,
        })
    }
}

impl Diagnose for StoreError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File(error) if error.source.kind() == std::io::ErrorKind::PermissionDenied => {
                "run as root on the engine's host, or weigh with `--via export`".into()
            }
            Self::Driver { .. } | Self::File(_) | Self::Id { .. } => "weigh with `--via export`".into(),
            Self::Image(error) => return error.hint(),
            Self::Unexpected { .. } | Self::Layer { .. } => {
                "weigh with `--via export`; if that fails too, remove the image and pull or build it again".into()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use tonnage_image::{Limits, Options, Store, Weigher};

    use super::*;
    use crate::error::Failure;
    use crate::exit::Exit;

    #[test]
    fn each_error_of_the_library_has_a_hint_and_an_exit_code() {
        let limits = Limits { entries: 0, ..Limits::default() };
        let error = Weigher::new(Options { limits, ..Options::default() }).read_archive(&[7; 2000][..]).unwrap_err();
        let missing = Weigher::new(Options::default()).read_path(std::path::Path::new("/nonexistent/x")).unwrap_err();
        for failure in [
            Failure::from(error),
            Failure::from(missing),
            Failure::from(ImageError::NoImage),
            Failure::from(ImageError::LayerCount { manifest: 1, config: 2 }),
        ] {
            assert_eq!(failure.exit, Exit::Unreadable);
            assert!(failure.hint.is_some_and(|hint| !hint.is_empty()), "{}", failure.message);
        }
        let error = Store::open(std::path::Path::new("/nonexistent"), "btrfs").unwrap_err();
        assert!(error.hint().is_some_and(|hint| hint.contains("--via export")));
    }
}
