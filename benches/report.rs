//! Every output of a report of a thousand variants, in process.
//!
//! `cargo bench --bench report` makes a record of 1,000 variants and 20 rounds of two scenarios, each variant with packages,
//! a tree of files, published figures and a start-up as a real one has, and writes all files of a report, seven times. It
//! prints how long each kind takes and how large it is. It fails where all of them take longer than ten times what it takes
//! to read the record (the median of the rounds' ratios), or where the page is larger than 5 MB.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "a benchmark prints, and fails by panicking")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use tonnage::testing::analyse::statistics::median;
use tonnage::testing::fixture;
use tonnage::testing::record::{self, Record, Scenario};
use tonnage::testing::report::{self, Style};
use tonnage::testing::units::Bytes;

const VARIANTS: usize = 1_000;
const ROUNDS: u32 = 20;
/// How often everything is written.
const REPEATS: usize = 7;
/// Largest ratio of the time of all outputs to that of reading the record.
const LIMIT: f64 = 10.0;
/// What a page may weigh, in bytes.
const LIMIT_PAGE: usize = 5_000_000;

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

/// The wall time of some work in seconds, and how many bytes it made.
fn timed<T>(work: impl FnOnce() -> T, bytes: impl FnOnce(&T) -> usize) -> (f64, usize) {
    let begun = Instant::now();
    let made = work();
    (begun.elapsed().as_secs_f64(), bytes(&made))
}

fn size_of(file: &Path) -> usize {
    usize::try_from(std::fs::metadata(file).expect("a file that was written").len()).expect("a size")
}

/// What there is to time: reading the record first, then all outputs, then what `all files` consists of.
const PARTS: [&str; 8] = [
    "reading the record",
    "all files",
    "terminal",
    "json",
    "block for a README",
    "  of the files: Markdown",
    "  of the files: the page",
    "  of the files: charts",
];
/// How many of them are outputs, after the first.
const OUTPUTS: usize = 4;

fn round(directory: &Path, record: &Record) -> [(f64, usize); PARTS.len()] {
    let sum = |files: &Vec<PathBuf>| files.iter().map(|file| size_of(file)).sum();
    let style = Style { colour: true, width: Some(120) };
    [
        timed(|| record::read(directory).expect("a record"), |_| size_of(&directory.join(record::FILE))),
        timed(|| report::write_all(record, &[], directory).expect("a report"), sum),
        timed(|| report::terminal(record, style), String::len),
        timed(|| report::json(record), String::len),
        timed(|| report::block(record, "charts"), String::len),
        timed(|| report::markdown(record), String::len),
        timed(|| report::html(record).expect("a page"), String::len),
        timed(
            || report::charts(record).expect("charts"),
            |charts| charts.iter().map(|chart| chart.svg.len() + chart.png.len()).sum(),
        ),
    ]
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    median(&values.collect::<Vec<_>>()).expect("there are rounds")
}

fn main() {
    let record = many();
    println!("{VARIANTS} variants, {ROUNDS} rounds, {} samples; medians of {REPEATS}", record.samples.len());
    let directory = tempfile::tempdir().expect("a temporary directory");
    record::write(directory.path(), &record).expect("a record");
    let rounds: Vec<_> = (0..REPEATS).map(|_| round(directory.path(), &record)).collect();
    for (index, what) in PARTS.iter().enumerate() {
        let seconds = middle(rounds.iter().map(|round| round[index].0));
        println!("{what:24} {seconds:.3} s  {}", Bytes(rounds[0][index].1 as u64));
    }
    let outputs = |round: &[(f64, usize)]| round[1..=OUTPUTS].iter().map(|(seconds, _)| seconds).sum::<f64>();
    let ratio = middle(rounds.iter().map(|round| outputs(round) / round[0].0));
    println!("all outputs ÷ reading the record: {ratio:.2} (at most {LIMIT})");
    let page = size_of(&directory.path().join("report.html"));
    println!("report.html: {page} bytes (at most {LIMIT_PAGE})");
    assert!(ratio <= LIMIT, "all outputs took {ratio:.2} times what reading the record takes, more than {LIMIT}");
    assert!(page <= LIMIT_PAGE, "the page has {page} bytes, more than {LIMIT_PAGE}");
}
