//! A `run.json`; see `tonnage::testing::readers::record`, which `cargo test` runs on `fuzz/seeds/record`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage::testing::readers::record(data);
});
