//! A Dockerfile; see `tonnage::testing::readers::dockerfile`, which `cargo test` runs on `fuzz/seeds/dockerfile`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage::testing::readers::dockerfile(data);
});
