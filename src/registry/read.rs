//! From a reference to images as they were read.

use std::io::Read;

use tokio::runtime::Handle;
use tonnage_image::{Blobs, ImageScan, ManifestScan, Platform, Weigher};

use super::blob::Blob;
use super::client::RegistryClient;
use super::error::{RegistryError, RequestError};
use super::reference::{ImageReference, is_sha256};

/// Longest manifest: registries take up to 4 MiB (OCI distribution specification, "Pushing Manifests").
const LONGEST_MANIFEST: u64 = 4 << 20;

/// Which of several platforms are wanted: none is an error.
pub(crate) type PlatformChoice<'a> = &'a dyn Fn(&[Platform]) -> Result<Vec<usize>, RegistryError>;

/// Reads the images that a reference names. To be called on a thread that may wait, while `runtime` runs.
pub(crate) fn read(
    client: &RegistryClient,
    image: &ImageReference,
    choice: PlatformChoice<'_>,
    runtime: &Handle,
    weigher: &mut Weigher,
) -> Result<Vec<ImageScan>, RegistryError> {
    let mut repository = Repository { client, image, choice, runtime };
    weigher.read_blobs(&repository.root()?, &mut repository)
}

/// Reads manifests and configs of the images that a reference names, and no layer: a few kB.
pub(crate) fn read_manifests(
    client: &RegistryClient,
    image: &ImageReference,
    choice: PlatformChoice<'_>,
    runtime: &Handle,
    weigher: &mut Weigher,
) -> Result<Vec<ManifestScan>, RegistryError> {
    let mut repository = Repository { client, image, choice, runtime };
    weigher.read_manifests(&repository.root()?, &mut repository)
}

fn checked(content: &[u8], expected: Option<&str>) -> Result<(), RequestError> {
    use sha2::Digest as _;
    let found = format!("sha256:{}", hex::encode(sha2::Sha256::digest(content)));
    match expected {
        Some(expected) if expected != found => Err(RequestError::Digest { expected: expected.to_owned(), found }),
        _ => Ok(()),
    }
}

/// A repository that images are read from.
struct Repository<'a> {
    client: &'a RegistryClient,
    image: &'a ImageReference,
    choice: PlatformChoice<'a>,
    runtime: &'a Handle,
}

impl Repository<'_> {
    /// The manifest or the index that the reference names.
    fn root(&self) -> Result<Vec<u8>, RegistryError> {
        let asked = self.client.manifest(self.image, &self.image.version, LONGEST_MANIFEST);
        let (root, said) = self.runtime.block_on(asked)?;
        let expected = self.image.digest().or(said.as_deref().filter(|digest| is_sha256(digest)));
        checked(&root, expected)?;
        Ok(root)
    }
}

/// A digest that may stand in a URL, and that is checked.
fn known(digest: &str) -> Result<&str, RequestError> {
    if is_sha256(digest) { Ok(digest) } else { Err(RequestError::Algorithm { digest: digest.to_owned() }) }
}

impl Blobs for Repository<'_> {
    type Error = RegistryError;

    fn manifest(&mut self, digest: &str) -> Result<Vec<u8>, RegistryError> {
        let asked = self.client.manifest(self.image, known(digest)?, LONGEST_MANIFEST);
        let (content, _) = self.runtime.block_on(asked)?;
        checked(&content, Some(digest))?;
        Ok(content)
    }

    fn blob(&mut self, digest: &str, size: u64) -> Result<Box<dyn Read + '_>, RegistryError> {
        Ok(Box::new(Blob::open(self.client, self.image, self.runtime, known(digest)?, size)?))
    }

    fn referrers(&mut self, digest: &str) -> Option<Vec<u8>> {
        self.runtime.block_on(self.client.referrers(self.image, known(digest).ok()?, LONGEST_MANIFEST)).ok()
    }

    fn choose(&self, platforms: &[Platform]) -> Result<Vec<usize>, RegistryError> {
        (self.choice)(platforms)
    }
}
