//! `tonnage report --export`: every file by its name, and every option of charts, for runs and for weighings.

use tonnage::testing::fixture;
use tonnage::testing::record;

use crate::sandbox::Sandbox;

/// A sandbox with a record in `run`, and with three weighed images of it in `weighed.json`.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let record = fixture::record();
    record::write(&sandbox.path("run"), &record).unwrap();
    let images = record.variants.iter().take(3).map(|image| {
        let mut target = serde_json::to_value(image).unwrap();
        target["target"] = target["name"].clone();
        target
    });
    let weighed = serde_json::json!({
        "format_version": "1.0",
        "metrics_version": record.metrics_version,
        "targets": images.collect::<Vec<_>>(),
    });
    sandbox.write("weighed.json", &weighed.to_string());
    sandbox
}

/// Exports one file and gives it.
fn exported(sandbox: &Sandbox, of: &str, file: &str, options: &[&str]) -> Vec<u8> {
    sandbox.run(&[&["report", of, "--export", file], options].concat()).expect(0);
    std::fs::read(sandbox.path(file)).unwrap()
}

fn svg(sandbox: &Sandbox, of: &str, options: &[&str]) -> String {
    String::from_utf8(exported(sandbox, of, "any.svg", &[&["--chart", "sizes"], options].concat())).unwrap()
}

#[test]
fn a_file_is_what_its_name_says() {
    let sandbox = sandbox();
    for (of, file, begins) in [
        ("run", "a.md", "# "),
        ("run", "a.html", "<!DOCTYPE html>"),
        ("run", "a.json", "{"),
        ("run", "sizes.csv", "name,"),
        ("run", "samples.csv", "step,"),
        ("run", "layers.csv", "variant,"),
        ("run", "sizes.svg", "<svg "),
        ("run", "build-time.svg", "<svg "),
        ("run", "start-up.png", "\u{89}PNG"),
        ("weighed.json", "w.md", "| Image"),
        ("weighed.json", "w.html", "<!DOCTYPE html>"),
        ("weighed.json", "w.json", "{"),
        ("weighed.json", "sizes.svg", "<svg "),
        ("weighed.json", "sizes.png", "\u{89}PNG"),
    ] {
        let content = exported(&sandbox, of, file, &[]);
        let begin: String = content.iter().take(40).map(|byte| char::from(*byte)).collect();
        assert!(begin.contains(begins), "{of} {file}: {begin}");
    }
    let sandbox = self::sandbox();
    for (of, file, code, said) in [
        ("run", "picture.svg", 2, "cannot infer the format of `picture.svg`"),
        ("run", "a.txt", 2, "cannot infer"),
        ("weighed.json", "picture.png", 2, "cannot infer"),
        ("weighed.json", "sizes.csv", 2, "cannot infer"),
        ("weighed.json", "build-time.svg", 7, "there are no figures for the chart `build-time`"),
    ] {
        let ran = sandbox.run(&["report", of, "--export", file]).expect(code);
        assert!(ran.stderr.contains(said), "{of} {file}: {}", ran.stderr);
        assert!(!sandbox.path(file).exists(), "{file}");
    }
}

#[test]
fn title_width_theme_and_choice_change_the_chart_of_runs_and_of_weighings() {
    let sandbox = sandbox();
    for of in ["run", "weighed.json"] {
        let plain = svg(&sandbox, of, &[]);
        assert!(plain.contains("width=\"830\"") && plain.contains("prefers-color-scheme: dark"), "{of}");
        assert!(plain.contains("python3.9-alpine") && plain.contains("896 MB"), "{of}");
        let titled = svg(&sandbox, of, &["--title", "Our <images>"]);
        assert!(titled.contains(">Our &lt;images&gt;<"), "{of}: {titled}");
        let wide = svg(&sandbox, of, &["--width", "1200"]);
        assert!(wide.contains("width=\"1200\""), "{of}");
        let light = svg(&sandbox, of, &["--theme", "light"]);
        assert!(!light.contains("prefers-color-scheme") && light.contains("fill=\"#FFFFFF\""), "{of}");
        let dark = svg(&sandbox, of, &["--theme", "dark"]);
        assert!(!dark.contains("prefers-color-scheme") && dark.contains("fill=\"#0D1117\""), "{of}");
        let bare = svg(&sandbox, of, &["--theme", "transparent"]);
        let has_card = |svg: &str| svg.lines().any(|line| line.starts_with("<rect") && line.contains("#FFFFFF"));
        assert!(has_card(&plain) && !has_card(&bare) && bare.contains("prefers-color-scheme"), "{of}");
        let some = svg(&sandbox, of, &["--only", "python3.9,python3.9-slim"]);
        assert!(some.contains("python3.9-slim") && !some.contains("python3.9-alpine"), "{of}");
        let ran = sandbox.run(&["report", of, "--export", "sizes.svg", "--only", "nobody"]).expect(2);
        assert!(ran.stderr.contains("there is no variant `nobody`") && ran.stderr.contains("`python3.9-slim`"), "{of}");
        let png = exported(&sandbox, of, "wide.png", &["--chart", "sizes", "--width", "500"]);
        let width = u32::from_be_bytes(png[16..20].try_into().unwrap());
        assert_eq!(width, 1000, "{of}: a PNG has twice as many pixels");
    }
}

#[test]
fn scenarios_choose_the_panels_of_the_chart_of_build_times() {
    let sandbox = sandbox();
    let of = |options: &[&str]| String::from_utf8(exported(&sandbox, "run", "build-time.svg", options)).unwrap();
    let panels = |svg: &str| {
        let all = ["cold", "warm", "touch", "src", "deps"];
        all.into_iter().filter(|word| svg.contains(&format!(">{word}<"))).collect::<Vec<_>>()
    };
    assert_eq!(panels(&of(&[])), ["cold", "src"]);
    assert_eq!(panels(&of(&["--scenarios", "warm,deps"])), ["warm", "deps"]);
    sandbox.run(&["report", "run", "--export", "build-time.svg", "--scenarios", "never"]).expect(2);
    sandbox.run(&["report", "run", "--width", "500"]).expect(2);
}

#[test]
fn a_page_of_several_images_begins_with_their_chart() {
    let sandbox = sandbox();
    let page = String::from_utf8(exported(&sandbox, "weighed.json", "page.html", &[])).unwrap();
    let (chart, table) = (page.find("<svg ").unwrap(), page.find("<table").unwrap());
    assert!(chart < table && page.contains("python3.9-alpine is 15.8× smaller than python3.9"), "{chart} {table}");
}
