//! The layer reader and the merged tree: two layers of any bytes. They are the same however they are packed and
//! whether files are hashed or not, and where the `tar` crate reads them too, their sizes are those that it sees.

#![no_main]

use std::io::Cursor;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use tonnage_fuzz::{BLOCK, archive, mend_checksums, read, weigh_checked};
use tonnage_image::testing::archives::{gzip, zstd};

/// How the layers are packed, and where the first one ends, in blocks.
const HEAD: usize = 2;

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, _seed: u32| {
    let size = fuzzer_mutate(data, size, max_size);
    if size > HEAD {
        mend_checksums(&mut data[HEAD..size]);
    }
    size
});

/// Size of a layer by the `tar` crate; `None` where it fails, or where it is known to read otherwise.
fn size_by_tar(layer: &[u8]) -> Option<u64> {
    let mut total = 0;
    let mut archive = tar::Archive::new(Cursor::new(layer));
    for entry in archive.entries().ok()? {
        let mut entry = entry.ok()?;
        let kind = entry.header().entry_type();
        // It leaves PAX's sparse files as they lie in the archive, and does not tell headers apart that are broken in
        // other ways.
        if entry.pax_extensions().ok()?.into_iter().flatten().any(|record| {
            record.map_or(true, |record| {
                record.key_bytes().starts_with(b"GNU.sparse") || record.value_bytes().contains(&0)
            })
        }) {
            return None;
        }
        let path = entry.path_bytes().into_owned();
        // Go cuts a name at its first zero byte.
        if path.contains(&0) || entry.link_name_bytes().is_some_and(|name| name.contains(&0)) {
            return None;
        }
        let name = path.rsplit(|&byte| byte == b'/').find(|part| !part.is_empty()).unwrap_or_default();
        if name.starts_with(b".wh.") {
            continue;
        }
        // In a header of another magic it takes an extension for a file; Go asks for the type alone.
        let extends = kind.is_pax_local_extensions() || kind.is_gnu_longname() || kind.is_gnu_longlink();
        if extends || kind.is_gnu_sparse() || kind.is_pax_global_extensions() {
            return None;
        } else if kind.is_symlink() {
            total += entry.link_name_bytes().map_or(0, |name| name.len() as u64);
        } else if kind.is_file() || kind.is_contiguous() {
            if path.ends_with(b"/") {
                return None;
            }
            total += entry.size();
        }
    }
    Some(total)
}

fuzz_target!(|data: &[u8]| {
    let [packing, split, layers @ ..] = data else { return };
    let pack: Option<fn(&[u8]) -> Vec<u8>> = match packing % 8 {
        0 => Some(gzip),
        1 => Some(zstd),
        _ => None,
    };
    let (below, above) = layers.split_at((usize::from(*split) * BLOCK).min(layers.len()));
    let layers = [below, above];
    let whole = read(&archive(&layers, <[u8]>::to_vec), true);
    if let Some(pack) = pack {
        let packed = read(&archive(&layers, pack), false);
        assert_eq!(whole.is_ok(), packed.is_ok(), "{:?} against {:?}", whole.err(), packed.err());
        if let (Ok(whole), Ok(packed)) = (&whole, &packed) {
            let sizes = |scan| {
                let sizes = weigh_checked(scan).sizes;
                (sizes.size_bytes, sizes.rootfs_bytes)
            };
            assert_eq!(sizes(&whole[0]), sizes(&packed[0]));
        }
        return;
    }
    let Ok(whole) = whole else { return };
    let weight = weigh_checked(&whole[0]);
    for (layer, bytes) in weight.layers.iter().zip(layers) {
        if let Some(size) = size_by_tar(bytes) {
            assert_eq!(layer.size_bytes.0, size, "the tar crate sees another size");
        }
    }
});
