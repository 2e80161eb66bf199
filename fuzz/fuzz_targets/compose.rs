//! A compose file; see `tonnage::testing::readers::compose`, which `cargo test` runs on `fuzz/seeds/compose`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage::testing::readers::compose(data);
});
