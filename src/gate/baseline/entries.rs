//! What was accepted, by variant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tonnage_image::Platform;

use crate::gate::measured::{Measured, MeasuredBy, MeasuredKind};
use crate::gate::metric::{Metric, Value};
use crate::record::Variant;

/// What was accepted, by variant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Baseline {
    /// Version of the size definitions.
    pub metrics_version: u32,
    /// Name of the suite.
    pub suite: String,
    /// By variant.
    pub entries: BTreeMap<String, Entry>,
}

/// What was accepted of one variant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    /// From where and why.
    pub accepted: Accepted,
    /// The image: bases, sizes, layers, packages and the largest paths; nothing else of a record.
    pub variant: Variant,
    /// Bytes under the path patterns that budgets named when it was accepted.
    pub path_bytes: BTreeMap<String, u64>,
}

/// Where the figures of an entry come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    /// When the record was finished, UTC.
    #[serde(default)]
    pub measured_at: String,
    /// What measured them.
    #[serde(flatten)]
    pub by: MeasuredBy,
    /// Why it was accepted, in the words of who did.
    #[serde(default)]
    pub reason: String,
}

impl Baseline {
    /// Gives the only image of a target the name that it has here beside those for other platforms: only these are then
    /// missing.
    pub(crate) fn rename(&self, measured: &mut Measured) {
        let [variant] = measured.variants.as_mut_slice() else { return };
        let name = format!("{} ({})", variant.name, Platform::lenient(&variant.platform));
        if !self.entries.contains_key(&variant.name) && self.entries.contains_key(&name) {
            variant.name = name;
        }
    }

    /// The baseline that a record or a weighing would be if it were accepted whole; nothing is cut off.
    pub(crate) fn of(measured: &Measured, paths: &[Metric]) -> Self {
        let entries = measured
            .variants
            .iter()
            .filter(|variant| variant.sizes.is_some())
            .map(|variant| {
                let entry = Entry {
                    accepted: Accepted::of(measured),
                    path_bytes: path_bytes(variant, paths),
                    variant: variant.clone(),
                };
                (variant.name.clone(), entry)
            })
            .collect();
        Self { metrics_version: measured.metrics_version, suite: measured.suite.clone(), entries }
    }

    /// As [`Baseline::of`], for another state that was measured in the same job as `head`: what only that state has is
    /// in it by name, though it was not built.
    pub(crate) fn of_state(state: &Measured, head: &Measured, paths: &[Metric]) -> Self {
        let mut baseline = Self::of(state, paths);
        let gone = state.variants.iter().filter(|variant| head.variant(&variant.name).is_none());
        for variant in gone {
            baseline.entries.entry(variant.name.clone()).or_insert_with(|| Entry {
                accepted: Accepted::of(state),
                path_bytes: BTreeMap::new(),
                variant: variant.clone(),
            });
        }
        baseline
    }

    /// What does not add up, without looking at any image: sizes against layers, packages against layers.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (name, entry) in &self.entries {
            let variant = &entry.variant;
            let Some(sizes) = &variant.sizes else { continue };
            let layers: u128 = variant.layers.iter().map(|layer| u128::from(layer.size_bytes.0)).sum();
            if layers != u128::from(sizes.size_bytes.0) {
                found
                    .push(format!("the layers of `{name}` add up to {layers} B, its size is {} B", sizes.size_bytes.0));
            }
            let parts = u128::from(sizes.base_bytes.0) + u128::from(sizes.own_bytes.0);
            if parts > u128::from(sizes.size_bytes.0) {
                found.push(format!("base and own of `{name}` are more than its size"));
            }
            let inside = |index: u32| (index as usize) < variant.layers.len();
            if variant.packages.iter().flat_map(|package| &package.layers).any(|(layer, _)| !inside(*layer)) {
                found.push(format!("a package of `{name}` is in a layer that is not there"));
            }
        }
        found
    }

    /// As something to compare with.
    pub(in crate::gate) fn into_measured(self, label: &str) -> Measured {
        let first = self.entries.values().next().map(|entry| entry.accepted.clone()).unwrap_or_default();
        Measured {
            kind: MeasuredKind::Baseline,
            metrics_version: self.metrics_version,
            suite: self.suite,
            engine: Some(first.by).filter(|by| !by.engine.is_empty()),
            measured_at: first.measured_at,
            ..Measured::of_images(self.entries.into_values().map(|entry| entry.variant).collect(), label)
        }
    }
}

impl Accepted {
    /// Of what was measured, without a reason.
    pub(super) fn of(measured: &Measured) -> Self {
        let by = measured.engine.clone().unwrap_or_default();
        Self { measured_at: measured.measured_at.clone(), by, reason: String::new() }
    }
}

/// Bytes under each pattern, where they are known; of an interval the lower end, which never makes growth look smaller.
pub(super) fn path_bytes(variant: &Variant, paths: &[Metric]) -> BTreeMap<String, u64> {
    let known = |metric: &Metric| match (metric, metric.of(variant)) {
        (Metric::Path(pattern), Value::Exact(bytes) | Value::Between(bytes, _)) => {
            Some((pattern.text().to_owned(), bytes))
        }
        _ => None,
    };
    paths.iter().filter_map(known).collect()
}
