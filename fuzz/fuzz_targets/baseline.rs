//! A baseline; see `tonnage::testing::readers::baseline`, which `cargo test` runs on `fuzz/seeds/baseline`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage::testing::readers::baseline(data);
});
