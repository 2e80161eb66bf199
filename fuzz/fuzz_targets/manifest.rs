//! A `tonnage.toml`; see `tonnage::testing::readers::manifest`, which `cargo test` runs on `fuzz/seeds/manifest`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage::testing::readers::manifest(data);
});
