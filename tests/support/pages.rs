//! Pages of the documentation with real output: a `console` block holds commands, `$ ` before each, and what they print.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Makes what varies from run to run equal.
pub(crate) type Redact = fn(&str) -> String;

/// Runs a command in a directory as a user does, with the program of this build on the path; gives what it prints on
/// standard output: progress and hints are not shown on pages.
fn printed(command: &str, directory: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_tonnage")).parent().unwrap();
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(directory)
        .env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()))
        .env("XDG_STATE_HOME", directory.with_extension("state"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", line.trim_end());
        text
    })
}

/// Runs the commands of a page in a directory, and compares what they print with the page; `TONNAGE_UPDATE_DOCS=1` writes the
/// page instead.
#[track_caller]
pub(crate) fn walk(page: &str, directory: &Path, redact: Redact) {
    const BEGIN: &str = "```console\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(&file).unwrap();
    let mut made = String::new();
    let mut rest = text.as_str();
    let mut commands = 0;
    while let Some((before, block)) = rest.split_once(BEGIN) {
        let (block, after) = block.split_once("```").unwrap();
        made.push_str(before);
        made.push_str(BEGIN);
        for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
            commands += 1;
            let _ = write!(made, "$ {command}\n{}", printed(command, directory));
        }
        made.push_str("```");
        rest = after;
    }
    made.push_str(rest);
    assert!(commands > 0, "{page} has no command");
    if std::env::var_os("TONNAGE_UPDATE_DOCS").is_some_and(|value| value == "1") {
        if redact(&made) != redact(&text) {
            std::fs::write(&file, made).unwrap();
        }
        return;
    }
    for (found, expected) in redact(&made).lines().zip(redact(&text).lines()) {
        assert_eq!(found, expected, "`{page}` shows another output: set TONNAGE_UPDATE_DOCS=1 to write it anew");
    }
    assert_eq!(redact(&made).lines().count(), redact(&text).lines().count(), "{page}");
}
