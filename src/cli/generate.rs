//! `tonnage completions` and `tonnage man`: made from the command line's own definitions.

use clap_complete::Shell;

use super::{Terminal, usage_error};
use crate::error::Failure;
use crate::exit::Exit;

/// Arguments of `tonnage completions`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// Shell to generate the script for
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `tonnage man`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Subcommand to print the page of [default: tonnage itself]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

/// Runs `tonnage completions`.
pub(super) fn completions(
    args: CompletionsArgs,
    mut command: clap::Command,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "tonnage", &mut script);
    terminal.finish(&String::from_utf8_lossy(&script))
}

/// Runs `tonnage man`.
pub(super) fn man(args: ManArgs, mut command: clap::Command, terminal: &Terminal) -> Result<Exit, Failure> {
    command.build();
    let page = match &args.command {
        None => Some(&command),
        Some(name) => command.find_subcommand(name),
    };
    let Some(page) = page else {
        let message = format!("there is no command `{}`", args.command.unwrap_or_default());
        return Err(usage_error(message, "`tonnage --help` lists them"));
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page.clone())
        .render(&mut text)
        .map_err(|error| Failure::new(Exit::Bug, format!("failed to write the page: {error}"), "report this"))?;
    terminal.finish(&String::from_utf8_lossy(&text))
}
