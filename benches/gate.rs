//! `tonnage check` and `tonnage compare` on records of a hundred and of a thousand variants, as processes.
//!
//! `cargo bench --bench gate` writes two such records, each variant with packages and paths as a real image has them and
//! every one of them grown. Each round reads one of the records here, and then runs each command. It prints the medians of
//! the rounds' ratios, and fails where a command takes longer than [`LIMIT`] times the reading, or where a thousand
//! variants take longer than [`LIMIT_GROWTH`] times what a hundred take.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and fails by panicking")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use tonnage::testing::analyse::statistics::median;
use tonnage::testing::fixture;
use tonnage::testing::record::{self, Package, PackageManager, PathSize, Record};
use tonnage::testing::units::Bytes;

/// How many variants the records have, the few first.
const VARIANTS: [usize; 2] = [100, 1_000];
const ROUNDS: usize = 10;
/// Largest ratio of a command's wall time to that of reading one of its two records.
const LIMIT: f64 = 6.0;
/// Largest ratio of the times for a thousand and for a hundred variants: in proportion, and a tenth for chance.
const LIMIT_GROWTH: f64 = 11.0;

/// The commands, with the exit code of each.
const COMMANDS: [(&str, &[&str], i32); 5] = [
    ("check against a baseline", &["check", "head"], 1),
    ("check against a record", &["check", "head", "--baseline", "base"], 1),
    (
        "check, three outputs",
        &["check", "head", "--output", "json=a", "--output", "markdown=b", "--output", "junit=c"],
        1,
    ),
    ("compare two records", &["compare", "base", "head"], 0),
    ("compare, JSON", &["compare", "base", "head", "--format", "json"], 0),
];

/// Variants, of which each has `more` bytes in a package than the made-up one.
fn many(variants: usize, more: u64) -> Record {
    let mut record = fixture::many(variants, 7);
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

/// Wall time of the program in seconds.
fn seconds(directory: &Path, arguments: &[&str], code: i32) -> f64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tonnage"));
    command.args(arguments).current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null());
    let begun = Instant::now();
    let status = command.status().expect("the program runs");
    let wall = begun.elapsed().as_secs_f64();
    assert_eq!(status.code(), Some(code), "{arguments:?}");
    wall
}

/// A directory with a manifest, two records, and a baseline.
fn prepare(variants: usize) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let manifest = directory.path().join("tonnage.toml");
    std::fs::write(manifest, "[budget]\nsize = [\"+1 MB\", \"1 GB\"]\n").expect("a manifest");
    for (name, more) in [("base", 0), ("head", 2_000_000)] {
        record::write(&directory.path().join(name), &many(variants, more)).expect("a record");
    }
    seconds(directory.path(), &["baseline", "accept", "base"], 0);
    directory
}

fn main() {
    let directories = VARIANTS.map(prepare);
    let size = std::fs::metadata(directories[1].path().join("head/run.json")).expect("the record").len();
    println!("records of {} variants, {} each; medians of {ROUNDS} rounds", VARIANTS[1], Bytes(size));
    let mut ratios = [const { Vec::new() }; COMMANDS.len()];
    let mut growths = [const { Vec::new() }; COMMANDS.len()];
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        record::read(&directories[1].path().join("head")).expect("the record reads");
        let reading = begun.elapsed().as_secs_f64();
        for (index, (_, arguments, code)) in COMMANDS.iter().enumerate() {
            let [few, many] = [0, 1].map(|which: usize| seconds(directories[which].path(), arguments, *code));
            ratios[index].push(many / reading);
            growths[index].push(many / few);
        }
    }
    let mut within = true;
    for (index, (what, ..)) in COMMANDS.iter().enumerate() {
        let [ratio, growth] = [&ratios[index], &growths[index]].map(|found| median(found).expect("there are rounds"));
        println!("{what:26} {ratio:.2} × reading a record, {growth:.2} × a hundred variants");
        within &= ratio <= LIMIT && growth <= LIMIT_GROWTH;
    }
    assert!(within, "more than {LIMIT} × reading a record, or {LIMIT_GROWTH} × a hundred variants");
}
