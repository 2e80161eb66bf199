//! The archive reader: any bytes are an error, or images whose sums hold, however the bytes come.
//!
//! Digests that a change made wrong are put right again, so that what lies behind the check is reached too.

#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use tonnage_fuzz::{BLOCK, Trickle, mend_checksums, options, weigh_checked};
use tonnage_image::{ImageError, ImageScan, Weigher};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, _seed: u32| {
    let size = fuzzer_mutate(data, size, max_size);
    mend_checksums(&mut data[..size]);
    size
});

/// Reads the archive with the diff ids that its layers have.
fn read(data: &mut [u8]) -> Result<Vec<ImageScan>, ImageError> {
    for _ in 0..8 {
        match Weigher::new(options(true)).read_archive(&*data) {
            Err(ImageError::DiffId { expected, found, .. }) if expected.len() == found.len() => {
                let at = data.windows(expected.len()).position(|part| part == expected.as_bytes());
                let Some(at) = at else { return Ok(Vec::new()) };
                data[at..at + found.len()].copy_from_slice(found.as_bytes());
            }
            other => return other,
        }
    }
    Ok(Vec::new())
}

fuzz_target!(|data: &[u8]| {
    let mut data = data.to_vec();
    let whole = read(&mut data);
    let step = data.get(BLOCK - 1).map_or(1, |&byte| usize::from(byte) + 1);
    let pieces = Weigher::new(options(true)).read_archive(Trickle::new(&data, step));
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) if !whole.is_empty() => {
            let ids = |scans: &[ImageScan]| scans.iter().map(|scan| scan.config.diff_ids.clone()).collect::<Vec<_>>();
            assert_eq!(ids(whole), ids(pieces));
            for scan in whole.iter().take(8) {
                let _ = weigh_checked(scan);
            }
        }
        // Not the same error: a decompressor that fails takes what it had decompressed in that call with it.
        (Err(_), Err(_)) => {}
        (Ok(whole), _) if whole.is_empty() => {}
        (whole, pieces) => panic!("in one piece {:?}, in many {:?}", whole.is_ok(), pieces.is_ok()),
    }
});
