//! A file of builds; see `tonnage::testing::readers::builds`, which `cargo test` runs on `fuzz/seeds/builds`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    tonnage::testing::readers::builds(data);
});
