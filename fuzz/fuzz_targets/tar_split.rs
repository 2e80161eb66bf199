//! Docker's record of a layer's tar; see `tonnage_image::testing::tar_split`, which `cargo test` runs on `fuzz/seeds/tar_split`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage_image::testing::tar_split(data);
});
