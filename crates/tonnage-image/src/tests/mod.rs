//! Synthetic archives with truths written by hand, an oracle for the merged tree, and hostile input.

mod bombs;
mod bounds;
mod composites;
mod ecosystems;
mod findings;
mod formats;
mod hostile;
mod layouts;
mod merged;
mod oracle;
mod owners;
mod tars;
mod wrong;

use crate::facts::PackageManager;
use crate::testing::archives::{Item, image_of};

use super::{ImageScan, Options, ReportOptions, Weigher, Weight, weigh};

/// An error and its sources on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// Reads an archive that holds one image.
fn read_one(archive: &[u8]) -> ImageScan {
    let mut scans = Weigher::new(Options::default()).read_archive(archive).unwrap();
    assert_eq!(scans.len(), 1);
    scans.remove(0)
}

fn weigh_layers(layers: &[Vec<Item>]) -> Weight {
    weigh_above(layers, 0)
}

/// Weighs an image whose lowest layers are the base's; the sums that must always hold are checked.
fn weigh_above(layers: &[Vec<Item>], base_layers: usize) -> Weight {
    let scan = read_one(&image_of(layers));
    let base: Vec<String> = scan.config.diff_ids[..base_layers].to_vec();
    let weight = weigh(&scan, &ReportOptions { base_diff_ids: &base, site_layers: 0, top: 100 });
    assert_adds_up(&weight);
    weight
}

/// The packages of an image, sorted: manager, name, version, and bytes.
fn packages(weight: &Weight) -> Vec<(PackageManager, &str, &str, u64)> {
    let mut rows: Vec<_> = weight
        .packages
        .iter()
        .map(|package| (package.manager, package.name.as_str(), package.version.as_str(), package.size_bytes.0))
        .collect();
    rows.sort_unstable();
    rows
}

pub(super) fn assert_adds_up(weight: &Weight) {
    let sizes = &weight.sizes;
    assert_eq!(sizes.base_bytes + sizes.own_bytes, sizes.size_bytes);
    assert_eq!(sizes.rootfs_bytes + sizes.reclaimable_bytes, sizes.size_bytes);
    let packages: u64 = weight.packages.iter().map(|package| package.size_bytes.0).sum();
    let remainder: u64 = weight.remainder.iter().map(|row| row.size_bytes.0).sum();
    assert_eq!(packages + remainder, sizes.size_bytes.0);
    assert_eq!(
        weight.layers.iter().map(|layer| layer.waste_bytes).sum::<crate::bytes::Bytes>(),
        sizes.reclaimable_bytes
    );
    assert_eq!(weight.layers.iter().map(|layer| layer.wire_bytes).sum::<crate::bytes::Bytes>(), sizes.wire_bytes);
    assert_eq!(weight.layers.iter().map(|layer| layer.package_bytes.0).sum::<u64>(), packages);
    assert_eq!(weight.tree.as_ref().unwrap().size_bytes, sizes.rootfs_bytes);
}
