//! `tonnage --version --verbose`.

use crate::record::{FORMAT_VERSION, METRICS_VERSION};

/// Whether `--verbose` is among the arguments of the process. `--version` ends the parsing before it may be seen.
pub(super) fn wants_more() -> bool {
    std::env::args_os().skip(1).any(|argument| argument == "--verbose")
}

/// What a bug report needs: one fact per line.
pub(super) fn verbose() -> String {
    // Set by scripts/dist.sh; a build from a package of sources does not know it.
    let commit = option_env!("TONNAGE_COMMIT").filter(|commit| !commit.is_empty()).unwrap_or("unknown");
    let features = if cfg!(feature = "testing") { "testing" } else { "none" };
    format!(
        "tonnage {}\ncommit: {commit}\ntarget: {}\nfeatures: {features}\nrecord format: {FORMAT_VERSION}\n\
         metric definitions: {METRICS_VERSION}\n",
        env!("CARGO_PKG_VERSION"),
        env!("TONNAGE_TARGET"),
    )
}
