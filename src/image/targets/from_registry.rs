//! Images of registries: read on a thread of their own, one target after the other, so that layers which they share are
//! transferred once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use tokio::runtime::Handle;

use super::wanted::{Wanted, WantedPlatform, about, fitting, quoted};
use crate::credentials::{Places, Store};
use crate::error::Failure;
use crate::exit::Exit;
use crate::image::{Platform, Weigher};
use crate::registry::{ImageReference, PlatformChoice, RegistryClient, RegistryError};

/// What was read of each target.
pub(super) type InRegistry<T> = BTreeMap<String, Vec<T>>;

/// How a target is read: its images with their layers, or its manifests.
type ReadTarget<T> =
    fn(&RegistryClient, &ImageReference, PlatformChoice<'_>, &Handle, &mut Weigher) -> Result<Vec<T>, RegistryError>;

/// Reads all targets; the weigher comes back with their layers.
pub(super) async fn from_registry<T: Send + 'static>(
    targets: &[&str],
    wanted: &Wanted,
    mut weigher: Weigher,
    read: ReadTarget<T>,
) -> Result<(InRegistry<T>, Weigher), Failure> {
    // What cannot be a reference is told before anything is transferred.
    let targets: Vec<(String, ImageReference)> = targets
        .iter()
        .map(|target| Ok(((*target).to_owned(), ImageReference::parse(target)?)))
        .collect::<Result<_, RegistryError>>()?;
    let (settings, platform) = (wanted.registry.clone(), wanted.platform.clone());
    let runtime = Handle::current();
    let reading = tokio::task::spawn_blocking(move || {
        let client = RegistryClient::new(settings, Store::read(&Places::from_env()))?;
        let choice = |platforms: &[Platform]| choose(platforms, platform.as_ref());
        let mut found = InRegistry::new();
        for (target, reference) in targets {
            if let Entry::Vacant(entry) = found.entry(target) {
                let scans = read(&client, &reference, &choice, &runtime, &mut weigher);
                let scans = scans.map_err(|error| about(entry.key(), error))?;
                entry.insert(scans);
            }
        }
        Ok((found, weigher))
    });
    reading.await.unwrap_or_else(|error| {
        Err(Failure::new(Exit::Bug, format!("the reader of the images ended without a result: {error}"), "report this"))
    })
}

fn choose(platforms: &[Platform], wanted: Option<&WantedPlatform>) -> Result<Vec<usize>, RegistryError> {
    let fitting = fitting(platforms, wanted);
    match wanted {
        Some(wanted) if fitting.is_empty() => {
            let there = quoted(platforms.iter().map(Platform::to_string));
            Err(RegistryError::Platform { wanted: wanted.to_string(), there })
        }
        _ => Ok(fitting),
    }
}
