//! What was measured as OpenMetrics text (<https://prometheus.io/docs/specs/om/open_metrics_spec/>), for GitLab's metrics
//! report and for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::export::times;
use crate::gate::Measured;
use crate::record::{Sizes, Variant};
use crate::text::for_people;

/// A name, what it is, and where it is found.
type Figure<T> = (&'static str, &'static str, fn(&T) -> u64);

const SIZES: [Figure<Sizes>; 6] = [
    ("tonnage_image_size_bytes", "Unpacked size of all layers", |sizes| sizes.size_bytes.0),
    ("tonnage_image_own_bytes", "Unpacked size of the layers above the base image", |sizes| sizes.own_bytes.0),
    ("tonnage_image_compressed_bytes", "What a registry transfers", |sizes| sizes.wire_bytes.0),
    ("tonnage_image_rootfs_bytes", "Bytes visible in a container", |sizes| sizes.rootfs_bytes.0),
    ("tonnage_image_reclaimable_bytes", "Bytes hidden by later layers", |sizes| sizes.reclaimable_bytes.0),
    ("tonnage_image_duplicate_bytes", "Bytes of equal files beyond the first copy", |sizes| sizes.duplicate_bytes.0),
];

const COUNTS: [Figure<Variant>; 2] = [
    ("tonnage_image_layers", "Number of layers", |variant| variant.layers.len() as u64),
    ("tonnage_image_packages", "Number of packages", |variant| variant.packages.len() as u64),
];

/// One gauge per figure, one series per variant.
pub(super) fn openmetrics(measured: &Measured) -> String {
    let mut out = String::new();
    for (name, help, pick) in SIZES {
        let of = |variant: &Variant| variant.sizes.as_ref().map(pick);
        family(&mut out, name, "bytes", help, of_variants(measured, of));
    }
    for (name, help, pick) in COUNTS {
        let of = |variant: &Variant| variant.sizes.as_ref().map(|_| pick(variant));
        family(&mut out, name, "", help, of_variants(measured, of));
    }
    let times = times(measured).map(|(variant, scenario, estimate)| {
        let labels = format!("variant=\"{}\",scenario=\"{}\"", label(variant), scenario.word());
        (labels, estimate.median.as_seconds().to_string())
    });
    family(&mut out, "tonnage_build_seconds", "seconds", "Median build time", times.collect());
    out.push_str("# EOF\n");
    out
}

/// The value of each variant by its labels. A name that a record has twice counts once: a series is unique.
fn of_variants(measured: &Measured, value: impl Fn(&Variant) -> Option<u64>) -> BTreeMap<String, String> {
    let series = measured
        .variants
        .iter()
        .rev()
        .filter_map(|variant| Some((format!("variant=\"{}\"", label(&variant.name)), value(variant)?.to_string())));
    series.collect()
}

fn family(out: &mut String, name: &str, unit: &str, help: &str, series: BTreeMap<String, String>) {
    if series.is_empty() {
        return;
    }
    let _ = writeln!(out, "# TYPE {name} gauge");
    if !unit.is_empty() {
        let _ = writeln!(out, "# UNIT {name} {unit}");
    }
    let _ = writeln!(out, "# HELP {name} {help}.");
    for (labels, value) in series {
        let _ = writeln!(out, "{name}{{{labels}}} {value}");
    }
}

/// The value of a label. (`for_people` leaves no line break.)
fn label(text: &str) -> String {
    for_people(text).replace("##[", "## [").replace('\\', "\\\\").replace('"', "\\\"")
}
