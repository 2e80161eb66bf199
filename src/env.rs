//! Every environment variable that tonnage reads, but for those of clap's flags (`--help` names them), the terminal
//! (`NO_COLOR`, `COLUMNS`) and the engine's address (`engine::endpoint`).

use std::path::PathBuf;

/// Folder of the ledgers: `$XDG_STATE_HOME/tonnage`, else `~/.local/state/tonnage` (XDG Base Directory
/// Specification 0.8), else a folder for this user under the system's temporary one.
pub(crate) fn state_folder() -> PathBuf {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(state) = absolute("XDG_STATE_HOME") {
        return state.join("tonnage");
    }
    if let Some(home) = absolute("HOME") {
        return home.join(".local/state/tonnage");
    }
    std::env::temp_dir().join(format!("tonnage-{}", rustix::process::getuid().as_raw()))
}

/// Folder of the checkouts of `--against`, so that `tonnage clean` finds those of runs that were killed.
pub(crate) fn checkouts() -> PathBuf {
    state_folder().join("checkouts")
}

/// The job's summary page under GitHub Actions: `$GITHUB_STEP_SUMMARY`, a file that Markdown is appended to.
pub(crate) fn step_summary() -> Option<PathBuf> {
    std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()).map(PathBuf::from)
}
