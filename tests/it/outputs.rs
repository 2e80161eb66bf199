//! What the gate writes, read by the programs that it is written for: GitHub's Markdown, JUnit's schema, workflow
//! commands. Names in it are as hostile as an image can make them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::Command;

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};
use tonnage::testing::fixture;
use tonnage::testing::record::{self, Package, PackageManager, PathSize, Record};
use tonnage::testing::units::Bytes;

use crate::sandbox::Sandbox;

/// Names that are markup, links, mentions, commands, lines, cells and terminal sequences.
const HOSTILE: &[&str] = &[
    "::error::x",
    "::error file=a,line=1::%0A::stop-commands::t",
    "##[error]x",
    "x\n::error::y\n",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details></summary>",
    "<!-- x",
    "-->",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "https://evil.example/",
    "www.evil.example",
    "mail@evil.example",
    "@org/team",
    "#123",
    "**bold** _it_ ~~gone~~ $x$",
    "a|b|c",
    "`code`",
    "``` \n# heading",
    "\n\n# heading\n\n- list",
    "&lt;b&gt; &#60;b&#62;",
    "\u{1b}[31mred\u{1b}[0m\u{202e}",
    "<![CDATA[x]]>",
    "]]></system-out>",
    "\u{fffe}\u{ffff}\u{0}",
    " ",
    "",
    "\\",
    "\\|",
];

/// A record in which every name that an image or a suite can give is hostile, and larger than the made-up one.
fn hostile() -> Record {
    let mut record = fixture::record();
    let number = HOSTILE.len() as u64;
    let slim = &mut record.variants[1];
    slim.layers[7].size_bytes += Bytes(20_000 * number);
    "sha256:other".clone_into(&mut slim.layers[7].diff_id);
    let sizes = slim.sizes.as_mut().unwrap();
    sizes.size_bytes += Bytes(20_000 * number);
    sizes.own_bytes += Bytes(20_000 * number);
    for (name, bytes) in HOSTILE.iter().zip(1..) {
        slim.packages.push(Package {
            manager: PackageManager::Python,
            name: (*name).into(),
            version: (*name).into(),
            size_bytes: Bytes(10_000 - bytes),
            layers: vec![(7, Bytes(10_000 - bytes))],
        });
        slim.paths.push(PathSize {
            path: format!("/{name}"),
            size_bytes: Bytes(9_000 - bytes),
            layer: 7,
            package: String::new(),
        });
    }
    slim.layers[7].instruction = format!("RUN {}", HOSTILE.concat());
    slim.dockerfile = HOSTILE[1].into();
    // One variant for each name, all of them grown.
    let like = record.variants[1].clone();
    for name in HOSTILE {
        let mut variant = like.clone();
        (*name).clone_into(&mut variant.name);
        variant.dockerfile = format!("{name}/Dockerfile");
        variant.layers[7].instruction = format!("RUN {name}");
        variant.user = (*name).into();
        record.variants.push(variant);
    }
    record
}

/// A sandbox with the hostile record in `head/`, a baseline in which the same variants are smaller, and budgets that
/// fail in every way.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let budget =
        "[suite]\nname = \"s\"\n[budget]\nsize = [\"+1 kB\", \"1 MB\"]\nroot = false\nserve = true\nlayers = 1\n";
    sandbox.write("tonnage.toml", budget);
    let mut base = fixture::record();
    let slim = base.variants[1].clone();
    for name in HOSTILE {
        let mut variant = slim.clone();
        (*name).clone_into(&mut variant.name);
        base.variants.push(variant);
    }
    record::write(&sandbox.path("base"), &base).unwrap();
    record::write(&sandbox.path("head"), &hostile()).unwrap();
    sandbox.run(&["baseline", "accept", "base", "--reason", &HOSTILE.concat().replace('\0', "")]).expect(0);
    sandbox
}

/// What cmark-gfm's grammar makes of a text: HTML that is passed through, links and images, and kinds of blocks.
fn rendered(markdown: &str) -> (BTreeSet<String>, usize, Vec<usize>) {
    let arena = Arena::new();
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    let (mut html, mut links, mut columns) = (BTreeSet::new(), 0, Vec::new());
    for node in parse_document(&arena, markdown, &options).descendants() {
        match &node.data.borrow().value {
            NodeValue::HtmlBlock(block) => {
                html.extend(block.literal.lines().filter(|line| !line.is_empty()).map(str::to_owned));
            }
            NodeValue::HtmlInline(text) => {
                html.insert(text.clone());
            }
            NodeValue::Link(_) | NodeValue::Image(_) => links += 1,
            NodeValue::TableRow(_) => columns.push(node.children().count()),
            NodeValue::Heading(heading) => assert!(heading.level >= 3, "a heading from a name"),
            NodeValue::Strong | NodeValue::Emph | NodeValue::Strikethrough => {
                let words: String =
                    node.descendants().filter_map(|n| n.data.borrow().value.text().map(str::to_owned)).collect();
                assert!(!["bold", "it", "gone"].contains(&words.as_str()), "markup from a name: {words}");
            }
            _ => {}
        }
    }
    (html, links, columns)
}

#[test]
fn markdown_with_hostile_names_renders_without_html_links_or_cells_of_theirs() {
    let sandbox = sandbox();
    for (arguments, code) in [(&["check", "head"][..], 1), (&["compare", "base", "head"], 0)] {
        let arguments = [arguments, &["--format", "markdown", "--top", "100"]].concat();
        let text = sandbox.run(&arguments).expect(code).stdout;
        let (html, links, columns) = rendered(&text);
        for line in &html {
            let ours = line.starts_with("<details><summary>") && line.ends_with("</summary>")
                || line == "</details>"
                // Code in a cell that has a backslash before a bar.
                || line == "<code>"
                || line == "</code>"
                || line == "<!-- tonnage-check flaskblog -->";
            assert!(ours, "HTML from a name: {line}");
            assert_eq!(line.matches('<').count(), line.matches('>').count(), "{line}");
        }
        assert_eq!(links, 0, "a link from a name in\n{text}");
        assert!(columns.len() > 50 && columns.iter().all(|count| [2, 4, 7].contains(count)), "{columns:?}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    }
}

#[test]
#[ignore = "needs xmllint"]
fn junit_validates_against_the_common_schema() {
    let sandbox = sandbox();
    sandbox.run(&["check", "head", "--output", "junit=hostile.xml"]).expect(1);
    sandbox.run(&["check", "base", "--output", "junit=plain.xml"]).expect(1);
    sandbox.write("none.toml", "[budget]\nsize = \"+1 kB\"\n");
    sandbox
        .run(&["check", "head", "--suite", "none.toml", "--baseline", "base", "--output", "junit=other.xml"])
        .expect(1);
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/junit/both.xsd");
    for file in ["hostile.xml", "plain.xml", "other.xml"] {
        let output = Command::new("xmllint").args(["--noout", "--schema", schema]).arg(sandbox.path(file)).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // The schema says no where it should.
    let broken = sandbox.read("plain.xml").replacen(" hostname=\"localhost\"", "", 1);
    sandbox.write("broken.xml", &broken);
    let output = Command::new("xmllint").args(["--noout", "--schema", schema]).arg(sandbox.path("broken.xml")).output();
    assert!(!output.unwrap().status.success());
}

#[test]
#[ignore = "needs packages from PyPI"]
fn reports_for_code_scanning_and_gitlab_are_read_by_their_own_schemas_and_parsers() {
    let sandbox = sandbox();
    sandbox.write("files/.keep", "");
    for (name, record) in [("hostile", "head"), ("plain", "base")] {
        let output = |format: &str| format!("{format}=files/{name}.{format}");
        let outputs = ["sarif", "codequality", "openmetrics"].map(output);
        let [sarif, codequality, openmetrics] = &outputs;
        sandbox.run(&["check", record, "--output", sarif, "--output", codequality, "--output", openmetrics]).expect(1);
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/formats/run.sh");
    let output = Command::new(script).arg(sandbox.path("files")).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(75) {
        // Past the test harness, which hides what a test that passes says.
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return;
    }
    assert!(output.status.success(), "{said}");
}

/// How the runner of GitHub Actions reads a line: `::command properties::data`, whatever blanks stand before, and
/// `##[command]data` anywhere (actions/runner, `ActionCommand.cs`).
fn command(line: &str) -> Option<&str> {
    let trimmed = line.trim_start();
    if let Some(rest) = trimmed.strip_prefix("::") {
        return rest.split_once("::").map(|(command, _)| command.split(' ').next().unwrap_or_default());
    }
    line.contains("##[").then_some("##[")
}

#[test]
fn a_workflow_sees_our_annotations_and_no_others_in_any_output() {
    let sandbox = sandbox();
    let formats = ["github", "table", "json", "markdown", "junit", "bmf", "benchmark", "hyperfine"];
    for format in formats.into_iter().chain(["sarif", "codequality", "openmetrics"]) {
        let ran = sandbox.run(&["check", "head", "--format", format, "--top", "100"]).expect(1);
        let found: BTreeSet<&str> = ran.stdout.lines().chain(ran.stderr.lines()).filter_map(command).collect();
        let ours: BTreeSet<&str> =
            if format == "github" { BTreeSet::from(["error", "warning"]) } else { BTreeSet::new() };
        assert!(found.is_subset(&ours), "{format}: {found:?}");
        assert_eq!(found.is_empty(), format != "github", "{format}");
    }
    let compared = sandbox.run(&["compare", "base", "head", "--top", "100"]).expect(0);
    assert_eq!(compared.stdout.lines().find_map(command), None);
}
