//! Every output of a report of a thousand variants, in process.
//!
//! `cargo bench --bench report` makes a record of 1,000 variants and 20 rounds of two scenarios, each variant with packages,
//! a tree of files, claims and a start-up as a real one has, writes all files of a report and prints how long each kind
//! takes and how large it is. It fails where all of them take longer than three seconds or the page is larger than 5 MB.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and fails by panicking")]

use std::path::Path;
use std::time::Instant;

use tonnage::testing::fixture;
use tonnage::testing::record::{self, Record, Scenario};
use tonnage::testing::report::{self, Style};
use tonnage::testing::units::Bytes;

const VARIANTS: usize = 1_000;
const ROUNDS: u32 = 20;
/// What a person waits for (seconds), and what a page may weigh.
const LIMIT_SECONDS: f64 = 3.0;
const LIMIT_PAGE: u64 = 5_000_000;

/// A thousand variants with cold builds and rebuilds after a source edit.
fn many() -> Record {
    let mut record = fixture::many(VARIANTS, ROUNDS);
    let made_up = fixture::record();
    let like =
        made_up.samples.iter().find(|sample| sample.scenario == Scenario::Src && !sample.discarded && sample.valid);
    let like = like.expect("the made-up record has a rebuild").clone();
    let mut rebuilds = record.samples.clone();
    for sample in &mut rebuilds {
        let (variant, round, discarded) = (sample.variant.clone(), sample.round, sample.discarded);
        let (step, wall_ns) = (sample.step + 1_000_000, sample.wall_ns);
        *sample = like.clone();
        (sample.variant, sample.round, sample.discarded, sample.step) = (variant, round, discarded, step);
        sample.wall_ns = tonnage::testing::units::Nanos(sample.wall_ns.0 + wall_ns.0 % 1_000_000);
    }
    record.samples.extend(rebuilds);
    record.settings.scenarios = vec![Scenario::Cold, Scenario::Src];
    for (index, variant) in record.variants.iter_mut().enumerate() {
        if let Some(sizes) = &mut variant.sizes {
            sizes.size_bytes.0 += index as u64 * 12_345;
        }
    }
    record
}

fn timed<T>(what: &str, seconds: &mut f64, work: impl FnOnce() -> T, size: impl FnOnce(&T) -> usize) -> T {
    let begun = Instant::now();
    let made = work();
    let wall = begun.elapsed().as_secs_f64();
    *seconds += wall;
    println!("{what:22} {wall:.3} s  {}", Bytes(size(&made) as u64));
    made
}

fn size_of(file: &Path) -> u64 {
    std::fs::metadata(file).expect("a file that was written").len()
}

fn main() {
    let record = many();
    println!("{VARIANTS} variants, {ROUNDS} rounds, {} samples", record.samples.len());
    let folder = tempfile::tempdir().expect("a temporary folder");
    record::write(folder.path(), &record).expect("a record");
    let file = size_of(&folder.path().join(record::FILE)) as usize;
    let mut seconds = 0.0;
    let record = timed("reading the record", &mut seconds, || record::read(folder.path()).expect("a record"), |_| file);
    let sum = |files: &Vec<std::path::PathBuf>| files.iter().map(|file| size_of(file) as usize).sum();
    let write = || report::write_all(&record, &[], folder.path()).expect("a report").files;
    timed("all files", &mut seconds, write, sum);
    timed(
        "terminal",
        &mut seconds,
        || report::terminal(&record, Style { colour: true, width: Some(120) }),
        String::len,
    );
    timed("json", &mut seconds, || report::json(&record), String::len);
    timed("block for a README", &mut seconds, || report::block(&record, "charts"), String::len);
    println!("{:22} {seconds:.3} s  (at most {LIMIT_SECONDS} s)", "all outputs");
    let page = size_of(&folder.path().join("report.html"));
    println!("{:22} {} bytes  (at most {LIMIT_PAGE})", "report.html", page);
    // Where the time goes, beside the limit.
    let mut parts = 0.0;
    timed("  of it Markdown", &mut parts, || report::markdown(&record), String::len);
    timed("  of it the page", &mut parts, || report::html(&record).expect("a page"), String::len);
    timed(
        "  of it charts",
        &mut parts,
        || report::charts(&record).expect("charts"),
        |charts| charts.iter().map(|chart| chart.svg.len() + chart.png.len()).sum(),
    );
    assert!(seconds <= LIMIT_SECONDS, "all outputs took {seconds:.3} s, more than {LIMIT_SECONDS} s");
    assert!(page <= LIMIT_PAGE, "the page has {page} bytes, more than {LIMIT_PAGE}");
}
