//! A format and the file it goes to.

use std::path::PathBuf;

use strum::VariantNames as _;

use crate::report::GateFormat;

/// A format and the file it goes to.
#[derive(Debug, Clone)]
pub(super) struct Output {
    /// How it is written.
    pub format: GateFormat,
    /// Where to.
    pub file: PathBuf,
}

/// Reads `markdown=gate.md`.
pub(super) fn parse_output(text: &str) -> Result<Output, String> {
    let (format, file) =
        text.split_once('=').ok_or_else(|| "write FORMAT=FILE, such as `markdown=gate.md`".to_owned())?;
    if file.is_empty() {
        return Err("expected a file name after `=`".to_owned());
    }
    let known = || format!("`{format}` is none of {}", GateFormat::VARIANTS.join(", "));
    Ok(Output { format: format.parse().map_err(|_| known())?, file: file.into() })
}
