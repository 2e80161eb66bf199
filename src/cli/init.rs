//! `tonnage init`: writes a suite for the Dockerfiles found in a folder.

use std::path::PathBuf;

use super::Terminal;
use crate::error::Failure;
use crate::exit::Exit;
use crate::fsx;
use crate::suite::MANIFEST_NAME;
use crate::suite::init::{self, InitError};

/// Arguments of `tonnage init`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder to look through; the suite is written there
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Name of the suite [default: the folder's name]
    #[arg(long)]
    name: Option<String>,
    /// Overwrite a suite that is there already
    #[arg(long)]
    force: bool,
    /// Write the suite to standard output and nothing to disk
    #[arg(long)]
    print: bool,
}

/// Runs `tonnage init`.
pub fn run(args: Args, terminal: &Terminal) -> Result<Exit, Failure> {
    let path = args.dir.join(MANIFEST_NAME);
    if !args.print && !args.force && path.exists() {
        return Err(InitError::Exists { path }.into());
    }
    if let Some(name) = args.name.as_deref().filter(|name| !crate::suite::is_name(name)) {
        return Err(Failure::new(
            Exit::Usage,
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
        terminal.out(&text)?;
        return Ok(Exit::Done);
    }
    fsx::write_atomic(&path, text.as_bytes())?;
    let names: Vec<&str> = survey.variants.iter().map(|found| found.name.as_str()).collect();
    let plural = if names.len() == 1 { "variant" } else { "variants" };
    terminal.note(&format!("wrote `{}` with {} {plural}: {}", path.display(), names.len(), names.join(", ")));
    terminal.hint(&format!("look it over, then `tonnage run {}`", args.dir.display()));
    Ok(Exit::Done)
}
