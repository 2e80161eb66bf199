//! A record made the new baseline, whole or where it exceeds.

use std::collections::{BTreeMap, BTreeSet};

use super::entries::{Accepted, Baseline, Entry, path_bytes};
use crate::gate::measured::Measured;
use crate::gate::metric::Metric;
use crate::record::{Layer, LayerOrigin, PathSize, Variant};
use crate::text::shorten;
use crate::units::Bytes;

/// What to accept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accepting {
    /// Why, in the words of who does.
    pub reason: String,
    /// Only these variants; `None` for all that were weighed, and those that vanished go.
    pub only: Option<BTreeSet<String>>,
    /// Path patterns whose bytes are kept.
    pub paths: Vec<Metric>,
}

/// What accepting did to a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is in the baseline for the first time.
    Added(Bytes),
    /// It has another size now: before and after.
    Updated(Bytes, Bytes),
    /// The same size; layers or packages may differ.
    Kept(Bytes),
    /// It is no longer in the baseline.
    Removed(Bytes),
    /// It has no image, so what was there stays.
    NoImage,
}

/// Most packages of a variant that a baseline keeps: far beyond any image seen.
const MOST_PACKAGES: usize = 4_000;
/// Most paths of a variant.
const MOST_PATHS: usize = 60;
/// Longest instruction of a base's layer: it is compared by its diff id only.
const BASE_INSTRUCTION: usize = 120;
/// Longest instruction of an own layer.
const OWN_INSTRUCTION: usize = 4_096;

/// The next baseline, and what it does to each variant.
pub(crate) fn accept(
    measured: &Measured,
    before: Option<&Baseline>,
    accepting: &Accepting,
) -> (Baseline, BTreeMap<String, Change>) {
    let mut entries = before.map(|baseline| baseline.entries.clone()).unwrap_or_default();
    let mut changes = BTreeMap::new();
    let wanted = |name: &str| accepting.only.as_ref().is_none_or(|only| only.contains(name));
    let size = |variant: &Variant| variant.size().unwrap_or_default();
    for variant in measured.variants.iter().filter(|variant| wanted(&variant.name)) {
        if variant.sizes.is_none() {
            changes.insert(variant.name.clone(), Change::NoImage);
            continue;
        }
        let entry = Entry {
            accepted: Accepted { reason: accepting.reason.clone(), ..Accepted::of(measured) },
            path_bytes: path_bytes(variant, &accepting.paths),
            variant: bounded(variant),
        };
        let now = size(variant);
        let change = match entries.insert(variant.name.clone(), entry) {
            None => Change::Added(now),
            Some(old) if size(&old.variant) == now => Change::Kept(now),
            Some(old) => Change::Updated(size(&old.variant), now),
        };
        changes.insert(variant.name.clone(), change);
    }
    let measured_names: BTreeSet<&str> = measured.variants.iter().map(|variant| variant.name.as_str()).collect();
    entries.retain(|name, entry| {
        let goes = wanted(name) && !measured_names.contains(name.as_str());
        if goes {
            changes.insert(name.clone(), Change::Removed(size(&entry.variant)));
        }
        !goes
    });
    let suite = if measured.suite.is_empty() {
        before.map(|baseline| baseline.suite.clone()).unwrap_or_default()
    } else {
        measured.suite.clone()
    };
    (Baseline { metrics_version: measured.metrics_version, suite, entries }, changes)
}

/// What a baseline keeps of an image.
fn bounded(variant: &Variant) -> Variant {
    let mut kept = Variant {
        platform: variant.platform.clone(),
        config_digest: variant.config_digest.clone(),
        user: variant.user.clone(),
        bases: variant.bases.clone(),
        sizes: variant.sizes.clone(),
        layers: variant.layers.iter().map(layer).collect(),
        packages: variant.packages.clone(),
        paths: variant.paths.clone(),
        update: variant.update.summary(),
        ..crate::gate::measured::blank(&variant.name)
    };
    for base in &mut kept.bases {
        base.diff_ids.clear();
        base.used.clear();
        base.stand_in.clear();
        base.site_bytes = Bytes::ZERO;
    }
    kept.packages.sort_by_key(|package| std::cmp::Reverse(package.size_bytes));
    kept.packages.truncate(MOST_PACKAGES);
    kept.packages.sort_by(|a, b| (a.manager, &a.name, &a.version).cmp(&(b.manager, &b.name, &b.version)));
    // A path of a package is explained by the package.
    kept.paths.retain(|path| path.package.is_empty());
    kept.paths.sort_by(|a, b| b.size_bytes.cmp(&a.size_bytes).then_with(|| a.path.cmp(&b.path)));
    kept.paths.truncate(MOST_PATHS);
    kept.paths.sort_by(|a: &PathSize, b| (&a.path, a.layer).cmp(&(&b.path, b.layer)));
    kept
}

fn layer(layer: &Layer) -> Layer {
    let most = if layer.origin == LayerOrigin::Own { OWN_INSTRUCTION } else { BASE_INSTRUCTION };
    Layer {
        instruction: shorten(&layer.instruction, most),
        entries: 0,
        package_bytes: Bytes::ZERO,
        waste_bytes: Bytes::ZERO,
        ..layer.clone()
    }
}
