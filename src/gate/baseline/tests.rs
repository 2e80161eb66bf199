//! What a baseline keeps, and what it notices.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;
use crate::analyse::compare::compare;
use crate::error::Diagnose;
use crate::exit::Exit;
use crate::gate::GateError;
use crate::gate::measured::Measured;
use crate::record::{Package, PackageManager, PathSize};
use crate::testing::fixture;
use crate::units::Bytes;

fn measured() -> Measured {
    Measured::of_record(fixture::record(), "run.json", Path::new("run.json")).unwrap()
}

fn accepted(measured: &Measured) -> Baseline {
    accept(measured, None, &Accepting { reason: "first".into(), ..Accepting::default() }).0
}

fn parsed(text: &str) -> Result<Baseline, GateError> {
    Baseline::parse(text, Path::new("tonnage-baseline.json"))
}

#[test]
fn it_reads_back_as_it_was_written_and_explains_growth_like_the_record() {
    let mut before = measured();
    // A list of paths that is complete, so that cutting it off shows.
    before.variants[1].paths.retain(|path| path.package.is_empty());
    let baseline = accepted(&before);
    let again = parsed(&baseline.to_text()).unwrap();
    assert_eq!(again, baseline);
    let mut now = measured().variants.swap_remove(1);
    now.layers[7].diff_id = "sha256:other".into();
    now.layers[7].size_bytes = Bytes(now.layers[7].size_bytes.0 + 12_345);
    now.sizes.as_mut().unwrap().size_bytes = Bytes(now.sizes.as_ref().unwrap().size_bytes.0 + 12_345);
    let werkzeug = now.packages.iter_mut().find(|package| package.name == "Werkzeug").unwrap();
    werkzeug.version = "2.0.3".into();
    werkzeug.layers[0].1 = Bytes(werkzeug.layers[0].1.0 + 12_345);
    assert_eq!(compare(&again.entries["python3.9-slim"].variant, &now), compare(&before.variants[1], &now),);
}

#[test]
fn one_line_an_entry_sorted_and_the_same_text_twice() {
    let mut measured = measured();
    let text = accepted(&measured).to_text();
    measured.variants.reverse();
    measured.variants[2].packages.reverse();
    assert_eq!(accepted(&measured).to_text(), text);
    let flask: Vec<&str> = text.lines().filter(|line| line.contains("\"Flask\"")).collect();
    assert_eq!(
        flask[0],
        r#"        {"manager":"python","name":"Flask","version":"1.1.1","size_bytes":540118,"layers":[[10,540118]]},"#
    );
    assert_eq!(flask.len(), 4);
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
}

#[test]
fn an_upgrade_changes_only_the_lines_it_is_about() {
    let text = accepted(&measured()).to_text();
    let mut next = measured();
    next.variants[0].packages[4].version = "2.0.3".into();
    let next = accepted(&next).to_text();
    let differing: Vec<(&str, &str)> = text.lines().zip(next.lines()).filter(|(a, b)| a != b).collect();
    assert_eq!(differing.len(), 2, "{differing:?}");
    assert!(differing[0].0.contains("\"digest\""));
    assert!(differing[1].1.contains("2.0.3"));
}

#[test]
fn an_edit_by_hand_is_noticed_and_line_ends_are_not_one() {
    let text = accepted(&measured()).to_text();
    assert!(parsed(&text.replace('\n', "\r\n")).is_ok());
    for (from, to, problem) in [
        ("\"size_bytes\":540118", "\"size_bytes\":540117", "digest"),
        ("\"suite\": \"flask-blog\"", "\"suite\": \"other\"", "digest"),
        ("\"digest\": \"sha256:", "\"digest\": \"sha256:0", "digest"),
    ] {
        let error = parsed(&text.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().contains(problem), "{from}: {error}");
        assert_eq!(error.exit(), Exit::Unreadable);
    }
    let conflict = text.replacen("  \"variants\"", "\n<<<<<<< HEAD\n  \"variants\"", 1);
    assert!(parsed(&conflict).unwrap_err().to_string().contains("merge conflicts"));
    let newer = text.replacen("\"baseline_version\": \"1.0\"", "\"baseline_version\": \"2.0\"", 1);
    assert!(matches!(parsed(&newer), Err(GateError::Newer { .. })));
    assert!(matches!(parsed("{}"), Err(GateError::Malformed { .. })));
}

#[test]
fn sums_are_checked_without_any_image() {
    let mut baseline = accepted(&measured());
    assert!(baseline.problems().is_empty());
    let entry = baseline.entries.get_mut("python3.9").unwrap();
    entry.variant.layers[0].size_bytes = Bytes(1);
    entry.variant.packages[0].layers = vec![(99, Bytes(1))];
    assert_eq!(baseline.problems().len(), 2);
    assert!(parsed(&baseline.to_text()).unwrap_err().to_string().contains("add up to"));
}

#[test]
fn accepting_adds_updates_removes_and_keeps() {
    let mut first = measured();
    first.variants.truncate(2);
    let before = accepted(&first);
    let mut second = measured();
    second.variants.remove(0);
    let grown = second.variants[0].sizes.as_mut().unwrap();
    let was = grown.size_bytes;
    grown.size_bytes = Bytes(was.0 + 5);
    second.variants[0].layers[0].size_bytes += Bytes(5);
    second.variants[2].sizes = None;

    let (all, changes) = accept(&second, Some(&before), &Accepting { reason: "why".into(), ..Accepting::default() });
    assert!(matches!(changes["python3.9"], Change::Removed(_)));
    assert_eq!(changes["python3.9-slim"], Change::Updated(was, Bytes(was.0 + 5)));
    assert!(matches!(changes["python3.9-alpine"], Change::Added(_)));
    assert_eq!(changes["python3.9-alpine-multistage"], Change::NoImage);
    assert_eq!(all.entries.len(), 2);
    assert_eq!(all.entries["python3.9-slim"].accepted.reason, "why");
    assert_eq!(all.entries["python3.9-slim"].accepted.by.image_store, "graphdriver");

    let only = Some(BTreeSet::from(["python3.9-alpine".to_owned()]));
    let (some, changes) = accept(&second, Some(&before), &Accepting { only, ..Accepting::default() });
    assert_eq!(changes.len(), 1);
    assert_eq!(some.entries["python3.9-slim"], before.entries["python3.9-slim"]);
    assert!(some.entries.contains_key("python3.9"));
}

#[test]
fn the_baseline_of_a_suite_like_the_blogs_is_small() {
    let mut measured = measured();
    for (index, variant) in measured.variants.iter_mut().enumerate() {
        // As many packages and paths as the images of the blog have, with long names and instructions.
        let packages = [440, 110, 45, 45][index];
        variant.packages = (0..packages)
            .map(|number| Package {
                manager: PackageManager::Dpkg,
                name: format!("libx11-and-more-dev{number}"),
                version: "1:2.36.1-8+deb11u1".into(),
                size_bytes: Bytes(1_234_567 + number),
                layers: vec![(3, Bytes(1_234_567 + number))],
            })
            .collect();
        variant.paths = (0..300)
            .map(|number| PathSize {
                path: format!("/usr/local/lib/python3.9/site-packages/some/folder/module_{number}.cpython-39.so"),
                size_bytes: Bytes(100_000 + number),
                layer: 4,
                package: String::new(),
            })
            .collect();
        for layer in variant.layers.iter_mut().filter(|layer| layer.origin == crate::record::LayerOrigin::Base) {
            layer.instruction = format!("RUN {}", "set -eux; apt-get update; ".repeat(100));
        }
    }
    let text = accepted(&measured).to_text();
    assert!(text.len() < 200_000, "{} bytes", text.len());
}

#[test]
fn hostile_names_stay_inside_their_line() {
    let mut measured = measured();
    measured.variants[0].packages[0].name = "a\n  \"digest\": \"sha256:0\"\r\u{1b}[31m\u{2028}".into();
    measured.variants[0].name = "evil\"}\n".into();
    let text = accepted(&measured).to_text();
    let again = parsed(&text).unwrap();
    assert!(again.entries.contains_key("evil\"}\n"));
    assert_eq!(text.lines().filter(|line| line.starts_with("  \"digest\"")).count(), 1);
}
