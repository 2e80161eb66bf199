//! What a registry answers; see `tonnage::testing::readers::registry`, which `cargo test` runs on `fuzz/seeds/registry`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage::testing::readers::registry(data);
});
