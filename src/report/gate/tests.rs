//! What each output says, and that hostile names break none of them.

use std::path::Path;

use strum::IntoEnumIterator as _;

use super::*;
use crate::gate::{Accepting, Budgets, Input, accept, judge};
use crate::record::{Package, PackageManager, Record};
use crate::suite::Document;
use crate::testing::fixture;
use crate::units::Bytes;

/// The slim variant 2 MB larger by a package, in a suite with a limit of 1 MB of growth.
pub(super) fn grown(record: &mut Record) {
    let variant = &mut record.variants[1];
    variant.layers[7].size_bytes += Bytes(2_000_000);
    variant.layers[7].diff_id = "sha256:other".into();
    variant.sizes.as_mut().unwrap().size_bytes += Bytes(2_000_000);
    variant.packages.push(Package {
        manager: PackageManager::Python,
        name: "numpy".into(),
        version: "1.21.0".into(),
        size_bytes: Bytes(1_900_000),
        layers: vec![(7, Bytes(1_900_000))],
    });
}

fn judged(before: impl Fn(&mut Record), now: impl Fn(&mut Record)) -> (Judgement, Measured) {
    let measured = |change: &dyn Fn(&mut Record)| {
        let mut record = fixture::record();
        change(&mut record);
        Measured::of_record(record, "results/run.json", Path::new("run.json")).unwrap()
    };
    let text = "[budget]\nsize = { fail = \"+1 MB\", warn = \"900 MB\" }\n";
    let budgets = Budgets::of(&Document::parse(Path::new("tonnage.toml"), text).unwrap()).unwrap();
    let baseline = accept(&measured(&before), None, &Accepting::default()).0;
    let now = measured(&now);
    let judgement = judge(&Input {
        measured: &now,
        budgets: &budgets,
        baseline: Some((&baseline, "tonnage-baseline.json")),
        timings: &[],
        against: None,
        suite: Path::new("variants/flask-blog"),
        accept: "tonnage baseline accept results/run.json",
        accept_elsewhere: Some("tonnage run --quick && tonnage baseline accept"),
    });
    (judgement, now)
}

fn written(format: GateFormat, found: &(Judgement, Measured)) -> String {
    render_judgement(format, &found.0, &found.1, Look::default())
}

/// Names that try to be markup, commands, lines and terminal sequences.
const HOSTILE: &str = "::error::x\n::warning file=a,line=1::%0A`|<script>@all ##[error]y\u{1b}[31m\u{202e}";

pub(super) fn hostile(record: &mut Record) {
    grown(record);
    let variant = &mut record.variants[1];
    variant.packages.last_mut().unwrap().name = HOSTILE.into();
    variant.layers[7].instruction = format!("RUN {HOSTILE}");
    variant.dockerfile = "::error::a,b:c%/Dockerfile\nx".into();
}

#[test]
fn the_table_ends_with_the_verdict_and_shows_causes_that_add_up() {
    let text = written(GateFormat::Table, &judged(|_| {}, grown));
    let expected = "\
fail  python3.9-slim  125 MB → 127 MB (+2.00 MB, +1.6 %)
      why: +2.00 MB: package `numpy` added in `RUN pip install --no-cache-dir -r requirements.txt`
      fail: size grew by 2.00 MB (125 MB → 127 MB), more than +1 MB (1.00 MB)
      next: accept with the command below, or raise `size` in tonnage.toml:2

      +2,000,000 B  changed: `RUN pip install --no-cache-dir -r requirements.txt`
          +1,900,000 B  `numpy` 1.21.0 (python) added
            +100,000 B  files of no package, not listed
      +2,000,000 B  TOTAL

";
    assert!(text.starts_with("warn  python3.9  ") || text.starts_with(expected), "{text}");
    assert!(text.contains(expected), "{text}");
    assert!(
        text.ends_with(
            "\ngate failed: 1 of 8 rules – `python3.9-slim` +2.00 MB: package `numpy` added in \
             `RUN pip install --no-cache-dir -r requirements.txt`\n"
        ),
        "{text}"
    );
    assert_eq!(text.matches("tonnage baseline accept results/run.json").count(), 1, "{text}");
    let passed = written(GateFormat::Table, &judged(|_| {}, |_| {}));
    assert!(passed.contains("pass  python3.9-slim  125 MB, unchanged, 1.00 MB left of +1 MB\n"), "{passed}");
    assert!(passed.ends_with("gate passed: 8 rules on 4 variants\n"), "{passed}");
    let coloured = log(&judged(|_| {}, grown).0, Look { colour: true, ..Look::default() });
    assert!(coloured.contains("\u{1b}[31mfail\u{1b}[0m"));
}

#[test]
fn json_has_the_fields_that_are_promised() {
    let value: serde_json::Value = serde_json::from_str(&written(GateFormat::Json, &judged(|_| {}, grown))).unwrap();
    assert_eq!(value["verdict"], "fail");
    assert_eq!(value["exit_code"], 1);
    let rule = value["rules"].as_array().unwrap().iter().find(|rule| rule["verdict"] == "fail").unwrap();
    assert_eq!(rule["variant"], "python3.9-slim");
    assert_eq!(rule["metric"], "size");
    assert_eq!(rule["kind"], "baseline");
    assert_eq!(rule["limit"], "+1 MB");
    assert_eq!(rule["actual"], 127_436_559);
    assert!(rule["message"].as_str().unwrap().contains("grew by"));
    let slim = &value["variants"][1];
    assert_eq!(slim["difference"]["delta_bytes"], 2_000_000);
    assert_eq!(slim["difference"]["groups"][0]["causes"][0]["kind"], "package_added");
    assert_eq!(slim["difference"]["groups"][0]["causes"][0]["name"], "numpy");
}

#[test]
fn markdown_is_a_comment_that_can_be_found_again() {
    let text = written(GateFormat::Markdown, &judged(|_| {}, grown));
    assert!(
        text.starts_with(
            "<!-- tonnage-check flaskblog -->\n### Image size: gate failed\n\n**gate failed: 1 of 8 rules"
        )
    );
    assert!(
        text.contains("| `python3.9-slim` | 125 MB → 127 MB | +2.00 MB | +1.6 % | +1 MB | -1.00 MB | **fail** |"),
        "{text}"
    );
    assert!(text.contains("<summary>3 variants without a change</summary>"), "{text}");
    assert!(text.contains("| **+2,000,000 B** | **TOTAL** |"), "{text}");
    assert!(text.contains("To accept what grew: `tonnage baseline accept results/run.json`"), "{text}");
    assert!(text.contains("raise `size` in `") || text.contains("raise `size` in tonnage.toml:2"), "{text}");
}

#[test]
fn markdown_of_a_thousand_variants_stays_below_githubs_limit() {
    let many = |record: &mut Record| {
        let variant = record.variants[1].clone();
        record.variants = (0..1_000)
            .map(|number| {
                let mut variant = variant.clone();
                variant.name = format!("variant-{number:04}-{}", "x".repeat(150));
                variant
            })
            .collect();
        record.samples.clear();
    };
    let all_grown = |record: &mut Record| {
        many(record);
        for variant in &mut record.variants {
            variant.sizes.as_mut().unwrap().size_bytes += Bytes(5_000_000);
            variant.layers[7].size_bytes += Bytes(5_000_000);
            variant.layers[7].diff_id = "sha256:x".into();
            variant.layers[7].instruction = format!("RUN {}", "|".repeat(500));
        }
    };
    for found in [judged(many, all_grown), judged(many, many)] {
        let text = written(GateFormat::Markdown, &found);
        assert!(text.len() <= MARKDOWN_LIMIT, "{} bytes", text.len());
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
        assert!(text.contains("others\\]"));
        assert!(text.contains("To accept what grew"));
    }
    let annotations = written(GateFormat::Github, &judged(many, all_grown));
    assert!(annotations.lines().count() <= 21, "{annotations}");
}

#[test]
fn hostile_names_break_no_output() {
    let found = judged(|_| {}, hostile);
    for format in GateFormat::iter() {
        let text = written(format, &found);
        assert!(!text.contains('\u{1b}'), "{format}: {text}");
        // JSON is for programs: it escapes what is a control character to JSON.
        assert!(format == GateFormat::Json || !text.contains('\u{202e}'), "{format}: {text}");
        if !matches!(format, GateFormat::Github) {
            for line in text.lines() {
                assert!(!line.trim_start().starts_with("::"), "{format}: {line}");
            }
        }
    }
    let markdown = written(GateFormat::Markdown, &found);
    for line in markdown.lines().filter(|line| line.starts_with('|')) {
        // Cells: unescaped bars, whatever stands in code.
        let bars = line.replace("\\|", "").matches('|').count();
        assert!([3, 5, 8].contains(&bars), "{line}");
    }
    assert!(!written(GateFormat::Table, &found).contains("##["));
}

#[test]
fn a_file_named_like_a_command_is_a_property_and_nothing_else() {
    let text = written(GateFormat::Github, &judged(|_| {}, hostile));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    let (properties, data) = lines[0].strip_prefix("::error ").unwrap().split_once("::").unwrap();
    let properties: Vec<(&str, &str)> = properties.split(',').map(|one| one.split_once('=').unwrap()).collect();
    assert_eq!(
        properties,
        [
            ("file", "variants/flask-blog/%3A%3Aerror%3A%3Aa%2Cb%3Ac%25/Dockerfile%0Ax"),
            ("line", "1"),
            ("title", "python3.9-slim"),
        ]
    );
    assert!(data.contains("more than +1 MB"), "{data}");
    assert!(lines[1].starts_with("::error title=tonnage::gate failed"), "{}", lines[1]);
}

#[test]
fn annotations_point_at_the_line_and_stay_silent_about_what_passes() {
    let text = written(GateFormat::Github, &judged(|_| {}, grown));
    assert!(text.starts_with(
        "::error file=variants/flask-blog/python3.9-slim/Dockerfile,line=4,title=python3.9-slim::+2.00 MB: "
    ));
    let passed = written(GateFormat::Github, &judged(|_| {}, |_| {}));
    assert_eq!(passed, "::notice title=tonnage::gate passed: 8 rules on 4 variants\n");
}

/// The elements and attributes of the JUnit schema that Jenkins and GitLab read, checked by hand: names, counts that
/// agree, and no character that XML forbids.
#[test]
fn junit_is_of_the_common_schema_and_its_counts_agree() {
    let found = judged(|_| {}, hostile);
    let text = written(GateFormat::Junit, &found);
    assert!(text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..)), "a control character");
    let number = |tag: &str, key: &str| -> usize {
        let at = tag.find(&format!(" {key}=\"")).unwrap_or_else(|| panic!("{key} in {tag}")) + key.len() + 3;
        tag[at..].split('"').next().unwrap().parse().unwrap()
    };
    let tags: Vec<&str> = text.split('<').filter_map(|part| part.split('>').next()).collect();
    let of = |name: &str| -> Vec<&str> {
        tags.iter().copied().filter(|tag| tag.split([' ', '/']).next() == Some(name)).collect()
    };
    let names: std::collections::BTreeSet<&str> =
        tags.iter().filter_map(|tag| tag.trim_start_matches('/').split([' ', '/']).next()).collect();
    for name in &names {
        let known = [
            "",
            "?xml",
            "testsuites",
            "testsuite",
            "properties",
            "testcase",
            "failure",
            "error",
            "skipped",
            "system-out",
            "system-err",
        ];
        assert!(known.contains(name), "{name}");
    }
    assert_eq!(of("testsuite").len(), 4);
    assert_eq!(of("testcase").len(), found.0.rules.len());
    let sum = |key: &str| of("testsuite").iter().map(|tag| number(tag, key)).sum::<usize>();
    assert_eq!(sum("tests"), found.0.rules.len());
    assert_eq!(sum("failures"), of("failure").len());
    assert_eq!(of("failure").len(), 1);
    assert!(of("testcase").iter().all(|tag| tag.contains(" name=\"") && tag.contains(" classname=\"")));
}

#[test]
fn formats_are_read_by_their_word() {
    for format in GateFormat::iter() {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    assert!("xml".parse::<GateFormat>().is_err());
}

#[test]
fn code_scanning_and_gitlab_see_failed_rules_and_findings_at_lines_of_dockerfiles() {
    let found = judged(|_| {}, grown);
    let sarif: serde_json::Value = serde_json::from_str(&written(GateFormat::Sarif, &found)).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let failed: Vec<_> = results.iter().filter(|result| result["level"] == "error").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["ruleId"], "tonnage/size");
    let place = &failed[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "variants/flask-blog/python3.9-slim/Dockerfile");
    assert_eq!(place["region"]["startLine"], 4);
    let text = failed[0]["message"]["text"].as_str().unwrap();
    assert!(text.starts_with("`python3.9-slim`: size grew by 2.00 MB"), "{text}");
    let roots = results.iter().filter(|result| result["ruleId"] == "tonnage/runs-as-root");
    assert_eq!(roots.count(), 4);

    let list: serde_json::Value = serde_json::from_str(&written(GateFormat::Codequality, &found)).unwrap();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), results.len());
    let failed: Vec<_> = list.iter().filter(|entry| entry["severity"] == "critical").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["check_name"], "tonnage/size");
    assert_eq!(failed[0]["location"]["lines"]["begin"], 4);
}

#[test]
fn an_issue_keeps_its_fingerprint_when_its_bytes_and_lines_change() {
    let prints = |found: &(Judgement, Measured)| -> Vec<String> {
        let list: serde_json::Value = serde_json::from_str(&written(GateFormat::Codequality, found)).unwrap();
        let entries = list.as_array().unwrap().iter();
        entries.map(|entry| entry["fingerprint"].as_str().unwrap().to_owned()).collect()
    };
    let now = prints(&judged(|_| {}, grown));
    let later = prints(&judged(
        |_| {},
        |record| {
            grown(record);
            for variant in &mut record.variants {
                variant.instructions.iter_mut().for_each(|instruction| instruction.line += 3);
            }
            let sizes = record.variants[1].sizes.as_mut().unwrap();
            sizes.size_bytes += Bytes(5);
            record.variants[1].layers[7].size_bytes += Bytes(5);
        },
    ));
    assert_eq!(now, later);
    // Two equal findings are two issues.
    let twice = prints(&judged(
        |_| {},
        |record| {
            let finding = record.variants[0].findings[0].clone();
            record.variants[0].findings.push(finding);
        },
    ));
    let unique: std::collections::BTreeSet<&String> = twice.iter().collect();
    assert_eq!(unique.len(), twice.len());
}

#[test]
fn openmetrics_has_bytes_and_seconds_and_ends() {
    let text = written(GateFormat::Openmetrics, &judged(|_| {}, grown));
    assert!(text.contains("\ntonnage_image_size_bytes{variant=\"python3.9-slim\"} 127436559\n"), "{text}");
    assert!(text.contains("\ntonnage_build_seconds{variant=\"python3.9-slim\",scenario=\"cold\"} "), "{text}");
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let text = written(GateFormat::Openmetrics, &judged(|_| {}, |record| record.variants[1].name = HOSTILE.into()));
    for line in text.lines() {
        assert!(line.starts_with("# ") || line.starts_with("tonnage_"), "{line}");
        assert!(!line.contains("##[") && !line.contains('\u{1b}'), "{line}");
    }
}
