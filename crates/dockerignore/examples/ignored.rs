//! Lists what a directory's `.dockerignore` keeps out of a build: `cargo run --example ignored -- [DIRECTORY]`.

use std::error::Error;
use std::fs;
use std::path::Path;

use dockerignore::{Client, Ignore, Verdict};

fn main() -> Result<(), Box<dyn Error>> {
    let root = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let root = Path::new(&root);
    let text = fs::read(root.join(".dockerignore")).unwrap_or_default();
    let ignore = Ignore::parse(&text)?;
    let mut ignored = Vec::new();
    walk(root, "", &ignore, &Verdict::default(), &mut ignored)?;
    ignored.sort();
    writeln(&ignored)
}

fn walk(root: &Path, below: &str, ignore: &Ignore, parent: &Verdict, ignored: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let verdict = ignore.verdict(&path, parent);
        let directory = entry.file_type()?.is_dir();
        if verdict.is_ignored() {
            ignored.push(if directory { format!("{path}/") } else { path.clone() });
        }
        if directory && (!verdict.is_ignored() || ignore.may_reinclude_below(&path, Client::BuildKit)) {
            walk(root, &path, ignore, &verdict, ignored)?;
        }
    }
    Ok(())
}

fn writeln(lines: &[String]) -> Result<(), Box<dyn Error>> {
    use std::io::Write as _;

    let mut out = std::io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
