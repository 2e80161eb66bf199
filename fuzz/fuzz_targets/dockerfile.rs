//! A Dockerfile; see `tonnage::testing::dockerfile`, which `cargo test` runs on `fuzz/seeds/dockerfile`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage::testing::dockerfile(data);
});
