//! What a suite may read besides its repository, and how that is written again.

use std::path::PathBuf;

/// What a suite may read besides its repository.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct AllowArgs {
    /// Let the suite use this file or directory outside its repository (repeatable)
    #[arg(long = "allow-outside", value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    pub(super) allow_outside: Vec<PathBuf>,
}

impl AllowArgs {
    /// The arguments again, each with a space in front.
    pub(super) fn again(&self) -> String {
        self.allow_outside
            .iter()
            .flat_map(|path| [" --allow-outside=".to_owned(), for_shell(&path.to_string_lossy())])
            .collect()
    }
}

/// A text as one word of a shell's command line, behind a `=`.
pub(super) fn for_shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
