//! `tonnage check` and `tonnage compare` on records of a thousand variants, as processes.
//!
//! `cargo bench --bench gate` writes two such records, each variant with packages and paths as a real image has them and
//! every one of them grown, and prints the median wall time of ten runs. It fails where one takes longer than a second.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and fails by panicking")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use tonnage::testing::analyse::statistics::median;
use tonnage::testing::fixture;
use tonnage::testing::record::{self, Package, PackageManager, PathSize, Record};
use tonnage::testing::units::Bytes;

const VARIANTS: usize = 1_000;
const ROUNDS: usize = 10;
/// What a person waits for without noticing.
const LIMIT_SECONDS: f64 = 1.0;

/// A thousand variants, of which each has `more` bytes in a package than the made-up one.
fn many(more: u64) -> Record {
    let mut record = fixture::many(VARIANTS, 7);
    for variant in &mut record.variants {
        for number in 0..100 {
            let bytes = Bytes(10_000 + number);
            variant.packages.push(Package {
                manager: PackageManager::Dpkg,
                name: format!("libsomething{number}"),
                version: "1:2.36.1-8+deb11u1".into(),
                size_bytes: bytes,
                layers: vec![(0, bytes)],
            });
            variant.paths.push(PathSize {
                path: format!("/usr/lib/x86_64-linux-gnu/libsomething{number}.so.2.36.1"),
                size_bytes: bytes,
                layer: 0,
                package: String::new(),
            });
        }
        variant.packages[4].layers[0].1 += Bytes(more);
        variant.layers[7].size_bytes += Bytes(more);
        variant.layers[7].diff_id = format!("sha256:{more}");
        let sizes = variant.sizes.as_mut().expect("the made-up variant has sizes");
        sizes.size_bytes += Bytes(more);
        sizes.own_bytes += Bytes(more);
    }
    record
}

/// Median wall time of the program in seconds.
fn seconds(folder: &Path, arguments: &[&str], code: i32) -> f64 {
    let mut walls = Vec::new();
    for _ in 0..ROUNDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tonnage"));
        command.args(arguments).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        let status = command.status().expect("the program runs");
        walls.push(begun.elapsed().as_secs_f64());
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
    median(&walls).expect("there are rounds")
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("tonnage.toml"), "[budget]\nsize = [\"+1 MB\", \"1 GB\"]\n").expect("a manifest");
    for (name, more) in [("base", 0), ("head", 2_000_000)] {
        record::write(&folder.path().join(name), &many(more)).expect("a record");
    }
    let size = std::fs::metadata(folder.path().join("head/run.json")).expect("the record").len();
    println!("records of {VARIANTS} variants, {} each; medians of {ROUNDS} processes", Bytes(size));
    seconds(folder.path(), &["baseline", "accept", "base"], 0);
    let mut slowest: f64 = 0.0;
    for (what, arguments, code) in [
        ("check against a baseline", &["check", "head"][..], 1),
        ("check against a record", &["check", "head", "--baseline", "base"], 1),
        (
            "check, three outputs",
            &["check", "head", "--output", "json=a", "--output", "markdown=b", "--output", "junit=c"],
            1,
        ),
        ("compare two records", &["compare", "base", "head"], 0),
        ("compare, JSON", &["compare", "base", "head", "--format", "json"], 0),
    ] {
        let wall = seconds(folder.path(), arguments, code);
        println!("{what:26} {wall:.3} s");
        slowest = slowest.max(wall);
    }
    assert!(slowest <= LIMIT_SECONDS, "slower than {LIMIT_SECONDS} s");
}
