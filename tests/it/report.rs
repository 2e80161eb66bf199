//! `tonnage report` makes everything again from the record alone, to the byte, with no engine in reach.

use std::collections::BTreeMap;
use std::path::Path;

use tonnage::testing::analyse::trend::history_line;
use tonnage::testing::fixture;
use tonnage::testing::measure::Cancel;
use tonnage::testing::record::{self, Record};
use tonnage::testing::report;

use super::sandbox::Sandbox;
use super::scripted_run::{engine, measured, options};

/// Every file below the folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_report_without_an_engine_is_that_of_the_run_to_the_byte() {
    let scripted = {
        let folder = tempfile::tempdir().unwrap();
        measured(&engine(Vec::new()), &options(folder.path()), &Cancel::default()).record
    };
    let records: [(&str, Record); 4] = [
        ("scripted", scripted),
        ("plain", fixture::record()),
        ("stand-in", fixture::stand_in()),
        ("failures", fixture::with_failures()),
    ];
    for (name, record) in records {
        let sandbox = Sandbox::new();
        let run = sandbox.path("results/suite/first");
        // As `tonnage run` leaves it: the record, the history beside it, the report.
        record::write(&run, &record).unwrap();
        let mut before = record.clone();
        before.started_at = "2026-10-01T00:00:00Z".to_owned();
        before.finished_at = "2026-10-01T01:00:00Z".to_owned();
        let lines = [&before, &record].map(|run| serde_json::to_string(&history_line(run)).unwrap());
        sandbox.write("results/suite/history.jsonl", &format!("{}\n", lines.join("\n")));
        report::write_all(&record, &report::history_beside(&run).unwrap(), &run).unwrap();

        record::write(&sandbox.path("results/suite/again"), &record).unwrap();
        let nowhere = format!("unix://{}", sandbox.path("no.sock").display());
        let arguments = ["report", "results/suite/first", "--out", "results/suite/again"];
        sandbox.run_on(&nowhere, &arguments).expect(0);
        let (first, again) = (files(&run), files(&sandbox.path("results/suite/again")));
        for wanted in
            ["report.md", "report.html", "sizes.csv", "charts/sizes.svg", "charts/sizes.png", "charts/layers.svg"]
        {
            assert!(first.contains_key(wanted), "{name}: {wanted} is missing");
        }
        assert!(first.keys().filter(|file| file.starts_with("charts/trend-")).count() >= 2, "{name}: no trend");
        assert_eq!(first.keys().collect::<Vec<_>>(), again.keys().collect::<Vec<_>>(), "{name}");
        for (file, bytes) in &first {
            assert!(bytes == &again[file], "{name}: {file} differs");
        }
        // The program that prints says the same twice too.
        let printed = |format: &str| sandbox.run_on(&nowhere, &["report", "results/suite/first", "--format", format]);
        for format in ["table", "markdown", "json"] {
            assert_eq!(printed(format).expect(0).stdout, printed(format).expect(0).stdout, "{name}: {format}");
        }
        assert_eq!(printed("markdown").expect(0).stdout.as_bytes(), first["report.md"], "{name}");
    }
}
