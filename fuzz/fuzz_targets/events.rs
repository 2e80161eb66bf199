//! An engine's answer to a build; see `tonnage::testing::readers::events`, which `cargo test` runs on `fuzz/seeds/events`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage::testing::readers::events(data);
});
