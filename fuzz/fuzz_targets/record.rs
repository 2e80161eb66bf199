//! A `run.json`; see `tonnage::testing::record`, which `cargo test` runs on `fuzz/seeds/record`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage::testing::record(data);
});
