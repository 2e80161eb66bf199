//! Words that help and documentation do not use, and what to write instead. Code and generated blocks are not checked.

use std::fs;
use std::path::Path;

use regex::Regex;

use crate::sandbox::Sandbox;

/// A word that readers do not know or that means two things, and what to write instead.
const BANNED: [(&str, &str); 20] = [
    (r"\bfolders?\b", "directory"),
    (r"\bunless told\b", "by default, or if available"),
    (r"\bto be had\b", "not available"),
    (r"\bfor want of\b", "skipped"),
    (r"\bleft out for\b", "skipped"),
    (r"\bgoe?s? on with\b", "resume, continue"),
    (r"\bmay be repeated\b", "(repeatable)"),
    (r"\bseveral times\b", "(repeatable)"),
    (r"\bwaste\b", "reclaimable"),
    (r"\bdead bytes\b", "reclaimable"),
    (r"\bsee(n|s)? to\b", "clean up, set up"),
    (r"\bmend(s|ed)?\b", "fix"),
    (r"\bstand-ins?\b", "substitute base image"),
    (r"\bfree of any distribution\b", "95 % confidence interval"),
    (r"\bcame from cache of those\b", "cached/cacheable"),
    (r"\b(is|are) told\b", "says"),
    (r"\bstands? (beside|below|behind)\b", "is next to"),
    (r"\bin its turn\b", "(delete)"),
    (r"\bone row an?\b", "one row per"),
    (r"\b(the|are) claims?\b", "published figure"),
];

/// Prose of a page: no code, no comments of HTML, no generated block.
fn prose(page: &str) -> String {
    let generated = Regex::new(r"(?s)<!-- tonnage:begin -->.*?<!-- tonnage:end -->").unwrap();
    let code = Regex::new(r"(?s)```.*?```|`[^`\n]*`").unwrap();
    code.replace_all(&generated.replace_all(page, ""), "").into_owned()
}

fn check(name: &str, text: &str, found: &mut Vec<String>) {
    for (pattern, better) in BANNED {
        let pattern = Regex::new(&format!("(?i){pattern}")).unwrap();
        for line in text.lines().filter(|line| pattern.is_match(line)) {
            found.push(format!("{name}: write `{better}`: {}", line.trim()));
        }
    }
}

#[test]
fn no_help_and_no_page_has_a_banned_word() {
    let mut found = Vec::new();
    let sandbox = Sandbox::new();
    let mut commands = vec![vec!["--help"]];
    for command in [
        "run",
        "improve",
        "weigh",
        "compare",
        "merge",
        "check",
        "report",
        "trend",
        "init",
        "doctor",
        "clean",
        "completions",
        "man",
    ] {
        commands.push(vec![command, "--help"]);
    }
    commands.extend([
        vec!["baseline", "--help"],
        vec!["baseline", "accept", "--help"],
        vec!["baseline", "verify", "--help"],
    ]);
    for command in commands {
        let help = sandbox.run(&command).expect(0).stdout;
        check(&format!("tonnage {}", command.join(" ")), &help, &mut found);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<_> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile"].map(|page| root.join(page)).into();
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    pages.extend(docs.filter(|page| page.extension().is_some_and(|extension| extension == "md")));
    for page in pages {
        check(&page.display().to_string(), &prose(&fs::read_to_string(&page).unwrap()), &mut found);
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
