//! What the fuzz targets share: archives around layers, readers that hand out few bytes at a time, and what must
//! hold of every image that could be read.

use std::io::{self, Read};

use tonnage_image::testing::archives::{self, Image};
use tonnage_image::{ImageScan, Limits, Options, ReportOptions, Weigher, Weight, WireMode, weigh};

/// Size of a tar block.
pub const BLOCK: usize = 512;

/// Limits under which one input takes milliseconds.
pub fn options(hash_files: bool) -> Options {
    let limits = Limits {
        unpacked_bytes: 8 << 20,
        window_bytes: 8 << 20,
        entries: 20_000,
        name_bytes: 1 << 20,
        members: 1000,
        json_bytes: 1 << 20,
        json_total_bytes: 4 << 20,
        database_file_bytes: 1 << 20,
        database_bytes: 2 << 20,
    };
    Options { wire: WireMode::Skip, hash_files, limits, ..Options::default() }
}

/// Hands out at most so many bytes at once: where a buffer ends must not matter.
pub struct Trickle<'a> {
    rest: &'a [u8],
    step: usize,
}

impl<'a> Trickle<'a> {
    /// All of `bytes`, `step` at a time.
    pub fn new(bytes: &'a [u8], step: usize) -> Self {
        Self { rest: bytes, step: step.max(1) }
    }
}

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.step.min(out.len()).min(self.rest.len());
        out[..count].copy_from_slice(&self.rest[..count]);
        self.rest = &self.rest[count..];
        Ok(count)
    }
}

/// Reads an archive in one piece.
pub fn read(archive: &[u8], hash_files: bool) -> Result<Vec<ImageScan>, String> {
    Weigher::new(options(hash_files)).read_archive(archive).map_err(|error| error.to_string())
}

/// Weighs an image and checks every sum that must hold.
pub fn weigh_checked(scan: &ImageScan) -> Weight {
    let base: Vec<String> = scan.config.diff_ids.iter().take(1).cloned().collect();
    let weight = weigh(scan, &ReportOptions { base_diff_ids: &base, site_layers: 0, top: 5 });
    let sizes = &weight.sizes;
    assert_eq!(sizes.base_bytes + sizes.own_bytes, sizes.size_bytes, "base and own");
    assert_eq!(sizes.rootfs_bytes + sizes.reclaimable_bytes, sizes.size_bytes, "visible and not");
    assert!(sizes.duplicate_bytes <= sizes.rootfs_bytes, "duplicates are visible");
    let packages: u64 = weight.packages.iter().map(|package| package.size_bytes.0).sum();
    let remainder: u64 = weight.remainder.iter().map(|row| row.size_bytes.0).sum();
    assert_eq!(packages + remainder, sizes.size_bytes.0, "packages and the rest");
    let by_layer: u64 = weight.packages.iter().flat_map(|package| &package.layers).map(|(_, size)| size.0).sum();
    assert_eq!(by_layer, packages, "packages by layer");
    assert_eq!(weight.layers.iter().map(|layer| layer.size_bytes.0).sum::<u64>(), sizes.size_bytes.0, "layers");
    assert_eq!(weight.layers.iter().map(|layer| layer.waste_bytes.0).sum::<u64>(), sizes.reclaimable_bytes.0, "waste");
    assert_eq!(weight.layers.iter().map(|layer| layer.package_bytes.0).sum::<u64>(), packages, "packages of layers");
    assert_eq!(weight.tree.as_ref().map(|tree| tree.size_bytes), Some(sizes.rootfs_bytes), "the tree");
    weight
}

/// A docker archive of layers, whatever they hold.
pub fn archive(layers: &[&[u8]], pack: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let plain: Vec<Vec<u8>> = layers.iter().map(|layer| layer.to_vec()).collect();
    let packed = plain.iter().map(|layer| pack(layer)).collect();
    archives::docker(&[Image { tag: None, config: archives::config(&plain), layers: packed }])
}

/// Gives every block that looks like a tar header the checksum that it should have, so that changed headers are read
/// further than to their checksum.
pub fn mend_checksums(blocks: &mut [u8]) {
    for block in blocks.chunks_exact_mut(BLOCK) {
        if block[257..262] != *b"ustar" {
            continue;
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}
