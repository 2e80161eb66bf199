//! `tonnage init`: writes a suite for the Dockerfiles found in a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::{Terminal, usage_error};
use crate::error::Failure;
use crate::exit::Exit;
use crate::fsx;
use crate::report;
use crate::suite::MANIFEST_NAME;
use crate::suite::init::{self, InitError};

/// Arguments of `tonnage init`.
#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    /// Directory to search; tonnage.toml is written there
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Name of the suite [default: the directory's name]
    #[arg(long)]
    name: Option<String>,
    /// Overwrite an existing tonnage.toml
    #[arg(long)]
    force: bool,
    /// Print the suite instead of writing it
    #[arg(long)]
    print: bool,
    /// Add tonnage's own files to .dockerignore, so that `docker build` skips them too
    #[arg(long, conflicts_with = "print")]
    dockerignore: bool,
}

/// Runs `tonnage init`.
pub(super) fn run(args: InitArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let path = args.dir.join(MANIFEST_NAME);
    if args.dockerignore && !args.force && path.exists() {
        return add_to_ignore(&init::to_ignore(&args.dir, &fsx::read_text(&path)?)?, terminal);
    }
    if !args.print && !args.force && path.exists() {
        return Err(InitError::Exists { path }.into());
    }
    if let Some(name) = args.name.as_deref().filter(|name| !crate::suite::is_name(name)) {
        return Err(usage_error(
            format!("`{}` cannot be a name", crate::text::for_people(name)),
            "use letters, digits, `.`, `_` and `-`, and begin with a letter or digit",
        ));
    }
    let survey = init::survey(&args.dir)?;
    let text = init::manifest(&args.dir, &survey, args.name.as_deref())?;
    for warning in &survey.warnings {
        terminal.warning(warning);
    }
    if args.print {
        return terminal.finish(&text);
    }
    fsx::write_atomic(&path, text.as_bytes())?;
    let names: Vec<&str> = survey.variants.iter().map(|found| found.name.as_str()).collect();
    terminal.note(&report::wrote_suite(&path, &names));
    let mut lacking = init::to_ignore(&args.dir, &text)?;
    if args.dockerignore {
        add_to_ignore(&lacking, terminal)?;
        lacking.clear();
    }
    for step in report::next_steps(&lacking, &args.dir) {
        terminal.hint(&step);
    }
    Ok(Exit::Done)
}

/// Appends lines to ignore files.
fn add_to_ignore(lacking: &BTreeMap<PathBuf, BTreeSet<String>>, terminal: &Terminal) -> Result<Exit, Failure> {
    if lacking.is_empty() {
        terminal.note("there is nothing to add to `.dockerignore`");
    }
    for (file, lines) in lacking {
        let before = if file.exists() { fsx::read(file)? } else { Vec::new() };
        // A last line without an end would run into the first of ours.
        let gap = if before.is_empty() || before.ends_with(b"\n") { "" } else { "\n" };
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        fsx::append_line(file, &format!("{gap}# Written by tonnage.\n{}", lines.join("\n")))?;
        terminal.note(&report::ignored(&lines, file));
    }
    Ok(Exit::Done)
}
